"""A local exchange for one test, and a clock that stands where the test puts it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.doubles.history.binance import binance
from tests.doubles.history.bybit import bybit
from tests.doubles.history.hyperliquid import hyperliquid
from tests.doubles.history.server import Fault, HistoryServer
from tests.doubles.history.tape import Tape

VENUES = {"bybit": bybit, "binanceusdm": binance, "hyperliquid": hyperliquid}


@pytest.fixture
def serve() -> Iterator[Callable[..., HistoryServer]]:
    """Return a way to open a local exchange over tapes; it is closed with the test."""
    with ExitStack() as stack:

        def opened(exchange: str, *tapes: Tape, faults: dict[int, Fault] | None = None) -> HistoryServer:
            server = HistoryServer(VENUES[exchange](*tapes), faults=faults or {})
            return stack.enter_context(server.running())

        yield opened
