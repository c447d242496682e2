"""The face of the settings, and the place where percent and seconds become fractions and milliseconds.

The knobs stand in `configuration/`: read once from `.env`, the environment and the command line. Each function below
turns them into the record one part is built with. The parts are imported where they are needed, so that reading the
settings costs no compiler. Every function raises BadInput when the part refuses its figures.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from configuration.choices import AllocationMethod, E3Direction, FeedKind, GateBackend, LogLevel, OnStop, Speed
from configuration.execution_terms import ccxt_terms, live_capital_microusd, venue_terms
from configuration.gate_terms import (
    cassette_terms,
    chat_terms,
    ensemble_terms,
    metalabel_terms,
    n_similar,
    trade_costs,
    yes_knobs,
)
from configuration.knobs import Settings
from configuration.loading import load_settings, settings_from_json
from configuration.making import frac, made, ms
from configuration.problems import Problem, SettingsError
from configuration.running import EPOCH
from configuration.telling import notice_targets, presence_file, teller_terms, watch_terms
from configuration.writing import (
    Effective,
    decision_hash,
    effective,
    env_example,
    recorded_decision_hash,
    recorded_decisions,
    settings_hash,
    settings_json,
    strategy_json,
)
from domain.errors import BadInput

if TYPE_CHECKING:
    from domain.record import Record
    from execution.paper import PaperTerms
    from indicators.features import FeatureWindows
    from indicators.regime import RegimeThresholds
    from market.history.terms import FetchTerms
    from market.live.terms import LiveTerms
    from market.quality import QualityLimits
    from market.sim_parameters import SimParameters
    from risk.allocation import AllocationPolicy
    from risk.deployment import DeploymentPolicy
    from risk.limits import RiskLimits, SizingPolicy
    from risk.portfolio import Portfolio
    from risk.switching import RegimeSwitch
    from strategy.e3 import E3Thresholds
    from strategy.exits import ExitRules
    from strategy.funding_fade import FundingFadeThresholds

__all__ = [
    "AllocationMethod",
    "E3Direction",
    "Effective",
    "FeedKind",
    "GateBackend",
    "LogLevel",
    "OnStop",
    "Problem",
    "Settings",
    "SettingsError",
    "Speed",
    "allocation_policy",
    "cassette_terms",
    "ccxt_terms",
    "chat_terms",
    "decision_hash",
    "deployment_policy",
    "e3_thresholds",
    "effective",
    "ensemble_terms",
    "env_example",
    "epoch_ms",
    "exit_rules",
    "feature_windows",
    "fetch_terms",
    "funding_fade_thresholds",
    "live_capital_microusd",
    "live_terms",
    "load_settings",
    "metalabel_terms",
    "n_similar",
    "notice_targets",
    "paper_terms",
    "portfolio",
    "presence_file",
    "quality_limits",
    "recorded_decision_hash",
    "recorded_decisions",
    "regime_switch",
    "regime_thresholds",
    "risk_limits",
    "settings_from_json",
    "settings_hash",
    "settings_json",
    "sim_parameters",
    "sizing_policy",
    "strategy_json",
    "strategy_thresholds",
    "teller_terms",
    "trade_costs",
    "venue_terms",
    "watch_terms",
    "yes_knobs",
]


def feature_windows(settings: Settings) -> "FeatureWindows":
    """Return how far each feature looks back."""
    from indicators.features import FeatureWindows

    return made(
        FeatureWindows,
        atr_bars=settings.feature_atr_bars,
        volume_bars=settings.feature_volume_bars,
        vol_bars=settings.feature_vol_bars,
        vol_long_bars=settings.feature_vol_long_bars,
        ema_fast_bars=settings.feature_ema_fast_bars,
        ema_slow_bars=settings.feature_ema_slow_bars,
        drawdown_bars=settings.feature_drawdown_bars,
    )


def regime_thresholds(settings: Settings) -> "RegimeThresholds":
    """Return where one regime ends and the next begins."""
    from indicators.regime import RegimeThresholds

    return made(
        RegimeThresholds,
        trend_strength_atr=settings.regime_trend_strength_atr,
        high_vol_ratio=settings.regime_high_vol_ratio,
        crash_drawdown_bps=settings.regime_crash_drawdown_bps,
    )


def e3_thresholds(settings: Settings) -> "E3Thresholds":
    """Return the thresholds of E3."""
    from strategy.e3 import Direction, E3Thresholds

    return made(
        E3Thresholds,
        body_over_atr=settings.e3_body_over_atr,
        volume_z=settings.e3_volume_z,
        max_spread_bps=settings.e3_max_spread_bps,
        max_realised_vol_bps=settings.e3_max_realised_vol_bps,
        direction=Direction(settings.e3_direction.value),
        max_chase_premium_bps=settings.e3_max_chase_premium_bps,
        min_imbalance_frac=settings.e3_min_imbalance_frac,
        requires_imbalance=settings.e3_requires_imbalance,
        fade_min_premium_bps=settings.e3_fade_min_premium_bps,
        min_move_bps=settings.e3_min_move_bps,
    )


def funding_fade_thresholds(settings: Settings) -> "FundingFadeThresholds":
    """Return the thresholds of the funding fade."""
    from strategy.funding_fade import FundingFadeThresholds

    return made(
        FundingFadeThresholds,
        extreme_funding_hourly_frac=frac(settings.funding_fade_extreme_funding_hourly_pct),
        extreme_premium_bps=settings.funding_fade_extreme_premium_bps,
        neutral_funding_hourly_frac=frac(settings.funding_fade_neutral_funding_hourly_pct),
        neutral_premium_bps=settings.funding_fade_neutral_premium_bps,
        max_spread_bps=settings.funding_fade_max_spread_bps,
        min_volume_z=settings.funding_fade_min_volume_z,
    )


def strategy_thresholds(settings: Settings) -> "Mapping[str, Record]":
    """Return the thresholds by strategy name, as `strategy.registry.build_strategies` takes them."""
    return {"e3": e3_thresholds(settings), "funding_fade": funding_fade_thresholds(settings)}


def exit_rules(settings: Settings) -> "ExitRules":
    """Return how every position is left."""
    from strategy.exits import ExitRules

    return made(
        ExitRules,
        stop_frac=frac(settings.exit_stop_pct),
        stop_atr=settings.exit_stop_atr,
        target_frac=frac(settings.exit_target_pct),
        trail_frac=frac(settings.exit_trail_pct),
        trail_arm_frac=frac(settings.exit_trail_arm_pct),
        partial_at_r=settings.exit_partial_at_r,
        partial_frac=frac(settings.exit_partial_pct),
        max_hold_bars=settings.exit_max_hold_bars,
    )


def risk_limits(settings: Settings) -> "RiskLimits":
    """Return the caps every entry meets."""
    from risk.limits import RiskLimits

    return made(
        RiskLimits,
        max_daily_loss_frac=frac(settings.risk_max_daily_loss_pct),
        max_drawdown_frac=frac(settings.risk_max_drawdown_pct),
        max_consecutive_losses=settings.risk_max_consecutive_losses,
        cooldown_after_trade_ms=ms(settings.risk_cooldown_after_trade_s),
        cooldown_after_loss_ms=ms(settings.risk_cooldown_after_loss_s),
        max_order_notional_usd=settings.risk_max_order_notional_usd,
        max_position_notional_usd=settings.risk_max_position_notional_usd,
        max_gross_exposure_frac=frac(settings.risk_max_gross_exposure_pct),
        max_correlated_exposure_frac=frac(settings.risk_max_correlated_exposure_pct),
        correlation_bars=settings.risk_correlation_bars,
        max_open_positions=settings.risk_max_open_positions,
        max_orders_per_minute=settings.risk_max_orders_per_minute,
        max_snapshot_age_ms=ms(settings.risk_max_snapshot_age_s),
        max_mark_oracle_gap_bps=settings.risk_max_mark_oracle_gap_bps,
        max_spread_bps=settings.risk_max_spread_bps,
        max_margin_usage_frac=frac(settings.risk_max_margin_usage_pct),
        min_liquidation_distance_bps=settings.risk_min_liquidation_distance_bps,
    )


def sizing_policy(settings: Settings) -> "SizingPolicy":
    """Return how the size of an entry is chosen."""
    from risk.limits import SizingPolicy

    return made(
        SizingPolicy,
        risk_per_trade_frac=frac(settings.sizing_risk_per_trade_pct),
        daily_vol_target_frac=frac(settings.sizing_daily_vol_target_pct),
        kelly_fraction=settings.sizing_kelly_fraction,
        kelly_min_trades=settings.sizing_kelly_min_trades,
    )


def portfolio(settings: Settings) -> "Portfolio":
    """Return how the desk's capital is spread over its strategies and symbols."""
    from risk.portfolio import Portfolio

    return made(
        Portfolio,
        sleeves=tuple((strategy, symbol) for strategy in settings.strategies for symbol in settings.symbols),
        regimes=regime_switch(settings),
        allocation=allocation_policy(settings),
        deployment=deployment_policy(settings),
    )


