"""Bars and settlements asked for afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from domain.market import HOUR_MS, MINUTE_MS
from market.live.history import PAGE_BARS, rows_between, settlements_between

M = MINUTE_MS


def connection(**answers: Any) -> Any:
    async def ask(what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        return await call()

    return SimpleNamespace(ask=ask, exchange=SimpleNamespace(**answers))


def test_an_exchange_that_kept_only_the_newest_bars_is_asked_for_all_of_them() -> None:
    kept = range(3_200, 3_500)

    async def fetch_ohlcv(market: str, step: str, since_ms: int, limit: int, params: dict[str, int]) -> list[list[int]]:
        assert limit <= PAGE_BARS
        assert params["until"] == since_ms + limit * M - 1
        return [[minute * M] for minute in kept if since_ms <= minute * M <= params["until"]]

    rows = asyncio.run(rows_between(connection(fetch_ohlcv=fetch_ohlcv), "SOL", 10 * M, 3_499 * M))
    assert [row[0] for row in rows] == [minute * M for minute in kept]


def test_what_comes_beyond_the_page_is_left_out() -> None:
    async def fetch_ohlcv(*_: object) -> list[list[object]]:
        return [[4 * M], [5 * M], [6 * M], [7 * M], [None], []]

    rows = asyncio.run(rows_between(connection(fetch_ohlcv=fetch_ohlcv), "SOL", 5 * M, 6 * M))
    assert [row[0] for row in rows] == [5 * M, 6 * M]


@pytest.mark.parametrize("late_ms", [0, 31, 900])
def test_a_settlement_stamped_a_moment_late_belongs_to_the_minute_it_fell_due_in(late_ms: int) -> None:
    async def history(*_: object) -> list[dict[str, object]]:
        return [{"timestamp": n * HOUR_MS + late_ms, "fundingRate": n / 1e5} for n in (1, 2, 3)]

    asked = settlements_between(connection(fetch_funding_rate_history=history), "SOL", HOUR_MS, 3 * HOUR_MS)
    assert asyncio.run(asked) == [(2 * HOUR_MS, 2e-5), (3 * HOUR_MS, 3e-5)]


def test_the_rate_is_taken_where_the_exchange_puts_it() -> None:
    async def history(*_: object) -> list[dict[str, object]]:
        return [{"timestamp": HOUR_MS, "fundingRate": 8e-4, "info": {"interest_1h": "0.0001"}}]

    asked = settlements_between(connection(fetch_funding_rate_history=history), "SOL", 0, HOUR_MS, "interest_1h")
    assert asyncio.run(asked) == [(HOUR_MS, 1e-4)]
