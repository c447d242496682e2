"""Bars and settlements asked for afterwards, a page at a time."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from domain.market import MINUTE_MS
from market.live.connection import Connection

PAGE_BARS: Final = 1_000
N_SETTLEMENTS: Final = 200


async def rows_between(connection: Connection, market: str, first_ms: int, last_ms: int) -> Sequence[Sequence[object]]:
    """Return ccxt's rows of the minutes that open in [first_ms, last_ms], rising. Raises Unanswered."""
    rows: list[Sequence[object]] = []
    since_ms = first_ms
    while since_ms <= last_ms:
        limit = min(PAGE_BARS, (last_ms - since_ms) // MINUTE_MS + 1)
        call = partial(connection.exchange.fetch_ohlcv, market, "1m", since_ms, limit)
        page = await connection.ask("the missing bars", call)
        fresh = [row for row in page if row and isinstance(row[0], int) and since_ms <= row[0] <= last_ms]
        if not fresh:
            break
        rows += fresh
        since_ms = max(int(row[0]) for row in fresh) + MINUTE_MS
    return rows


async def settlements_between(
    connection: Connection, market: str, after_ms: int, until_ms: int
) -> Sequence[tuple[int, float]]:
    """Return (when, rate as a fraction) of the funding settled in (after_ms, until_ms], rising. Raises Unanswered."""
    call = partial(connection.exchange.fetch_funding_rate_history, market, after_ms, N_SETTLEMENTS)
    found = await connection.ask("the funding settled meanwhile", call)
    settled = []
    for entry in found:
        at_ms, rate = entry.get("timestamp"), entry.get("fundingRate")
        if isinstance(at_ms, int) and isinstance(rate, int | float) and after_ms < at_ms <= until_ms and -1 < rate < 1:
            settled.append((at_ms, float(rate)))
    return sorted(settled)