def deployment_policy(settings: Settings) -> "DeploymentPolicy":
    """Return how the desk grows into its size, and what its backtest lets one expect of it."""
    from risk.band import band_of
    from risk.deployment import DeploymentPolicy

    try:
        band = band_of(settings.deployment_band_file) if settings.deployment_band_file else None
    except ValueError as error:
        raise BadInput(f"DEPLOYMENT_BAND_FILE: {error}") from error
    return made(
        DeploymentPolicy,
        is_graduated=settings.deployment_graduated,
        micro_trades=settings.deployment_micro_trades,
        micro_frac=frac(settings.deployment_micro_size_pct),
        step_trades=settings.deployment_step_trades,
        max_deviation_frac=frac(settings.deployment_max_deviation_pct),
        band=band,
    )


def allocation_policy(settings: Settings) -> "AllocationPolicy":
    """Return how capital is shared out among the sleeves."""
    from risk.allocation import AllocationMethod as Method
    from risk.allocation import AllocationPolicy

    return made(
        AllocationPolicy,
        method=Method(settings.allocation_method.value),
        min_share_frac=frac(settings.allocation_min_share_pct),
        max_share_frac=frac(settings.allocation_max_share_pct),
        shrinkage_trades=settings.allocation_shrinkage_trades,
        min_trades=settings.allocation_min_trades,
    )


