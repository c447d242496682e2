"""How long an order takes from the last websocket byte of its bar to the venue: the whole live desk over loopback.

Exchange and desk are two processes on one machine, over ccxt, TCP and a journal on disk, with twenty symbols and no
model. Both ends are read off the exchange's clock: when it had sent the last symbol's closing bar, and when it had
read the last byte of an order's request. A bare client in a third process does the least that any could do for it, a
message read and an order posted, in turn with the desk.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.live.desk import WARMUP_BARS
from benchmarks.live.exchange import MarkedExchange, write_key
from benchmarks.live.market import N_SYMBOLS, markets
from benchmarks.tick_latency import SHARES
from domain.market import MINUTE_MS
from tests.doubles.exchange.time import SimulatedTime

ROOT = Path(__file__).parents[1]
START_MS = 1_796_000_040_000
STEPS_MS = (1_000, 20_000, 40_000, 58_000)
BUDGET_MS = 20.0
N_FIRST = 3
N_SINGLE, EVERY_SINGLE = 152, 3
N_BURSTS, EVERY_BURST = 8, 4
N_MINUTES = N_FIRST + N_SINGLE * EVERY_SINGLE + N_BURSTS * EVERY_BURST
LOOK_S, QUIET_LOOKS = 0.004, 5
FIRST_TRY_S, LONGEST_S = 2.0, 60.0
STATIONS = ("minute", "decided", "leaving", "signed", "arrived")
PARTS = ("feed", "tick", "on disk", "signing", "HTTP")


def leaps(minute: int, market: int) -> bool:
    """Say which market leaps when: first one after the other, then all at once."""
    live = minute - WARMUP_BARS - 1 - N_FIRST
    if live < 0:
        return False
    if live < N_SINGLE * EVERY_SINGLE:
        return live % EVERY_SINGLE == 0 and (live // EVERY_SINGLE) % N_SYMBOLS == market
    return (live - N_SINGLE * EVERY_SINGLE) % EVERY_BURST == 0


@dataclass
class Stage:
    """The exchange and its two clients. orders: by id, with its stations in seconds, once both sides have told."""

    folder: Path
    exchange: MarkedExchange
    time: SimulatedTime
    taken_ms: int = 0
    stations: dict[str, dict[str, float]] = field(default_factory=dict)
    closed_s: dict[str, float] = field(default_factory=dict)
    minute_of: dict[str, int] = field(default_factory=dict)
    bare_ms: dict[int, float] = field(default_factory=dict)

    async def start(self, module: str, *words: str) -> asyncio.subprocess.Process:
        """Start a client."""
        command = [sys.executable, "-m", module, self.exchange.url, *words]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe)

    async def hear(self, desk: asyncio.subprocess.Process) -> None:
        """Take what the desk says of itself."""
        assert desk.stdout is not None
        while line := await desk.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            for wire_id, stations in told["orders"].items():
                self.stations.setdefault(wire_id, {}).update(stations)
            self.taken_ms = told["as_of_ms"]

    async def until(self, holds: Callable[[], bool], longest_s: float) -> bool:
        """Wait until something holds; say whether it does."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + longest_s
        while not holds() and loop.time() < until_s:  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_S / 4)
        return holds()

    async def rest(self) -> None:
        """Wait until no request has come for some looks."""
        n_quiet = 0
        while n_quiet < QUIET_LOOKS:
            before = sum(self.exchange.door.n_asked.values())
            await asyncio.sleep(LOOK_S)
            n_quiet = n_quiet + 1 if sum(self.exchange.door.n_asked.values()) == before else 0

    async def play(self) -> None:
        """Play one minute, and wait until the desk has taken it and all has come to rest."""
        open_ms = self.time.now_ms() // MINUTE_MS * MINUTE_MS
        close_ms = open_ms + MINUTE_MS
        for step_ms in STEPS_MS:
            await self.exchange.move_to(max(open_ms + step_ms, self.time.now_ms()))
            await self.rest()
        before = set(self.exchange.account.arrived_s)
        await self.exchange.move_to(close_ms)
        closed_s = self.exchange.closed_s
        if not await self.until(lambda: self.taken_ms >= close_ms, FIRST_TRY_S):
            # It waits for the bars that follow; they are what closes the minute then.
            await self.exchange.move_to(close_ms + STEPS_MS[0])
            closed_s = self.exchange.closed_s
            if not await self.until(lambda: self.taken_ms >= close_ms, LONGEST_S):
                raise RuntimeError("the desk took no minute for a minute")
        await self.rest()
        for wire_id in self.exchange.account.arrived_s.keys() - before:
            self.closed_s[wire_id], self.minute_of[wire_id] = closed_s, close_ms
        await self.compare(close_ms)

    async def compare(self, close_ms: int) -> None:
        """Let the bare client do its round."""
        exchange = self.exchange
        (message,) = exchange.protocol.kline("kline.1.S00USDT", self.time.now_ms())
        await exchange.tell_bare(json.dumps(message))
        await self.until(lambda: exchange.bare_arrived_s > 0.0, LONGEST_S)
        self.bare_ms[close_ms] = (exchange.bare_arrived_s - exchange.bare_sent_s) * 1e3

    def spans_ms(self, is_wanted: Callable[[int], bool]) -> list[list[float]]:
        """Return, for the orders of the minutes that are wanted by how many they had, the time of each part."""
        counted = [*self.minute_of.values()]
        n_orders = {minute: counted.count(minute) for minute in set(counted)}
        found = []
        for wire_id, closed_s in self.closed_s.items():
            told = self.stations.get(wire_id, {})
            if is_wanted(n_orders[self.minute_of[wire_id]]) and told.keys() >= set(STATIONS[:-1]):
                moments = [closed_s, *(told[name] for name in STATIONS[:-1]), self.exchange.account.arrived_s[wire_id]]
                parts = [(later - sooner) * 1e3 for sooner, later in pairwise(moments)]
                found.append([sum(parts), *parts, sum(parts) / self.bare_ms[self.minute_of[wire_id]]])
        return found


