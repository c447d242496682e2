"""Where ccxt is sent, and how often."""

import asyncio
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import ccxt
import pytest

from market.live.connection import Connection
from market.live.terms import LiveTerms
from market.live.trouble import Unanswered


@dataclass
class Clock:
    now: int = 0

    def now_ms(self) -> int:
        return self.now


def limited(headers: dict[str, str]) -> tuple[Connection, Clock, list[int]]:
    """Return a connection to an exchange that refuses every question, its clock, and when it was asked."""
    clock, asked = Clock(), []
    connection = Connection(LiveTerms(), clock)  # type: ignore[arg-type]
    connection.exchange = SimpleNamespace(last_response_headers=headers)
    return connection, clock, asked


async def refuse(clock: Clock, asked: list[int]) -> None:
    asked.append(clock.now)
    raise ccxt.RateLimitExceeded("too many visits")


def test_an_exchange_that_wants_to_be_left_alone_is_left_alone_longer_each_time():
    connection, clock, asked = limited({})
    for second in range(200):
        clock.now = second * 1000
        with pytest.raises(Unanswered, match="too many visits|rate limit"):
            asyncio.run(connection.ask("bars", partial(refuse, clock, asked)))
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:5] == sorted(pauses[:5])
    assert min(pauses) >= 2_000
    assert len(asked) < 15


def test_what_the_exchange_says_of_the_pause_counts():
    connection, clock, asked = limited({"Retry-After": "90"})
    for second in range(100):
        clock.now = second * 1000
        with pytest.raises(Unanswered):
            asyncio.run(connection.ask("bars", partial(refuse, clock, asked)))
    assert asked == [0, 90_000]


STUMBLES = [KeyError("list"), TypeError("NoneType"), ValueError("x"), ccxt.BadSymbol("no"), OSError()]


@pytest.mark.parametrize("error", STUMBLES)
def test_whatever_ccxt_stumbles_over_is_an_answer_that_did_not_come(error):
    connection = limited({})[0]

    async def stumble() -> None:
        raise error

    with pytest.raises(Unanswered, match=f"bars: {type(error).__name__}"):
        asyncio.run(connection.ask("bars", stumble))
