"""The views without a terminal: one line per thing worth telling, or nothing at all."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from console.board import Board
from console.figures import count_text, gain_text, percent_text, usd_text, when_text
from console.gate_news import reason_text
from console.outcomes import QUIET, WORD, cause
from console.painting import fill_text, trade_text
from console.sheets import SIMULATED
from domain.instrument import Instrument
from domain.tick import TickRecord

ENDLESS_STEP_MINUTES = 60


class PlainView:
    """Writes lines to a console, which should stand on stderr.

    A refusal repeated minute after minute for the same cause is written once; when the cause ends, one line
    says how often it came. A line of progress comes every `step_frac` of the run, or every hour of an endless one.
    """

    __slots__ = (
        "_console",
        "_instruments",
        "_is_simulated",
        "_n_minutes",
        "_next",
        "_repeats",
        "_step",
        "_title",
        "board",
    )

    def __init__(
        self,
        console: Console,
        title: str,
        n_minutes: int | None,
        instruments: Mapping[str, Instrument],
        *,
        is_simulated: bool,
        step_frac: float = 0.1,
    ) -> None:
        """n_minutes: how long the run is; None when it has no end. step_frac: in (0, 1]."""
        self.board = Board()
        self._console = console
        self._title = title
        self._n_minutes = n_minutes
        self._instruments = instruments
        self._is_simulated = is_simulated
        self._step = ENDLESS_STEP_MINUTES if n_minutes is None else max(int(n_minutes * step_frac), 1)
        self._next = self._step
        self._repeats: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Self:
        """Write the title."""
        self.say(self._title)
        if self._is_simulated:
            self.say(SIMULATED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is still untold."""
        for symbol in list(self._repeats):
            self._tell_repeats(symbol)

    def on_tick(self, record: TickRecord) -> None:
        """Write a line when this tick is worth one."""
        n_failed = self.board.gate.n_failed
        if self.board.see(record):
            self._tell(record)
        if (n_failed == 0) is not (self.board.gate.n_failed == 0):
            self._tell_gate(record, n_failed)
        if self.board.n_minutes >= self._next:
            self._next = self.board.n_minutes + self._step
            self._tell_progress(record)

    def say(self, text: str) -> None:
        """Write one line."""
        self._console.print(Text(text), soft_wrap=True)

    def _tell(self, record: TickRecord) -> None:
        snapshot = record.snapshot
        head = f"{when_text(snapshot.as_of_ms)}  {snapshot.symbol}"
        why, times = self._repeats.get(snapshot.symbol, ("", 0))
        cause_now = cause(record)
        if record.fills or record.trades or record.orders or cause_now != why:
            self._tell_repeats(snapshot.symbol)
            if record.outcome not in QUIET:
                self.say(f"{head}  {WORD[record.outcome]}: {record.why}")
            self._tell_deals(record, head)
            self._repeats[snapshot.symbol] = (cause_now, 0)
            return
        self._repeats[snapshot.symbol] = (why, times + 1)

    def _tell_gate(self, record: TickRecord, n_failed: int) -> None:
        """Say that the gate has begun to fail, or that it answers again."""
        when, gate = when_text(record.snapshot.as_of_ms), self.board.gate
        if n_failed:
            self.say(f"{when}  the gate answers again, after {count_text(n_failed, 'failure')}")
        else:
            self.say(f"{when}  WARNING: the gate gives no answer ({reason_text(gate.last_reason)})")

    def _tell_deals(self, record: TickRecord, head: str) -> None:
        instrument = self._instruments[record.snapshot.symbol]
        for fill in record.fills:
            self.say(f"{head}  {fill_text(fill, instrument)}")
        for trade in record.trades:
            self.say(f"{head}  {trade_text(trade, instrument)}")

    def _tell_repeats(self, symbol: str) -> None:
        why, times = self._repeats.pop(symbol, ("", 0))
        if times:
            self.say(f"    {symbol}: {times:,} more like it ({why.replace('_', ' ')})")

    def _tell_progress(self, record: TickRecord) -> None:
        board, total = self.board, self._n_minutes
        done = f"{board.n_minutes:,} minutes"
        if total:
            done = f"{board.n_minutes:,} of {total:,} minutes ({percent_text(board.n_minutes / total)})"
        net = gain_text(board.equity_microusd - (board.start_microusd or 0))
        money = f"equity {usd_text(board.equity_microusd)} ({net}), drawdown {percent_text(board.drawdown_frac)}"
        closed = f"{count_text(board.n_trades, 'trade')} closed"
        self.say(f"{when_text(record.snapshot.as_of_ms)}  {done}: {money}, {closed}")


class SilentView:
    """Shows nothing; for machines."""

    __slots__ = ()

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def on_tick(self, record: TickRecord) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""
