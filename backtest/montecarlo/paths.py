"""The walk of a path: units drawn in blocks, shocked, compounded, summed up in a few figures. Nothing else is kept.

Memory is one row of N_FIGURES numbers a path and a few numbers a unit, whatever the number of steps.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from backtest.montecarlo.draws import SLOTS, mixed, normal, path_key, student_size, uniform
from backtest.montecarlo.exposure import Exposure
from backtest.montecarlo.outages import Struck, draw_outages
from backtest.montecarlo.units import Units
from backtest.outcome import FloatArray
from domain.compiled import kernel

# The figures of one path, by column.
RETURN: Final = 0
DRAWDOWN: Final = 1
STREAK: Final = 2
UNDER_WATER: Final = 3
LONGEST_UNDER_WATER: Final = 4
LOWEST: Final = 5
TAKEN: Final = 6
N_FIGURES: Final = 7

# The places of a step's draws. A normal and a Student-t take two.
_BREAKS, _STARTS, _MISSED, _LATE, _LATE_BARS, _SLIPPAGE, _GAP, _GAP_SIZE = 0, 1, 2, 3, 4, 5, 7, 8
_OF_THE_PATH: Final = np.uint64(0xD1B54A32D192ED03)
_PATH_SLIPPAGE, _PATH_FEES = 0, 2
_NEVER: Final = -1


class Terms(NamedTuple):
    """What a walk is told, as kernels take it; see `shocks.Shocks` for the odds. Scalars only: they pass for nothing.

    breaks_frac: odds that a stationary block ends before the next unit; below 0 for moving blocks of block_units.
    slippage_half_sigma: standard deviation of the log factor's two halves. outage_gap_ms, outage_ms: mean time
    between two beginnings (0 = no outage) and mean length.
    stops_at_drawdown_frac: the drawdown at which a path stops trading; infinite = never.
    """

    block_units: int
    breaks_frac: float
    slippage_factor: float
    slippage_half_sigma: float
    late_frac: float
    missed_frac: float
    gap_frac: float
    gap_scale: float
    gap_degrees: float
    outage_gap_ms: float
    outage_ms: float
    stops_at_drawdown_frac: float


@kernel
def walk_paths(
    units: Units,
    exposure: Exposure,
    terms: Terms,
    fee_factors: FloatArray,
    seed_key: np.uint64,
    first_path: int,
    figures: FloatArray,
) -> None:
    """Walk one path for every row of `figures`, numbered from `first_path`, and write its figures there.

    fee_factors: what the recorded fees are multiplied by, one of them drawn for a path.
    figures: shape (n_paths, N_FIGURES). What is written in a row depends on the seed and the path's number alone.
    """
    n_units = len(units.net)
    struck = Struck(np.full(n_units, _NEVER), np.full(n_units, _NEVER), np.zeros(n_units))
    for row in range(len(figures)):
        key = path_key(seed_key, first_path + row)
        own_key = mixed(key ^ _OF_THE_PATH)
        if terms.outage_gap_ms > 0.0:
            draw_outages(exposure, terms.outage_gap_ms, terms.outage_ms, own_key, row, struck)
        path_log = terms.slippage_half_sigma * normal(own_key, _PATH_SLIPPAGE)
        fee_factor = fee_factors[int(uniform(own_key, _PATH_FEES) * len(fee_factors))]
        _walk(units, exposure, terms, key, row, struck, path_log, fee_factor, figures[row])


@kernel
def _walk(
    units: Units,
    exposure: Exposure,
    terms: Terms,
    key: np.uint64,
    row: int,
    struck: Struck,
    path_log: float,
    fee_factor: float,
    figures: FloatArray,
) -> None:
    # Arrays are taken out of their tuples once a path: passed on at every step, each would be counted at every step.
    net, slippage, fees = units.net, units.slippage, units.fees
    late, gap, gap_most = exposure.late, exposure.gap, exposure.gap_most
    lost_on, delayed_on, delay = struck.lost_on, struck.delayed_on, struck.delay
    n_units, is_compound, start = len(net), units.is_compound, units.start
    equity, peak, lowest, drawdown = start, start, start, 0.0
    streak, longest_streak, under, longest_under, n_under, n_taken, unit, n_left = 0, 0, 0, 0, 0, 0, 0, n_units
    for step in range(n_units):
        place = step * SLOTS
        unit = _next_unit(terms, key, place, step, unit, n_units)
        n_left -= 1
        if lost_on[unit] != row and not _happens(terms.missed_frac, key, place + _MISSED):
            result = _costed(terms, key, place, net[unit], slippage[unit], fees[unit] * (fee_factor - 1.0), path_log)
            if _happens(terms.late_frac, key, place + _LATE):
                result -= late[unit, int(uniform(key, place + _LATE_BARS) * late.shape[1])]
            if delayed_on[unit] == row:
                result += delay[unit]
            elif gap[unit] > 0.0 and _happens(terms.gap_frac, key, place + _GAP):
                result -= min(gap[unit] * _gap_size(terms, key, place), gap_most[unit])
            equity = equity * (1.0 + result) if is_compound else equity + result
            streak = streak + 1 if result < 0.0 else 0
            longest_streak = max(longest_streak, streak)
            n_taken += 1
        peak, lowest = max(peak, equity), min(lowest, equity)
        drawdown = max(drawdown, 1.0 - equity / peak)
        under = under + 1 if equity < peak else 0
        n_under += equity < peak
        longest_under = max(longest_under, under)
        if equity <= 0.0 or drawdown >= terms.stops_at_drawdown_frac:
            break
    # Who stops trading stays where he is: below his peak for the rest of the path.
    n_under, longest_under = n_under + n_left, max(longest_under, under + n_left)
    figures[RETURN], figures[DRAWDOWN], figures[STREAK] = equity / start - 1.0, drawdown, longest_streak
    figures[UNDER_WATER], figures[LONGEST_UNDER_WATER] = n_under / n_units, longest_under
    figures[LOWEST], figures[TAKEN] = lowest / start, n_taken


@kernel
def _next_unit(terms: Terms, key: np.uint64, place: int, step: int, unit: int, n_units: int) -> int:
    if terms.breaks_frac < 0.0:
        if step % terms.block_units != 0:
            return unit + 1
        return int(uniform(key, place + _STARTS) * (n_units - terms.block_units + 1))
    if step > 0 and not _happens(terms.breaks_frac, key, place + _BREAKS):
        return unit + 1 if unit + 1 < n_units else 0
    return int(uniform(key, place + _STARTS) * n_units)


@kernel
def _happens(frac: float, key: np.uint64, counter: int) -> bool:
    return frac > 0.0 and uniform(key, counter) < frac


@kernel
def _costed(
    terms: Terms, key: np.uint64, place: int, net: float, slippage: float, more_fees: float, path_log: float
) -> float:
    """Return what a unit comes to once its slippage is drawn, in stakes."""
    factor = terms.slippage_factor
    if terms.slippage_half_sigma > 0.0:
        factor *= math.exp(path_log + terms.slippage_half_sigma * normal(key, place + _SLIPPAGE))
    return net - slippage * (factor - 1.0) - more_fees


@kernel
def _gap_size(terms: Terms, key: np.uint64, place: int) -> float:
    """Return how many standard deviations of a minute a stop is gapped through."""
    return terms.gap_scale * student_size(key, place + _GAP_SIZE, terms.gap_degrees)
