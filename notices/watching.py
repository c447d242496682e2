"""The watcher's rounds: it looks at the desk and its journal, and tells of trouble by a queue of its own.

Where no desk tells of the journal itself, the watcher does that too.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from db.noted import LastSeen, last_seen
from db.opening import open_journal
from db.store import Store
from desk.held import HeldFile, hold
from desk.presence import Presence, seen
from domain.errors import BadInput, DeskError
from domain.record import Record
from notices.attending import Clock
from notices.carrying import by_process
from notices.keeping import Keeper, Kept
from notices.sender import Deliver, Job, Sender, in_a_thread
from notices.teller import Teller, TellerTerms
from notices.watchdog import Sight, judge

PERIOD_S: Final = 2.0


class WatchTerms(Record, frozen=True, kw_only=True):
    """What is watched. presence: the desk's file. base: path of the watcher's files, without ending."""

    telling: TellerTerms
    presence: Path
    base: Path
    silence_s: float


@dataclass(slots=True)
class Watcher:
    """Made by `open_watcher`. A step looks once and never waits for a target."""

    terms: WatchTerms
    clock: Clock
    sender: Sender
    teller: Teller
    _held: HeldFile
    _store: Store | None = None
    _key: str = ""
    _tick_id: int = -1
    _moved_s: float = 0.0
    _unreadable_since_s: float | None = None
    _refused: str = ""
    _unreadable_why: str = ""

    def step(self) -> None:
        """Look and tell. What the system refuses meanwhile is said once, and tried again at the next step."""
        self.sender.settle()
        try:
            memory, notices = judge(self.look(), self.sender.kept.watch, self.terms.silence_s)
            self.sender.kept = replace(self.sender.kept, watch=memory)
            self.sender.queue(notices)
            self.teller.step()
            self._refused = ""
        except OSError as error:
            if str(error) != self._refused:
                self.sender.say(logging.WARNING, f"the watcher cannot look or write: {error}")
            self._refused = str(error)
        self.sender.send()

    def look(self) -> Sight:
        """Return what there is to see. Raises OSError when the desk's file cannot be read."""
        presence, lives = seen(self.terms.presence)
        run = None if presence is None else self._run(presence)
        now_s = self.clock.elapsed_s()
        key, tick_id = ("", -1) if presence is None else (presence.key, self._tick_id if run is None else run.tick_id)
        if (key, tick_id) != (self._key, self._tick_id):
            self._key, self._tick_id, self._moved_s = key, tick_id, now_s
        since_s = self._unreadable_since_s
        return Sight(
            now_ms=self.clock.now_ms(),
            presence=presence,
            lives=lives,
            run=run,
            silent_s=now_s - self._moved_s,
            # Not zero at the first look either: zero means that it can be read.
            unreadable_s=0.0 if since_s is None else max(now_s - since_s, 0.001),
            unreadable_why=self._unreadable_why,
        )

    def close(self) -> None:
        """Let go of everything."""
        self.sender.settle()
        self.sender.save()
        self.teller.close()
        if self._store is not None:
            self._store.close()
        self._held.close()

    def _run(self, presence: Presence) -> LastSeen | None:
        try:
            if self._store is None:
                self._store = open_journal(self.terms.telling.database_url, writable=False)
            run = last_seen(self._store, presence.run_id)
        except DeskError as error:
            if self._store is not None:
                self._store.close()
            self._store = None
            self._unreadable_why = str(error)
            if self._unreadable_since_s is None:
                self._unreadable_since_s = self.clock.elapsed_s()
            return None
        self._unreadable_since_s = None
        return run


def open_watcher(
    terms: WatchTerms,
    clock: Clock,
    say: Callable[[int, str], None],
    deliver: Deliver = by_process,
    beside: Callable[[Job], None] = in_a_thread,
) -> Watcher:
    """Begin to watch. Raises BadInput when another watcher does already or the state folder cannot be written."""
    lock = terms.base.with_suffix(".lock")
    try:
        held = hold(lock)
    except OSError as error:
        raise BadInput(f"the watcher's file {lock} cannot be written: {error.strerror}") from error
    if held is None:
        raise BadInput(f"another watcher is at work on this journal: it holds {lock}")
    keeper = Keeper(terms.base.with_suffix(".json"))
    try:
        kept = keeper.load() or Kept()
    except (ValueError, OSError) as error:
        held.close()
        raise BadInput(
            f"the watcher's memory {keeper.path} cannot be read: {error}; remove it to begin anew"
        ) from error
    sender = Sender(terms.telling.targets, keeper, kept, clock.now_ms, say, deliver, beside)
    return Watcher(
        terms=terms,
        clock=clock,
        sender=sender,
        teller=Teller(terms.telling, clock.now_ms, say, deliver, beside),
        _held=held,
        _moved_s=clock.elapsed_s(),
    )
