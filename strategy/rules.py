"""What every strategy is: a name, a compiled decision, and words for each of its tests."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.decisions import Side, Signal
from domain.features import Features, FloatArray

SideArray = NDArray[np.int8]
LONG_LEAVES, SHORT_LEAVES = 1, 2
# Looking a member up on its enum costs ten times as much.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


class Scans(NamedTuple):
    """A strategy's answers on a whole tape at once, for the compiled engine: its own kernels in a compiled loop.

    answers: (features of shape (n_bars, N_FEATURES), parameters) -> (sides, convictions), each (n_bars,); side 1, -1,
    or 0 where it does not fire. partings: the same arguments -> (n_bars,), LONG_LEAVES and SHORT_LEAVES added up where
    it wants a position left; None for a strategy that never does. Rows before the warm-up are all NaN: nobody fires.
    """

    answers: Callable[[FloatArray, FloatArray], tuple[SideArray, FloatArray]]
    partings: Callable[[FloatArray, FloatArray], SideArray] | None


class Strategy(Protocol):
    """A rule set that looks at one set of features and answers. Pure: same features, same answer."""

    @property
    def name(self) -> str:
        """The name used in settings, journal and reports."""
        ...

    @property
    def failed_tests(self) -> Callable[[FloatArray, FloatArray], int]:
        """The decision: (feature vector, parameters) -> which tests fail, one of 32 bits each; 0 = it fires.

        A compiled kernel where the strategy is to run in a sweep; a plain function also serves the desk.
        """
        ...

    @property
    def parameters(self) -> FloatArray:
        """The thresholds in the order `failed_tests` reads them."""
        ...

    @property
    def scans(self) -> Scans | None:
        """The same decisions over a whole tape; None for a strategy that exists only in Python."""
        ...

    def no(self, failed_mask: int) -> Signal:
        """Return the answer of a strategy that does not fire, with every failed test in words. failed_mask: not 0."""
        ...

    def fire(self, features: Features) -> Signal:
        """Return the answer of a strategy that fires: a side with conviction. Only for a failed mask of 0."""
        ...

    def wants_out(self, features: Features, side: Side) -> str | None:
        """Return why a position on `side` should be left now, or None."""
        ...


class Answers:
    """Turns a kernel's answer into a `Signal`, saying in words which tests failed.

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

    def no(self, failed_mask: int) -> Signal:
        """Return the answer that names no side. failed_mask: not 0."""
        answer = self._noes.get(failed_mask)
        if answer is None:
            answer = self._noes[failed_mask] = Signal(
                strategy=self._strategy,
                side=None,
                failed_mask=failed_mask,
                conviction_frac=0.0,
                reasons=tuple(phrase for bit, phrase in enumerate(self._tests) if failed_mask >> bit & 1),
            )
        return answer

    def yes(self, side: int, conviction_frac: float) -> Signal:
        """Return the answer that names a side. side: +1 or -1."""
        return Signal(
            strategy=self._strategy,
            side=_BUY if side > 0 else _SELL,
            failed_mask=0,
            conviction_frac=conviction_frac,
            reasons=self._yes,
        )


def evaluate(strategy: Strategy, features: Features) -> Signal:
    """Return a strategy's whole answer on one set of features."""
    failed_mask = strategy.failed_tests(features.vector, strategy.parameters)
    return strategy.no(failed_mask) if failed_mask else strategy.fire(features)
