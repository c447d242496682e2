"""What the meta-label model sees of a trigger: figures without a price level, seen from the trade's own side.

Signed figures are multiplied by the side, so that a rise before a long and a fall before a short are one and the same.
An absent figure is NaN here and told by a mark of its own. Open interest is left out: it is a level.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from domain.decisions import Proposal
from domain.features import Feature, Features, FloatArray, Regime
from domain.record import Record
from gate.prompt import Costs, break_even_frac

BPS: Final = 10_000.0

_SIGNED: Final[Mapping[str, tuple[Feature, float]]] = {
    "body_over_atr": (Feature.BODY_OVER_ATR, 1.0),
    "return_bps": (Feature.RETURN_BPS, 1.0),
    "trend_strength": (Feature.TREND_STRENGTH, 1.0),
    "premium_bps": (Feature.PREMIUM_BPS, 1.0),
    "book_imbalance": (Feature.BOOK_IMBALANCE, 1.0),
    "funding_hourly_bps": (Feature.FUNDING_RATE_HOURLY_FRAC, BPS),
}
_UNSIGNED: Final[Mapping[str, Feature]] = {
    "volume_z": Feature.VOLUME_Z,
    "realised_vol_bps": Feature.REALISED_VOL_BPS,
    "spread_bps": Feature.SPREAD_BPS,
    "drawdown_bps": Feature.DRAWDOWN_BPS,
}
_OF_PROPOSAL: Final[Mapping[str, Callable[[Proposal], float]]] = {
    "side": lambda proposal: float(proposal.side),
    "conviction_frac": lambda proposal: proposal.conviction_frac,
    "stop_bps": lambda proposal: proposal.exit_plan.stop_frac * BPS,
    "target_bps": lambda proposal: proposal.exit_plan.target_frac * BPS,
}
_MAY_BE_ABSENT: Final = (*_SIGNED, *_UNSIGNED, "atr_bps")
FIGURES: Final = (*_MAY_BE_ABSENT, *_OF_PROPOSAL, "break_even_frac")
N_FIGURES: Final = len(FIGURES)


class Design(Record, frozen=True, kw_only=True):
    """What is fixed of the vector for a run. strategies: those that have a mark of their own. costs: of one side."""

    strategies: tuple[str, ...]
    costs: Costs

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each column: the figures, then the marks of 0 and 1."""
        absent = (f"absent_{name}" for name in _MAY_BE_ABSENT)
        regimes = (f"regime_{regime.value}" for regime in Regime)
        return (*FIGURES, *absent, *regimes, *(f"strategy_{name}" for name in self.strategies))


def vector_of(proposal: Proposal, features: Features, design: Design) -> FloatArray:
    """Return the columns of one trigger in the order of `Design.names`; an absent figure is NaN."""
    figures = [*_market_figures(proposal, features), *(tell(proposal) for tell in _OF_PROPOSAL.values())]
    figures.append(_break_even_frac(proposal, features, design.costs))
    absent = [float(math.isnan(figure)) for figure in figures[: len(_MAY_BE_ABSENT)]]
    regimes = [float(features.regime is regime) for regime in Regime]
    strategies = [float(proposal.strategy == name) for name in design.strategies]
    return np.array([*figures, *absent, *regimes, *strategies])


def _market_figures(proposal: Proposal, features: Features) -> list[float]:
    side = float(proposal.side)
    figures = [side * unit * _known(features, place) for place, unit in _SIGNED.values()]
    figures += [_known(features, place) for place in _UNSIGNED.values()]
    return [*figures, _known(features, Feature.ATR_PRICE) / proposal.reference_price * BPS]


def _known(features: Features, place: Feature) -> float:
    figure = features.value(place)
    return figure if figure is not None and math.isfinite(figure) else math.nan


def _break_even_frac(proposal: Proposal, features: Features, costs: Costs) -> float:
    """Return the chance of target before stop that pays for the costs, with the spread as the features have it."""
    spread_bps = _known(features, Feature.SPREAD_BPS)
    half_spread_bps = costs.half_spread_bps if math.isnan(spread_bps) else spread_bps / 2
    return break_even_frac(proposal.exit_plan, 2 * (costs.fee_bps + half_spread_bps + costs.slippage_bps))
