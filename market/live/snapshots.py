"""A symbol's minute as the desk sees it: the bar, what stands beside it, and every reason against new risk."""

from collections.abc import Sequence
from typing import Final

from domain.market import FundingSettlement, ImbalanceSource, Reading, Snapshot
from market.joins import BPS
from market.live.bars import Kept, Origin
from market.live.state import SymbolState
from market.live.trail import Trail
from market.quality import QualityLimits, gap_defect, move_defect, snapshot_defects

BACK_FILLED: Final = "back-filled: the bar was fetched after its minute was over"
MAX_BOOK_AGE_MS: Final = 15_000


def snapshot_of(
    state: SymbolState,
    as_of_ms: int,
    kept: Kept | None,
    why_none: str,
    settlement: FundingSettlement | None,
    more_defects: Sequence[str],
    limits: QualityLimits,
    source: str,
) -> Snapshot:
    """Return the snapshot of one minute and move the state on to the next.

    kept: the minute's bar; why_none: the reason where there is none. more_defects: what else speaks against new risk.
    source: the exchange's name, which every reading carries.
    """
    defects = [*_bar_defects(state, kept, why_none, limits)]
    is_heard = kept is not None and kept.origin is Origin.STREAM
    book = state.book.at(as_of_ms, MAX_BOOK_AGE_MS) if is_heard else None
    if is_heard:
        defects += more_defects
        if state.book_trouble is not None or book is None:
            defects.append(f"no order book: {state.book_trouble or 'it has not changed for too long'}")
            book = None
    view = None if book is None else book[1]
    mark = _reading(state.mark, as_of_ms, limits.max_mark_age_ms, source)
    oracle = _reading(state.index, as_of_ms, limits.max_oracle_age_ms, source)
    snapshot = Snapshot(
        symbol=state.symbol,
        as_of_ms=as_of_ms,
        bar=None if kept is None else kept.bar,
        n_missing_bars=state.n_unseen,
        defects=tuple(defects),
        bid_price=None if view is None else view.bid_price,
        ask_price=None if view is None else view.ask_price,
        spread_bps=None if book is None else Reading(value=book[1].spread_bps, source="book", as_of_ms=book[0]),
        imbalance_frac=None if view is None else view.imbalance_frac,
        imbalance_source=ImbalanceSource.NONE if view is None else ImbalanceSource.BOOK,
        mark=mark,
        oracle=oracle,
        premium_bps=_premium(mark, oracle, source),
        funding_rate_hourly_frac=_funding(state, as_of_ms, limits, source),
        open_interest_usd=_reading(state.interest_usd, as_of_ms, limits.max_open_interest_age_ms, source),
        funding_settlement=settlement,
    )
    _move_on(state, kept)
    return snapshot.unfit(*snapshot_defects(snapshot, limits))


def _bar_defects(state: SymbolState, kept: Kept | None, why_none: str, limits: QualityLimits) -> list[str]:
    if kept is None:
        return [f"no bar: {why_none}"]
    defects = [BACK_FILLED] if kept.origin is Origin.REST else []
    n_missing = state.n_without_bar + state.n_unseen
    if n_missing > limits.max_gap_bars:
        defects.append(gap_defect(n_missing))
    if state.last_close is not None:
        ends = (kept.bar.high_price, kept.bar.low_price)
        reach = max(abs(price / state.last_close - 1.0) for price in ends)
        if reach > limits.max_bar_move_frac:
            defects.append(move_defect(reach, limits))
    return defects


def _move_on(state: SymbolState, kept: Kept | None) -> None:
    state.n_unseen = 0
    if kept is None:
        state.n_without_bar += 1
    else:
        state.n_without_bar = 0
        state.last_close = kept.bar.close_price


def _reading(trail: Trail[float], as_of_ms: int, max_age_ms: int, source: str) -> Reading | None:
    found = trail.at(as_of_ms, max_age_ms)
    return None if found is None else Reading(value=found[1], source=source, as_of_ms=found[0])


def _premium(mark: Reading | None, oracle: Reading | None, source: str) -> Reading | None:
    if mark is None or oracle is None:
        return None
    known_ms = max(mark.as_of_ms, oracle.as_of_ms)
    return Reading(value=(mark.value / oracle.value - 1.0) * BPS, source=source, as_of_ms=known_ms)


def _funding(state: SymbolState, as_of_ms: int, limits: QualityLimits, source: str) -> Reading | None:
    found = state.funding.at(as_of_ms, limits.max_exchange_funding_age_ms)
    if found is None:
        return None
    return Reading(value=found[1].rate_frac / found[1].interval_hours, source=source, as_of_ms=found[0])
