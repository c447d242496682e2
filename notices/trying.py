"""One message to every target, to find out who can be told."""

import threading
from collections.abc import Iterable
from queue import SimpleQueue

from notices.carrying import Delivery, by_process
from notices.notice import Message
from notices.sender import Deliver
from notices.targets import Target

TEST: Message = Message(title="Tidegate test", body="A test from `main.py watch --test`. Nothing has happened.")


def try_out(targets: Iterable[Target], deliver: Deliver = by_process) -> tuple[tuple[Target, Delivery], ...]:
    """Send a test to every target, all at once; return what became of each, in their order."""
    asked = tuple(targets)
    answers: SimpleQueue[tuple[Target, Delivery]] = SimpleQueue()
    for target in asked:
        threading.Thread(
            target=lambda one=target: answers.put((one, deliver(one.url, TEST))), daemon=True, name="tidegate-test"
        ).start()
    found = dict(answers.get() for _ in asked)
    return tuple((target, found[target]) for target in asked)
