"""Sends what waits: takes a message from each lane that has one due, has it carried, and writes down what became of it.

One step never waits for a target. Everything is written down before it is acted on; where the disk refuses, the sender
goes on with what it has in memory, because a full disk is a thing to be told of.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final

from msgspec.structs import replace

from notices.carrying import Delivery, by_process
from notices.keeping import Keeper, Kept
from notices.notice import Message, Notice
from notices.outbox import Lane, begun, failed, message_of, queued, told, without_the_old
from notices.targets import Target

LOG: Final = logging.getLogger("tidegate.notices")
Deliver = Callable[[str, Message], Delivery]
Job = Callable[[], None]


def in_a_thread(job: Job) -> None:
    """Run a job beside everything else; the process does not wait for it when it ends."""
    threading.Thread(target=job, name="tidegate-courier", daemon=True).start()


@dataclass(slots=True)
class Sender:
    """The lanes of all targets, and their memory.

    say: hears a sentence for the log with its level; no address is ever in it. beside: runs a delivery without waiting.
    """

    targets: tuple[Target, ...]
    keeper: Keeper
    kept: Kept
    now_ms: Callable[[], int]
    say: Callable[[int, str], None] = LOG.log
    deliver: Deliver = by_process
    beside: Callable[[Job], None] = in_a_thread
    _saved: Kept | None = None
    _is_refused_by_disk: bool = False
    _under_way: dict[str, int] = field(default_factory=dict)
    _done: "SimpleQueue[tuple[Target, Delivery]]" = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        """Open a lane for every target; a lane whose target is gone is closed with a word."""
        lanes = {target.key: self.kept.lanes.get(target.key, Lane()) for target in self.targets}
        n_lost = sum(lane.n_notices for key, lane in self.kept.lanes.items() if key not in lanes)
        if n_lost:
            self.say(logging.WARNING, f"{n_lost} notices waited for targets that are no longer set; they are given up")
        self.kept = replace(self.kept, lanes=lanes)

    @property
    def is_at_work(self) -> bool:
        """Say whether a message is under way."""
        return bool(self._under_way)

    def settle(self) -> None:
        """Take what became of the messages that were under way."""
        while not self._done.empty():
            target, delivery = self._done.get()
            n_given_up = self._under_way.pop(target.key)
            lane, now_ms = self.kept.lanes[target.key], self.now_ms()
            if delivery is Delivery.TOLD:
                self._set(target, told(lane, n_given_up, now_ms))
                continue
            if lane.n_tries == 0:
                self.say(logging.WARNING, f"{target.name} could not be told ({delivery.value}); it is tried again")
            self._set(target, failed(lane, now_ms, may_have_arrived=delivery is Delivery.UNKNOWN))

    def queue(self, notices: Iterable[Notice]) -> None:
        """Put notices before the targets of their severity."""
        now_ms = self.now_ms()
        for notice in notices:
            for target in self.targets:
                if target.severity is notice.severity:
                    self._set(target, queued(self.kept.lanes[target.key], notice, now_ms))

    def send(self, *, in_a_hurry: bool = False) -> bool:
        """Begin every message that is due; return whether there was one. in_a_hurry: gather no floods."""
        orders = []
        for target in self.targets:
            if target.key in self._under_way:
                continue
            self._give_up_the_old(target)
            lane = begun(self.kept.lanes[target.key], self.now_ms(), in_a_hurry=in_a_hurry)
            if lane is not None:
                self._set(target, lane)
                orders.append((target, message_of(lane, target.severity)))
        self.save()
        for target, message in orders:
            self._under_way[target.key] = self.kept.lanes[target.key].n_given_up
            self.beside(self._delivery(target, message))
        return bool(orders)

    def save(self) -> None:
        """Write down what changed. A disk that refuses is told once to the log, and tried again at every change."""
        if self.kept == self._saved:
            return
        try:
            self.keeper.save(self.kept)
        except OSError as error:
            if not self._is_refused_by_disk:
                self.say(
                    logging.WARNING,
                    f"{self.keeper.path} cannot be written ({error.strerror}): "
                    "notices still leave, but after a restart some may be told again",
                )
            self._is_refused_by_disk = True
            return
        self._saved, self._is_refused_by_disk = self.kept, False

    def _delivery(self, target: Target, message: Message) -> Job:
        def job() -> None:
            delivery = Delivery.UNKNOWN
            try:
                delivery = self.deliver(target.url, message)
            finally:
                self._done.put((target, delivery))

        return job

    def _give_up_the_old(self, target: Target) -> None:
        lane, n_given_up = without_the_old(self.kept.lanes[target.key], self.now_ms())
        if n_given_up:
            self.say(logging.ERROR, f"{target.name} could not be told for a day: notices given up: {n_given_up}")
            self._set(target, lane)

    def _set(self, target: Target, lane: Lane) -> None:
        self.kept = replace(self.kept, lanes={**self.kept.lanes, target.key: lane})
