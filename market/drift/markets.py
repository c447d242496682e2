"""What the Data API tells of every market: its contracts and its statistics."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from domain.record import Record
from market.drift.counts import FileCounts, Why
from market.drift.figures import Form, figure, form_of, time_ms
from market.drift.rows import Row, read_document

_T = TypeVar("_T")


class DriftContract(Record, frozen=True, kw_only=True):
    """One contract as listed. open_interest_base: base units. next_funding_ms: None where it is not told."""

    symbol: str
    market_index: int | None
    last_price: float | None
    index_price: float | None
    open_interest_base: float | None
    next_funding_ms: int | None


class MarketStats(Record, frozen=True, kw_only=True):
    """A perpetual's figures as the venue shows them.

    open_interest_*_base: base units, both positive. funding_rate_hourly_frac: live estimate of what longs pay, from the
    percent an hour that a long's P&L takes; its sign is Velocity's (the old venue's was never seen).
    """

    symbol: str
    is_active: bool
    oracle_price: float | None
    mark_price: float | None
    open_interest_long_base: float | None
    open_interest_short_base: float | None
    funding_rate_hourly_frac: float | None
    funding_updated_ms: int | None


def read_contracts(body: bytes) -> tuple[tuple[DriftContract, ...], FileCounts]:
    """Read the answer of `/contracts`. Whatever the bytes are, nothing is raised."""
    return _read("contracts", body, _contract)


def read_stats(body: bytes) -> tuple[tuple[MarketStats, ...], FileCounts]:
    """Read the perpetuals of `/stats/markets`. Whatever the bytes are, nothing is raised."""
    return _read("stats/markets", body, _stats)


def _read(name: str, body: bytes, take: Callable[[Row], _T | Why]) -> tuple[tuple[_T, ...], FileCounts]:
    document = read_document(body)
    found = []
    for row in document.rows:
        read = take(row)
        if isinstance(read, Why):
            document.tally.left_out[read] += 1
        else:
            found.append(read)
    document.tally.n_accepted = len(found)
    return tuple(found), document.tally.of(name)


def _contract(row: Row) -> DriftContract | Why:
    symbol = row.get("ticker_id")
    if not isinstance(symbol, str) or row.get("product_type", "PERP") != "PERP":
        return Why.OTHER_MARKET
    told = {name: figure(row.get(name)) for name in ("last_price", "index_price", "open_interest", "base_volume")}
    if form_of(told.values(), None) is not Form.DECIMAL:
        return Why.NOT_TOLD_APART
    index = figure(row.get("contract_index"))
    return DriftContract(
        symbol=symbol,
        market_index=None if index is None else int(index),
        last_price=_float(told["last_price"]),
        index_price=_float(told["index_price"]),
        open_interest_base=_float(told["open_interest"]),
        next_funding_ms=time_ms(row.get("next_funding_rate_timestamp")),
    )


def _stats(row: Row) -> MarketStats | Why:
    symbol = row.get("symbol")
    if not isinstance(symbol, str) or row.get("marketType", "perp") != "perp":
        return Why.OTHER_MARKET
    interest, funding = _within(row, "openInterest"), _within(row, "fundingRate")
    told = [figure(row.get("oraclePrice")), figure(row.get("markPrice"))]
    sides = [figure(interest.get("long")), figure(interest.get("short"))]
    long_rate = figure(funding.get("long"))
    if form_of((*told, *sides, long_rate), None) is not Form.DECIMAL:
        return Why.NOT_TOLD_APART
    return MarketStats(
        symbol=symbol,
        is_active=row.get("status") == "active",
        oracle_price=_float(told[0]),
        mark_price=_float(told[1]),
        open_interest_long_base=_float(sides[0]),
        open_interest_short_base=_float(None if sides[1] is None else abs(sides[1])),
        funding_rate_hourly_frac=_float(None if long_rate is None else -long_rate / 100),
        funding_updated_ms=time_ms(row.get("fundingRateUpdateTs")),
    )


def _within(row: Row, name: str) -> dict[str, Any]:
    inner = row.get(name)
    return inner if isinstance(inner, dict) else {}


def _float(told: Decimal | None) -> float | None:
    return None if told is None else float(told)
