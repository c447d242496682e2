"""One simulated symbol, minute by minute: the path inside the minute, then everything that hangs on it.

No edge is planted: draws are independent of everything already shown, and only the small drift of a regime,
a few hundredths of a vol a minute, outlasts the minute it is seen in. The limits below are out of reach of the
default figures; they keep prices possible, and funding inside its integers, whatever figures are chosen.
"""

import math
from typing import Final, NamedTuple

from domain.compiled import kernel
from domain.features import FloatArray
from domain.funding import hourly_funding_rate_1e9
from domain.grid import steps_down, steps_nearest, steps_up
from market.sim_parameters import Dynamics, Market
from market.sim_regime import (
    BEAR,
    BULL,
    CRASH,
    DRIFT_VOLS,
    JUMP_VOLS,
    LOG_VOL,
    PREMIUM_BPS,
    REGIME,
    SEASON,
    jump_in_vols,
)

N_STEPS: Final = 24
N_UNIFORMS: Final = 4
(
    LOG_PRICE,
    FAST,
    KICK,
    VOLUME_SLOW,
    VOLUME_FAST,
    PREMIUM_SLOW,
    PREMIUM_FAST,
    MARK_PREMIUM,
    SPREAD_WALK,
    IMBALANCE_WALK,
    INTEREST_WALK,
    MARK_SUM,
    ORACLE_SUM,
    N_SUMMED,
    LAST_CLOSE,
    RATE_1E9,
    RATE_FRAC,
    RATE_MS,
) = range(18)
N_STATE: Final = 18

(OPEN, HIGH, LOW, CLOSE, VOLUME, TAKER_BUY, BID, ASK, SPREAD, IMBALANCE) = range(10)
(MARK, ORACLE, PREMIUM, OPEN_INTEREST, FUNDING_FRAC, FUNDING_MS, SETTLED_1E9) = range(10, 17)
N_COLUMNS: Final = 17
N_EVERY_MINUTE: Final = 14
N_NORMALS: Final = N_STEPS + 10
_MEAN_MOVE: Final = 0.8
_MAX_VOL: Final = 0.05
_MAX_JUMP: Final = 1.0
_MAX_LOG_PRICE: Final = 6.0
_MAX_LOG_VOLUME: Final = 10.0
_MAX_LOG_INTEREST: Final = 3.0
MAX_PREMIUM_BPS: Final = 2_000.0
_MS: Final = 60_000


class Symbol(NamedTuple):
    """What the kernel needs to know of one symbol, beside the dynamics."""

    start_price: float
    ticks_per_unit: float
    median_vol: float
    market_share_frac: float
    volume_base: float
    spread_bps: float
    open_interest_base: float
    funding_offset_den: int
    funding_clamp_den: int


@kernel
def reverted(value: float, keep_frac: float, stationary_sd: float, normal: float) -> float:
    """Return the next value of a quantity that reverts to zero with the given long-run spread."""
    return keep_frac * value + stationary_sd * math.sqrt(1.0 - keep_frac * keep_frac) * normal


@kernel
def within(value: float, limit: float) -> float:
    """Return the value cut to [-limit, limit]."""
    return max(-limit, min(limit, value))


@kernel
def walk_minute(
    market_normals: FloatArray, normals: FloatArray, share_frac: float, vol: float, drift: float, jump: float, at: int
) -> tuple[float, float, float]:
    """Return highest, lowest and last log price of one minute, against its open, over N_STEPS steps.

    vol, drift, jump: of the whole minute, as log returns. at: the step in which the jump happens.
    """
    own = math.sqrt(1.0 - share_frac * share_frac)
    scale = vol / math.sqrt(N_STEPS)
    last = highest = lowest = 0.0
    for step in range(N_STEPS):
        last += scale * (share_frac * market_normals[step] + own * normals[step]) + drift / N_STEPS
        if step == at:
            last += jump
        highest = max(highest, last)
        lowest = min(lowest, last)
    return highest, lowest, last


@kernel
def on_tick(price: float, symbol: Symbol) -> float:
    """Return the nearest price on the symbol's tick, at least two ticks."""
    return max(steps_nearest(price, 1.0 / symbol.ticks_per_unit), 2) / symbol.ticks_per_unit


