"""What the model is told of a situation: relative figures with fixed rounding, so that one situation is one text.

Nothing in it tells a date, a price level or the market's name, and no text from outside enters it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from domain.decisions import ExitPlan, Proposal
from domain.features import Feature, Features
from domain.market import Snapshot
from domain.record import Record
from domain.situation import OwnRecord, Situation
from domain.threshold import Threshold
from gate.figures import BPS, BPS_DIGITS, FEATURES, RATIO_DIGITS, told
from gate.memory import BaseRate, Memory, Neighbour
from gate.recent import grid_of, interest_change_frac, range_frac, returns_bps, slope_bps, volumes_z

VERSION: Final = "veto-2"
SLOPE_MINUTES: Final = (5, 15, 60)
_MINUTE: Final = (Feature.BODY_OVER_ATR, Feature.RETURN_BPS, Feature.VOLUME_Z)
_MARKET: Final = (
    Feature.BOOK_IMBALANCE,
    Feature.FUNDING_RATE_HOURLY_FRAC,
    Feature.PREMIUM_BPS,
    Feature.REALISED_VOL_BPS,
    Feature.SPREAD_BPS,
    Feature.TREND_STRENGTH,
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


class Words(Record, frozen=True, kw_only=True):
    """One question in words. break_even_frac: the chance of profit it names, above 1 where a trade never pays."""

    system: str
    user: str
    break_even_frac: float


def load_prompt() -> Prompt:
    """Return the prompt of this version of the desk."""
    text = files("gate").joinpath("prompts", f"{VERSION}.txt").read_text(encoding="utf-8")
    return Prompt(version=VERSION, system=text)


def version_of(n_similar: int | None) -> str:
    """Return what a question is called: the prompt's version, and how many similar triggers are told besides.

    With a memory the model reads something else, so it is to be measured anew.
    """
    return VERSION if n_similar is None else f"{VERSION}+memory-{n_similar}"


@dataclass(slots=True)
class PromptBuilder:
    """Words a situation for a chat model, the same again whenever the run is lived through again.

    tests: by rule, the thresholds its triggers are told against. n_similar: how many similar past triggers are told;
    None tells of none and leaves their key out.
    """

    prompt: Prompt
    costs: Costs
    tests: Mapping[str, tuple[Threshold, ...]]
    n_similar: int | None = None
    memory: Memory = field(default_factory=Memory, init=False)

    @property
    def version(self) -> str:
        """What its questions are called, on record and in an evaluation."""
        return version_of(self.n_similar)

    def words(self, situation: Situation) -> Words:
        """Return the system text and the user's part, which is canonical JSON: sorted keys, no blanks, ASCII."""
        round_trip_bps = self.costs.round_trip_bps(situation.snapshot)
        even = break_even_frac(situation.proposal.exit_plan, round_trip_bps)
        document = self._document(situation, round_trip_bps, even)
        if self.n_similar is not None:
            document["similar"] = [_alike(one) for one in self.memory.similar(situation, self.n_similar)]
        user = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return Words(system=self.prompt.system, user=user, break_even_frac=even)

    def _document(self, situation: Situation, round_trip_bps: float, even_frac: float) -> dict[str, Any]:
        proposal, features = situation.proposal, situation.features
        grid = grid_of(situation.recent, proposal.as_of_ms)
        return {
            "base_rate": _rate(self.memory.base_rate(situation)),
            "break_even_pct": math.ceil(round(even_frac * 100, 6)),
            "conviction_pct": round(proposal.conviction_frac * 100),
            "costs": {
                "fee_bps": told(self.costs.fee_bps, RATIO_DIGITS),
                "half_spread_bps": told(self.costs.half_spread_seen_bps(situation.snapshot), RATIO_DIGITS),
                "round_trip_bps": told(round_trip_bps, BPS_DIGITS),
                "slippage_bps": told(self.costs.slippage_bps, RATIO_DIGITS),
            },
            "exits": _exits(proposal, features),
            "market": {
                **_figures(features, _MARKET),
                **{f"trend_{span}m_bps": told(slope_bps(grid, span), RATIO_DIGITS) for span in SLOPE_MINUTES},
                "atr_bps": told(_atr_bps(proposal, features), BPS_DIGITS),
                "interest_60m_pct": told(interest_change_frac(grid) * 100, RATIO_DIGITS),
                "range_60m_frac": told(range_frac(grid), RATIO_DIGITS),
                "regime": features.regime.value,
            },
            "minute": _figures(features, _MINUTE),
            "own": _own(situation.own),
            "prompt": self.prompt.version,
            "recent": {
                "returns_bps": [told(one, BPS_DIGITS) for one in returns_bps(grid).tolist()],
                "volumes_z": [told(one, BPS_DIGITS) for one in volumes_z(grid).tolist()],
            },
            "side": proposal.side.name,
            "trigger": {"over": self._margins(proposal, features), "rule": proposal.strategy},
        }

    def _margins(self, proposal: Proposal, features: Features) -> dict[str, float | None]:
        tests = self.tests.get(proposal.strategy, ())
        wordings = [(FEATURES[test.figure], test.margin(features, proposal.side)) for test in tests]
        return {
            wording.name: None if margin is None else told(margin * wording.factor, wording.digits)
            for wording, margin in wordings
        }


