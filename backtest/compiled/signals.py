"""Where a tape calls for an entry: every strategy's answers, combined as the desk's strategy agent combines them."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backtest.compiled.columns import FLAGS, IMBALANCE, IS_FIT, OPEN_PRICE, SPREAD_BPS, VOLUME, Columns
from backtest.outcome import FloatArray, IntArray
from domain.compiled import tape_kernel
from domain.errors import BadInput
from domain.features import N_FEATURES, REGIME_BY_CODE, Feature
from indicators.features import FeatureWindows, features_batch
from indicators.regime import RegimeThresholds
from risk.switching import RegimeSwitch
from strategy.rules import SideArray, Strategy

_Number = TypeVar("_Number", np.float64, np.int8)


class Signals(NamedTuple):
    """The minutes on which something is proposed, oldest first, and when strategies want out.

    places: minutes, shape (n_signals,). sides: 1 or -1. convictions. strategies: which one spoke loudest, by its
    place among the desk's. leaves: shape (n_strategies, n_minutes), as `Scans.partings` gives it.
    """

    places: IntArray
    sides: SideArray
    convictions: FloatArray
    strategies: SideArray
    leaves: SideArray


def features_of(columns: Columns, windows: FeatureWindows, regimes: RegimeThresholds) -> FloatArray:
    """Return the features after every minute, shape (n_minutes, N_FEATURES); NaN while cold and without a bar."""
    has_bar = columns.has_bar
    bars, beside = columns.floats[:, OPEN_PRICE : VOLUME + 1], columns.floats[:, IMBALANCE : SPREAD_BPS + 1]
    if has_bar.all():
        return features_batch(bars, beside, windows, regimes)
    features = np.full((N_FEATURES, len(has_bar)), np.nan).T
    features[has_bar] = features_batch(bars[has_bar], beside[has_bar], windows, regimes)
    return features


def signals_of(columns: Columns, features: FloatArray, strategies: Sequence[Strategy]) -> Signals:
    """Return what the strategies propose over a tape. Raises BadInput naming a strategy that exists only in Python."""
    scans = []
    for strategy in strategies:
        if strategy.scans is None:
            raise BadInput(f"strategy {strategy.name} has no compiled kernel; only `backtest` can run it")
        scans.append(strategy.scans)
    parameters = [strategy.parameters for strategy in strategies]
    answers = [scan.answers(features, given) for scan, given in zip(scans, parameters, strict=True)]
    stays = np.zeros(len(features), dtype=np.int8)
    leaves = [
        stays if scan.partings is None else scan.partings(features, given)
        for scan, given in zip(scans, parameters, strict=True)
    ]
    places, sides, convictions, names = _combined(
        columns.ints, _rows([side for side, _ in answers]), _rows([level for _, level in answers])
    )
    return Signals(places=places, sides=sides, convictions=convictions, strategies=names, leaves=_rows(leaves))


def _rows(one_each: Sequence[NDArray[_Number]]) -> NDArray[_Number]:
    """Return the strategies' columns as one array. A lone one is not copied: that costs as much as the scan did."""
    return one_each[0][np.newaxis] if len(one_each) == 1 else np.stack(one_each)


def fitting(signals: Signals, features: FloatArray, strategies: Sequence[Strategy], switch: RegimeSwitch) -> Signals:
    """Return the signals that the desk's rule `strategy_fits_regime` lets pass.

    As in the desk the strategies are combined first: one that may not enter still outvotes and disagrees.
    """
    if not switch.allowed:
        return signals
    fits = np.array([[switch.fits(one.name, regime) for regime in REGIME_BY_CODE] for one in strategies])
    codes = features[signals.places, Feature.REGIME].astype(np.int64)
    stays = fits[signals.strategies, codes]
    return Signals(
        places=signals.places[stays],
        sides=signals.sides[stays],
        convictions=signals.convictions[stays],
        strategies=signals.strategies[stays],
        leaves=signals.leaves,
    )


@tape_kernel
def _combined(
    ints: IntArray, sides: SideArray, convictions: FloatArray
) -> tuple[IntArray, SideArray, FloatArray, SideArray]:
    """Return the fit minutes on which all that fire agree, with the most convinced (the first of equals)."""
    n_strategies, n_minutes = sides.shape
    n_most = np.count_nonzero(sides)
    places = np.empty(n_most, dtype=np.int64)
    chosen = np.empty(n_most, dtype=np.int8)
    side_of, level_of = np.empty(n_most, dtype=np.int8), np.empty(n_most)
    n_found = 0
    for place in range(n_minutes):
        best, agrees = -1, True
        for one in range(n_strategies):
            if sides[one, place] == 0:
                continue
            if best >= 0 and sides[one, place] != sides[best, place]:
                agrees = False
            if best < 0 or convictions[one, place] > convictions[best, place]:
                best = one
        if best >= 0 and agrees and ints[place, FLAGS] & IS_FIT:
            places[n_found], chosen[n_found] = place, best
            side_of[n_found], level_of[n_found] = sides[best, place], convictions[best, place]
            n_found += 1
    return places[:n_found].copy(), side_of[:n_found].copy(), level_of[:n_found].copy(), chosen[:n_found].copy()
