"""What every strategy is: a name, a compiled decision, and words for each of its tests."""

from collections.abc import Sequence
from typing import Protocol

from domain.decisions import Side, Signal
from domain.features import Features


class Strategy(Protocol):
    """A rule set that looks at one set of features and answers. Pure: same features, same answer."""

    @property
    def name(self) -> str:
        """The name used in settings, journal and reports."""
        ...

    def evaluate(self, features: Features) -> Signal:
        """Answer one set of features: a side with conviction, or none with every failed test."""
        ...

    def wants_out(self, features: Features, side: Side) -> str | None:
        """Return why a position on `side` should be left now, or None."""
        ...


class Answers:
    """Turns a kernel's (side, mask, conviction) into a `Signal`, saying in words which tests failed.

    A "no" depends on its mask alone, so each is built once and handed out again: a desk that mostly
    waits allocates nothing.
    """

    __slots__ = ("_noes", "_strategy", "_tests", "_yes")

    def __init__(self, strategy: str, tests: Sequence[str], yes: str) -> None:
        """Take the words: in `tests` one phrase per mask bit, said when that test failed; `yes` when all passed."""
        self._strategy = strategy
        self._tests = tuple(tests)
        self._yes = (yes,)
        self._noes: dict[int, Signal] = {}

    def reasons(self, failed_mask: int) -> tuple[str, ...]:
        """Return the failed tests in words, in the order of their bits."""
        return tuple(phrase for bit, phrase in enumerate(self._tests) if failed_mask >> bit & 1)

    def signal(self, side: int, failed_mask: int, conviction_frac: float) -> Signal:
        """Build the record of one answer. side: +1, -1 or 0."""
        if side == 0:
            return self._noes.get(failed_mask) or self._no(failed_mask)
        return Signal(
            strategy=self._strategy,
            side=Side(side),
            failed_mask=failed_mask,
            conviction_frac=conviction_frac,
            reasons=self._yes,
        )

    def _no(self, failed_mask: int) -> Signal:
        answer = Signal(
            strategy=self._strategy,
            side=None,
            failed_mask=failed_mask,
            conviction_frac=0.0,
            reasons=self.reasons(failed_mask),
        )
        self._noes[failed_mask] = answer
        return answer
