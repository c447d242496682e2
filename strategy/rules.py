"""What every strategy is: a name, a compiled decision, and words for each of its tests."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.compiled import inner_kernel
from domain.decisions import Side, Signal
from domain.features import Feature, Features, FloatArray

SideArray = NDArray[np.int8]
MarkArray = NDArray[np.uint8]
IntArray = NDArray[np.int64]
Fires = tuple[IntArray, SideArray, FloatArray]
LONG_LEAVES, SHORT_LEAVES = 1, 2
# Looking a member up on its enum costs ten times as much.
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


@inner_kernel
def no_marks(n_bars: int) -> MarkArray:
    """Return room for a mark on every bar, none set; the length is a whole number of words."""
    return np.zeros((n_bars + 7) // 8 * 8, dtype=np.uint8)


@inner_kernel
def marked(marks: MarkArray) -> IntArray:
    """Return the places marked with 1, in order. Looked through eight at a time: most words have none."""
    words, places, n_found = marks.view(np.uint64), np.empty(len(marks), dtype=np.int64), 0
    for word in range(len(words)):
        if words[word] != 0:
            for place in range(8 * word, 8 * word + 8):
                places[n_found] = place
                n_found += marks[place]
    return places[:n_found].copy()


class Scans(NamedTuple):
    """A strategy's answers on a whole tape at once, for the compiled engine: its own kernels in a compiled loop.

    Both are asked with (figures of shape (n_bars, N_FIGURES), what stood beside them, (n_bars, 6), parameters): see
    `indicators.feature_columns`; nobody fires or wants out where the figures are NaN.

    answers: (places, sides, convictions) of the bars on which it fires, in order; side 1 or -1. partings: (n_bars,),
    LONG_LEAVES and SHORT_LEAVES added up where it wants a position left; None for a strategy that never does.
    asks_regimes: whether either reads regime, trend or drawdown; where nobody does, they are not worked out.
    """

    answers: Callable[[FloatArray, FloatArray, FloatArray], Fires]
    partings: Callable[[FloatArray, FloatArray, FloatArray], SideArray] | None
    asks_regimes: bool


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

    @property
    def grounds(self) -> tuple[Feature, ...]:
        """The figures that speak for a trade when it fires; afterwards each is held against what the market did."""
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