async def measured(folder: Path) -> Stage:
    """Play it all."""
    time = SimulatedTime(START_MS + (WARMUP_BARS + 1) * MINUTE_MS + 500, folder / "time")
    exchange = MarkedExchange(markets(START_MS, WARMUP_BARS + N_MINUTES + 10, leaps), time)
    write_key(folder / "key.json")
    async with exchange:
        stage = Stage(folder, exchange, time)
        desk, bare = await stage.start("benchmarks.live.desk", str(folder)), await stage.start("benchmarks.live.bare")
        hearing = asyncio.create_task(stage.hear(desk))
        try:
            if not await stage.until(lambda: bool(stage.taken_ms and exchange.door.is_heard), 3 * LONGEST_S):
                raise RuntimeError("the desk did not begin")
            for _ in range(N_MINUTES):
                await stage.play()
                if desk.returncode is not None:
                    raise RuntimeError("the desk ended")
        finally:
            for process in (desk, bare):
                if process.returncode is None:
                    process.terminate()
                await process.wait()
            await hearing
    return stage


def report() -> float:
    """Print the distributions; return the 99th percentile of the usual case in milliseconds."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        stage = asyncio.run(measured(Path(folder)))
    print(
        f"last websocket byte of a bar to its order at the venue, {N_SYMBOLS} symbols   budget p99 {BUDGET_MS:.0f} ms"
    )
    bare = _at(sorted(stage.bare_ms.values()))
    print("  bare client: " + ", ".join(f"{name} {value:.2f} ms" for name, value in bare.items()))
    cases: Mapping[str, Callable[[int], bool]] = {
        "one order in the minute": lambda n: n == 1,
        "all twenty in one minute": lambda n: n == N_SYMBOLS,
    }
    found = {case: stage.spans_ms(is_wanted) for case, is_wanted in cases.items()}
    for case, spans in found.items():
        if spans:
            _tell(case, spans)
    return _at(sorted(span[0] for span in found["one order in the minute"]))["p99"]


def _tell(case: str, spans: Sequence[Sequence[float]]) -> None:
    whole = _at(sorted(span[0] for span in spans))
    told = ", ".join(f"{name} {value:.2f}" for name, value in whole.items())
    print(f"  {case}, {len(spans)} orders: {told} ms, {median(span[-1] for span in spans):.1f} x the bare client")
    for number, part in enumerate(PARTS, 1):
        at = _at(sorted(span[number] for span in spans))
        print(f"    {part:8} p50 {at['p50']:6.2f}, p99 {at['p99']:6.2f} ms")


def _at(sorted_ms: Sequence[float]) -> dict[str, float]:
    return {name: sorted_ms[min(int(len(sorted_ms) * share), len(sorted_ms) - 1)] for name, share in SHARES.items()}


if __name__ == "__main__":
    report()