@kernel
def write_prices(
    state: FloatArray, symbol: Symbol, dynamics: Dynamics, path: tuple[float, float, float], row: FloatArray
) -> None:
    """Write open, high, low and close of the minute and carry the log price on."""
    highest, lowest, last = path
    base = symbol.start_price * math.exp(state[LOG_PRICE])
    row[OPEN] = state[LAST_CLOSE]
    row[CLOSE] = on_tick(base * math.exp(last), symbol)
    row[HIGH] = max(on_tick(base * math.exp(highest), symbol), row[OPEN], row[CLOSE])
    row[LOW] = min(on_tick(base * math.exp(lowest), symbol), row[OPEN], row[CLOSE])
    state[LOG_PRICE] = within(dynamics.pull_keep_frac * (state[LOG_PRICE] + last), _MAX_LOG_PRICE)
    state[LAST_CLOSE] = row[CLOSE]


@kernel
def write_volume(
    state: FloatArray,
    symbol: Symbol,
    dynamics: Dynamics,
    log_volume: float,
    move_vols: float,
    normals: FloatArray,
    row: FloatArray,
) -> None:
    """Write what was traded, and how much of it by buying takers.

    log_volume: what the vol and the hour call for, over the median. normals: four.
    """
    state[VOLUME_SLOW] = reverted(
        state[VOLUME_SLOW], dynamics.volume_slow_keep_frac, dynamics.volume_slow_sd, normals[0]
    )
    state[VOLUME_FAST] = reverted(
        state[VOLUME_FAST], dynamics.volume_fast_keep_frac, dynamics.volume_fast_sd, normals[1]
    )
    surge = dynamics.volume_move_power * min(abs(move_vols), dynamics.volume_move_cap_vols)
    own = state[VOLUME_SLOW] + state[VOLUME_FAST] + dynamics.volume_noise_sd * normals[2]
    row[VOLUME] = symbol.volume_base * math.exp(within(log_volume + surge + own, _MAX_LOG_VOLUME))
    lean = dynamics.buy_share_flow * move_vols + dynamics.buy_share_sd * normals[3]
    row[TAKER_BUY] = row[VOLUME] * (0.5 + 0.5 * math.tanh(lean))


@kernel
def write_premium(
    state: FloatArray, dynamics: Dynamics, drawn_to_bps: float, move_bps: float, normals: FloatArray, row: FloatArray
) -> None:
    """Write oracle, mark and premium: the perpetual leads a move and the oracle catches up. normals: two."""
    state[PREMIUM_SLOW] = drawn_to_bps + reverted(
        state[PREMIUM_SLOW] - drawn_to_bps, dynamics.premium_slow_keep_frac, dynamics.premium_slow_sd, normals[0]
    )
    fast = reverted(state[PREMIUM_FAST], dynamics.premium_fast_keep_frac, dynamics.premium_fast_sd, normals[1])
    state[PREMIUM_FAST] = fast + dynamics.premium_flow_frac * move_bps
    premium = within(state[PREMIUM_SLOW] + state[PREMIUM_FAST], MAX_PREMIUM_BPS)
    state[MARK_PREMIUM] = premium + dynamics.mark_keep_frac * (state[MARK_PREMIUM] - premium)
    row[ORACLE] = row[CLOSE] / (1.0 + premium * 1e-4)
    row[MARK] = row[ORACLE] * (1.0 + state[MARK_PREMIUM] * 1e-4)
    row[PREMIUM] = premium


@kernel
def write_book(
    state: FloatArray,
    symbol: Symbol,
    dynamics: Dynamics,
    log_vol: float,
    move_vols: float,
    normals: FloatArray,
    row: FloatArray,
) -> None:
    """Write best bid and ask around the close, at least a tick apart, and the lean of the depth. normals: two."""
    state[SPREAD_WALK] = reverted(state[SPREAD_WALK], dynamics.spread_keep_frac, dynamics.spread_sd, normals[0])
    ticks = symbol.ticks_per_unit
    wide = 0.5e-4 * symbol.spread_bps * math.exp(within(dynamics.spread_vol_power * log_vol + state[SPREAD_WALK], 10.0))
    half = max(row[CLOSE] * min(wide, 0.05), 0.5 / ticks)
    bid = max(steps_down(row[CLOSE] - half, 1.0 / ticks), 1)
    ask = max(steps_up(row[CLOSE] + half, 1.0 / ticks), bid + 1)
    row[BID] = bid / ticks
    row[ASK] = ask / ticks
    row[SPREAD] = 2e4 * (ask - bid) / (ask + bid)
    walk = reverted(state[IMBALANCE_WALK], dynamics.imbalance_keep_frac, dynamics.imbalance_sd, normals[1])
    state[IMBALANCE_WALK] = walk
    row[IMBALANCE] = math.tanh(walk + dynamics.imbalance_flow * move_vols)


