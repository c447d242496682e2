"""Knobs of deciding: data quality, features, strategies, exits, risk and size."""

from pydantic import BaseModel

from configuration.band_file import BandText
from configuration.choices import AllocationMethod, E3Direction
from configuration.knob import CommaList, Number, Whole, knob

WEEK_S = 604_800


class QualityKnobs(BaseModel):
    """Data quality: beyond these limits a minute carries no new risk."""

    quality_max_gap_bars: Whole = knob(0, "bars", "missing minutes before a bar that are tolerated", ge=0, le=1440)
    quality_max_bar_move_pct: Number = knob(
        20.0, "%", "furthest a bar may reach from the last close", ge=0.001, le=1000
    )
    quality_max_premium_bps: Number = knob(500.0, "bps", "largest believable premium, either way", gt=0, le=10_000)
    quality_max_spread_bps: Number = knob(500.0, "bps", "largest believable spread of a book", gt=0, le=10_000)
    quality_max_exchange_funding_age_s: Whole = knob(
        32_400, "seconds", "how long an exchange's 8-hourly funding is shown", ge=60, le=WEEK_S
    )
    quality_max_drift_age_s: Whole = knob(7200, "seconds", "how long an hourly Drift record is shown", ge=60, le=WEEK_S)
    quality_max_mark_age_s: Whole = knob(300, "seconds", "how long a mark price is shown", ge=60, le=WEEK_S)
    quality_max_premium_age_s: Whole = knob(180, "seconds", "how long a premium is shown", ge=60, le=WEEK_S)
    quality_max_oracle_age_s: Whole = knob(300, "seconds", "how long an oracle price is shown", ge=60, le=WEEK_S)
    quality_max_open_interest_age_s: Whole = knob(7200, "seconds", "how long open interest is shown", ge=60, le=WEEK_S)


class FeatureKnobs(BaseModel):
    """Features and regimes."""

    feature_atr_bars: Whole = knob(14, "bars", "window of the average true range (Wilder)", ge=1, le=100_000)
    feature_volume_bars: Whole = knob(20, "bars", "window of the volume z-score", ge=2, le=100_000)
    feature_vol_bars: Whole = knob(30, "bars", "window of the realised volatility", ge=2, le=100_000)
    feature_vol_long_bars: Whole = knob(240, "bars", "window of its long-run value", ge=3, le=100_000)
    feature_ema_fast_bars: Whole = knob(20, "bars", "span of the fast average", ge=1, le=100_000)
    feature_ema_slow_bars: Whole = knob(60, "bars", "span of the slow average", ge=2, le=100_000)
    feature_drawdown_bars: Whole = knob(60, "bars", "window of the highest close", ge=1, le=100_000)
    regime_trend_strength_atr: Number = knob(1.5, "ATR", "gap of the averages that makes a trend", gt=0, le=100)
    regime_high_vol_ratio: Number = knob(1.5, "x", "volatility over its long-run value that is high", gt=0, le=100)
    regime_crash_drawdown_bps: Number = knob(300.0, "bps", "fall from the highest close: a crash", gt=0, le=10_000)


class E3Knobs(BaseModel):
    """Strategy E3: the explosive minute."""

    e3_body_over_atr: Number = knob(0.5, "ATR", "least candle body", ge=0, le=50)
    e3_volume_z: Number = knob(2.0, "standard deviations", "least z-score of the bar's volume", ge=-10, le=50)
    e3_max_spread_bps: Number = knob(30.0, "bps", "stay out above this spread", gt=0, le=10_000)
    e3_max_realised_vol_bps: Number = knob(60.0, "bps a minute", "stay out above this volatility", gt=0, le=10_000)
    e3_direction: E3Direction = knob(E3Direction.MOMENTUM, "", "follow the body, or go against the premium")
    e3_max_chase_premium_bps: Number = knob(
        20.0, "bps", "momentum does not chase a premium stretched further than this", ge=0, le=10_000
    )
    e3_min_imbalance_frac: Number = knob(
        0.0, "of the depth", "how far the book must lean our way; -1 asks for nothing", ge=-1, le=1
    )
    e3_requires_imbalance: bool = knob(
        False, "", "stay out where no imbalance is known; else the bar alone decides there", allowed="true or false"
    )
    e3_fade_min_premium_bps: Number = knob(5.0, "bps", "least premium that premium_fade goes against", ge=0, le=10_000)
    e3_min_move_bps: Number = knob(
        0.0, "bps", "least move of the close from the close before; 0 = none asked", ge=0, le=10_000
    )


