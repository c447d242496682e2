"""Runs `main.py` in a process of its own at the time of the local exchange, which a file shows."""

import os
import signal
from itertools import count
from pathlib import Path

import main
from console import doctor
from db.journal import SqlJournal
from desk.clock import SystemClock
from domain.decisions import ApprovedOrder
from tests.doubles.exchange.time import MirroredTime

TIME_FILE = "LOCAL_EXCHANGE_TIME"
KILL_AT = "LOCAL_EXCHANGE_KILL_AT_ORDER"


def run() -> None:
    """Put the file's time in the machine's place, where the house reads it, and go through the front door."""
    time = MirroredTime(Path(os.environ[TIME_FILE]))
    SystemClock.now_ms = lambda self: time.now_ms()  # type: ignore[method-assign]
    SystemClock.wait_until_ms = lambda self, at_ms: time.wait_until_ms(at_ms)  # type: ignore[method-assign]
    # The doctor looks whether the machine's clock runs on; here it stands until it is moved.
    doctor.SAMPLE_S = 0.0
    if KILL_AT in os.environ:
        die_at_order(int(os.environ[KILL_AT]))
    main.main()


def die_at_order(number: int) -> None:
    """Kill this process when its order of that number is durable and not yet sent."""
    record_order, seen = SqlJournal.record_order, count(1)

    def record_and_die(self: SqlJournal, order: ApprovedOrder, tick_no: int) -> None:
        record_order(self, order, tick_no)
        if not self.is_catching_up and next(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    SqlJournal.record_order = record_and_die  # type: ignore[method-assign]


if __name__ == "__main__":
    run()
