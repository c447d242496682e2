"""How much a trigger counts: the less, the more others of its market lived through the same minutes.

Source: Lopez de Prado, Advances in Financial Machine Learning, sections 4.3 and 4.4 (average uniqueness).
"""

import numpy as np
from numpy.typing import NDArray

from domain.features import FloatArray

IntArray = NDArray[np.int64]


def average_uniqueness(began_ms: IntArray, ended_ms: IntArray, markets: IntArray) -> FloatArray:
    """Return for each trigger the mean, over its life, of one over the number of its market's triggers then alive.

    began_ms, ended_ms, markets: shape (n,); ended above began. The result lies in (0, 1]; its sum is the number of
    triggers that the set is worth. Markets are told apart, though they move together: that is not corrected here.
    """
    found = np.empty(len(began_ms))
    for market in np.unique(markets):
        of_market = markets == market
        found[of_market] = _of_one_market(began_ms[of_market], ended_ms[of_market])
    return found


def _of_one_market(began_ms: IntArray, ended_ms: IntArray) -> FloatArray:
    instants = np.unique(np.concatenate([began_ms, ended_ms]))
    began, ended = np.searchsorted(instants, began_ms), np.searchsorted(instants, ended_ms)
    change = np.bincount(began, minlength=len(instants)) - np.bincount(ended, minlength=len(instants))
    n_alive = np.cumsum(change)[:-1]
    # Where nobody is alive nothing is added; no life reaches across such a gap.
    share = np.diff(instants) / np.maximum(n_alive, 1)
    grown = np.concatenate([[0.0], np.cumsum(share)])
    mean: FloatArray = (grown[ended] - grown[began]) / (ended_ms - began_ms)
    return mean
