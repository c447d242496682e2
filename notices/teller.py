"""Tells of a journal: reads on, sums up the day, sends. One at a time for each journal, whichever process it is in."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from db.day import day_figures
from db.opening import open_journal
from db.store import Store
from desk.held import HeldFile, hold
from domain.errors import DeskError
from domain.market import DAY_MS, HOUR_MS
from domain.record import Record
from notices.carrying import by_process
from notices.keeping import Keeper, Kept
from notices.notice import Notice
from notices.sender import LOG, Deliver, Job, Sender, in_a_thread
from notices.tail import at_the_end, read_on
from notices.targets import Target
from notices.words import of_day


class TellerTerms(Record, frozen=True, kw_only=True):
    """Whom to tell of which journal. base: path of the teller's files, without ending. summary_hour_utc: 0..23."""

    targets: tuple[Target, ...]
    database_url: str
    base: Path
    summary_hour_utc: int


@dataclass(slots=True)
class Teller:
    """Reads, sums up and sends, a step at a time. A journal that cannot be read is tried again at the next step."""

    terms: TellerTerms
    now_ms: Callable[[], int]
    say: Callable[[int, str], None] = LOG.log
    deliver: Deliver = by_process
    beside: Callable[[Job], None] = in_a_thread
    _store: Store | None = None
    _held: HeldFile | None = None
    _sender: Sender | None = None

    def take_over(self) -> bool:
        """Become the one who tells of this journal; False while another process is. Raises OSError."""
        if self._held is None:
            self._held = hold(self.terms.base.with_suffix(".lock"))
            if self._held is not None:
                self._sender = Sender(
                    targets=self.terms.targets,
                    keeper=Keeper(self.terms.base.with_suffix(".json")),
                    kept=self._remembered(),
                    now_ms=self.now_ms,
                    say=self.say,
                    deliver=self.deliver,
                    beside=self.beside,
                )
                self._read(self._sender)
                self._sender.save()
        return self._held is not None

    @property
    def is_at_work(self) -> bool:
        """Say whether a message is under way."""
        if self._sender is None:
            return False
        self._sender.settle()
        return self._sender.is_at_work

    def step(self, *, in_a_hurry: bool = False) -> bool:
        """Take one step; return whether anything is under way. in_a_hurry: gather no floods. Raises OSError."""
        if not self.take_over() or self._sender is None:
            return False
        sender = self._sender
        sender.settle()
        self._read(sender)
        is_busy = sender.send(in_a_hurry=in_a_hurry)
        return is_busy or sender.is_at_work

    def close(self) -> None:
        """Let go of journal and files. What is under way arrives or not; it is told again with a word saying so."""
        if self._sender is not None:
            self._sender.settle()
            self._sender.save()
        if self._store is not None:
            self._store.close()
        if self._held is not None:
            self._held.close()
        self._store = self._held = self._sender = None

    def _remembered(self) -> Kept:
        keeper = Keeper(self.terms.base.with_suffix(".json"))
        try:
            return keeper.load() or Kept()
        except (ValueError, OSError) as error:
            self.say(logging.WARNING, f"{keeper.path} cannot be read ({error}): notices begin with what comes next")
            return Kept()

    def _read(self, sender: Sender) -> None:
        """Put what is new on record before the targets."""
        try:
            if self._store is None:
                self._store = open_journal(self.terms.database_url, writable=False)
            kept, notices = _news(self._store, sender.kept, self.now_ms(), self.terms.summary_hour_utc)
        except DeskError:
            # Not there yet, locked, gone: the watchdog tells of it, the next step tries again.
            if self._store is not None:
                self._store.close()
            self._store = None
            return
        sender.kept = kept
        sender.queue(notices)


def due_day(now_ms: int, hour_utc: int) -> int:
    """Return the number of the last day that has been over since its summary's hour."""
    return (now_ms - hour_utc * HOUR_MS) // DAY_MS


def _news(store: Store, kept: Kept, now_ms: int, hour_utc: int) -> tuple[Kept, tuple[Notice, ...]]:
    day = due_day(now_ms, hour_utc)
    if kept.position is None:
        # What was on record before anybody listened is no news.
        return replace(kept, position=at_the_end(store), summary_day=day), ()
    position, notices = read_on(store, kept.position)
    if kept.summary_day is None or day > kept.summary_day:
        end_ms = day * DAY_MS + hour_utc * HOUR_MS
        notices = (*notices, of_day(day_figures(store, end_ms - DAY_MS, end_ms), end_ms - DAY_MS, end_ms))
    return replace(kept, position=position, summary_day=max(day, kept.summary_day or day)), notices