def regime_switch(settings: Settings) -> "RegimeSwitch":
    """Return which strategies may enter in which regimes."""
    from domain.features import Regime
    from risk.switching import RegimeSwitch

    named = [entry.partition(":") for entry in settings.regime_switch]
    return made(
        RegimeSwitch,
        allowed=tuple((name, tuple(Regime(word) for word in words.split("|"))) for name, _, words in named),
    )


def paper_terms(settings: Settings) -> "PaperTerms":
    """Return the terms of the paper venue."""
    from execution.paper import PaperTerms

    return made(
        PaperTerms,
        starting_cash_usd=settings.paper_starting_cash_usd,
        fee_tier=settings.paper_fee_tier,
        half_spread_bps=settings.paper_half_spread_bps,
        slippage_bps=settings.paper_slippage_bps,
        latency_bars=settings.paper_latency_bars,
        reject_frac=frac(settings.paper_reject_pct),
        seed=settings.paper_seed,
    )


def fetch_terms(settings: Settings) -> "FetchTerms":
    """Return where history is fetched from, and how patiently."""
    from market.history.terms import FetchTerms

    return made(
        FetchTerms,
        url=settings.fetch_url,
        n_tries=settings.fetch_tries,
        first_pause_s=settings.fetch_pause_s,
        timeout_s=settings.fetch_timeout_s,
    )


def sim_parameters(settings: Settings) -> "SimParameters":
    """Return the simulated market; only its seed and its start are knobs."""
    from market.sim_parameters import SimParameters

    return made(SimParameters, seed=settings.sim_seed, start_ms=epoch_ms(settings.sim_start))


def live_terms(settings: Settings) -> "LiveTerms":
    """Return how the live market is listened to."""
    from market.live.terms import LiveTerms

    return made(
        LiveTerms,
        exchange=settings.live_exchange.value,
        symbols=settings.symbols,
        markets={symbol: market for symbol, _, market in (entry.partition("=") for entry in settings.live_markets)},
        warmup_bars=settings.live_warmup_bars,
        url=settings.live_url,
        grace_ms=round(settings.live_grace_s * 1000),
    )


def quality_limits(settings: Settings) -> "QualityLimits":
    """Return what market data is still good enough to trade on."""
    from market.quality import QualityLimits

    return made(
        QualityLimits,
        max_gap_bars=settings.quality_max_gap_bars,
        max_bar_move_frac=frac(settings.quality_max_bar_move_pct),
        max_premium_bps=settings.quality_max_premium_bps,
        max_spread_bps=settings.quality_max_spread_bps,
        max_exchange_funding_age_ms=ms(settings.quality_max_exchange_funding_age_s),
        max_drift_age_ms=ms(settings.quality_max_drift_age_s),
        max_mark_age_ms=ms(settings.quality_max_mark_age_s),
        max_premium_age_ms=ms(settings.quality_max_premium_age_s),
        max_oracle_age_ms=ms(settings.quality_max_oracle_age_s),
        max_open_interest_age_ms=ms(settings.quality_max_open_interest_age_s),
    )


def epoch_ms(moment: datetime) -> int:
    """Return a moment as UTC epoch milliseconds."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
