"""What still has to be told to one target: a queue without clock, file or network, so that it can be proven.

Every step returns another lane; the caller writes it down before it acts on it. A message is marked as begun before it
leaves. Should the process die after that, nobody knows whether it was told, and it is told again with a word saying so.
"""

from typing import Final

from msgspec import field
from msgspec.structs import replace

from domain.record import Record
from notices.notice import Message, Notice, Severity
from notices.stating import instant_text

FLOOD_MS: Final = 60_000
"""Further notices of one group within this after the last message are gathered into the next one."""
OLDEST_MS: Final = 24 * 3_600_000
"""How long a target is tried before a message is given up."""
MOST_WAITING: Final = 100
"""Groups that wait for one target; beyond it the oldest is given up."""
FIRST_PAUSE_MS: Final = 5_000
LONGEST_PAUSE_MS: Final = 15 * 60_000
_MOST_DOUBLINGS: Final = 12


class Waiting(Record, frozen=True, kw_only=True):
    """One or more notices of a group. text: the last one's. queued_ms: when the first of them came."""

    group: str
    text: str
    count: int
    first_ms: int
    last_ms: int
    queued_ms: int


class Lane(Record, frozen=True, kw_only=True):
    """The queue before one target. carried: the message that is on its way or was tried, no longer added to.

    is_begun: it is on its way. is_doubtful: an earlier try may have arrived. n_tries: how often it failed.
    told_ms: when a group was last told. n_given_up: notices that were given up and that the target does not know of.
    """

    waiting: tuple[Waiting, ...] = ()
    carried: Waiting | None = None
    is_begun: bool = False
    is_doubtful: bool = False
    n_tries: int = 0
    not_before_ms: int = 0
    told_ms: dict[str, int] = field(default_factory=dict)
    n_given_up: int = 0

    @property
    def n_notices(self) -> int:
        """How many notices have still to be told."""
        return sum(one.count for one in self.waiting) + (0 if self.carried is None else self.carried.count)


def queued(lane: Lane, notice: Notice, now_ms: int) -> Lane:
    """Add a notice: to those of its group that wait, else at the end."""
    for place, one in enumerate(lane.waiting):
        if one.group == notice.group:
            more = replace(one, count=one.count + 1, text=notice.text, last_ms=notice.at_ms)
            return replace(lane, waiting=(*lane.waiting[:place], more, *lane.waiting[place + 1 :]))
    new = Waiting(
        group=notice.group,
        text=notice.text,
        count=1,
        first_ms=notice.at_ms,
        last_ms=notice.at_ms,
        queued_ms=now_ms,
    )
    kept, dropped = lane.waiting, 0
    if len(kept) >= MOST_WAITING:
        dropped, kept = kept[0].count, kept[1:]
    return replace(lane, waiting=(*kept, new), n_given_up=lane.n_given_up + dropped)


def begun(lane: Lane, now_ms: int, *, in_a_hurry: bool = False) -> Lane | None:
    """Return the lane with its next message marked as begun; None where none is due.

    in_a_hurry: do not wait for more of a group. A failed message waits out its pause all the same.
    """
    if lane.carried is not None:
        # A clock that was set back must not lengthen a pause.
        left_ms = lane.not_before_ms - now_ms
        return None if 0 < left_ms <= LONGEST_PAUSE_MS else _again(lane)
    told = {group: at_ms for group, at_ms in lane.told_ms.items() if 0 <= now_ms - at_ms < FLOOD_MS}
    for place, one in enumerate(lane.waiting):
        if in_a_hurry or one.group not in told:
            rest = (*lane.waiting[:place], *lane.waiting[place + 1 :])
            return replace(lane, waiting=rest, carried=one, is_begun=True, n_tries=0, told_ms=told)
    return None


def _again(lane: Lane) -> Lane:
    # On its way and not back: the process died meanwhile, and nobody knows.
    return replace(lane, is_begun=True, is_doubtful=lane.is_doubtful or lane.is_begun)


def told(lane: Lane, n_given_up: int, now_ms: int) -> Lane:
    """Return the lane once its message has arrived. n_given_up: how many the message said were given up."""
    group = "" if lane.carried is None else lane.carried.group
    return replace(
        lane,
        carried=None,
        is_begun=False,
        is_doubtful=False,
        n_tries=0,
        not_before_ms=0,
        told_ms={**lane.told_ms, group: now_ms},
        n_given_up=lane.n_given_up - n_given_up,
    )


def failed(lane: Lane, now_ms: int, *, may_have_arrived: bool) -> Lane:
    """Return the lane after a try that failed: the message waits, each time twice as long."""
    pause_ms = min(FIRST_PAUSE_MS << min(lane.n_tries, _MOST_DOUBLINGS), LONGEST_PAUSE_MS)
    return replace(
        lane,
        is_begun=False,
        is_doubtful=lane.is_doubtful or may_have_arrived,
        n_tries=lane.n_tries + 1,
        not_before_ms=now_ms + pause_ms,
    )


def without_the_old(lane: Lane, now_ms: int) -> tuple[Lane, int]:
    """Return the lane without a message that was tried for too long, and how many notices were given up with it."""
    carried = lane.carried
    if carried is None or lane.n_tries == 0 or now_ms - carried.queued_ms <= OLDEST_MS:
        return lane, 0
    kept = replace(
        lane,
        carried=None,
        is_begun=False,
        is_doubtful=False,
        n_tries=0,
        not_before_ms=0,
        n_given_up=lane.n_given_up + carried.count,
    )
    return kept, carried.count


def message_of(lane: Lane, severity: Severity) -> Message:
    """Return the words of the message that the lane carries."""
    carried = lane.carried
    if carried is None:
        raise ValueError("the lane carries nothing")
    body = f"{carried.text}\n{instant_text(carried.last_ms)}"
    if carried.count > 1:
        span = f"{instant_text(carried.first_ms)} to {instant_text(carried.last_ms)}"
        body = f"{carried.text}\n(the last of {carried.count}, {span})"
    if lane.n_given_up:
        body += f"\n(could not be told before and was given up: {lane.n_given_up})"
    if lane.is_doubtful:
        body += "\n(this may have been told before)"
    return Message(title=f"Tidegate {severity.value}", body=body)
