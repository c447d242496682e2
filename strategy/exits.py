"""How every position is left: the rules that make its exit plan at entry."""

from functools import cached_property

from domain.decisions import ExitPlan
from domain.features import Feature, Features
from domain.record import Record

WIDEST_STOP_FRAC = 0.5


class ExitRules(Record, frozen=True, kw_only=True, dict=True, gc=True):
    """The knobs of the exits. Fractions are of the entry price.

    stop_atr: when above 0 the stop stands this many ATRs away instead of `stop_frac`. trail_frac: 0 = no
    trailing stop. partial_at_r: 0 = no partial exit; else `partial_frac` of the size is sold at this many R.
    max_hold_bars: minutes after which the position is closed whatever it does.
    """

    stop_frac: float = 0.01
    stop_atr: float = 0.0
    target_frac: float = 0.02
    trail_frac: float = 0.005
    trail_arm_frac: float = 0.005
    partial_at_r: float = 0.0
    partial_frac: float = 0.5
    max_hold_bars: int = 240

    def __post_init__(self) -> None:
        """Refuse rules that could not make a plan: the plan's own checks are asked."""
        if self.stop_atr < 0.0:
            raise ValueError(f"stop_atr {self.stop_atr} is negative")
        self._plan(self.stop_frac)

    def plan(self, features: Features, reference_price: float) -> ExitPlan:
        """Return the exit plan of an entry decided at `reference_price` on these features."""
        if self.stop_atr == 0.0:
            return self._fixed_plan
        atr_price = features.value(Feature.ATR_PRICE)
        stop_frac = self.stop_atr * atr_price / reference_price if atr_price else self.stop_frac
        return self._plan(min(stop_frac, WIDEST_STOP_FRAC))

    @cached_property
    def _fixed_plan(self) -> ExitPlan:
        return self._plan(self.stop_frac)

    def _plan(self, stop_frac: float) -> ExitPlan:
        return ExitPlan(
            stop_frac=stop_frac,
            target_frac=self.target_frac,
            trail_frac=self.trail_frac,
            trail_arm_frac=self.trail_arm_frac,
            partial_at_r=self.partial_at_r,
            partial_frac=self.partial_frac if self.partial_at_r > 0.0 else 0.0,
            max_hold_bars=self.max_hold_bars,
        )
