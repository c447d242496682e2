"""Which answers of the strategies a run has on record already, so that each is written once."""

from typing import Final

from db.answers import written
from db.clean import clean
from domain.decisions import Signal
from domain.tick import Outcome, TickRecord

Answer = tuple[str, str | None]
_NO_SIGNAL: Final = Outcome.NO_SIGNAL
_MOST: Final = 4096


class Heard:
    """The numbers of the answer rows of one run.

    The same few noes are handed out as the same objects all day: one look-up by identity finds their number. Whether an
    answer is new is decided by its content alone, so that the rows do not depend on which objects said it. Both
    memories begin again when they are full; an answer said after that is written once more.
    """

    __slots__ = ("_by_content", "_by_identity")

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._by_content: dict[Answer, int] = {}
        # The signals are kept alive, so that no other object can come to have their identity.
        self._by_identity: Final[dict[tuple[int, str | None], tuple[int, tuple[Signal, ...]]]] = {}

    def number_of(self, record: TickRecord) -> int | None:
        """Return the number of the row that holds this tick's answer; None when it is not known to be on record."""
        # As `_key`, without the call: this is asked on every tick.
        known = self._by_identity.get((id(record.signals), record.why if record.outcome is _NO_SIGNAL else None))
        return None if known is None else known[0]

    def answer_of(self, record: TickRecord) -> tuple[Answer, int | None]:
        """Return the row of this tick's answer and, if one with this content is on record, its number."""
        why = clean(record.why) if record.outcome is _NO_SIGNAL else None
        answer = written(record.signals), why
        return answer, self._by_content.get(answer)

    def keep(self, record: TickRecord, answer: Answer, seq: int) -> None:
        """Remember that row `seq` holds this tick's answer."""
        if len(self._by_identity) >= _MOST:
            self._by_identity.clear()
        if len(self._by_content) >= _MOST and answer not in self._by_content:
            self._by_content = {}
            self._by_identity.clear()
        self._by_content[answer] = seq
        self._by_identity[_key(record)] = seq, record.signals

    def memory(self) -> dict[Answer, int]:
        """Return what is on record, to come back to with `forget_after`."""
        return self._by_content

    def forget_after(self, memory: dict[Answer, int], seq: int) -> None:
        """Forget the rows after `seq`: they could not be taken."""
        self._by_content = {answer: number for answer, number in memory.items() if number <= seq}
        self._by_identity.clear()


def _key(record: TickRecord) -> tuple[int, str | None]:
    return id(record.signals), record.why if record.outcome is _NO_SIGNAL else None
