"""What a desk process does besides trading: it says that it is there, and a thread of its own tells what is on record.

Whatever fails here, the desk goes on: nothing of it is in a tick, and the end of the desk waits a bounded time for it.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from desk.presence import Leaving, Present, enter
from domain.errors import DeskError

if TYPE_CHECKING:
    from notices.teller import Teller, TellerTerms

LOG: Final = logging.getLogger("tidegate.notices")
PERIOD_S: Final = 1.0
PARTING_S: Final = 3.0
"""How long messages are still begun when a desk ends; what is left is told by the next desk or by `watch`."""
LANDING_S: Final = 2.0
"""How much longer those that are under way are waited for."""
_PARTING_STEP_S: Final = 0.05


class Clock(Protocol):
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward."""
        ...


@contextmanager
def attending(
    presence: Path, run_id: str, clock: Clock, terms: "TellerTerms | None", say: Callable[[str], None]
) -> Iterator[None]:
    """Be present while a desk runs, and tell of it where `terms` says whom. say: shows a sentence to the user."""
    present = _enter(presence, run_id, clock.now_ms(), say)
    thread = None if terms is None else _start(terms, clock, say)
    how, why = None, ""
    try:
        yield
        how = Leaving.ENDED
    except DeskError as error:
        how, why = Leaving.HALTED, str(error)
        raise
    except KeyboardInterrupt:
        how = Leaving.INTERRUPTED
        raise
    finally:
        # Anything else is a crash: the file says nothing of a leaving, which is how a crash looks.
        if present is not None and how is not None:
            _leave(present, how, why)
        if thread is not None:
            thread.part()


class TellingThread:
    """Tells until it is asked to part."""

    def __init__(self, teller: "Teller", clock: Clock, parting_s: float = PARTING_S) -> None:
        """Take the teller; nobody else may use it from now on."""
        self._teller = teller
        self._clock = clock
        self._parting_s = parting_s
        self._is_parting = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="tidegate-notices", daemon=True)
        self._thread.start()

    def part(self) -> None:
        """Ask the thread to tell what is left, and wait for it, but not for long."""
        self._is_parting.set()
        self._thread.join(self._parting_s + 2 * LANDING_S)

    def _tell(self) -> None:
        try:
            while not self._is_parting.wait(PERIOD_S):
                self._teller.step()
            until_s = self._clock.elapsed_s() + self._parting_s
            while self._clock.elapsed_s() < until_s and self._teller.step(in_a_hurry=True):
                threading.Event().wait(_PARTING_STEP_S)
            while self._clock.elapsed_s() < until_s + LANDING_S and self._teller.is_at_work:
                threading.Event().wait(_PARTING_STEP_S)
        except OSError as error:
            LOG.warning("notifications have ended: %s", error)
        finally:
            self._teller.close()


def _start(terms: "TellerTerms", clock: Clock, say: Callable[[str], None]) -> TellingThread | None:
    from notices.teller import Teller

    teller = Teller(terms, clock.now_ms)
    try:
        if not teller.take_over():
            LOG.info("notifications are sent by another process")
    except OSError as error:
        say(f"nobody is notified: {terms.base.with_suffix('.lock')} cannot be written: {error.strerror}")
        return None
    return TellingThread(teller, clock)


def _enter(presence: Path, run_id: str, now_ms: int, say: Callable[[str], None]) -> Present | None:
    try:
        return enter(presence, run_id, now_ms)
    except OSError as error:
        say(f"a watchdog cannot see this desk: {presence} cannot be written: {error.strerror}")
        return None


def _leave(present: Present, how: Leaving, why: str) -> None:
    try:
        present.leave(how, why)
    except OSError as error:
        LOG.log(logging.WARNING, "the desk could not say that it leaves: %s", error.strerror)
