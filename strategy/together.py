"""Several strategies asked at once: their failed tests side by side in one number, MASK_BITS to each."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from domain.compiled import entry_point, kernel
from domain.features import FloatArray
from strategy import e3, funding_fade
from strategy.e3 import E3
from strategy.funding_fade import FundingFade
from strategy.rules import Strategy

MASK_BITS: Final = 32
_MASK: Final = (1 << MASK_BITS) - 1
_N_E3: Final = len(e3.E3Thresholds().vector())

Ask = Callable[[FloatArray, FloatArray], int]


@kernel
def e3_and_fade(f: FloatArray, p: FloatArray) -> int:
    """Return the failed tests of E3 and, above them, those of the fade. p: the parameters of both, one after the other.

    One compiled call for both takes a third of the time of two calls and what Python makes of them.
    """
    return e3.failed_tests(f, p[:_N_E3]) | funding_fade.failed_tests(f, p[_N_E3:]) << MASK_BITS


def asked_together(strategies: Sequence[Strategy]) -> tuple[Ask, FloatArray]:
    """Return a question to all strategies, (features, parameters) -> failed tests side by side, and its parameters.

    The strategies the desk ships with are asked in one compiled call, any others one after the other.
    """
    parameters = np.concatenate([np.zeros(0), *(strategy.parameters for strategy in strategies)])
    if len(strategies) == 1:
        return strategies[0].failed_tests, parameters
    if [type(strategy) for strategy in strategies] == [E3, FundingFade]:
        return entry_point(e3_and_fade, parameters, parameters), parameters
    tests = [(strategy.failed_tests, strategy.parameters) for strategy in strategies]

    def ask(f: FloatArray, _: FloatArray) -> int:
        masks = 0
        for number, (failed_tests, own) in enumerate(tests):
            masks |= int(failed_tests(f, own)) << number * MASK_BITS
        return masks

    return ask, parameters


def apart(masks: int, n_strategies: int) -> list[int]:
    """Return each strategy's failed tests from those side by side."""
    return [masks >> number * MASK_BITS & _MASK for number in range(n_strategies)]
