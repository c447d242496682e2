"""A small world for senders: a disk, targets and a process that may die between any two of their steps."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import json
from msgspec.structs import replace

from notices.carrying import Delivery
from notices.keeping import Keeper, Kept
from notices.notice import Message, Notice, Severity
from notices.outbox import Waiting
from notices.sender import Job, Sender
from notices.tail import Position
from notices.targets import Target

TARGET = Target(severity=Severity.INFO, name="info 1 (json)", url="json://127.0.0.1/token")
START_MS = 1_800_000_000_000


class DiedError(Exception):
    """The process is gone."""


@dataclass
class Disk:
    """Keeps text. dies: None, or whether the process dies before or after the next write."""

    text: bytes | None = None
    dies: str | None = None
    is_full: bool = False

    def save(self, kept: Kept) -> None:
        dies, self.dies = self.dies, None
        if dies == "before":
            raise DiedError
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.text = json.encode(kept)
        if dies == "after":
            raise DiedError

    def load(self) -> Kept:
        return Kept(position=Position()) if self.text is None else json.decode(self.text, type=Kept)

    @property
    def path(self) -> Path:
        return Path("disk")


@dataclass
class World:
    """A journal that is a list of groups, one lane, and everything that ever arrived at its target.

    arrived: (what was carried, said to be perhaps a repeat, how many it said were given up).
    """

    disk: Disk = field(default_factory=Disk)
    now_ms: int = START_MS
    journal: list[str] = field(default_factory=list)
    arrived: list[tuple[Waiting, bool, int]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    outcome: Delivery = Delivery.TOLD
    does_arrive: bool = True
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self.start()

    def start(self) -> None:
        """Begin as a new process does: with what the disk holds."""
        self.jobs.clear()
        self.sender = Sender(
            targets=(TARGET,),
            keeper=self.disk,  # type: ignore[arg-type]  # it is asked to save and for its path only
            kept=self.disk.load(),
            now_ms=lambda: self.now_ms,
            say=lambda level, text: self.said.append(text),
            deliver=self.deliver,
            beside=self.jobs.append,
        )

    def step(self, *, in_a_hurry: bool = False) -> None:
        """Read on, queue and begin what is due, as a teller does."""
        sender = self.sender
        sender.settle()
        position = sender.kept.position or Position()
        read = position.newest_run_no
        notices = [self.notice(number) for number in range(read, len(self.journal))]
        sender.kept = replace(sender.kept, position=Position(newest_run_no=len(self.journal)))
        sender.queue(notices)
        sender.send(in_a_hurry=in_a_hurry)

    def notice(self, number: int) -> Notice:
        """Return what the journal's row says; `at_ms` is its number within its group."""
        group = self.journal[number]
        place = self.journal[:number].count(group)
        return Notice(severity=Severity.INFO, group=group, text=f"{group}{place}", at_ms=place)

    def deliver(self, url: str, message: Message) -> Delivery:
        assert url == TARGET.url
        carried = self.sender.kept.lanes[TARGET.key].carried
        assert carried is not None
        if self.outcome is Delivery.TOLD or (self.outcome is Delivery.UNKNOWN and self.does_arrive):
            given_up = re.search(r"given up: (\d+)", message.body)
            self.arrived.append(
                (carried, "may have been told before" in message.body, int(given_up[1]) if given_up else 0)
            )
        return self.outcome

    def run_jobs(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def die_or(self, deed: Callable[[], None]) -> None:
        """Do something; a process that dies over it is started again."""
        try:
            deed()
        except DiedError:
            self.start()

    def drain(self) -> None:
        """Let everything that is still to be told arrive."""
        self.outcome = Delivery.TOLD
        for _ in range(500):
            self.step(in_a_hurry=True)
            self.run_jobs()
            self.now_ms += 15 * 60_000
            self.sender.settle()
            if self.sender.kept.lanes[TARGET.key].n_notices == 0:
                self.step()
                return
        raise AssertionError("it never ends")


def keeper_at(folder: Path) -> Keeper:
    return Keeper(folder / "kept.json")
