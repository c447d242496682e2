"""Runs `main.py` in a process of its own at the time of the local exchange, which a file shows."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import main as front_door
import settings
from console import doctor
from db.journal import SqlJournal
from desk.clock import SystemClock
from execution.gateway_client import broker as gateway_broker
from execution.live import venue as live_venue
from execution.live.looking import Looker
from execution.live.sending import Sender
from execution.live.venue import LiveVenue
from tests.doubles.exchange.time import MirroredTime

TIME_FILE = "LOCAL_EXCHANGE_TIME"
DIES_AT = "LOCAL_EXCHANGE_DESK_DIES_AT"
HURRIES = "LOCAL_EXCHANGE_DESK_HURRIES"
LOOK_S, LONGEST_S, ANSWER_S = 0.02, 0.05, 1.0
# Where a desk can be told to die, as `DIES_AT=WHERE:N`, at the nth pass: what is passed, and on which side of it. At a
# venue in the world orders are taken, and put on record by the next commit; on paper each is on record by itself.
PLACES: dict[str, tuple[type[Any], str, bool]] = {
    "order_on_record": (SqlJournal, "record_order", True),
    "order_taken": (SqlJournal, "take_order", True),
    "before_commit": (SqlJournal, "commit", False),
    "after_commit": (SqlJournal, "commit", True),
    "before_look": (Looker, "look", False),
    "after_look": (Looker, "look", True),
    "before_telling": (LiveVenue, "advance", False),
    "before_handing_over": (LiveVenue, "submit", False),
    "before_sending": (Sender, "let_go", False),
    "after_setting_out": (Sender, "let_go", True),
    "after_protecting": (LiveVenue, "protect", True),
    "after_reconciling": (LiveVenue, "account", True),
    "taking_over": (Looker, "standing", False),
}


def main() -> None:
    """Put the file's time in the machine's place, where the house reads it, and go through the front door."""
    time = MirroredTime(Path(os.environ[TIME_FILE]))
    SystemClock.now_ms = lambda self: time.now_ms()  # type: ignore[method-assign]
    SystemClock.wait_until_ms = lambda self, at_ms: time.wait_until_ms(at_ms)  # type: ignore[method-assign]
    SystemClock.elapsed_s = lambda self: time.now_ms() / 1000  # type: ignore[method-assign]
    # The doctor looks whether the machine's clock runs on; here it stands until it is moved.
    doctor.SAMPLE_S = 0.0  # type: ignore[misc]
    if HURRIES in os.environ:
        hurry()
    if DIES_AT in os.environ:
        where, _, number = os.environ[DIES_AT].partition(":")
        die_at(where, int(number))
    front_door.main()


def hurry() -> None:
    """Let the desk look at its venue as often as the market's minutes are short here; what it waits for stays."""
    patient = settings.venue_terms
    settings.venue_terms = lambda settings: msgspec.structs.replace(
        patient(settings), look_every_s=LOOK_S, longest_wait_s=LONGEST_S, rest_s=LOOK_S
    )
    live_venue.FIRST_WAIT_S = LOOK_S  # type: ignore[misc]
    gateway_broker.LOOK_EVERY_S = LOOK_S  # type: ignore[misc]
    gateway_broker.GatewayBroker.__init__.__defaults__ = (ANSWER_S,)


def die_at(where: str, number: int) -> None:
    """Kill this process at the nth pass of a place, once it no longer lives through its past."""
    owner, name, is_after = PLACES[where]
    inner: Callable[..., Any] = getattr(owner, name)
    left = number

    def passes(self: object, *, after: bool) -> None:
        nonlocal left
        if after is not is_after or (isinstance(self, SqlJournal) and self.is_catching_up):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def outer(self: object, *args: object) -> Any:
        passes(self, after=False)
        result = inner(self, *args)
        passes(self, after=True)
        return result

    async def outer_coroutine(self: object, *args: object) -> Any:
        passes(self, after=False)
        result = await inner(self, *args)
        passes(self, after=True)
        return result

    setattr(owner, name, outer_coroutine if asyncio.iscoroutinefunction(inner) else outer)


if __name__ == "__main__":
    main()