class FundingFadeKnobs(BaseModel):
    """Strategy Funding Fade: funding and premium both extreme."""

    funding_fade_extreme_funding_hourly_pct: Number = knob(
        0.002, "% an hour", "funding this far from zero is extreme", ge=0.000001, le=10
    )
    funding_fade_extreme_premium_bps: Number = knob(
        5.0, "bps", "a premium this far from zero is extreme", gt=0, le=10_000
    )
    funding_fade_neutral_funding_hourly_pct: Number = knob(
        0.0005, "% an hour", "funding back within this of zero ends the trade", ge=0, le=10
    )
    funding_fade_neutral_premium_bps: Number = knob(
        1.0, "bps", "a premium back within this of zero ends the trade", ge=0, le=10_000
    )
    funding_fade_max_spread_bps: Number = knob(30.0, "bps", "stay out from this spread on", gt=0, le=10_000)
    funding_fade_min_volume_z: Number = knob(
        1.0, "standard deviations", "the bar's volume must be above this z-score", ge=-10, le=50
    )


class ExitKnobs(BaseModel):
    """Exits of every position."""

    exit_stop_pct: Number = knob(1.0, "% of entry", "distance of the stop", ge=0.001, lt=100)
    exit_stop_atr: Number = knob(0.0, "ATR", "stop distance in ATRs instead; 0: EXIT_STOP_PCT counts", ge=0, le=100)
    exit_target_pct: Number = knob(2.0, "% of entry", "distance of the take-profit", ge=0.001, le=1000)
    exit_trail_pct: Number = knob(0.5, "% of entry", "distance of the trailing stop; 0: none", ge=0, lt=100)
    exit_trail_arm_pct: Number = knob(0.5, "% of entry", "gain that arms the trailing stop", ge=0, le=1000)
    exit_partial_at_r: Number = knob(0.0, "R", "gain, in stop distances, of the partial exit; 0: none", ge=0, le=100)
    exit_partial_pct: Number = knob(50.0, "% of the size", "what the partial exit closes", ge=0, lt=100)
    exit_max_hold_bars: Whole = knob(240, "bars", "time stop", ge=1, le=1_000_000)


class RiskKnobs(BaseModel):
    """Risk limits: they bind entries; exits are never refused."""

    risk_max_daily_loss_pct: Number = knob(
        3.0, "% of the UTC day's first equity", "loss that ends the day's entries", ge=0.001, le=100
    )
    risk_max_drawdown_pct: Number = knob(
        15.0, "% of peak equity", "fall that ends entries until resumed", ge=0.001, le=100
    )
    risk_max_consecutive_losses: Whole = knob(
        4, "trades", "losses in a row that end the day's entries", ge=1, le=1_000_000
    )
    risk_cooldown_after_trade_s: Whole = knob(300, "seconds", "quiet time after a closed trade", ge=0, le=WEEK_S)
    risk_cooldown_after_loss_s: Whole = knob(900, "seconds", "quiet time after a losing trade", ge=0, le=WEEK_S)
    risk_max_order_notional_usd: Number = knob(10_000.0, "USD", "largest order", gt=0, le=1e9)
    risk_max_position_notional_usd: Number = knob(10_000.0, "USD", "largest position in one symbol", gt=0, le=1e9)
    risk_max_gross_exposure_pct: Number = knob(
        200.0, "% of equity", "sum of all positions, longs and shorts added", ge=0.001, le=10_000
    )
    risk_max_correlated_exposure_pct: Number = knob(
        0.0, "% of equity", "positions that move with the new one, each by its correlation; 0: no cap", ge=0, le=10_000
    )
    risk_correlation_bars: Whole = knob(240, "bars", "one-minute returns it is measured on", ge=30, le=100_000)
    risk_max_open_positions: Whole = knob(3, "positions", "positions at one time", ge=1, le=1_000_000)
    risk_max_orders_per_minute: Whole = knob(6, "orders", "entry orders in any 60 seconds", ge=1, le=1_000_000)
    risk_max_snapshot_age_s: Whole = knob(90, "seconds", "oldest snapshot an entry may rest on", ge=1, le=86_400)
    risk_max_mark_oracle_gap_bps: Number = knob(100.0, "bps", "mark against oracle, either way", gt=0, le=10_000)
    risk_max_spread_bps: Number = knob(30.0, "bps", "widest spread an entry may cross", gt=0, le=10_000)
    risk_max_margin_usage_pct: Number = knob(50.0, "% of equity", "initial margin in use", ge=0.001, le=100)
    risk_min_liquidation_distance_bps: Number = knob(
        500.0, "bps", "adverse move that must be survivable", ge=0, lt=10_000
    )


