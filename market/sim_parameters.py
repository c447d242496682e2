"""What the simulated market is made of: every figure with its unit, calibrated on recorded perpetuals.

The moving parts are NamedTuples because the compiled kernels take them as they are. A "vol" is the current standard
deviation of one-minute log returns; a "log vol" is its natural logarithm over the symbol's median; a `_keep_frac`
is the part of a mean-reverting quantity that is left after one minute (half-life = ln 0.5 / ln keep minutes).
"""

import math
from typing import Final, NamedTuple

from domain.market import MINUTE_MS
from domain.record import Record

PerRegime = tuple[float, float, float, float, float]


class Market(NamedTuple):
    """What all symbols share. A tuple of five is per regime: chop, bull, bear, high volatility, crash.

    stay_minutes: mean length of a regime. drift_vols: drift a minute, in vols. regime_log_vol: shift of the log vol.
    regime_premium_bps: where the premium is drawn to. slow_sd: spread of the slow log vol over its long run.
    season_log_vol: half the daily swing of the log vol, highest at `season_peak_minute` of the UTC day.
    jumps_a_day, jump_vols (smallest jump, in vols), jump_tail (Pareto exponent), jump_cap_vols: moves of
    the whole market.
    """

    stay_minutes: PerRegime = (480.0, 300.0, 300.0, 120.0, 20.0)
    drift_vols: PerRegime = (0.0, 0.025, -0.025, 0.0, -0.2)
    regime_log_vol: PerRegime = (-0.1, 0.05, 0.05, 0.45, 0.9)
    regime_premium_bps: PerRegime = (-1.0, 1.5, -3.0, -2.0, -8.0)
    regime_keep_frac: float = 0.95
    slow_sd: float = 0.34
    slow_keep_frac: float = 0.999
    season_log_vol: float = 0.22
    season_peak_minute: float = 870.0
    jumps_a_day: float = 1.2
    jump_vols: float = 3.5
    jump_tail: float = 3.0
    jump_cap_vols: float = 25.0


class Dynamics(NamedTuple):
    """How one symbol moves around the market.

    fast_sd, fast_keep_frac: the quick log vol. kick: log vol added for each vol a move exceeds its expectation.
    own_jumps_a_day: jumps of this symbol alone, sized as the market's. pull_keep_frac: log price is drawn to its start.
    volume_*: log volume = vol_power * log vol + season_power * its season + move_power * |move| in vols + slow + fast
    + noise, the move counted up to move_cap_vols.
    buy_share_flow: how far a move of one vol shifts the takers' buy share, buy_share_sd its noise (both before tanh).
    premium_*: bps; slow around the regime's, fast with noise and with premium_flow_frac of each move.
    mark_keep_frac: smoothing of the premium inside the mark. spread_vol_power, spread_sd: log spread on log vol, noise.
    imbalance_*: depth imbalance before tanh. interest_*: log open interest, a minute; flush: lost for each vol of a
    move beyond four; interest_trend: gained a minute in a trend, lost tenfold in a crash.
    """

    fast_sd: float = 0.34
    fast_keep_frac: float = 0.93
    kick: float = 0.05
    kick_keep_frac: float = 0.85
    own_jumps_a_day: float = 1.2
    pull_keep_frac: float = 0.999992
    volume_vol_power: float = 1.0
    volume_season_power: float = 1.3
    volume_move_power: float = 0.45
    volume_move_cap_vols: float = 6.0
    volume_slow_sd: float = 0.35
    volume_slow_keep_frac: float = 0.998
    volume_fast_sd: float = 0.4
    volume_fast_keep_frac: float = 0.88
    volume_noise_sd: float = 0.45
    buy_share_flow: float = 0.17
    buy_share_sd: float = 0.17
    premium_slow_sd: float = 2.8
    premium_slow_keep_frac: float = 0.999
    premium_fast_sd: float = 0.9
    premium_fast_keep_frac: float = 0.88
    premium_flow_frac: float = 0.08
    mark_keep_frac: float = 0.75
    spread_vol_power: float = 0.8
    spread_sd: float = 0.25
    spread_keep_frac: float = 0.7
    imbalance_sd: float = 0.35
    imbalance_keep_frac: float = 0.75
    imbalance_flow: float = 0.18
    interest_sd: float = 0.0006
    interest_keep_frac: float = 0.9999
    interest_trend: float = 0.00005
    interest_flush: float = 0.002


