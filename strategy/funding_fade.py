"""Funding and premium skew fade: stand against a crowd that pays to stay."""

from typing import Final

import numpy as np

from domain.compiled import entry_point, inner_kernel, kernel, tape_kernel
from domain.decisions import Side, Signal
from domain.features import Feature, Features, FloatArray
from domain.record import Record
from domain.threshold import Bound, Threshold
from indicators.feature_columns import BESIDE, Figure, features_at
from strategy.rules import (
    LONG_LEAVES,
    SHORT_LEAVES,
    Answers,
    Fires,
    IntArray,
    Scans,
    SideArray,
    marked,
    no_marks,
)

VOLUME_Z: Final = int(Feature.VOLUME_Z)
PREMIUM: Final = int(Feature.PREMIUM_BPS)
FUNDING: Final = int(Feature.FUNDING_RATE_HOURLY_FRAC)
SPREAD: Final = int(Feature.SPREAD_BPS)
PREMIUM_BESIDE: Final = BESIDE.index(Feature.PREMIUM_BPS)
RATE_BESIDE: Final = BESIDE.index(Feature.FUNDING_RATE_HOURLY_FRAC)

UNKNOWN, FUNDING_MILD, PREMIUM_MILD, SIGNS_DIFFER, SPREAD_WIDE, VOLUME_LOW = (1 << bit for bit in range(6))


class FundingFadeThresholds(Record, frozen=True, kw_only=True):
    """The knobs of the fade. Funding is a fraction per hour, positive = longs pay; premium is in bps.

    extreme_*: both must be at least this far from zero, on the same side, to enter. neutral_*: once either
    is back within this of zero (or beyond it), the position is left. max_spread_bps is exclusive, like min_volume_z.
    """

    extreme_funding_hourly_frac: float = 0.00002
    extreme_premium_bps: float = 5.0
    neutral_funding_hourly_frac: float = 0.000005
    neutral_premium_bps: float = 1.0
    max_spread_bps: float = 30.0
    min_volume_z: float = 1.0

    def __post_init__(self) -> None:
        """Refuse bands that would enter and leave on the same figures."""
        if not 0 <= self.neutral_funding_hourly_frac < self.extreme_funding_hourly_frac:
            raise ValueError("the neutral funding band must lie inside the extreme one")
        if not 0 <= self.neutral_premium_bps < self.extreme_premium_bps:
            raise ValueError("the neutral premium band must lie inside the extreme one")

    def vector(self) -> FloatArray:
        """Return the thresholds in the order the kernels read them."""
        return np.array(
            [
                self.extreme_funding_hourly_frac,
                self.extreme_premium_bps,
                self.neutral_funding_hourly_frac,
                self.neutral_premium_bps,
                self.max_spread_bps,
                self.min_volume_z,
            ]
        )

    def tests(self) -> tuple[Threshold, ...]:
        """Return the tests that have a threshold, for a reader of the trigger; the kernel does not read them."""
        funding = self.extreme_funding_hourly_frac
        return (
            Threshold(figure=Feature.FUNDING_RATE_HOURLY_FRAC, level=funding, bound=Bound.LEAST_SIZE),
            Threshold(figure=Feature.PREMIUM_BPS, level=self.extreme_premium_bps, bound=Bound.LEAST_SIZE),
            Threshold(figure=Feature.SPREAD_BPS, level=self.max_spread_bps, bound=Bound.MOST),
            Threshold(figure=Feature.VOLUME_Z, level=self.min_volume_z, bound=Bound.LEAST),
        )


@inner_kernel
def failed_tests(f: FloatArray, p: FloatArray) -> int:
    """Return the mask of failed tests, 0 = fire. f: shape (N_FEATURES,). p: `FundingFadeThresholds.vector()`."""
    funding, premium = f[FUNDING], f[PREMIUM]
    mask = 0
    if not (abs(funding) >= 0.0 and abs(premium) >= 0.0):
        mask |= UNKNOWN
    if not abs(funding) >= p[0]:
        mask |= FUNDING_MILD
    if not abs(premium) >= p[1]:
        mask |= PREMIUM_MILD
    if not funding * premium > 0.0:
        mask |= SIGNS_DIFFER
    if not f[SPREAD] < p[4]:
        mask |= SPREAD_WIDE
    if not f[VOLUME_Z] > p[5]:
        mask |= VOLUME_LOW
    return mask


@inner_kernel
def decide_fade(f: FloatArray, p: FloatArray) -> tuple[int, int, float]:
    """Return (side or 0, failed mask, conviction) for one feature vector.

    Conviction is 0.5 at the thresholds and rises by how many times over funding and premium exceed them.
    """
    mask = failed_tests(f, p)
    if mask != 0:
        return 0, mask, 0.0
    excess = min(abs(f[FUNDING]) / p[0], abs(f[PREMIUM]) / p[1]) - 1.0
    return (-1 if f[FUNDING] > 0.0 else 1), 0, min(0.5 + 0.25 * excess, 1.0)


