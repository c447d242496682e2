"""The market-wide part of the simulation: regime, slow volatility, sentiment and shared jumps, one row a minute."""

import math
from typing import Final

from domain.compiled import kernel
from domain.features import FloatArray
from market.sim_parameters import Market

N_MARKET_NORMALS: Final = 1
N_MARKET_UNIFORMS: Final = 5
REGIME, DRIFT_VOLS, LOG_VOL, SEASON, PREMIUM_BPS, JUMP_VOLS = range(6)
N_MARKET_COLUMNS: Final = 6
N_MARKET_STATE: Final = 3
MINUTES_A_DAY: Final = 1_440

CHOP: Final = 0
BULL: Final = 1
BEAR: Final = 2
HIGH_VOL: Final = 3
CRASH: Final = 4

# Where a regime goes when it ends: rows chop, bull, bear, high volatility, crash; cumulative.
_NEXT: Final = (
    (0.0, 0.42, 0.82, 0.98, 1.0),
    (0.6, 0.6, 0.75, 0.96, 1.0),
    (0.55, 0.72, 0.72, 0.95, 1.0),
    (0.55, 0.72, 0.92, 0.92, 1.0),
    (0.1, 0.2, 0.35, 1.0, 1.0),
)


@kernel
def next_regime(regime: int, stay_minutes: float, leaves: float, goes: float) -> int:
    """Return the next minute's regime from two uniforms: whether it ends, and where it then goes."""
    if leaves * stay_minutes >= 1.0:
        return regime
    row = _NEXT[regime]
    for following in range(len(row)):
        if goes < row[following]:
            return following
    return regime


@kernel
def jump_in_vols(chance: float, direction: float, size: float, a_day: float, market: Market) -> float:
    """Return a signed jump in vols, mostly 0: Poisson in time, Pareto in size, from three uniforms in [0, 1)."""
    if chance * MINUTES_A_DAY >= a_day:
        return 0.0
    height = min(market.jump_vols * math.pow(1.0 - size, -1.0 / market.jump_tail), market.jump_cap_vols)
    return height if direction < 0.5 else -height


@kernel
def season(minute_of_day: int, market: Market) -> float:
    """Return the daily swing of the log vol: one wave a day and a smaller second one."""
    phase = 2.0 * math.pi * (minute_of_day - market.season_peak_minute) / MINUTES_A_DAY
    return market.season_log_vol * (0.75 * math.cos(phase) + 0.25 * math.cos(2.0 * phase))


@kernel
def advance_market(
    state: FloatArray, first_minute: int, normals: FloatArray, uniforms: FloatArray, market: Market, rows: FloatArray
) -> None:
    """Fill one block of market rows and carry `state` over its end.

    state: shape (3,): regime, slow log vol, smoothed regime log vol. first_minute: minutes since 1970 of row 0.
    normals: shape (n, N_MARKET_NORMALS). uniforms: shape (n, N_MARKET_UNIFORMS). rows: shape (n, N_MARKET_COLUMNS).
    """
    regime = int(state[0])
    shock = market.slow_sd * math.sqrt(1.0 - market.slow_keep_frac**2)
    for i in range(len(rows)):
        draw = uniforms[i]
        regime = next_regime(regime, market.stay_minutes[regime], draw[0], draw[1])
        state[1] = market.slow_keep_frac * state[1] + shock * normals[i, 0]
        level = market.regime_log_vol[regime]
        state[2] = level + market.regime_keep_frac * (state[2] - level)
        rows[i, REGIME] = regime
        rows[i, DRIFT_VOLS] = market.drift_vols[regime]
        rows[i, SEASON] = season((first_minute + i) % MINUTES_A_DAY, market)
        rows[i, LOG_VOL] = state[1] + state[2] + rows[i, SEASON]
        rows[i, PREMIUM_BPS] = market.regime_premium_bps[regime]
        rows[i, JUMP_VOLS] = jump_in_vols(draw[2], draw[3], draw[4], market.jumps_a_day, market)
    state[0] = regime
