"""What the model is told of a proposal: relative figures with fixed rounding, so that one situation is one text.

Nothing in it tells a date, a price level or the market's name, and no text from outside enters it.
"""

import json
import math
from hashlib import sha256
from importlib.resources import files
from typing import Final

from domain.decisions import ExitPlan, Proposal
from domain.features import Feature, Features
from domain.market import Snapshot
from domain.record import Record

VERSION: Final = "veto-1"
BPS: Final = 10_000.0
FUNDING_HOURS: Final = 8
_RATIO_DIGITS: Final = 2
_BPS_DIGITS: Final = 1

# Open interest is left out: its size would tell the market and the year.
_RATIOS: Final = (Feature.BODY_OVER_ATR, Feature.VOLUME_Z, Feature.BOOK_IMBALANCE, Feature.TREND_STRENGTH)
_IN_BPS: Final = (
    Feature.PREMIUM_BPS,
    Feature.REALISED_VOL_BPS,
    Feature.SPREAD_BPS,
    Feature.RETURN_BPS,
    Feature.DRAWDOWN_BPS,
)


class Costs(Record, frozen=True, kw_only=True):
    """What one side of a trade costs at the venue, in bps of its price. half_spread_bps: where no book is seen."""

    fee_bps: float
    half_spread_bps: float
    slippage_bps: float

    def half_spread_seen_bps(self, snapshot: Snapshot) -> float:
        """Return half the spread of the snapshot's book, or what is assumed without one."""
        return self.half_spread_bps if snapshot.spread_bps is None else snapshot.spread_bps.value / 2

    def round_trip_bps(self, snapshot: Snapshot) -> float:
        """Return what entering and leaving cost together."""
        return 2 * (self.fee_bps + self.half_spread_seen_bps(snapshot) + self.slippage_bps)


class Prompt(Record, frozen=True, kw_only=True):
    """A system text and its fingerprint; changing a word of it asks for a new version."""

    version: str
    system: str

    @property
    def sha256(self) -> str:
        """The fingerprint of the system text, in hex."""
        return sha256(self.system.encode()).hexdigest()


def load_prompt() -> Prompt:
    """Return the prompt of this version of the desk."""
    text = files("gate").joinpath("prompts", f"{VERSION}.txt").read_text(encoding="utf-8")
    return Prompt(version=VERSION, system=text)


def break_even_frac(plan: ExitPlan, round_trip_bps: float) -> float:
    """Return the chance of reaching the target before the stop at which a trade pays for its costs.

    Stop and target alone count: a trailing stop, a partial exit and the time stop have no probability of their own.
    """
    return (plan.stop_frac * BPS + round_trip_bps) / ((plan.stop_frac + plan.target_frac) * BPS)


def user_text(proposal: Proposal, snapshot: Snapshot, features: Features, costs: Costs, version: str) -> str:
    """Return the user's part of the question as canonical JSON: sorted keys, no blanks, ASCII."""
    round_trip_bps = costs.round_trip_bps(snapshot)
    even = break_even_frac(proposal.exit_plan, round_trip_bps)
    told = {
        "break_even_pct": math.ceil(round(even * 100, 6)),
        "conviction_pct": round(proposal.conviction_frac * 100),
        "costs": {
            "fee_bps": _rounded(costs.fee_bps, _RATIO_DIGITS),
            "half_spread_bps": _rounded(costs.half_spread_seen_bps(snapshot), _RATIO_DIGITS),
            "round_trip_bps": _rounded(round_trip_bps, _BPS_DIGITS),
            "slippage_bps": _rounded(costs.slippage_bps, _RATIO_DIGITS),
        },
        "exits": _exits(proposal.exit_plan),
        "features": _figures(features, proposal.reference_price),
        "market": "PERP",
        "prompt": version,
        "regime": features.regime.value,
        "side": proposal.side.name,
        "trigger": proposal.strategy,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _exits(plan: ExitPlan) -> dict[str, float | int]:
    return {
        "max_hold_bars": plan.max_hold_bars,
        "partial_at_r": _rounded(plan.partial_at_r, _RATIO_DIGITS),
        "partial_frac": _rounded(plan.partial_frac, _RATIO_DIGITS),
        "stop_bps": _rounded(plan.stop_frac * BPS, _BPS_DIGITS),
        "target_bps": _rounded(plan.target_frac * BPS, _BPS_DIGITS),
        "target_r": _rounded(plan.target_frac / plan.stop_frac, _RATIO_DIGITS),
        "trail_arm_bps": _rounded(plan.trail_arm_frac * BPS, _BPS_DIGITS),
        "trail_bps": _rounded(plan.trail_frac * BPS, _BPS_DIGITS),
    }


def _figures(features: Features, reference_price: float) -> dict[str, float | None]:
    figures = {place.name.lower(): _known(features.value(place), _RATIO_DIGITS) for place in _RATIOS}
    figures |= {place.name.lower(): _known(features.value(place), _BPS_DIGITS) for place in _IN_BPS}
    atr, funding = features.value(Feature.ATR_PRICE), features.value(Feature.FUNDING_RATE_HOURLY_FRAC)
    figures["atr_bps"] = None if atr is None else _rounded(atr / reference_price * BPS, _BPS_DIGITS)
    eight_hours = None if funding is None else funding * FUNDING_HOURS * BPS
    figures["funding_8h_bps"] = _known(eight_hours, _RATIO_DIGITS)
    return figures


def _known(figure: float | None, digits: int) -> float | None:
    return None if figure is None else _rounded(figure, digits)


def _rounded(figure: float, digits: int) -> float:
    # A negative zero is the same figure with another text.
    return round(figure, digits) + 0.0
