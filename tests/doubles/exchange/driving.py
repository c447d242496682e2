"""Plays the local exchange minute by minute, as fast as the desk that listens takes them."""

import asyncio
from collections.abc import Callable

from domain.market import MINUTE_MS
from tests.doubles.exchange.server import STEPS_MS, LocalExchange

LOOK_S = 0.001
LOOKS = 20
MAX_LATE_MS = 30_000


async def play(
    exchange: LocalExchange, n_minutes: int, taken_ms: Callable[[], int], is_away: Callable[[], bool] = lambda: False
) -> None:
    """Play whole minutes; after each, wait until the desk has taken it.

    taken_ms: the close of the last minute the desk has taken. Where it is slow to, the clock creeps on, as it would.
    is_away: nobody is there who could take one.
    """
    first_ms = exchange.time.now_ms() // MINUTE_MS * MINUTE_MS
    for open_ms in range(first_ms, first_ms + n_minutes * MINUTE_MS, MINUTE_MS):
        for step_ms in STEPS_MS:
            await exchange.move_to(max(open_ms + step_ms, exchange.time.now_ms()))
        await exchange.move_to(open_ms + MINUTE_MS)
        await exchange.move_to(open_ms + MINUTE_MS + STEPS_MS[0])
        await wait_for(exchange, open_ms + MINUTE_MS, taken_ms, is_away)


async def wait_for(
    exchange: LocalExchange, close_ms: int, taken_ms: Callable[[], int], is_away: Callable[[], bool]
) -> None:
    """Wait until the minute that closed at `close_ms` was taken."""
    while not is_away():
        for _ in range(LOOKS):
            if taken_ms() >= close_ms:
                return
            await asyncio.sleep(LOOK_S)
        late_ms = exchange.time.now_ms() - close_ms
        if late_ms < MAX_LATE_MS:
            exchange.time.move_to(exchange.time.now_ms() + 1_000)
