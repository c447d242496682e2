"""Whole situations: the hour before, the desk's own record, earlier triggers, and the same market in the mirror."""

import math

import msgspec
import numpy as np
from hypothesis import strategies as st

from domain.decisions import ExitReason, Side
from domain.features import N_FEATURES, REGIME_BY_CODE, Feature, Features, Regime
from domain.market import MINUTE_MS, Bar, Reading, Snapshot
from domain.situation import RECENT_MINUTES, Counterfactual, OwnRecord, Resolved, Situation, Trigger
from tests.unit.gate.questions import features, proposal

NOW_MS = 100_000 * MINUTE_MS
OWN = OwnRecord(
    n_open_positions=1,
    gross_exposure_frac=0.4567,
    n_trades=12,
    n_wins=5,
    minutes_since_trade=34,
    today_r=-0.96,
    last_r=(-1.04, 1.93, -1.04, 0.31),
)
MIRRORED_FEATURES = (
    Feature.BODY_OVER_ATR,
    Feature.BOOK_IMBALANCE,
    Feature.PREMIUM_BPS,
    Feature.FUNDING_RATE_HOURLY_FRAC,
    Feature.RETURN_BPS,
    Feature.TREND_STRENGTH,
)


def minute(age, close, reach=0.0007, volume=100.0, interest=None, now_ms=NOW_MS, before=None):
    """Return the minute that closed `age` minutes ago; it opened at `before` and reached `reach` beyond both ends."""
    close_ms, open_price = now_ms - age * MINUTE_MS, close if before is None else before
    bar = Bar(
        open_ms=close_ms - MINUTE_MS,
        close_ms=close_ms,
        open_price=open_price,
        high_price=max(open_price, close) * (1 + reach),
        low_price=min(open_price, close) / (1 + reach),
        close_price=close,
        volume_base=volume,
    )
    reading = None if interest is None else Reading(value=interest, source="tape", as_of_ms=close_ms)
    spread = Reading(value=2.0, source="assumed", as_of_ms=0)
    return Snapshot(symbol="SOL-PERP", as_of_ms=close_ms, bar=bar, spread_bps=spread, open_interest_usd=reading)


def hour(returns_bps, volumes, price=150.0, interest=None, now_ms=NOW_MS):
    """Return minutes with these log returns that end at `price` now, oldest first."""
    back = np.cumsum([0.0, *returns_bps[:0:-1]])[::-1]
    closes = [price * math.exp(-gain / 10_000) for gain in back]
    befores = [closes[0], *closes[:-1]]
    ages = range(len(closes) - 1, -1, -1)
    known = [interest and interest * (1 + 0.001 * place) for place in range(len(closes))]
    parts = zip(ages, closes, befores, volumes, known, strict=True)
    return tuple(
        minute(age, close, volume=volume, interest=oi, now_ms=now_ms, before=before)
        for age, close, before, volume, oi in parts
    )


def whole(price=150.0, now_ms=NOW_MS, **changes):
    """Return a situation in which everything is known: an hour that falls, turns and ends in a leap."""
    returns = [((7 * place) % 11 - 5) * 1.3 for place in range(RECENT_MINUTES - 1)] + [40.0]
    volumes = [100.0 + (13 * place) % 17 for place in range(RECENT_MINUTES - 1)] + [160.0]
    recent = hour(returns, volumes, price, interest=5e8, now_ms=now_ms)
    asked = proposal(now_ms, price=price)
    seen = features(BOOK_IMBALANCE=0.254, ATR_PRICE=0.15 * price / 150.0)
    parts = {"proposal": asked, "snapshot": recent[-1], "features": seen, "recent": recent, "own": OWN}
    return Situation(**{**parts, **changes})


def resolved(minutes_ago, net_bps=150.0, side=Side.BUY, n_bars=30, strategy="e3", now_ms=NOW_MS, held=240, **figures):
    """Return a trigger that was made `minutes_ago` and ended `n_bars` later."""
    made_ms = now_ms - minutes_ago * MINUTE_MS
    asked = msgspec.structs.replace(proposal(made_ms), side=side, strategy=strategy)
    asked = msgspec.structs.replace(asked, exit_plan=msgspec.structs.replace(asked.exit_plan, max_hold_bars=held))
    trigger = Trigger(
        trigger_id=f"SOL-PERP-{made_ms}", tick_no=made_ms // MINUTE_MS, proposal=asked, features=features(**figures)
    )
    outcome = Counterfactual(
        trigger_id=trigger.trigger_id,
        symbol="SOL-PERP",
        strategy=strategy,
        side=side,
        triggered_ms=made_ms,
        resolved_ms=made_ms + n_bars * MINUTE_MS,
        n_bars=n_bars,
        exit_reason=ExitReason.TARGET if net_bps > 0 else ExitReason.STOP,
        net_bps=net_bps,
        gross_bps=net_bps + 11.0,
        fees_bps=7.0,
        slippage_bps=4.0,
        funding_bps=0.0,
        mae_bps=20.0,
        mfe_bps=30.0,
    )
    return Resolved(trigger=trigger, outcome=outcome)


