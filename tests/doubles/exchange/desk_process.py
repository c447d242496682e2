"""Runs `main.py` in a process of its own at the time of the local exchange, which a file shows."""

import os
from pathlib import Path

import main
from desk.clock import SystemClock
from tests.doubles.exchange.time import MirroredTime

TIME_FILE = "LOCAL_EXCHANGE_TIME"


def run() -> None:
    """Put the file's time in the machine's place, where the house reads it, and go through the front door."""
    time = MirroredTime(Path(os.environ[TIME_FILE]))
    SystemClock.now_ms = lambda self: time.now_ms()  # type: ignore[method-assign]
    SystemClock.wait_until_ms = lambda self, at_ms: time.wait_until_ms(at_ms)  # type: ignore[method-assign]
    main.main()


if __name__ == "__main__":
    run()
