"""The desk of the measurement, in a process of its own: what `main.py live` wires, for twenty symbols.

It is wired here because SYMBOLS knows three perpetuals. Feed, agents, journal, log, venue and ccxt are the product's
own; only the clock is the exchange's. It says on its standard output when each minute was taken, and what its orders'
way out took, in seconds of `perf_counter`, which on Linux is one clock for all processes.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

from msgspec.structs import replace

import main
import settings as part
from benchmarks.live.market import N_SYMBOLS, name
from configuration.choices import Execution
from console.living import NOTHING_SEEN, live_driver, opened
from console.session import Session, stopping_on_signals
from console.trading import Trading, opened_venue
from console.watching import watching
from db.chain import RunHeader
from db.opening import open_journal
from desk.at_hand import MinuteAtHand
from desk.clock import SystemClock
from desk.runner import Desk, Pace
from desk.tally import Tally
from domain.decisions import ApprovedOrder
from domain.market import Snapshot
from domain.tick import TradingState
from execution.exchange.broker import CcxtBroker
from execution.live.broker import BrokerOrder, OrderKind, OrderState
from execution.live.venue import LiveVenue
from execution.live.wire import WireCode, wire_id_of
from market.live.feed import LiveFeed
from settings import Settings, load_settings
from tests.doubles.exchange.time import MirroredTime

RUN = "latency"
WARMUP_BARS = 260
NAP_S = 0.005
LATE_AFTER_MS = 90_000
KNOBS = {
    "MODE": "live",
    "LIVE_TRADING": "I_ACCEPT_THE_RISK",
    "FEED": "live",
    "EXECUTION": Execution.CCXT.value,
    "LIVE_CAPITAL_USD": "1000000",
    "LIVE_WARMUP_BARS": str(WARMUP_BARS),
    "STRATEGIES": "e3",
    "E3_VOLUME_Z": "1.5",
    "E3_MIN_IMBALANCE_FRAC": "-1",
    "EXIT_TRAIL_PCT": "0",
    "EXIT_MAX_HOLD_BARS": "1",
    "SIZING_RISK_PER_TRADE_PCT": "0.001",
    "SIZING_KELLY_FRACTION": "0",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000000",
    "RISK_MAX_OPEN_POSITIONS": "1000",
    "RISK_MAX_ORDERS_PER_MINUTE": "1000",
}
SYMBOLS = tuple(f"{name(number)}-PERP" for number in range(N_SYMBOLS))


class ExchangeTime(MirroredTime):
    """The exchange's time, looked at so seldom that the looks cost nothing."""

    async def wait_until_ms(self, at_ms: int) -> None:
        """Return when it is that late."""
        await asyncio.sleep(0)
        while self.now_ms() < at_ms:  # noqa: ASYNC110 - another process moves it
            await asyncio.sleep(NAP_S)


class Marks:
    """When each order reached each station, by its id at the venue."""

    def __init__(self, code: WireCode) -> None:
        """Begin with nothing."""
        self.minute_s = 0.0
        self._code = code
        self._by_wire_id: dict[str, dict[str, float]] = {}

    def decided(self, client_order_id: str) -> None:
        """Note that an order is to be put on record."""
        self.note(self._code.write(wire_id_of(client_order_id)), "decided")

    def note(self, wire_id: str, station: str) -> None:
        """Note a station that an order has reached."""
        told = self._by_wire_id.setdefault(wire_id, {"minute": self.minute_s})
        told[station] = perf_counter()

    def tell(self, as_of_ms: int) -> None:
        """Say that a minute was taken, and what there is to say of orders since last told."""
        sys.stdout.write(json.dumps({"as_of_ms": as_of_ms, "orders": self._by_wire_id}) + "\n")
        sys.stdout.flush()
        self._by_wire_id = {}


class MarkedFeed(LiveFeed):
    """Notes when a minute is handed over, and tells of it when the next is asked for."""

    __slots__ = ("as_of_ms", "marks")

    marks: Marks
    as_of_ms: int

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return the next minute."""
        if self.as_of_ms:
            # The answers to what was sent may still be on their way, and nobody measures them.
            self.marks.tell(self.as_of_ms)
        minute = await super().next_minute()
        self.marks.minute_s = perf_counter()
        self.as_of_ms = minute[0].as_of_ms if minute else 0
        return minute


class MarkedAtHand(MinuteAtHand):
    """Notes when an order is put on record."""

    __slots__ = ("marks",)

    marks: Marks

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record."""
        self.marks.decided(order.client_order_id)
        super().record_order(order, tick_no)


