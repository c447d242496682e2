"""The words of every notice: pure functions of the journal's rows."""

from collections.abc import Mapping
from typing import Final

from db.day import DayFigures
from db.noted import NotedEvent, NotedFill, NotedRefusal, NotedTrade
from domain.instrument import Instrument
from notices.notice import Notice, Severity, shortened
from notices.stating import instant_text, money_text, price_text, size_text

Instruments = Mapping[str, Instrument]

BREAKERS: Final = frozenset({"day_loss_within_cap", "drawdown_within_limit", "no_losing_streak"})
"""The rules whose no means: no new risk for hours, or for the rest of the run."""

SILENT: Final = frozenset(
    {
        *("minute_at_hand", "gate_answered", "gate_ready", "back_fill", "odd_bars", "book_resync"),
        *("venue_opened", "execution"),
    }
)
"""Bookkeeping: on record, and nothing a human has to do about it."""

_CRITICAL: Final = {
    "halt": "the desk halted",
    "books_disagree": "books and venue disagree",
    "reconcile_failed": "books and venue could not be compared",
    "venue_lost": "the venue cannot be reached",
    "broker_halted": "the broker takes no orders that add risk",
    "protection_gone": "a position's stop or target is gone at the venue",
    "protection_refused": "the venue refused a position's stop or target",
}
_INFO: Final = {
    "started": "run begun",
    "finished": "run finished",
    "stopped": "desk stopped",
    "recovered": "desk recovered",
    "active": "desk active",
    "journal_back": "the journal can be written again",
    "stream_back": "a stream of the feed is back",
    "broker_back": "the broker can be reached again",
    "venue_back": "the venue can be reached again",
    "partly_filled": "an order was filled in part",
    "leftover_cancelled": "an order of an earlier process was cancelled",
}
# Any other kind is a warning in its own name: what nobody foresaw here is better told than lost.
_WARNING: Final = {
    "journal_lost": "the journal cannot be written; only exits run",
    "stream_lost": "a stream of the feed was lost",
    "stream_silent": "the feed is silent",
    "line_closed": "a line of the feed was closed",
    "message_unreadable": "a message of the feed could not be read",
    "venue_time_unknown": "the exchange's clock could not be read",
    "broker_close": "the broker could not be let go of in good order",
    "question_lost": "the exchange did not answer",
    "tick_missed": "no minute came",
    "tick_overran": "a minute took too long",
    "late_tick": "a minute came late",
    "clock_went_back": "the machine's clock went back",
    "clock_skew": "the clocks are apart",
    "gate_unfit": "the gate is not fit",
    "gate_unproven": "the gate is not proven",
    "switch": "a human used the switch",
    "stop_by_market": "a position is left by a market order",
    "broker_lost": "the broker cannot be reached",
    "order_unanswered": "the venue did not answer an order",
}
KNOWN: Final = SILENT | {*_CRITICAL, *_INFO, *_WARNING}
"""Every kind of event somebody has decided about."""
_WITHOUT_DETAIL: Final = frozenset({"started", "finished"})


def of_event(run_id: str, event: NotedEvent) -> Notice | None:
    """Return what to tell of an event; None where it is bookkeeping."""
    kind = event.kind
    if kind in SILENT:
        return None
    if kind in _CRITICAL:
        severity, said = Severity.CRITICAL, _CRITICAL[kind]
    elif kind in _INFO:
        severity, said = Severity.INFO, _INFO[kind]
    else:
        severity, said = Severity.WARNING, _WARNING.get(kind, kind.replace("_", " "))
    detail = "" if kind in _WITHOUT_DETAIL else f": {event.detail}"
    return Notice(
        severity=severity,
        group=f"{run_id} {kind}",
        text=shortened(f"{run_id}: {said}{detail}"),
        at_ms=event.at_ms,
    )


def of_fill(run_id: str, fill: NotedFill, instruments: Instruments) -> Notice:
    """Return what to tell of an execution."""
    grid = instruments.get(fill.symbol)
    deed = "bought" if fill.side > 0 else "sold"
    why = "entry" if fill.exit_reason is None else f"exit, {fill.exit_reason.replace('_', ' ')}"
    text = (
        f"{run_id}: {fill.symbol} {deed} {size_text(grid, fill.size_lots)} at {price_text(grid, fill.price_ticks)} "
        f"({why}), fee {money_text(fill.fee_microusd)}"
    )
    return Notice(
        severity=Severity.INFO, group=f"{run_id} fill {fill.symbol}", text=shortened(text), at_ms=fill.filled_ms
    )


def of_trade(run_id: str, trade: NotedTrade, instruments: Instruments) -> Notice:
    """Return what to tell of a closed trade."""
    grid = instruments.get(trade.symbol)
    side = "long" if trade.side > 0 else "short"
    prices = f"{price_text(grid, trade.entry_ticks)} to {price_text(grid, trade.exit_ticks)}"
    text = (
        f"{run_id}: {trade.symbol} {side} {size_text(grid, trade.size_lots)} closed "
        f"({trade.exit_reason.replace('_', ' ')}), "
        f"{prices}, net {money_text(trade.net_microusd, is_signed=True)} "
        f"after fees {money_text(trade.fees_microusd)} and funding {money_text(trade.funding_microusd, is_signed=True)}"
    )
    return Notice(
        severity=Severity.INFO, group=f"{run_id} trade {trade.symbol}", text=shortened(text), at_ms=trade.closed_ms
    )


def of_breaker(run_id: str, refusal: NotedRefusal) -> Notice:
    """Return what to tell when a breaker refuses for the first time on a day."""
    text = f"{run_id}: no new risk, {refusal.rule.replace('_', ' ')} says no ({refusal.symbol}): {refusal.reason}"
    return Notice(
        severity=Severity.WARNING,
        group=f"{run_id} breaker {refusal.rule}",
        text=shortened(text),
        at_ms=refusal.as_of_ms,
    )


def of_day(figures: tuple[DayFigures, ...], start_ms: int, end_ms: int) -> Notice:
    """Return the summary of a day: one paragraph a run, or that none took a minute."""
    head = f"{instant_text(start_ms)} to {instant_text(end_ms)}"
    parts = [_day_of(one) for one in figures] or ["No desk took a minute."]
    return Notice(severity=Severity.SUMMARY, group=f"day {end_ms}", text="\n".join((head, *parts)), at_ms=end_ms)


def _day_of(day: DayFigures) -> str:
    market = " (simulated market)" if day.is_simulated else ""
    refusals = ", ".join(f"{rule} {count}" for rule, count in day.refusals) or "none"
    return (
        f"{day.run_id}{market}: equity {money_text(day.equity_microusd)}, "
        f"net {money_text(day.net_microusd, is_signed=True)}, "
        f"{day.n_trades} trades closed, {day.n_won} of them won, {day.n_fills} fills, "
        f"fees {money_text(day.fees_microusd)}, "
        f"deepest fall {day.max_drawdown_frac * 100:.2f} %, {day.n_ticks} ticks. Refusals: {refusals}."
    )
