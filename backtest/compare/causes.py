"""The causes a difference in profit can have, and one share of it with its cause and its evidence."""

from enum import StrEnum
from typing import Final

from backtest.compare.parts import Part
from domain.record import Record


class Cause(StrEnum):
    """Why two runs earned differently; docs/compare.md says how each is told from the record."""

    DATA = "data"
    MISSED_TICK = "missed tick"
    SPAN = "span"
    FEATURE = "feature"
    THRESHOLD = "threshold"
    DESK_STATE = "desk state"
    GATE = "gate"
    RISK = "risk"
    VENUE = "venue"
    FILL_PRICE = "fill price"
    FEE = "fee"
    FUNDING = "funding"
    OPEN_AT_END = "open at the end"


class Blame(Record, frozen=True, kw_only=True):
    """A cause as found. rule: the risk rule, "" elsewhere. is_knock_on: an earlier difference of this cause led here.

    why: what the record shows, in a few words.
    """

    cause: Cause
    why: str
    rule: str = ""
    is_knock_on: bool = False

    def knocked_on(self, why: str) -> "Blame":
        """Return the blame of a consequence of this."""
        return Blame(cause=self.cause, rule=self.rule, why=why, is_knock_on=True)


class Share(Record, frozen=True, kw_only=True):
    """A part of one trade's difference with its cause. microusd: what it adds to net(B) - net(A).

    tick_a, tick_b: the tick of the entry's decision in each run; None where the run has no row for the minute.
    """

    symbol: str
    side: int
    decided_ms: int
    tick_a: int | None
    tick_b: int | None
    part: Part
    microusd: int
    blame: Blame


FEATURE_KNOBS: Final = ("FEATURE_", "REGIME_")
STRATEGY_KNOBS: Final = ("E3_", "FUNDING_FADE_", "STRATEGIES", "EXIT_")
EXIT_KNOBS: Final = ("EXIT_",)
SIZE_KNOBS: Final = ("RISK_", "SIZING_")
FILL_KNOBS: Final = ("PAPER_",)

KNOBS_OF_RULE: Final = {
    "snapshot_is_fresh": ("RISK_MAX_SNAPSHOT_AGE_S",),
    "mark_agrees_with_oracle": ("RISK_MAX_MARK_ORACLE_GAP_BPS",),
    "spread_is_tight": ("RISK_MAX_SPREAD_BPS",),
    "day_loss_within_cap": ("RISK_MAX_DAILY_LOSS_PCT",),
    "drawdown_within_limit": ("RISK_MAX_DRAWDOWN_PCT",),
    "no_losing_streak": ("RISK_MAX_CONSECUTIVE_LOSSES",),
    "cooled_down": ("RISK_COOLDOWN_AFTER_TRADE_S", "RISK_COOLDOWN_AFTER_LOSS_S"),
    "open_positions_within_limit": ("RISK_MAX_OPEN_POSITIONS",),
    "order_rate_within_limit": ("RISK_MAX_ORDERS_PER_MINUTE",),
    "own_record_has_an_edge": ("SIZING_KELLY_MIN_TRADES", "SIZING_KELLY_FRACTION"),
    "symbol_is_free": (),
}
"""The settings each entry rule reads. A rule of the size reads any of SIZE_KNOBS."""

RULES_OF_THE_MINUTE: Final = frozenset({"snapshot_is_fresh", "mark_agrees_with_oracle", "spread_is_tight"})
"""Entry rules that judge what was seen; all others judge what the desk holds or has lived through."""
