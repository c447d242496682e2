"""The live view: a picture of the desk in a terminal, repainted beside the run and never in its way."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from console.board import Board
from console.painting import paint
from domain.instrument import Instrument
from domain.tick import TickRecord

PAINTS_PER_SECOND = 8
MINUTES_PER_HOUR = 60
BANNER = "SIMULATED MARKET: made-up prices, no real market"


class PaceColumn(ProgressColumn):
    """Minutes of market a second, or an hour where it is slower than that."""

    def render(self, task: Task) -> Text:
        """Write the pace of a task that counts minutes."""
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("pace ?", style="dim")
        if speed >= 1.0:
            return Text(f"{speed:,.0f} market minutes a second", style="dim")
        return Text(f"{speed * MINUTES_PER_HOUR:.1f} market minutes a minute", style="dim")


class LiveView:
    """Shows a running desk. Use it as a context manager; the last picture stays on the screen.

    `on_tick` only remembers. Rich's own thread paints, `PAINTS_PER_SECOND` times a second at most.
    """

    __slots__ = (
        "_console",
        "_instruments",
        "_is_simulated",
        "_live",
        "_notes",
        "_progress",
        "_task",
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
    ) -> None:
        """title: its first line stands over the picture, further ones are printed once above it.

        n_minutes: how long the run is; None when it has no end.
        """
        self.board = Board()
        self._console = console
        self._title, *self._notes = title.splitlines() or [""]
        self._instruments = instruments
        self._is_simulated = is_simulated
        self._progress = _progress(console, has_end=n_minutes is not None)
        self._task = self._progress.add_task("minutes", total=n_minutes)
        self._live = Live(console=console, refresh_per_second=PAINTS_PER_SECOND, get_renderable=self.picture)

    def __enter__(self) -> Self:
        """Take the terminal."""
        for note in self._notes:
            self.say(note)
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Paint once more and give the terminal back."""
        self._live.stop()

    def on_tick(self, record: TickRecord) -> None:
        """Remember one tick."""
        self.board.see(record)

    def say(self, text: str) -> None:
        """Print one line above the picture: something that is no tick, as a start, a stop or a halt."""
        self._console.print(Text(text))

    def picture(self) -> RenderableType:
        """Return the picture as of now."""
        self._progress.update(self._task, completed=self.board.n_minutes)
        picture = paint(self.board, self._title, self._instruments, self._progress, self._console.height)
        if self._is_simulated:
            return Group(Text(f" {BANNER} ", style="bold black on yellow"), picture)
        return picture


def _progress(console: Console, *, has_end: bool) -> Progress:
    if not has_end:
        return Progress(SpinnerColumn(), TextColumn("{task.completed:,} minutes"), PaceColumn(), console=console)
    return Progress(
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} minutes"),
        PaceColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
    )