def break_even_frac(plan: ExitPlan, round_trip_bps: float) -> float:
    """Return the chance of reaching the target before the stop at which a trade pays for its costs.

    Stop and target alone count: a trailing stop, a partial exit and the time stop have no probability of their own.
    """
    return (plan.stop_frac * BPS + round_trip_bps) / ((plan.stop_frac + plan.target_frac) * BPS)


def _exits(proposal: Proposal, features: Features) -> dict[str, float | None]:
    plan, atr_bps = proposal.exit_plan, _atr_bps(proposal, features)
    stop_bps = plan.stop_frac * BPS
    return {
        "max_hold_min": plan.max_hold_bars,
        "partial_at_r": told(plan.partial_at_r, RATIO_DIGITS),
        "partial_frac": told(plan.partial_frac, RATIO_DIGITS),
        "stop_atr": told(stop_bps / atr_bps, BPS_DIGITS) if atr_bps else None,
        "stop_bps": told(stop_bps, BPS_DIGITS),
        "target_bps": told(plan.target_frac * BPS, BPS_DIGITS),
        "target_r": told(plan.target_frac / plan.stop_frac, RATIO_DIGITS),
        "trail_arm_bps": told(plan.trail_arm_frac * BPS, BPS_DIGITS),
        "trail_arm_r": told(plan.trail_arm_frac / plan.stop_frac, RATIO_DIGITS),
        "trail_bps": told(plan.trail_frac * BPS, BPS_DIGITS),
        "trail_r": told(plan.trail_frac / plan.stop_frac, RATIO_DIGITS),
    }


def _figures(features: Features, chosen: Iterable[Feature]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for feature in chosen:
        wording, figure = FEATURES[feature], features.value(feature)
        figures[wording.name] = None if figure is None else told(figure * wording.factor, wording.digits)
    return figures


def _atr_bps(proposal: Proposal, features: Features) -> float | None:
    atr_price = features.value(Feature.ATR_PRICE)
    return None if atr_price is None else atr_price / proposal.reference_price * BPS


def _own(own: OwnRecord) -> dict[str, Any]:
    return {
        "exposure_frac": told(own.gross_exposure_frac, RATIO_DIGITS),
        "last_r": [told(one, BPS_DIGITS) for one in own.last_r],
        "minutes_since_trade": told(own.minutes_since_trade, 0),
        "open_positions": own.n_open_positions,
        "today_r": told(own.today_r, BPS_DIGITS),
        "trades": own.n_trades,
        "wins": own.n_wins,
    }


def _rate(rate: BaseRate | None) -> dict[str, int] | None:
    return None if rate is None else {"n": rate.n_resolved, "wins": rate.n_wins}


def _alike(one: Neighbour) -> list[Any]:
    return [told(one.distance, RATIO_DIGITS), told(one.net_r, RATIO_DIGITS), one.exit_reason.value]
