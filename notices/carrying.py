"""How a message is carried to its target: by a process of its own, for a bounded time."""

import json
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Final

from notices.courier import MOST_S, REFUSED, TOLD
from notices.notice import Message

ROOT: Final = Path(__file__).parents[1]
_LONGER_S: Final = 5.0


class Delivery(Enum):
    """What became of a message. UNKNOWN: it may have arrived."""

    TOLD = "told"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def by_process(url: str, message: Message) -> Delivery:
    """Send a message. Never raises and never takes longer than the courier's time and a little."""
    order = json.dumps({"url": url, "title": message.title, "body": message.body})
    try:
        # A session of its own: Ctrl-C is meant for the desk, and the message may still arrive.
        done = subprocess.run(
            [sys.executable, "-m", "notices.courier"],
            input=order.encode(),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=MOST_S + _LONGER_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Delivery.UNKNOWN
    except OSError:
        # No process could be started, so nothing was sent.
        return Delivery.REFUSED
    return {TOLD: Delivery.TOLD, REFUSED: Delivery.REFUSED}.get(done.returncode, Delivery.UNKNOWN)
