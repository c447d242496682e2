"""Candles the venue made itself, from the archive's candle history and the Data API."""

from decimal import Decimal
from typing import Final

from domain.record import Record
from market.drift.counts import Why
from market.drift.figures import Form, figure, form_of, time_ms
from market.drift.pages import Page
from market.drift.rows import Row, read_document

_PRICES: Final = ("open", "high", "low", "close")


class DriftCandle(Record, frozen=True, kw_only=True):
    """One bar with at least one fill. open_ms: when it opened. volume_base: base units. oracle_close: at its end."""

    open_ms: int
    open_price: float
    high_price: float
    low_price: float
    close_price: float
    volume_base: float
    oracle_close: float | None


def read_candles(file_name: str, body: bytes, *, step_ms: int, now_ms: int) -> Page[DriftCandle]:
    """Read one file into candles in order of time: CSV or JSON, gzip or not. Whatever the bytes are, nothing is raised.

    step_ms: length of a candle. One that is not over at now_ms is left out, and so is one without a fill: the venue
    repeats the price before it, which nobody paid.
    """
    document = read_document(body)
    candles: dict[int, DriftCandle] = {}
    for row in document.rows:
        read = read_candle(row)
        if not isinstance(read, Why):
            read = _refused(read, step_ms, now_ms, candles) or read
        if isinstance(read, Why):
            document.tally.left_out[read] += 1
        else:
            candles[read.open_ms] = read
    document.tally.n_accepted = len(candles)
    ordered = tuple(candles[open_ms] for open_ms in sorted(candles))
    return Page(rows=ordered, counts=document.tally.of(file_name), next_page=document.next_page)


def read_candle(row: Row) -> DriftCandle | Why:
    """Read a candle that has a time and prices, or say what it lacks."""
    open_ms = time_ms(row.get("start", row.get("ts")))
    if open_ms is None:
        return Why.NO_TIME
    told = {name: _first(row, f"fill{name.capitalize()}", name) for name in _PRICES}
    volume, oracle = _first(row, "baseVolume", "volume"), figure(row.get("oracleClose"))
    if form_of((*told.values(), volume, oracle, figure(row.get("quoteVolume"))), None) is not Form.DECIMAL:
        return Why.NOT_TOLD_APART
    prices = {name: float(price) for name, price in told.items() if price is not None and 0 < price < 10**15}
    if len(prices) < len(_PRICES) or min(prices.values()) <= 0.0:
        return Why.NO_PRICE
    if volume is None or volume <= 0:
        return Why.NO_FILLS
    return DriftCandle(
        open_ms=open_ms,
        open_price=prices["open"],
        high_price=prices["high"],
        low_price=prices["low"],
        close_price=prices["close"],
        volume_base=float(volume),
        oracle_close=float(oracle) if oracle is not None and oracle > 0 else None,
    )


def _first(row: Row, *names: str) -> Decimal | None:
    return next((told for name in names if (told := figure(row.get(name))) is not None), None)


def _refused(candle: DriftCandle, step_ms: int, now_ms: int, seen: dict[int, DriftCandle]) -> Why | None:
    if candle.open_ms + step_ms > now_ms:
        return Why.UNFINISHED
    return Why.DUPLICATE if candle.open_ms in seen else None
