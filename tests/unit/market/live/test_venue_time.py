"""The exchange's clock against ours."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from market.live.trouble import Unanswered
from market.live.venue_time import TOO_FAR_MS, VenueTime


@dataclass
class Clock:
    now: int = 1_000_000

    def now_ms(self) -> int:
        return self.now


def venue_time(ahead_ms: int, there_ms: int, back_ms: int) -> tuple[VenueTime, Clock]:
    """Return a venue time whose question takes that long there and back."""
    clock = Clock()

    async def ask(what: str, call: object) -> int:
        clock.now += there_ms
        told = clock.now + ahead_ms
        clock.now += back_ms
        return told

    connection = SimpleNamespace(ask=ask, exchange=SimpleNamespace(fetch_time=None))
    return VenueTime(connection, clock), clock  # type: ignore[arg-type]


@pytest.mark.parametrize("ahead_ms", [-7_000, 0, 350])
def test_the_offset_is_measured_at_the_middle_of_the_way(ahead_ms):
    time, clock = venue_time(ahead_ms, 40, 40)
    assert asyncio.run(time.measure()) == ahead_ms
    assert time.now_ms() == clock.now + ahead_ms


def test_an_answer_that_took_too_long_measures_nothing():
    time, _ = venue_time(0, 1_500, 1_500)
    with pytest.raises(Unanswered, match="too long to tell a clock by"):
        asyncio.run(time.measure())
    assert time.offset_ms == 0


@pytest.mark.parametrize(
    ("ahead_ms", "words"),
    [(TOO_FAR_MS, None), (TOO_FAR_MS + 1, "5.0 s behind the exchange's"), (-9_000, "9.0 s ahead of the exchange's")],
)
def test_clocks_too_far_apart_speak_against_new_risk(ahead_ms, words):
    time, _ = venue_time(ahead_ms, 0, 0)
    asyncio.run(time.measure())
    assert (time.defect is None) if words is None else (words in str(time.defect))