class MarkedBroker(CcxtBroker):
    """Notes when an order is to be sent and when it is signed."""

    marks: Marks

    async def open(self, symbols: Sequence[str]) -> Any:
        """Open it, and stand behind ccxt's signing."""
        instruments = await super().open(symbols)
        assert self._line is not None
        sign = self._line.exchange.sign

        def signed(path: str, *more: Any) -> Any:
            request = sign(path, *more)
            told = json.loads(request["body"]) if path.endswith("order/create") else {}
            if told and "triggerPrice" not in told:
                self.marks.note(told["orderLinkId"], "signed")
            return request

        self._line.exchange.sign = signed
        return instruments

    async def place(self, order: BrokerOrder) -> OrderState:
        """Send an order."""
        if order.kind is OrderKind.IOC:
            self.marks.note(order.wire_id, "leaving")
        return await super().place(order)


def feed_of(settings: Settings, clock: SystemClock, marks: Marks) -> MarkedFeed:
    """Return the feed of twenty symbols."""
    feed = MarkedFeed(replace(part.live_terms(settings), symbols=SYMBOLS), part.quality_limits(settings), clock)
    feed.marks, feed.as_of_ms = marks, 0
    return feed


def venue_of(settings: Settings, clock: SystemClock, marks: Marks, code: WireCode) -> LiveVenue:
    """Return the venue they are traded at."""
    broker = MarkedBroker(part.ccxt_terms(settings), clock)
    broker.marks = marks
    return LiveVenue(broker, part.venue_terms(settings), code, clock, clock.elapsed_s)


def header_of(feed: MarkedFeed) -> RunHeader:
    """Return what the run's journal begins with."""
    return RunHeader(
        run_id=RUN,
        command="benchmark",
        settings_json="{}",
        code_version="",
        data_identity=feed.data_identity,
        symbols=SYMBOLS,
        instruments_json="[]",
    )


def run(url: str, folder: Path) -> None:
    """Trade until told to stop by a signal."""
    time = ExchangeTime(folder / "time")
    SystemClock.now_ms = lambda self: time.now_ms()  # type: ignore[method-assign]
    SystemClock.wait_until_ms = lambda self, at_ms: time.wait_until_ms(at_ms)  # type: ignore[method-assign]
    given = {**KNOBS, "LIVE_URL": url, "CCXT_URL": url, "CCXT_KEY_FILE": str(folder / "key.json")}
    given |= {"DATABASE_URL": f"sqlite:///{folder}/journal.db", "LOG_FILE": str(folder / "desk.log")}
    settings = load_settings(None, {}, given)
    clock, code = SystemClock(), WireCode(RUN, SYMBOLS)
    marks = Marks(code)
    feed, venue = feed_of(settings, clock, marks), venue_of(settings, clock, marks, code)
    with open_journal(given["DATABASE_URL"], writable=True) as store, asyncio.Runner() as runner, ExitStack() as ending:
        ending.enter_context(opened(feed, runner, NOTHING_SEEN))
        instruments = ending.enter_context(opened_venue(venue, runner, SYMBOLS))
        journal = store.begin(header_of(feed), clock.now_ms())
        at_hand = MarkedAtHand(journal, clock)
        at_hand.marks = marks
        trading = Trading(live=venue, store=store, resumed=None, seen=NOTHING_SEEN)
        master = main.build(settings, instruments, at_hand, trading.venue(at_hand))
        desk = Desk(
            feed=feed,
            master=master,
            journal=journal,
            clock=clock,
            tally=Tally(master.execution.books.equity_microusd),
            pace=Pace(),
            asked_state=lambda: TradingState.ACTIVE,
            is_real_time=True,
        )
        session = Session(
            desk=desk,
            journal=journal,
            past=None,
            schedule=live_driver(desk, feed, at_hand, NOTHING_SEEN, LATE_AFTER_MS),
            is_simulated=False,
            to_json=lambda _: "{}",
        )
        trading.join(session)
        lives = watching(settings, "", None, instruments, as_json=True, is_simulated=False)
        with stopping_on_signals(desk), lives as (_, watcher):
            desk.view = watcher
            runner.run(session.run())


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
