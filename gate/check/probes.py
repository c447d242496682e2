"""Situations made up to see whether a model's answers depend on what it is told."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from domain.decisions import ExitPlan, Proposal, Side
from domain.features import N_FEATURES, REGIME_BY_CODE, Feature, Features, FloatArray, Regime
from domain.market import MINUTE_MS, Bar, ImbalanceSource, Reading, Snapshot
from domain.situation import RECENT_MINUTES, OwnRecord, Situation

SYMBOL: Final = "PROBE-PERP"
SOURCE: Final = "made up"
LEVEL_PRICE: Final = 100.0
N_LAST: Final = 5
APART_MS: Final = RECENT_MINUTES * MINUTE_MS

# Figures that change their sign with the direction one looks from.
DIRECTIONAL: Final = (
    Feature.BODY_OVER_ATR,
    Feature.BOOK_IMBALANCE,
    Feature.PREMIUM_BPS,
    Feature.FUNDING_RATE_HOURLY_FRAC,
    Feature.RETURN_BPS,
    Feature.TREND_STRENGTH,
)
# From the widest stop of a scalp to the widest of a swing, with targets that pay for their costs or barely do.
STOPS_FRAC: Final = (0.003, 0.006, 0.01, 0.015)
TARGETS_R: Final = (1.0, 1.5, 2.0, 3.0)
_MIRRORED: Final = {Regime.BULL_TREND: Regime.BEAR_TREND, Regime.BEAR_TREND: Regime.BULL_TREND}


def situations(n: int, seed: int) -> tuple[Situation, ...]:
    """Return `n` situations of either side and rule, the same again for the same seed. No price level is in them."""
    draws = np.random.default_rng(seed)
    return tuple(_situation(draws, (number + 1) * APART_MS) for number in range(n))


def mirrored(situation: Situation) -> Situation:
    """Return the same trade in a market upside down: the other side, every directional figure with its sign turned."""
    vector = situation.features.vector.copy()
    vector[list(DIRECTIONAL)] *= -1.0
    regime = situation.features.regime
    vector[Feature.REGIME] = REGIME_BY_CODE.index(_MIRRORED.get(regime, regime))
    proposal = situation.proposal
    return replace(
        situation,
        proposal=replace(proposal, side=proposal.side.opposite),
        features=Features(vector=vector),
        recent=tuple(_upside_down(one) for one in situation.recent),
        snapshot=_upside_down(situation.snapshot),
    )


def shuffled(given: Sequence[Situation]) -> tuple[Situation, ...]:
    """Return the same trades, each in the market of the next: all the figures there were, none where it belongs."""
    markets = [*given[1:], *given[:1]]
    return tuple(_in_market_of(one, market) for one, market in zip(given, markets, strict=True))


def _in_market_of(one: Situation, market: Situation) -> Situation:
    shift_ms = one.proposal.as_of_ms - market.proposal.as_of_ms
    moved = [_at(snapshot, shift_ms) for snapshot in market.recent]
    return replace(one, features=market.features, recent=tuple(moved), snapshot=moved[-1], own=market.own)


def _situation(draws: np.random.Generator, as_of_ms: int) -> Situation:
    side = Side.BUY if draws.random() < 0.5 else Side.SELL
    vol_bps = float(draws.uniform(4.0, 25.0))
    recent = _hour(draws, as_of_ms, vol_bps)
    stop_frac = float(draws.choice(STOPS_FRAC))
    proposal = Proposal(
        symbol=SYMBOL,
        strategy="e3" if draws.random() < 0.5 else "funding_fade",
        side=side,
        conviction_frac=float(draws.uniform(0.3, 1.0)),
        reasons=(),
        exit_plan=_plan(stop_frac, stop_frac * float(draws.choice(TARGETS_R))),
        reference_price=LEVEL_PRICE,
        as_of_ms=as_of_ms,
    )
    features = Features(vector=_figures(draws, side, vol_bps))
    return Situation(proposal=proposal, snapshot=recent[-1], features=features, recent=recent, own=_own(draws))


def _plan(stop_frac: float, target_frac: float) -> ExitPlan:
    return ExitPlan(
        stop_frac=stop_frac,
        target_frac=target_frac,
        trail_frac=stop_frac / 2,
        trail_arm_frac=stop_frac,
        partial_at_r=1.0,
        partial_frac=0.5,
        max_hold_bars=240,
    )


def _figures(draws: np.random.Generator, side: Side, vol_bps: float) -> FloatArray:
    vector = np.full(N_FEATURES, np.nan)
    trend = float(draws.normal(0.0, 1.5))
    regime = Regime.BULL_TREND if trend > 1.5 else Regime.BEAR_TREND if trend < -1.5 else Regime.CHOP
    known = {
        Feature.BODY_OVER_ATR: side * float(draws.uniform(0.5, 2.5)),
        Feature.VOLUME_Z: float(draws.uniform(1.5, 6.0)),
        Feature.BOOK_IMBALANCE: float(draws.uniform(-0.9, 0.9)),
        Feature.PREMIUM_BPS: float(draws.normal(0.0, 5.0)),
        Feature.FUNDING_RATE_HOURLY_FRAC: float(draws.normal(0.0, 2e-5)),
        Feature.REALISED_VOL_BPS: vol_bps,
        Feature.SPREAD_BPS: float(draws.uniform(0.5, 4.0)),
        Feature.ATR_PRICE: LEVEL_PRICE * vol_bps * 1.3 / 10_000.0,
        Feature.RETURN_BPS: side * vol_bps * float(draws.uniform(0.5, 3.0)),
        Feature.TREND_STRENGTH: trend,
        Feature.DRAWDOWN_BPS: float(draws.uniform(0.0, 200.0)),
        Feature.REGIME: REGIME_BY_CODE.index(regime),
    }
    for place, figure in known.items():
        vector[place] = figure
    return vector


def _own(draws: np.random.Generator) -> OwnRecord:
    last = tuple(float(one) for one in np.round(draws.normal(0.0, 1.0, N_LAST), 2))
    return OwnRecord(n_trades=N_LAST, n_wins=sum(one > 0 for one in last), minutes_since_trade=90, last_r=last)


def _hour(draws: np.random.Generator, as_of_ms: int, vol_bps: float) -> tuple[Snapshot, ...]:
    """Return minutes of a random walk that ends at the level."""
    steps = draws.normal(0.0, vol_bps / 10_000.0, RECENT_MINUTES)
    walked = np.cumsum(steps)
    closes = LEVEL_PRICE * np.exp(walked - walked[-1])
    volumes = draws.lognormal(0.0, 0.7, RECENT_MINUTES)
    opens = np.concatenate((closes[:1], closes[:-1]))
    spread = Reading(value=2.0, source=SOURCE, as_of_ms=as_of_ms)
    return tuple(
        Snapshot(
            symbol=SYMBOL,
            as_of_ms=as_of_ms - (RECENT_MINUTES - 1 - place) * MINUTE_MS,
            bar=_bar(as_of_ms - (RECENT_MINUTES - 1 - place) * MINUTE_MS, *figures),
            spread_bps=spread,
        )
        for place, figures in enumerate(zip(opens.tolist(), closes.tolist(), volumes.tolist(), strict=True))
    )


def _bar(close_ms: int, open_price: float, close_price: float, volume_base: float) -> Bar:
    return Bar(
        open_ms=close_ms - MINUTE_MS,
        close_ms=close_ms,
        open_price=open_price,
        high_price=max(open_price, close_price),
        low_price=min(open_price, close_price),
        close_price=close_price,
        volume_base=volume_base,
    )


def _upside_down(snapshot: Snapshot) -> Snapshot:
    """Return a minute whose log returns have the other sign; the level stays where it was."""
    bar = snapshot.bar
    if bar is None:
        return snapshot
    turned = _bar(bar.close_ms, LEVEL_PRICE**2 / bar.open_price, LEVEL_PRICE**2 / bar.close_price, bar.volume_base)
    imbalance = None if snapshot.imbalance_source is ImbalanceSource.NONE else -(snapshot.imbalance_frac or 0.0)
    return replace(snapshot, bar=turned, imbalance_frac=imbalance)


def _at(snapshot: Snapshot, shift_ms: int) -> Snapshot:
    bar = snapshot.bar
    moved = None if bar is None else replace(bar, open_ms=bar.open_ms + shift_ms, close_ms=bar.close_ms + shift_ms)
    return replace(snapshot, as_of_ms=snapshot.as_of_ms + shift_ms, bar=moved)
