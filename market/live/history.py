"""Bars and settlements asked for afterwards, a page at a time."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from domain.market import MINUTE_MS
from market.live.connection import Connection
from market.live.figures import figure
from market.live.timer import minute_of

PAGE_BARS: Final = 1_000
N_SETTLEMENTS: Final = 200


async def rows_between(connection: Connection, market: str, first_ms: int, last_ms: int) -> Sequence[Sequence[object]]:
    """Return ccxt's rows of the minutes that open in [first_ms, last_ms], rising. Raises Unanswered.

    The end of each page is told: ccxt would take the machine's clock for it. An empty page ends nothing: an exchange
    that stood still, or keeps its bars for some days only, has none of some minutes and all of later ones.
    """
    rows: list[Sequence[object]] = []
    for since_ms in range(first_ms, last_ms + 1, PAGE_BARS * MINUTE_MS):
        limit = min(PAGE_BARS, (last_ms - since_ms) // MINUTE_MS + 1)
        end_ms = since_ms + limit * MINUTE_MS
        call = partial(connection.exchange.fetch_ohlcv, market, "1m", since_ms, limit, {"until": end_ms - 1})
        page = await connection.ask("the missing bars", call)
        rows += [row for row in page if row and isinstance(row[0], int) and since_ms <= row[0] < end_ms]
    return rows


async def settlements_between(
    connection: Connection, market: str, after_ms: int, until_ms: int, word: str = "fundingRate"
) -> Sequence[tuple[int, float]]:
    """Return (when, rate as a fraction) of the funding settled in (after_ms, until_ms], rising. Raises Unanswered.

    word: where the rate stands. Funding falls due on full minutes; exchanges stamp it some milliseconds later, and by
    that stamp it would be paid again in the minute that follows.
    """
    call = partial(connection.exchange.fetch_funding_rate_history, market, after_ms, N_SETTLEMENTS)
    found = await connection.ask("the funding settled meanwhile", call)
    settled = []
    for entry in found:
        stamp_ms, rate = entry.get("timestamp"), figure(entry, word)
        if isinstance(stamp_ms, int) and rate is not None and -1 < rate < 1:
            at_ms = minute_of(stamp_ms)
            if after_ms < at_ms <= until_ms:
                settled.append((at_ms, rate))
    return sorted(settled)
