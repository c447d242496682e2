"""What a path may meet that the run did not: dearer fills, late and missed entries, gaps through stops, outages."""

import math
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from domain.errors import BadInput
from domain.record import Record

MAX_LATE_BARS: Final = 60


def _require(shocks: "Shocks", name: str, least: float, most: float) -> None:
    value = getattr(shocks, name)
    if not least <= value <= most:
        raise ValueError(f"{name} {value} is outside [{least}, {most}]")


class Shocks(Record, frozen=True, kw_only=True):
    """The odds. Every default is an assumption, none was estimated (docs/montecarlo.md); a shock at 0 is off.

    slippage_factor: median of the log-normal factor on the recorded slippage. slippage_sigma: standard deviation of
    its logarithm, one half of the variance shared by the whole path, the other drawn for each trade.
    fee_tier_shift: the path's fee tier is drawn evenly from so many tiers below to so many above the recorded one.
    late_frac: share of entries that come late, by a number of bars drawn evenly from 1 to late_max_bars.
    missed_frac: share of entries that never fill.
    gap_frac: share of stops that fill worse than their level, by |Student-t| with gap_degrees degrees of freedom
    times gap_scale times the standard deviation of the symbol's one-minute returns.
    outages_per_day: spans per day in which the desk is blind; outage_minutes: their mean length, exponential.
    """

    slippage_factor: float = 1.0
    slippage_sigma: float = 0.5
    fee_tier_shift: int = 1
    late_frac: float = 0.05
    late_max_bars: int = 3
    missed_frac: float = 0.02
    gap_frac: float = 0.05
    gap_scale: float = 1.0
    gap_degrees: float = 3.0
    outages_per_day: float = 0.1
    outage_minutes: float = 20.0

    def __post_init__(self) -> None:
        """Refuse odds that are none. A NaN fails every comparison and is refused too."""
        for name in ("late_frac", "missed_frac", "gap_frac"):
            _require(self, name, 0.0, 1.0)
        for name, most in (("slippage_factor", 100.0), ("slippage_sigma", 5.0), ("gap_scale", 1000.0)):
            _require(self, name, 0.0, most)
        _require(self, "fee_tier_shift", 0, 5)
        _require(self, "late_max_bars", 1, MAX_LATE_BARS)
        _require(self, "gap_degrees", 0.5, 100.0)
        _require(self, "outages_per_day", 0.0, 1440.0)
        _require(self, "outage_minutes", 0.1, 100_000.0)

    @property
    def needs_bars(self) -> bool:
        """Say whether some shock is read off the recorded prices."""
        return self.late_frac > 0.0 or self.gap_frac * self.gap_scale > 0.0 or self.outages_per_day > 0.0

    @property
    def mean_slippage_factor(self) -> float:
        """Mean of the factor on the recorded slippage."""
        return self.slippage_factor * math.exp(self.slippage_sigma**2 / 2.0)


NO_SHOCKS: Final = Shocks(
    slippage_factor=1.0,
    slippage_sigma=0.0,
    fee_tier_shift=0,
    late_frac=0.0,
    missed_frac=0.0,
    gap_frac=0.0,
    outages_per_day=0.0,
)


def shocks_with(overrides: Iterable[str]) -> Shocks:
    """Return the default shocks with some changed. overrides: NAME=VALUE, or "none" first to start from no shock.

    Raises BadInput naming what is wrong and what is allowed.
    """
    given = list(overrides)
    start = NO_SHOCKS if given[:1] == ["none"] else Shocks()
    changes: dict[str, Any] = {}
    for pair in given[1:] if start is NO_SHOCKS else given:
        name, sign, value = pair.partition("=")
        if not sign or name not in Shocks.__struct_fields__:
            allowed = ", ".join(Shocks.__struct_fields__)
            raise BadInput(f"--shock {pair} is not NAME=VALUE; the names are {allowed}, and `none` first turns all off")
        changes[name] = value
    try:
        return msgspec.convert({**msgspec.to_builtins(start), **changes}, Shocks, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"--shock {' '.join(given)}: {_in_words(error)}") from error


def _in_words(error: msgspec.ValidationError) -> str:
    return str(error).replace("`", "").replace(" - at $.", ", given for ")
