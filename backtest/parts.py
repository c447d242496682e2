"""What one set of settings makes of a run: the records every part is built with, without the parts."""

from collections.abc import Callable, Mapping

from backtest.compiled.terms import Rules
from domain.record import Record
from indicators.features import FeatureWindows
from indicators.regime import RegimeThresholds
from strategy.registry import build_strategies
from strategy.rules import Strategy


class Parts(Record, frozen=True, kw_only=True):
    """One parameter set. strategies: names in order; thresholds: by strategy name. rules: exits, caps, sizes, venue."""

    windows: FeatureWindows
    regimes: RegimeThresholds
    strategies: tuple[str, ...]
    thresholds: Mapping[str, Record]
    rules: Rules

    def built(self) -> tuple[Strategy, ...]:
        """Build the strategies. Raises BadInput for a name nobody has registered."""
        return build_strategies(self.strategies, self.thresholds)


PartsOf = Callable[[Mapping[str, str]], Parts]
"""Settings with some knobs overridden, as parts. Raises BadInput naming the knob, the value and what is allowed."""
