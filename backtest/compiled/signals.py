"""Where a tape calls for an entry: every strategy's answers, combined as the desk's strategy agent combines them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.compiled.columns import (
    CLOSE_PRICE,
    FLAGS,
    IS_FIT,
    OPEN_PRICE,
    RETURN_BPS,
    VOLUME,
    Columns,
)
from backtest.outcome import FloatArray, IntArray
from domain.compiled import kernel
from domain.errors import BadInput
from domain.features import REGIME_BY_CODE
from indicators.feature_columns import Figure
from indicators.features import FeatureWindows, tape_figures
from indicators.regime import RegimeThresholds
from risk.switching import RegimeSwitch
from strategy.rules import Scans, SideArray, Strategy


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


def features_of(
    columns: Columns, windows: FeatureWindows, regimes: RegimeThresholds, *, has_regimes: bool = True
) -> FloatArray:
    """Return the figures after every minute, shape (n_minutes, N_FIGURES); NaN while cold and without a bar.

    has_regimes: whether regimes are wanted, see `asks_regimes`; else the shape is (n_minutes, N_DECIDING).
    """
    floats = np.ascontiguousarray(columns.floats.T)
    has_bar = ~np.isnan(floats[CLOSE_PRICE])
    if has_bar.all():
        return _figures(floats, windows, regimes, has_regimes)
    of_bars = _figures(np.ascontiguousarray(floats[:, has_bar]), windows, regimes, has_regimes)
    features = np.full((of_bars.shape[1], len(has_bar)), np.nan).T
    features[has_bar] = of_bars
    return features


def _figures(floats: FloatArray, windows: FeatureWindows, regimes: RegimeThresholds, has_regimes: bool) -> FloatArray:
    bars = floats[OPEN_PRICE : VOLUME + 1]
    return tape_figures(bars, floats[RETURN_BPS], windows, regimes, has_regimes=has_regimes)


def asks_regimes(strategies: Sequence[Strategy], switch: RegimeSwitch) -> bool:
    """Say whether entries depend on the regime, or on the trend and the drawdown it is told from."""
    return bool(switch.allowed) or any(_scans_of(strategy).asks_regimes for strategy in strategies)


def signals_of(columns: Columns, features: FloatArray, strategies: Sequence[Strategy]) -> Signals:
    """Return what the strategies propose over a tape. Raises BadInput naming a strategy that exists only in Python."""
    scans = [(_scans_of(strategy), strategy.parameters) for strategy in strategies]
    beside = columns.beside
    answers = [scan.answers(features, beside, given) for scan, given in scans]
    places, sides, convictions = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    names = np.repeat(np.arange(len(scans), dtype=np.int8), [len(its_places) for its_places, _, _ in answers])
    leaves = np.zeros((len(scans), len(features)), dtype=np.int8)
    for row, (scan, given), (its_places, _, _) in zip(leaves, scans, answers, strict=True):
        # A strategy that never enters has nothing to leave.
        if scan.partings is not None and len(its_places) > 0:
            row[:] = scan.partings(features, beside, given)
    spoken = Signals(places=places, sides=sides, convictions=convictions, strategies=names, leaves=leaves)
    fit = _taken(spoken, columns.ints[places, FLAGS] & IS_FIT != 0)
    if sum(len(its_places) > 0 for its_places, _, _ in answers) < 2:
        return fit
    in_time = _taken(fit, np.argsort(fit.places, kind="stable"))
    return _taken(in_time, _spokesmen(in_time.places, in_time.sides, in_time.convictions))


def _scans_of(strategy: Strategy) -> Scans:
    if strategy.scans is None:
        raise BadInput(f"strategy {strategy.name} has no compiled kernel; only `backtest` can run it")
    return strategy.scans


def fitting(signals: Signals, features: FloatArray, strategies: Sequence[Strategy], switch: RegimeSwitch) -> Signals:
    """Return the signals that the desk's rule `strategy_fits_regime` lets pass.

    As in the desk the strategies are combined first: one that may not enter still outvotes and disagrees.
    """
    if not switch.allowed:
        return signals
    fits = np.array([[switch.fits(one.name, regime) for regime in REGIME_BY_CODE] for one in strategies])
    codes = features[signals.places, Figure.REGIME].astype(np.int64)
    return _taken(signals, fits[signals.strategies, codes])


def _taken(signals: Signals, stays: IntArray | NDArray[np.bool_]) -> Signals:
    return Signals(
        places=signals.places[stays],
        sides=signals.sides[stays],
        convictions=signals.convictions[stays],
        strategies=signals.strategies[stays],
        leaves=signals.leaves,
    )


@kernel
def _spokesmen(places: IntArray, sides: SideArray, convictions: FloatArray) -> IntArray:
    """Return of every minute on which all that fire agree the most convinced (the first of equals)."""
    chosen, n_chosen, first = np.empty_like(places), 0, 0
    while first < len(places):
        best, agrees, one = first, True, first
        while one < len(places) and places[one] == places[first]:
            agrees = agrees and sides[one] == sides[first]
            if convictions[one] > convictions[best]:
                best = one
            one += 1
        if agrees:
            chosen[n_chosen] = best
            n_chosen += 1
        first = one
    return chosen[:n_chosen]