@kernel
def write_open_interest(
    state: FloatArray, symbol: Symbol, dynamics: Dynamics, regime: int, move_vols: float, normal: float, row: FloatArray
) -> None:
    """Write outstanding notional: built in trends, lost in crashes and in moves that force positions out."""
    gain = 0.0
    if regime in (BULL, BEAR):
        gain = dynamics.interest_trend
    elif regime == CRASH:
        gain = -10.0 * dynamics.interest_trend
    gain -= dynamics.interest_flush * max(0.0, abs(move_vols) - 4.0)
    walk = dynamics.interest_keep_frac * state[INTEREST_WALK] + gain + dynamics.interest_sd * normal
    state[INTEREST_WALK] = within(walk, _MAX_LOG_INTEREST)
    row[OPEN_INTEREST] = symbol.open_interest_base * math.exp(state[INTEREST_WALK]) * row[MARK]


@kernel
def settle_funding(state: FloatArray, symbol: Symbol, open_ms: int) -> None:
    """Settle on the mean mark and oracle of the minutes since the last settlement, and start the next hour."""
    mark_1e6 = steps_nearest(state[MARK_SUM] / state[N_SUMMED], 1e-6)
    oracle_1e6 = steps_nearest(state[ORACLE_SUM] / state[N_SUMMED], 1e-6)
    rate = hourly_funding_rate_1e9(mark_1e6, oracle_1e6, symbol.funding_offset_den, symbol.funding_clamp_den)
    state[RATE_1E9] = rate
    state[RATE_FRAC] = rate / (1_000.0 * oracle_1e6)
    state[RATE_MS] = open_ms
    state[MARK_SUM] = state[ORACLE_SUM] = state[N_SUMMED] = 0.0


@kernel
def write_funding(state: FloatArray, symbol: Symbol, open_ms: int, row: FloatArray) -> None:
    """Settle when an hour begins with this minute, then count the minute into the running hour."""
    row[SETTLED_1E9] = math.nan
    if open_ms % (60 * _MS) == 0:
        settle_funding(state, symbol, open_ms)
        row[SETTLED_1E9] = state[RATE_1E9]
    row[FUNDING_FRAC] = state[RATE_FRAC]
    row[FUNDING_MS] = state[RATE_MS]
    state[MARK_SUM] += row[MARK]
    state[ORACLE_SUM] += row[ORACLE]
    state[N_SUMMED] += 1.0


@kernel
def advance_symbol(
    state: FloatArray,
    first_ms: int,
    market_rows: FloatArray,
    market_normals: FloatArray,
    normals: FloatArray,
    uniforms: FloatArray,
    symbol: Symbol,
    market: Market,
    dynamics: Dynamics,
    rows: FloatArray,
) -> None:
    """Fill one block of minutes and carry `state` over its end.

    state: shape (N_STATE,). first_ms: open of row 0. market_rows: shape (n, N_MARKET_COLUMNS). market_normals: shape
    (n, >= N_STEPS). normals: shape (n, N_NORMALS). uniforms: shape (n, N_UNIFORMS). rows: shape (n, N_COLUMNS).
    """
    for i in range(len(rows)):
        shared, draws, row = market_rows[i], normals[i, N_STEPS:], rows[i]
        state[FAST] = reverted(state[FAST], dynamics.fast_keep_frac, dynamics.fast_sd, draws[0])
        log_vol = shared[LOG_VOL] + state[FAST] + state[KICK]
        vol = min(symbol.median_vol * math.exp(within(log_vol, 10.0)), _MAX_VOL)
        jump_vols = shared[JUMP_VOLS] + jump_in_vols(
            uniforms[i, 0], uniforms[i, 1], uniforms[i, 2], dynamics.own_jumps_a_day, market
        )
        path = walk_minute(
            market_normals[i],
            normals[i],
            symbol.market_share_frac,
            vol,
            vol * shared[DRIFT_VOLS],
            within(vol * jump_vols, _MAX_JUMP),
            int(uniforms[i, 3] * N_STEPS),
        )
        move_vols = path[2] / vol
        state[KICK] = dynamics.kick_keep_frac * state[KICK] + dynamics.kick * (min(abs(move_vols), 8.0) - _MEAN_MOVE)
        log_volume = dynamics.volume_vol_power * log_vol + dynamics.volume_season_power * shared[SEASON]
        write_prices(state, symbol, dynamics, path, row)
        write_volume(state, symbol, dynamics, log_volume, move_vols, draws[1:5], row)
        write_premium(state, dynamics, shared[PREMIUM_BPS], 1e4 * path[2], draws[5:7], row)
        write_book(state, symbol, dynamics, log_vol, move_vols, draws[7:9], row)
        write_open_interest(state, symbol, dynamics, int(shared[REGIME]), move_vols, draws[9], row)
        write_funding(state, symbol, first_ms + i * _MS, row)
