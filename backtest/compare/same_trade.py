"""Why the same trade went differently in two runs: its entry price, its exits, and what was seen on the way."""

from typing import Final

from backtest.compare.alignment import Kind
from backtest.compare.causes import EXIT_KNOBS, FEATURE_KNOBS, FILL_KNOBS, STRATEGY_KNOBS, Blame, Cause
from backtest.compare.journeys import Journey
from backtest.compare.pairs import Evidence

_BY_STRATEGY: Final = "strategy"


def entry_blame(evidence: Evidence, a: Journey, b: Journey) -> Blame:
    """Say why one order filled at two prices."""
    alignment, symbol = evidence.alignment, a.symbol
    until_ms = max(a.entered_as_of_ms, b.entered_as_of_ms)
    if a.entered_as_of_ms != b.entered_as_of_ms:
        missing_ms = alignment.first(Kind.MISSING, symbol, a.decided_ms, until_ms)
        if missing_ms is not None:
            return Blame(cause=Cause.MISSED_TICK, why="a run lacks the minute in which the other was filled")
        return Blame(cause=Cause.FILL_PRICE, why="the entry was filled in another minute")
    if alignment.has(Kind.BAR, symbol, until_ms):
        return Blame(cause=Cause.DATA, why="the bar that filled the entry differs")
    if alignment.has(Kind.DATA, symbol, until_ms) and not evidence.has_changed(FILL_KNOBS):
        return Blame(cause=Cause.DATA, why="what was seen of the market at the entry's fill differs")
    return Blame(cause=Cause.FILL_PRICE, why="the same bar filled the entry at another price")


def exit_blame(evidence: Evidence, a: Journey, b: Journey) -> Blame:
    """Say why one position was left at two prices, at two times or for two reasons: the first thing that differed."""
    over = _one_was_over(evidence, a, b)
    if over is not None:
        return over
    plan = _other_plan(evidence, a, b)
    if plan is not None:
        return plan
    seen = _seen_otherwise(evidence, a, b)
    if seen is not None:
        return seen
    if a.entry_price_microusd_per_lot != b.entry_price_microusd_per_lot and not _is_by_strategy(a, b):
        blame = entry_blame(evidence, a, b)
        return Blame(cause=blame.cause, why=f"stop and target stand elsewhere: {blame.why}")
    return _other_way(evidence, a, b)


def features_blame(evidence: Evidence, symbol: str, at_ms: int) -> Blame:
    """Say why the figures of a minute differ: by what was seen then or before, by their windows, or by the code."""
    alignment = evidence.alignment
    if alignment.has(Kind.BAR, symbol, at_ms) or alignment.has(Kind.DATA, symbol, at_ms):
        return Blame(cause=Cause.DATA, why="what was seen of the minute differs")
    if evidence.has_changed(FEATURE_KNOBS):
        return Blame(cause=Cause.FEATURE, why="the same minute gives other figures: their windows were set otherwise")
    missing_ms = alignment.last(Kind.MISSING, symbol, at_ms) or 0
    seen_ms = max(alignment.last(kind, symbol, at_ms) or 0 for kind in (Kind.BAR, Kind.DATA))
    if missing_ms > 0 and missing_ms + _AFTER_GAP_MS >= seen_ms:
        return Blame(cause=Cause.MISSED_TICK, why="a minute that one run lacks is still in its figures")
    if seen_ms > 0:
        return Blame(cause=Cause.DATA, why="an earlier minute that was seen otherwise is still in the figures")
    if evidence.a.run.first.as_of_ms != evidence.b.run.first.as_of_ms:
        return Blame(cause=Cause.SPAN, why="the runs began at different minutes, and so did their figures")
    return Blame(cause=Cause.FEATURE, why="the same minutes give other figures")


# The first minute after a gap carries the gap in its snapshot: it is the gap that was seen, not other data.
_AFTER_GAP_MS: Final = 60_000


def _one_was_over(evidence: Evidence, a: Journey, b: Journey) -> Blame | None:
    a_last, b_last = evidence.a.run.last.as_of_ms, evidence.b.run.last.as_of_ms
    if (a.is_open and b.end.as_of_ms > a_last) or (b.is_open and a.end.as_of_ms > b_last):
        return Blame(cause=Cause.OPEN_AT_END, why="one run ended with the position open; it stands at its mark")
    return None


def _other_plan(evidence: Evidence, a: Journey, b: Journey) -> Blame | None:
    if a.exit_plan == b.exit_plan:
        return None
    if evidence.has_changed(EXIT_KNOBS) or not evidence.has_changed(FEATURE_KNOBS):
        meeting = evidence.meeting(a.symbol, a.decided_ms)
        is_same = meeting.a is not None and meeting.b is not None and evidence.figures_agree(meeting.a, meeting.b)
        if evidence.has_changed(EXIT_KNOBS) or is_same:
            return Blame(cause=Cause.THRESHOLD, why="the exit plan differs")
    blame = features_blame(evidence, a.symbol, a.decided_ms)
    return Blame(cause=blame.cause, why=f"the exit plan differs: {blame.why}")


def _seen_otherwise(evidence: Evidence, a: Journey, b: Journey) -> Blame | None:
    """Return the first difference in what was seen, missed or commanded while both runs held the position."""
    from_ms = min(a.entered_as_of_ms, b.entered_as_of_ms)
    to_ms = min(a.end.as_of_ms, b.end.as_of_ms)
    causes = {
        Kind.MISSING: (Cause.MISSED_TICK, "a run lacks a minute while it held the position"),
        Kind.BAR: (Cause.DATA, "a bar differs while it held the position"),
        Kind.STATE: (Cause.DESK_STATE, "the desk's state differs while it held the position"),
        Kind.ORDER: (Cause.VENUE, "the venue would not take an exit in one run"),
    }
    found: list[tuple[int | None, Kind]] = [
        (evidence.alignment.first(kind, a.symbol, from_ms, to_ms), kind) for kind in causes if kind is not Kind.ORDER
    ]
    found.append((evidence.failed_exit(a.symbol, from_ms, to_ms), Kind.ORDER))
    dated = [(at_ms, kind) for at_ms, kind in found if at_ms is not None]
    if not dated:
        return None
    cause, why = causes[min(dated, key=lambda one: one[0])[1]]
    return Blame(cause=cause, why=why)


def _is_by_strategy(a: Journey, b: Journey) -> bool:
    return _BY_STRATEGY in {leg.way for leg in (*a.legs, *b.legs)}


def _other_way(evidence: Evidence, a: Journey, b: Journey) -> Blame:
    is_same_moment = (a.end.as_of_ms, a.end.way) == (b.end.as_of_ms, b.end.way)
    if is_same_moment:
        if evidence.alignment.has(Kind.DATA, a.symbol, a.end.as_of_ms) and not evidence.has_changed(FILL_KNOBS):
            return Blame(cause=Cause.DATA, why="what was seen of the market at the exit's fill differs")
        return Blame(cause=Cause.FILL_PRICE, why="the same exit was filled at another price")
    if _is_by_strategy(a, b) and not evidence.has_changed(STRATEGY_KNOBS) and evidence.is_same_code:
        return features_blame(evidence, a.symbol, min(a.end.as_of_ms, b.end.as_of_ms))
    way = f"left by {a.end.way} in A, by {b.end.way} in B"
    if evidence.has_changed(FILL_KNOBS) and not evidence.has_changed(STRATEGY_KNOBS):
        return Blame(cause=Cause.FILL_PRICE, why=way)
    return Blame(cause=Cause.THRESHOLD, why=way)