@inner_kernel
def is_neutral(funding: float, premium: float, p: FloatArray, side: int) -> tuple[bool, bool]:
    """Say of funding and of premium whether it is known to be back in its neutral band or beyond.

    A short was opened on positive figures, so it leaves when a figure falls to the band; a long mirrors it.
    """
    return -side * funding <= p[2], -side * premium <= p[3]


@kernel
def is_back_to_neutral(f: FloatArray, p: FloatArray, side: int) -> int:
    """Return 1 when funding, 2 when premium is back to neutral, 0 when neither is known to be: see `is_neutral`."""
    is_mild, is_flat = is_neutral(f[FUNDING], f[PREMIUM], p, side)
    return 1 if is_mild else 2 if is_flat else 0


@tape_kernel
def scan_fade(figures: FloatArray, beside: FloatArray, p: FloatArray) -> Fires:
    """Return the bars on which `decide_fade` fires: places, sides and convictions, each of shape (n_fires,)."""
    near = _near(beside[:, RATE_BESIDE], beside[:, PREMIUM_BESIDE], p[0], p[1])
    places, n_fires = np.empty_like(near), 0
    sides, convictions = np.empty(len(near), dtype=np.int8), np.empty(len(near))
    features = features_at(figures, beside, near)
    for number in range(len(near)):
        side, mask, level = decide_fade(features[number], p)
        places[n_fires], sides[n_fires], convictions[n_fires] = near[number], side, level
        n_fires += mask == 0
    return places[:n_fires], sides[:n_fires], convictions[:n_fires]


@kernel
def _near(rates: FloatArray, premiums: FloatArray, least_rate: float, least_premium: float) -> IntArray:
    """Return the bars that pass the two tests which nearly every bar fails; the rest is asked of them alone."""
    marks = no_marks(len(rates))
    for bar in range(len(rates)):
        marks[bar] = (abs(rates[bar]) >= least_rate) & (abs(premiums[bar]) >= least_premium)
    return marked(marks)


@tape_kernel
def scan_neutral(figures: FloatArray, beside: FloatArray, p: FloatArray) -> SideArray:
    """Return for every row which side `is_back_to_neutral` would see leave, shape (n_bars,)."""
    leaves = np.empty(figures.shape[0], dtype=np.int8)
    volumes, rates, premiums = figures[:, Figure.VOLUME_Z], beside[:, RATE_BESIDE], beside[:, PREMIUM_BESIDE]
    for bar in range(len(leaves)):
        long_rate, long_premium = is_neutral(rates[bar], premiums[bar], p, 1)
        short_rate, short_premium = is_neutral(rates[bar], premiums[bar], p, -1)
        wants_out = (long_rate | long_premium) * LONG_LEAVES + (short_rate | short_premium) * SHORT_LEAVES
        leaves[bar] = wants_out if volumes[bar] == volumes[bar] else 0
    return leaves


class FundingFade:
    """The strategy around the kernels."""

    __slots__ = ("_answers", "_decide", "_partings", "failed_tests", "parameters", "thresholds")

    name = "funding_fade"
    grounds = (Feature.FUNDING_RATE_HOURLY_FRAC, Feature.PREMIUM_BPS, Feature.VOLUME_Z)
    scans = Scans(answers=scan_fade, partings=scan_neutral, asks_regimes=False)

    def __init__(self, thresholds: FundingFadeThresholds) -> None:
        """Fix the thresholds and the words that go with them."""
        self.thresholds = thresholds
        self.parameters = thresholds.vector()
        self.failed_tests = entry_point(failed_tests, self.parameters, self.parameters)
        self._decide = entry_point(decide_fade, self.parameters, self.parameters)
        self._answers = Answers(self.name, _phrases(thresholds), "funding and premium are both extreme on one side")
        self._partings = (
            None,
            f"funding is back within {thresholds.neutral_funding_hourly_frac * 1e4:g} bps an hour",
            f"premium is back within {thresholds.neutral_premium_bps:g} bps",
        )

    def no(self, failed_mask: int) -> Signal:
        """Return the answer of a mask that is not 0."""
        return self._answers.no(failed_mask)

    def fire(self, features: Features) -> Signal:
        """Return side and conviction on features that pass every test."""
        side, _, level = self._decide(features.vector, self.parameters)
        return self._answers.yes(side, level)

    def wants_out(self, features: Features, side: Side) -> str | None:
        """Leave when either figure is back in its neutral band."""
        return self._partings[is_back_to_neutral(features.vector, self.parameters, int(side))]


def _phrases(t: FundingFadeThresholds) -> tuple[str, ...]:
    return (
        "funding or premium is unknown",
        f"funding is under {t.extreme_funding_hourly_frac * 1e4:g} bps an hour",
        f"premium is under {t.extreme_premium_bps:g} bps",
        "funding and premium do not point the same way",
        f"spread is not under {t.max_spread_bps:g} bps or unknown",
        f"volume z is not over {t.min_volume_z:g}",
    )