class SimSymbol(Record, frozen=True, kw_only=True):
    """One simulated perpetual.

    median_vol_bps: standard deviation of one-minute log returns in a median minute. volume_usd: median minute.
    market_share_frac: correlation of its moves with the market's. spread_bps: best ask over best bid in a median
    minute. open_interest_usd: at the start and on average. Prices lie on a tick of about a hundred-thousandth.
    """

    symbol: str
    start_price: float = 100.0
    median_vol_bps: float = 8.0
    market_share_frac: float = 0.7
    volume_usd: float = 400_000.0
    spread_bps: float = 3.0
    open_interest_usd: float = 20e6

    def __post_init__(self) -> None:
        """Refuse what no market has."""
        amounts = (self.median_vol_bps, self.volume_usd, self.spread_bps, self.open_interest_usd)
        if not all(0.0 < amount <= 1e11 for amount in amounts) or not 0.0 <= self.market_share_frac < 1.0:
            raise ValueError(f"{self.symbol}: a simulated symbol has positive figures and a market share in [0, 1)")
        if not 0.01 <= self.start_price <= 1e6 or self.median_vol_bps > 500 or self.spread_bps > 500:
            raise ValueError(f"{self.symbol}: the start price lies in [0.01, 1e6], vol and spread at 500 bps or less")

    @property
    def ticks_per_unit(self) -> float:
        """Ticks in one quote unit: a power of ten, at least 1; SOL at 180 -> 1000, BTC at 95000 -> 10."""
        return float(10 ** max(0, 5 - math.floor(math.log10(self.start_price))))


DEFAULT_SYMBOLS: Final = (
    SimSymbol(
        symbol="SOL-PERP",
        start_price=180.0,
        median_vol_bps=7.8,
        market_share_frac=0.9,
        volume_usd=1.0e6,
        spread_bps=2.0,
        open_interest_usd=120e6,
    ),
    SimSymbol(
        symbol="BTC-PERP",
        start_price=95_000.0,
        median_vol_bps=3.5,
        market_share_frac=0.9,
        volume_usd=5.0e6,
        spread_bps=1.0,
        open_interest_usd=260e6,
    ),
    SimSymbol(
        symbol="ETH-PERP",
        start_price=3_400.0,
        median_vol_bps=5.5,
        market_share_frac=0.9,
        volume_usd=4.0e6,
        spread_bps=1.5,
        open_interest_usd=90e6,
    ),
)


class SimParameters(Record, frozen=True, kw_only=True):
    """The whole simulated market. seed: any whole number >= 0. start_ms: open of the first minute, UTC epoch.

    A symbol not listed gets the figures of a bare `SimSymbol`. funding_offset_den, funding_clamp_den: see
    domain/funding.py.
    """

    seed: int = 7
    start_ms: int = 1_735_689_600_000
    symbols: tuple[SimSymbol, ...] = DEFAULT_SYMBOLS
    market: Market = Market()
    dynamics: Dynamics = Dynamics()
    funding_offset_den: int = 5_000
    funding_clamp_den: int = 33

    def __post_init__(self) -> None:
        """Refuse a start between minutes and figures the kernels cannot live with."""
        if not 0 <= self.seed < 2**63 or self.start_ms < 0 or self.start_ms % MINUTE_MS != 0:
            raise ValueError(f"seed {self.seed} must be 0..2^63-1 and start_ms {self.start_ms} must lie on a minute")
        if self.funding_offset_den < 1 or self.funding_clamp_den < 1:
            raise ValueError("funding denominators must be at least 1")
        if min(self.market.stay_minutes) < 1.0 or self.market.jump_tail <= 1.0:
            raise ValueError("a regime lasts at least a minute on average and the jump tail exponent exceeds 1")
        for name, figure in (*self.market._asdict().items(), *self.dynamics._asdict().items()):
            _refuse_impossible(name, figure if isinstance(figure, tuple) else (figure,))

    def of(self, symbol: str) -> SimSymbol:
        """Return the figures of one symbol."""
        return next((known for known in self.symbols if known.symbol == symbol), SimSymbol(symbol=symbol))


def _refuse_impossible(name: str, figures: tuple[float, ...]) -> None:
    upper = 1.0 if name.endswith("_keep_frac") else 1e6
    is_signed = name.startswith(("drift_", "regime_"))
    for figure in figures:
        if not (-upper if is_signed else 0.0) <= figure < upper:
            raise ValueError(f"{name} {figure} is outside what a simulated market can have")
