"""The grid of a sweep: which knobs take which values, and the combination behind each number."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from backtest.outcome import IntArray
from domain.errors import BadInput
from domain.record import Record

# Which knobs decide what: a change in one layer leaves what the layers above it computed standing.
FEATURES, SIGNALS, TERMS = range(3)
_LAYER_OF: Final[Mapping[str, int]] = {
    "FEATURE_": FEATURES,
    "REGIME_SWITCH": SIGNALS,
    "REGIME_": FEATURES,
    "E3_": SIGNALS,
    "FUNDING_FADE_": SIGNALS,
    "STRATEGIES": SIGNALS,
    "EXIT_": TERMS,
    "RISK_": TERMS,
    "SIZING_": TERMS,
    "ALLOCATION_": TERMS,
    "DEPLOYMENT_": TERMS,
    "PAPER_": TERMS,
}
_MOST_COMBINATIONS: Final = 10**12


class Grid(Record, frozen=True, kw_only=True, gc=True):
    """The values of each swept knob, as `.env` writes them. Combinations are numbered, the last knob fastest."""

    values: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        """Refuse a grid of nothing and one that nobody could number."""
        if not self.values or any(not listed for listed in self.values.values()):
            raise ValueError("a grid needs at least one knob, and every knob at least one value")
        if self.n_combinations > _MOST_COMBINATIONS:
            raise ValueError(f"{self.n_combinations:,} combinations are more than can be numbered")

    @property
    def n_combinations(self) -> int:
        """How many combinations the full grid has."""
        return math.prod(len(listed) for listed in self.values.values())

    def combination(self, number: int) -> dict[str, str]:
        """Return the knobs of one combination, by its number in [0, n_combinations)."""
        chosen: dict[str, str] = {}
        for name in reversed(tuple(self.values)):
            number, place = divmod(number, len(self.values[name]))
            chosen[name] = self.values[name][place]
        return {name: chosen[name] for name in self.values}

    def places_of(self, name: str, numbers: IntArray) -> IntArray:
        """Return which of a knob's values each of these combinations has, shape (n,)."""
        names = tuple(self.values)
        n_faster = math.prod(len(self.values[one]) for one in names[names.index(name) + 1 :])
        return numbers // n_faster % len(self.values[name])

    def sample(self, n_wanted: int | None, seed: int) -> IntArray:
        """Return rising numbers of combinations: all of them, or `n_wanted` drawn without repetition from the seed."""
        if n_wanted is None or n_wanted >= self.n_combinations:
            return np.arange(self.n_combinations, dtype=np.int64)
        drawn = np.random.default_rng(seed).choice(self.n_combinations, size=n_wanted, replace=False, shuffle=False)
        return np.sort(drawn.astype(np.int64))


def layer_of(name: str) -> int:
    """Return the layer a knob decides in. Raises BadInput for one that a sweep cannot turn."""
    for prefix, layer in _LAYER_OF.items():
        if name.startswith(prefix):
            return layer
    raise BadInput(f"{name} cannot be swept; a grid may turn {', '.join(prefix + '*' for prefix in _LAYER_OF)}")


def read_grid(path: Path) -> Grid:
    """Read a grid from a JSON file: an object of knob names, each with a list of values.

    Raises BadInput for a file that cannot be read or is no grid, naming the knob at fault.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"the grid {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"the grid {path} is not JSON: {error}") from error
    if not isinstance(told, dict) or not told:
        raise BadInput(f'the grid {path} must be an object such as {{"E3_VOLUME_Z": [2, 2.5, 3]}}')
    return Grid(values={name: _listed(path, name, listed) for name, listed in told.items()})


def _listed(path: Path, name: str, listed: Any) -> tuple[str, ...]:
    layer_of(name)
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise BadInput(f"{name} in the grid {path} needs a list with at least one value, not {json.dumps(listed)}")
    words = tuple(value if isinstance(value, str) else json.dumps(value) for value in listed)
    if len(set(words)) < len(words):
        raise BadInput(f"{name} in the grid {path} lists a value twice: {', '.join(words)}")
    return words
