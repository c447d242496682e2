"""The space of a search: which knobs may take which values, read from a JSON file and refused by name where wrong."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from backtest.parts import PartsOf
from backtest.sweep.grid import Grid, layer_of
from backtest.sweep.plan import refuse_hopeless
from domain.errors import BadInput
from domain.record import Record

_KEYS: Final = {"low", "high", "step", "log"}
_EXAMPLE: Final = '{"E3_VOLUME_Z": {"low": 1, "high": 4, "step": 0.25}, "EXIT_STOP_ATR": [0, 2, 3]}'
_ROUNDING: Final = 1e-9
# A third of the way in: where a range of whole numbers would show that it has no room for fractions.
_INSIDE: Final = 0.37


class Range(Record, frozen=True, kw_only=True):
    """Numbers from low to high, both allowed. step: None for any number between. is_log: drawn by their logarithm."""

    low: float
    high: float
    step: float | None = None
    is_log: bool = False
    is_whole: bool = False

    def __post_init__(self) -> None:
        """Refuse a range without room, and steps that miss its end."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low >= self.high:
            raise ValueError(f"low {_word(self.low)} must be below high {_word(self.high)}")
        if self.is_log and (self.low <= 0.0 or (self.step is not None and not self.is_whole)):
            raise ValueError("a range with log needs a low above 0 and no step")
        if self.step is None:
            return
        n_steps = (self.high - self.low) / self.step if self.step > 0.0 else 0.0
        if n_steps < 1.0 - _ROUNDING or abs(n_steps - round(n_steps)) > _ROUNDING * n_steps:
            raise ValueError(f"step {_word(self.step)} does not lead from {_word(self.low)} to {_word(self.high)}")

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna knows it."""
        if self.is_whole:
            step = 1 if self.is_log else int(self.step or 1)
            return IntDistribution(int(self.low), int(self.high), log=self.is_log, step=step)
        return FloatDistribution(self.low, self.high, log=self.is_log, step=self.step)

    def samples(self) -> tuple[str, ...]:
        """Return words for both ends and, where fractions may be drawn, one between."""
        inside = () if self.is_whole or self.step is not None else (self.low + _INSIDE * (self.high - self.low),)
        steps = () if self.step is None else (self.low + self.step,)
        return tuple(dict.fromkeys(_word(one) for one in (self.low, *inside, *steps, self.high)))


class Space(Record, frozen=True, kw_only=True, gc=True):
    """What each searched knob may be: a range, or choices as `.env` writes them."""

    knobs: Mapping[str, Range | tuple[str, ...]]

    def __post_init__(self) -> None:
        """Refuse a space of nothing."""
        if not self.knobs:
            raise ValueError("a space needs at least one knob")

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return every knob as Optuna knows it."""
        return {
            name: one.distribution() if isinstance(one, Range) else CategoricalDistribution(one)
            for name, one in self.knobs.items()
        }

    def words(self, drawn: Mapping[str, Any]) -> dict[str, str]:
        """Return drawn values as `.env` writes them, in the order of the space."""
        return {name: _word(drawn[name]) for name in self.knobs}

    def samples(self) -> Grid:
        """Return the ends of the ranges and all choices, as a grid."""
        return Grid(values={name: one.samples() if isinstance(one, Range) else one for name, one in self.knobs.items()})

    def refuse_hopeless(self, parts_of: PartsOf) -> None:
        """Raise BadInput for an end or a choice that no setting allows."""
        refuse_hopeless(self.samples(), parts_of)

    def told(self) -> dict[str, Any]:
        """Return it as plain values, by which two spaces can be told apart."""
        return {
            name: [one.low, one.high, one.step, one.is_log] if isinstance(one, Range) else list(one)
            for name, one in self.knobs.items()
        }


def read_space(path: Path) -> Space:
    """Read a space from a JSON file. Raises BadInput for a file that is none, naming the knob at fault."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"the space {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"the space {path} is not JSON: {error}") from error
    if not isinstance(told, dict) or not told:
        raise BadInput(f"the space {path} must be an object such as {_EXAMPLE}")
    return Space(knobs={name: _knob(path, name, value) for name, value in told.items()})


def _knob(path: Path, name: str, told: Any) -> Range | tuple[str, ...]:
    layer_of(name)
    where = f"{name} in the space {path}"
    if isinstance(told, list) and told:
        words = tuple(value if isinstance(value, str) else json.dumps(value) for value in told)
        if len(set(words)) < len(words):
            raise BadInput(f"{where} lists a value twice: {', '.join(words)}")
        return words
    if not isinstance(told, dict) or not {"low", "high"} <= told.keys() <= _KEYS:
        raise BadInput(f"{where} needs a list of choices or low and high (and step or log), not {json.dumps(told)}")
    if any(not _is_number(told[key]) for key in ("low", "high", "step") if key in told):
        raise BadInput(f"{where} needs numbers for low, high and step, not {json.dumps(told)}")
    if not isinstance(told.get("log", False), bool):
        raise BadInput(f"{where} needs true or false for log, not {json.dumps(told['log'])}")
    return _range(where, told)


def _range(where: str, told: Mapping[str, Any]) -> Range:
    numbers = [told[key] for key in ("low", "high", "step") if key in told]
    is_whole = all(isinstance(one, int) for one in numbers)
    is_log = told.get("log", False)
    try:
        return Range(
            low=float(told["low"]),
            high=float(told["high"]),
            step=float(told["step"]) if "step" in told else None,
            is_log=is_log,
            is_whole=is_whole,
        )
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(value: Any) -> str:
    """Write a drawn value without the rounding that adding up steps leaves behind."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.8g}"
