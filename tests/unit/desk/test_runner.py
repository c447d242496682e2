"""The first look at the venue before a desk may trade."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from desk import runner
from desk.clock import SystemClock
from desk.runner import OPENING_TRIES, Desk, Pace
from domain.errors import VenueUnreachable
from domain.tick import TradingState


class SilentVenue:
    """Books whose venue answers only after some questions."""

    def __init__(self, n_silences: int) -> None:
        self.n_left = n_silences

    async def reconcile(self) -> None:
        if self.n_left:
            self.n_left -= 1
            raise VenueUnreachable("it does not answer")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "OPENING_STEP_S", 0.0)


def desk_at(venue: SilentVenue) -> Desk:
    lent: Any = SimpleNamespace(execution=venue)
    nobody: Any = None
    return Desk(
        feed=nobody,
        master=lent,
        journal=nobody,
        clock=SystemClock(),
        tally=nobody,
        pace=Pace(),
        asked_state=lambda: TradingState.ACTIVE,
        opens_gate=False,
    )


def test_a_venue_that_is_silent_just_when_the_desk_opens_is_asked_again() -> None:
    desk = desk_at(SilentVenue(OPENING_TRIES - 1))
    asyncio.run(desk.open())
    assert desk.state is TradingState.ACTIVE


def test_a_venue_that_stays_silent_lets_no_desk_open() -> None:
    desk = desk_at(SilentVenue(OPENING_TRIES))
    with pytest.raises(VenueUnreachable):
        asyncio.run(desk.open())
    assert desk.state is TradingState.HALTED


def test_whoever_asks_for_a_stop_need_not_wait_for_a_silent_venue() -> None:
    desk = desk_at(SilentVenue(OPENING_TRIES - 1))
    desk.ask_to_stop()
    with pytest.raises(VenueUnreachable):
        asyncio.run(desk.open())
