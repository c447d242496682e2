"""Every strategy the desk knows. A new one is its own file and one line here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.errors import BadInput
from domain.record import Record
from strategy.e3 import E3, E3Thresholds
from strategy.funding_fade import FundingFade, FundingFadeThresholds
from strategy.rules import Strategy

STRATEGIES: Final[Mapping[str, tuple[Callable[[Any], Strategy], type[Record]]]] = {
    "e3": (E3, E3Thresholds),
    "funding_fade": (FundingFade, FundingFadeThresholds),
}


def build_strategies(names: tuple[str, ...], thresholds: Mapping[str, Record]) -> tuple[Strategy, ...]:
    """Build the named strategies, in order. thresholds: by name; a strategy not in it runs on its defaults.

    Raises BadInput for a name nobody has registered.
    """
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown:
        raise BadInput(f"STRATEGIES names {', '.join(unknown)}; known are {', '.join(STRATEGIES)}")
    chosen = [(name, *STRATEGIES[name]) for name in names]
    return tuple(make(thresholds.get(name) or default_thresholds()) for name, make, default_thresholds in chosen)