class SizingKnobs(BaseModel):
    """Size of an entry: each method names one, the smallest wins."""

    sizing_risk_per_trade_pct: Number = knob(0.5, "% of equity", "lost when the stop is hit", ge=0.001, le=100)
    sizing_daily_vol_target_pct: Number = knob(
        2.0, "% of equity", "standard deviation of a day's profit; 0: method off", ge=0, le=100
    )
    sizing_kelly_fraction: Number = knob(0.25, "of full Kelly", "part of the Kelly bet; 0: method off", ge=0, le=1)
    sizing_kelly_min_trades: Whole = knob(100, "trades", "record below which Kelly stays silent", ge=1, le=1_000_000)


class PortfolioKnobs(BaseModel):
    """Portfolio: which strategy trades when, and on how much of the capital. Out of the box it has no say."""

    regime_switch: CommaList = knob(
        (),
        "",
        "regimes a strategy may enter in, e.g. e3:bull_trend|bear_trend,funding_fade:chop; not named: everywhere",
        allowed="a comma list of STRATEGY:REGIME|REGIME, each strategy once",
    )
    allocation_method: AllocationMethod = knob(
        AllocationMethod.NONE,
        "",
        "how capital is shared out among strategies and symbols; none: each may use all of it",
    )
    allocation_min_share_pct: Number = knob(
        5.0, "% of the capital", "what each keeps whatever its record; never above an equal share", ge=0, le=100
    )
    allocation_max_share_pct: Number = knob(
        100.0, "% of the capital", "the most that one gets; the rest stays idle", ge=0.001, le=100
    )
    allocation_shrinkage_trades: Whole = knob(
        50, "trades", "weight of the desk's average against one record", ge=1, le=1_000_000
    )
    allocation_min_trades: Whole = knob(
        30, "trades", "the desk's record below which shares are equal", ge=1, le=1_000_000
    )
    deployment_graduated: bool = knob(
        False, "", "begin at micro size and grow by the record's length", allowed="true or false"
    )
    deployment_micro_trades: Whole = knob(100, "trades", "closed trades at micro size", ge=0, le=1_000_000)
    deployment_micro_size_pct: Number = knob(10.0, "% of the size", "the micro size", ge=0.001, le=100)
    deployment_step_trades: Whole = knob(
        50, "trades", "the size doubles after the micro trades, and again every so many", ge=1, le=1_000_000
    )
    deployment_band_file: BandText = knob(
        "",
        "",
        "what a backtest lets one expect (main.py band); its figures are recorded with the run",
        allowed="a JSON file that `main.py band` wrote",
    )
    deployment_max_deviation_pct: Number = knob(
        20.0, "% of the band's width", "how far outside the band ends entries", ge=0, le=1000
    )