def mirrored(situation):
    """Return the situation of a market whose log prices are turned upside down about the close at hand."""
    centre = situation.proposal.reference_price
    recent = tuple(_mirrored_minute(one, centre) for one in situation.recent)
    return msgspec.structs.replace(
        situation,
        proposal=_turned(situation.proposal),
        snapshot=recent[-1] if recent else situation.snapshot,
        features=mirrored_features(situation.features),
        recent=recent,
        resolved=[_mirrored_resolved(one) for one in situation.resolved],
    )


def mirrored_features(seen):
    vector = seen.vector.copy()
    vector[list(MIRRORED_FEATURES)] *= -1.0
    other = {Regime.BULL_TREND: Regime.BEAR_TREND, Regime.BEAR_TREND: Regime.BULL_TREND}
    vector[Feature.REGIME] = REGIME_BY_CODE.index(other.get(seen.regime, seen.regime))
    return Features(vector=vector)


def _turned(asked):
    return msgspec.structs.replace(asked, side=asked.side.opposite)


def _mirrored_resolved(one):
    trigger = msgspec.structs.replace(
        one.trigger, proposal=_turned(one.trigger.proposal), features=mirrored_features(one.trigger.features)
    )
    return Resolved(trigger=trigger, outcome=msgspec.structs.replace(one.outcome, side=one.outcome.side.opposite))


def _mirrored_minute(seen, centre):
    bar = seen.bar and msgspec.structs.replace(
        seen.bar,
        open_price=centre**2 / seen.bar.open_price,
        high_price=centre**2 / seen.bar.low_price,
        low_price=centre**2 / seen.bar.high_price,
        close_price=centre**2 / seen.bar.close_price,
    )
    return msgspec.structs.replace(seen, bar=bar)


@st.composite
def any_situation(draw, n_resolved=0):
    """Return a situation of any market: gaps, unknown figures, wild moves, prices from a cent to a million."""
    price = draw(st.floats(0.01, 1e6))
    now_ms = draw(st.integers(1_000, 30_000_000)) * MINUTE_MS
    n_minutes = draw(st.integers(1, RECENT_MINUTES))
    returns = draw(st.lists(st.floats(-500, 500), min_size=n_minutes, max_size=n_minutes))
    volumes = draw(st.lists(st.floats(0, 1e9), min_size=n_minutes, max_size=n_minutes))
    interest = draw(st.none() | st.floats(1e3, 1e12))
    gaps = draw(st.sets(st.integers(1, n_minutes)))
    minutes = hour(returns, volumes, price, interest, now_ms)
    recent = tuple(one for age, one in zip(range(n_minutes - 1, -1, -1), minutes, strict=True) if age not in gaps)
    figure = st.just(math.nan) | st.floats(-1e4, 1e4)
    vector = np.array([draw(figure) for _ in range(N_FEATURES)])
    vector[Feature.REGIME] = draw(st.integers(0, len(Regime) - 1))
    vector[Feature.ATR_PRICE] = draw(st.just(math.nan) | st.floats(1e-6 * price, price))
    asked = msgspec.structs.replace(
        proposal(now_ms, price=price),
        side=draw(st.sampled_from([*Side])),
        strategy=draw(st.sampled_from(["e3", "funding_fade"])),
        conviction_frac=draw(st.floats(0.01, 1.0)),
    )
    own = OwnRecord(
        gross_exposure_frac=draw(st.floats(0, 50)),
        minutes_since_trade=draw(st.none() | st.integers(0, 10_000_000)),
        today_r=draw(st.floats(-100, 100)),
        last_r=tuple(draw(st.lists(st.floats(-20, 20), max_size=10))),
    )
    n_past = draw(st.sampled_from([0, n_resolved // 3, n_resolved]))
    past = [
        resolved(
            240 + 9 * number,
            net_bps=draw(st.sampled_from([-111.0, 40.0, 190.0])),
            side=draw(st.sampled_from([*Side])),
            strategy=asked.strategy,
            now_ms=now_ms,
            BODY_OVER_ATR=draw(st.sampled_from([math.nan, 0.4, -0.9, 2.0])),
            VOLUME_Z=draw(st.floats(2, 9)),
        )
        for number in range(n_past)
    ]
    return Situation(
        proposal=asked,
        snapshot=minutes[-1],
        features=Features(vector=vector),
        recent=recent,
        own=own,
        resolved=past,
    )
