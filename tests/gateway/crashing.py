"""The gateway, told to die: `python -m tests.gateway.crashing BOUNDARY N …` ends at the Nth pass of a boundary.

SIGKILL strikes from inside, so the instant is exact; the gateway itself knows nothing of it. The boundary `never` only
makes it look after its orders more often.
"""

import os
import signal
import sys
from pathlib import Path

from execution.gateway import answering, chain, clock, following, log, rpc, running
from execution.gateway.__main__ import main


class Death:
    """Kills this process at the nth pass of its boundary."""

    def __init__(self, boundary, count):
        self.boundary, self.left = boundary, count

    def passes(self, boundary):
        """Note that a boundary is passed."""
        if boundary == self.boundary:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def around(owner, name, before, after):
    """Wrap a method: call `before` and `after` with its arguments."""
    inner = getattr(owner, name)

    def outer(*args, **kwargs):
        before(*args)
        result = inner(*args, **kwargs)
        after(*args)
        return result

    setattr(owner, name, outer)


def nothing(*_):
    """Do nothing."""


def arm(death):
    """Put the boundaries where they belong."""

    def logged(when):
        def note(_, entry):
            state = entry.get("state", entry["fact"])
            death.passes(f"{when}_{state}")

        return note

    def torn(descriptor, line):
        if death.boundary == "half_a_line":
            death.left -= 1
            if death.left == 0:
                os.write(descriptor, line[: len(line) // 2])
                os.kill(os.getpid(), signal.SIGKILL)

    around(log.Log, "append", logged("before"), logged("after"))
    around(log, "_write_whole", torn, nothing)
    around(chain.Chain, "send", lambda *_: death.passes("before_send"), lambda *_: death.passes("after_send"))
    around(rpc.Rpc, "call", lambda *_: death.passes("before_call"), lambda *_: death.passes("after_call"))
    around(answering.Answering, "answer", nothing, lambda *_: death.passes("before_answer"))


def follow(path):
    """Let the gateway's clock show what stands in a file, for a desk whose time is not the machine's."""
    clock.SystemClock.now_ms = lambda _: int(Path(path).read_text())


if __name__ == "__main__":
    running.LOOK_EVERY_S = 0.02
    if os.environ.get("TIDEGATE_GATEWAY_CLOCK"):
        follow(os.environ["TIDEGATE_GATEWAY_CLOCK"])
    following.RESEND_AFTER_S = 0.0
    arm(Death(sys.argv[1], int(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
