"""One session of the desk, from recovery to report: what `main.py paper` and `backtest` do once everything is built."""

import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from console.interrupts import waking_on_signals
from desk.runner import Chronicle, Desk
from desk.tally import RunSummary
from domain.market import Snapshot
from domain.record import Record
from domain.tick import TradingState


class RunJournal(Chronicle, Protocol):
    """A chronicle that can be closed."""

    @property
    def chain_hash(self) -> str:
        """The last link of the evidence chain, in hex."""
        ...

    @property
    def run_id(self) -> str:
        """The run's name."""
        ...

    def finish(self, summary_json: str, wall_ms: int) -> None:
        """Close the run for good. Raises JournalUnavailable."""
        ...


class Driver(Protocol):
    """Drives a desk in real time."""

    async def run(self) -> None:
        """Serve minutes until the feed ends or a stop is asked for. Raises Halted."""
        ...


class Past(Record, frozen=True, kw_only=True):
    """What an earlier process of this run left behind. tail_state: the state of a tick cut off after its order."""

    ticks: Iterable[tuple[Snapshot, TradingState]]
    tail_state: TradingState


@dataclass(slots=True)
class Session:
    """A desk with its journal, its past and, in real time, its schedule.

    go_on: lets a venue in the world take over once the past is lived through; None on paper.
    """

    desk: Desk
    journal: RunJournal
    past: Past | None
    schedule: Driver | None
    is_simulated: bool
    to_json: Callable[[RunSummary], str]
    go_on: Callable[[], Awaitable[None]] | None = None

    @property
    def is_left_open(self) -> bool:
        """Say whether the run can be gone on with: it was stopped, or its venue still has something of it."""
        return self.desk.stop_is_asked or (self.go_on is not None and self.desk.is_committed)

    async def run(self) -> RunSummary:
        """Recover, reconcile, trade until the end or a stop, close the run; return its figures.

        A run that is left open can be resumed by its id. Raises Halted, and JournalUnavailable when the end
        cannot be recorded.
        """
        desk, clock = self.desk, self.desk.clock
        began_s = clock.elapsed_s()
        with waking_on_signals():
            await desk.guard(self._start())
            await (desk.walk() if self.schedule is None else self.schedule.run())
        if self.is_left_open:
            why = (
                "by a signal" if desk.stop_is_asked else "at the feed's end, with a position or an order at the venue,"
            )
            desk.note("stopped", f"{why} after {desk.tally.n_bars} ticks")
            self.journal.commit()
        summary = desk.tally.summary(
            self.journal.run_id,
            self.journal.chain_hash,
            clock.elapsed_s() - began_s,
            is_simulated=self.is_simulated,
        )
        if not self.is_left_open:
            self.journal.finish(self.to_json(summary), clock.now_ms())
        return summary

    async def _start(self) -> None:
        desk = self.desk
        if self.past is not None:
            desk.tail_state = self.past.tail_state
            count = await desk.recover(self.past.ticks)
            desk.note("recovered", f"{count} recorded ticks lived through again")
        if self.go_on is not None:
            await self.go_on()
        await desk.open()
        desk.note("active", f"reconciled after {desk.tally.n_bars} ticks")
        self.journal.commit()


@contextmanager
def stopping_on_signals(desk: Desk) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask the desk to stop after the current minute; a second SIGINT interrupts at once."""

    def ask(signum: int, frame: FrameType | None) -> None:
        if desk.stop_is_asked and signum == signal.SIGINT:
            raise KeyboardInterrupt
        desk.ask_to_stop()
        # A signal may come in the middle of a print, which a second one would break.
        os.write(2, b"stopping after this minute; Ctrl-C interrupts at once\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
