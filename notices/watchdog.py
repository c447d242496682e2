"""Whether the desk is dead, silent or its journal gone: judged from what was seen, told once, and once when over."""

from enum import StrEnum
from typing import Final

from msgspec import field
from msgspec.structs import replace

from db.noted import LastSeen
from desk.presence import Leaving, Presence
from domain.record import Record
from notices.notice import Notice, Severity, shortened
from notices.stating import instant_text, size_text, span_text
from notices.tail import instruments_of

PATIENCE_S: Final = 20.0
"""How long a journal may be unreadable before it is told: a lock or a restart of a server is shorter."""
_ENDED_BY_WILL: Final = frozenset({"stopped", "halt", "finished"})


class Trouble(StrEnum):
    """What can be wrong with a desk."""

    DEAD = "dead"
    HALT_UNTOLD = "halt_untold"
    SILENT = "silent"
    UNREADABLE = "unreadable"


class Told(Record, frozen=True, kw_only=True):
    """A trouble that was told. key: what it was about. since_ms: when."""

    key: str
    since_ms: int


class Memory(Record, frozen=True, kw_only=True):
    """What the watchdog told and has not taken back."""

    told: dict[Trouble, Told] = field(default_factory=dict)


class Sight(Record, frozen=True, kw_only=True):
    """What one look found. run: None where the journal could not be read or has no such run.

    silent_s, unreadable_s: how long no new tick was committed, and the journal could not be read; by a stopwatch, so
    that a machine that slept is not taken for a desk that did.
    """

    now_ms: int
    presence: Presence | None
    lives: bool
    run: LastSeen | None
    silent_s: float
    unreadable_s: float
    unreadable_why: str = ""


class Found(Record, frozen=True, kw_only=True):
    """A trouble that is there. key: another key is another trouble."""

    key: str
    text: str


def judge(sight: Sight, memory: Memory, silence_s: float) -> tuple[Memory, tuple[Notice, ...]]:
    """Return what is to be told now, and what to remember."""
    found = _troubles(sight, silence_s)
    notices = []
    still = dict(memory.told)
    for trouble, now in found.items():
        before = still.get(trouble)
        if before is None or before.key != now.key:
            still[trouble] = Told(key=now.key, since_ms=sight.now_ms)
            notices.append(_notice(trouble, now.text, sight.now_ms))
    for trouble, told in memory.told.items():
        if trouble not in found and (over := _over(trouble, told, sight)) is not None:
            del still[trouble]
            if over:
                notices.append(_notice(trouble, over, sight.now_ms))
    return replace(memory, told=still), tuple(notices)


def _troubles(sight: Sight, silence_s: float) -> dict[Trouble, Found]:
    presence = sight.presence
    # A journal that cannot be read for an instant could still say that all is in order.
    if presence is None or (sight.run is None and 0 < sight.unreadable_s <= PATIENCE_S):
        return {}
    found = {}
    is_over = sight.run is not None and (sight.run.is_finished or sight.run.newest_kind in _ENDED_BY_WILL)
    if not sight.lives and presence.left is None and not is_over:
        found[Trouble.DEAD] = Found(key=presence.key, text=_dead(presence, sight.run))
    if not sight.lives and presence.left is Leaving.HALTED and not is_over:
        text = f"{presence.run_id}: the desk halted, and its journal does not tell of it: {presence.why}"
        found[Trouble.HALT_UNTOLD] = Found(key=presence.key, text=text)
    if sight.lives and sight.run is not None and not is_over and sight.silent_s > silence_s:
        text = (
            f"{presence.run_id}: the desk (pid {presence.pid}) lives, but has put no minute on record for "
            f"{span_text(int(sight.silent_s * 1000))}. {_standing(sight.run)}"
        )
        found[Trouble.SILENT] = Found(key=presence.key, text=text)
    if sight.unreadable_s > PATIENCE_S:
        found[Trouble.UNREADABLE] = Found(
            key="", text=f"{presence.run_id}: what the desk does cannot be seen: {sight.unreadable_why}"
        )
    return found


def _over(trouble: Trouble, told: Told, sight: Sight) -> str | None:
    """Say that a trouble is over; an empty text where there is nothing to add, None where it is not known yet."""
    presence, span = sight.presence, span_text(max(0, sight.now_ms - told.since_ms))
    if presence is None:
        return None
    if trouble is Trouble.UNREADABLE:
        return f"{presence.run_id}: the journal can be read again, after {span}" if sight.unreadable_s == 0 else None
    if trouble is Trouble.SILENT:
        if sight.unreadable_s > 0:
            return None
        is_back = sight.lives and presence.key == told.key
        return f"{presence.run_id}: minutes are put on record again, after {span}" if is_back else ""
    if presence.key == told.key:
        return None
    if sight.lives:
        return f"{presence.run_id}: a desk is back (pid {presence.pid}), {span} after it was found missing"
    return f"{presence.run_id}: a desk was there again since and has ended in good order"


def _dead(presence: Presence, run: LastSeen | None) -> str:
    standing = "Its journal cannot be read." if run is None else _standing(run)
    return f"{presence.run_id}: the desk is dead. Its process (pid {presence.pid}) is gone without a word. {standing}"


def _standing(run: LastSeen) -> str:
    if run.tick_id == 0:
        return "No minute is on record."
    instruments = instruments_of(run.instruments_json)
    held = ", ".join(
        f"{'long' if lots > 0 else 'short'} {size_text(instruments.get(symbol), abs(lots))} {symbol}"
        for symbol, lots in run.held
    )
    return f"Last minute {instant_text(run.as_of_ms)}; open positions: {held or 'none'}."


def _notice(trouble: Trouble, text: str, at_ms: int) -> Notice:
    # No two of these are alike: one must never wait for another.
    return Notice(severity=Severity.CRITICAL, group=f"watch {trouble} {at_ms}", text=shortened(text), at_ms=at_ms)
