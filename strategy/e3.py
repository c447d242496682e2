"""E3: trade the explosive one-minute move, with it or against its premium."""

import math
from enum import StrEnum
from typing import Final

import numpy as np

from domain.compiled import entry_point, inner_kernel, kernel, tape_kernel
from domain.decisions import Side, Signal
from domain.features import Feature, Features, FloatArray
from domain.record import Record
from domain.threshold import Bound, Threshold
from indicators.feature_columns import Figure, features_at
from strategy.rules import Answers, Fires, IntArray, Scans, marked, no_marks

BODY: Final = int(Feature.BODY_OVER_ATR)
VOLUME_Z: Final = int(Feature.VOLUME_Z)
IMBALANCE: Final = int(Feature.BOOK_IMBALANCE)
PREMIUM: Final = int(Feature.PREMIUM_BPS)
OPEN_INTEREST: Final = int(Feature.OPEN_INTEREST_USD)
VOLATILITY: Final = int(Feature.REALISED_VOL_BPS)
SPREAD: Final = int(Feature.SPREAD_BPS)
RETURN: Final = int(Feature.RETURN_BPS)

SURGE_Z: Final = 2.5
STRONG_BODY_ATR: Final = 0.8
STRETCHED_PREMIUM_BPS: Final = 20.0
LOPSIDED_IMBALANCE_FRAC: Final = 0.5

FOLLOWED: Final = (Feature.BODY_OVER_ATR, Feature.VOLUME_Z, Feature.BOOK_IMBALANCE)
FADED: Final = (Feature.VOLUME_Z, Feature.PREMIUM_BPS)

BODY_SMALL, VOLUME_LOW, SPREAD_WIDE, TOO_WILD, NO_INTEREST, NO_DIRECTION, UNCONFIRMED, CHASING, MOVE_SMALL = (
    1 << bit for bit in range(9)
)


class Direction(StrEnum):
    """Which side an explosive bar calls for."""

    MOMENTUM = "momentum"
    PREMIUM_FADE = "premium_fade"


class E3Thresholds(Record, frozen=True, kw_only=True):
    """The knobs of E3.

    body_over_atr: least |close - open| in ATRs. volume_z: least z-score of the bar's volume. max_spread_bps,
    max_realised_vol_bps (one-minute standard deviation): above them it stays out. min_imbalance_frac: how far
    the book must lean our way in momentum; requires_imbalance: stay out where the source knows none, else the bar
    alone decides there. max_chase_premium_bps: a premium stretched further than this in our direction is not
    chased. fade_min_premium_bps: least premium to fade. min_move_bps: least move of the close from the close before,
    either way; 0 asks for none.
    """

    body_over_atr: float = 0.5
    volume_z: float = 2.0
    max_spread_bps: float = 30.0
    max_realised_vol_bps: float = 60.0
    direction: Direction = Direction.MOMENTUM
    max_chase_premium_bps: float = 20.0
    min_imbalance_frac: float = 0.0
    requires_imbalance: bool = False
    fade_min_premium_bps: float = 5.0
    min_move_bps: float = 0.0

    def vector(self) -> FloatArray:
        """Return the thresholds in the order the kernel reads them."""
        fades = 1.0 if self.direction is Direction.PREMIUM_FADE else 0.0
        return np.array(
            [
                self.body_over_atr,
                self.volume_z,
                self.max_spread_bps,
                self.max_realised_vol_bps,
                fades,
                self.max_chase_premium_bps,
                self.min_imbalance_frac,
                self.fade_min_premium_bps,
                1.0 if self.requires_imbalance else 0.0,
                self.min_move_bps,
            ]
        )

    def tests(self) -> tuple[Threshold, ...]:
        """Return the tests that have a threshold, for a reader of the trigger; the kernel does not read them."""
        follows = (
            Threshold(figure=Feature.BOOK_IMBALANCE, level=self.min_imbalance_frac, bound=Bound.LEAST_OUR_WAY),
            Threshold(figure=Feature.PREMIUM_BPS, level=self.max_chase_premium_bps, bound=Bound.MOST_OUR_WAY),
        )
        fades = (Threshold(figure=Feature.PREMIUM_BPS, level=self.fade_min_premium_bps, bound=Bound.LEAST_SIZE),)
        moves = (Threshold(figure=Feature.RETURN_BPS, level=self.min_move_bps, bound=Bound.LEAST_SIZE),)
        return (
            Threshold(figure=Feature.BODY_OVER_ATR, level=self.body_over_atr, bound=Bound.LEAST_SIZE),
            Threshold(figure=Feature.VOLUME_Z, level=self.volume_z, bound=Bound.LEAST),
            Threshold(figure=Feature.SPREAD_BPS, level=self.max_spread_bps, bound=Bound.MOST),
            Threshold(figure=Feature.REALISED_VOL_BPS, level=self.max_realised_vol_bps, bound=Bound.MOST),
            *(fades if self.direction is Direction.PREMIUM_FADE else follows),
            *(moves if self.min_move_bps > 0.0 else ()),
        )


@inner_kernel
def momentum_tests(f: FloatArray, p: FloatArray) -> tuple[int, int]:
    """Return (side, failed mask) of following the body. An unknown premium cannot be called stretched."""
    side = 1 if f[BODY] > 0.0 else -1 if f[BODY] < 0.0 else 0
    mask = 0
    if side == 0:
        mask |= NO_DIRECTION
    is_excused = math.isnan(f[IMBALANCE]) and p[8] == 0.0
    if not is_excused and not f[IMBALANCE] * side >= p[6]:
        mask |= UNCONFIRMED
    if f[PREMIUM] * side > p[5]:
        mask |= CHASING
    return side, mask


@inner_kernel
def fade_tests(f: FloatArray, p: FloatArray) -> tuple[int, int]:
    """Return (side, failed mask) of trading against the premium."""
    if not abs(f[PREMIUM]) >= p[7]:
        return 0, NO_DIRECTION
    return (-1 if f[PREMIUM] > 0.0 else 1), 0


@inner_kernel
def conviction(f: FloatArray) -> float:
    """Return the conviction of a passed test, in [0.5, 1]: more for surge, body, premium and imbalance extremes."""
    surge = min(max((f[VOLUME_Z] - SURGE_Z) / SURGE_Z, 0.0), 1.0)
    strength = min(max((abs(f[BODY]) - STRONG_BODY_ATR) / STRONG_BODY_ATR, 0.0), 1.0)
    level = 0.5 + 0.15 * surge + 0.15 * strength
    level += 0.1 if abs(f[PREMIUM]) > STRETCHED_PREMIUM_BPS else 0.0
    level += 0.1 if abs(f[IMBALANCE]) > LOPSIDED_IMBALANCE_FRAC else 0.0
    return float(min(level, 1.0))


@inner_kernel
def judged(f: FloatArray, p: FloatArray) -> tuple[int, int]:
    """Return (side, mask of failed tests) of one feature vector; a mask of 0 fires. A comparison with NaN fails."""
    side, mask = fade_tests(f, p) if p[4] > 0.0 else momentum_tests(f, p)
    if not abs(f[BODY]) >= p[0]:
        mask |= BODY_SMALL
    if not f[VOLUME_Z] >= p[1]:
        mask |= VOLUME_LOW
    if not f[SPREAD] <= p[2]:
        mask |= SPREAD_WIDE
    if not f[VOLATILITY] <= p[3]:
        mask |= TOO_WILD
    if not math.isnan(f[OPEN_INTEREST]) and not f[OPEN_INTEREST] > 0.0:
        mask |= NO_INTEREST
    if p[9] > 0.0 and not abs(f[RETURN]) >= p[9]:
        mask |= MOVE_SMALL
    return side, mask


@kernel
def failed_tests(f: FloatArray, p: FloatArray) -> int:
    """Return the mask of failed tests of one feature vector, 0 = fire.

    f: shape (N_FEATURES,). p: `E3Thresholds.vector()`.
    """
    return judged(f, p)[1]


@inner_kernel
def decide_e3(f: FloatArray, p: FloatArray) -> tuple[int, int, float]:
    """Return (side or 0, failed mask, conviction) for one feature vector."""
    side, mask = judged(f, p)
    return (0, mask, 0.0) if mask != 0 else (side, 0, conviction(f))


@tape_kernel
def scan_e3(figures: FloatArray, beside: FloatArray, p: FloatArray) -> Fires:
    """Return the bars on which `decide_e3` fires: places, sides and convictions, each of shape (n_fires,)."""
    near = _near(figures[:, Figure.BODY_OVER_ATR], figures[:, Figure.VOLUME_Z], p[0], p[1])
    places, n_fires = np.empty_like(near), 0
    sides, convictions = np.empty(len(near), dtype=np.int8), np.empty(len(near))
    features = features_at(figures, beside, near)
    for number in range(len(near)):
        side, mask, level = decide_e3(features[number], p)
        places[n_fires], sides[n_fires], convictions[n_fires] = near[number], side, level
        n_fires += mask == 0
    return places[:n_fires], sides[:n_fires], convictions[:n_fires]


@kernel
def _near(bodies: FloatArray, volumes: FloatArray, least_body: float, least_z: float) -> IntArray:
    """Return the bars that pass the two tests which nearly every bar fails; the rest is asked of them alone."""
    marks = no_marks(len(bodies))
    for bar in range(len(bodies)):
        marks[bar] = (abs(bodies[bar]) >= least_body) & (volumes[bar] >= least_z)
    return marked(marks)


class E3:
    """The strategy around the kernel."""

    __slots__ = ("_answers", "_decide", "failed_tests", "grounds", "parameters", "thresholds")

    name = "e3"
    scans = Scans(answers=scan_e3, partings=None, asks_regimes=False)

    def __init__(self, thresholds: E3Thresholds) -> None:
        """Fix the thresholds and the words that go with them."""
        self.thresholds = thresholds
        self.parameters = thresholds.vector()
        self.failed_tests = entry_point(failed_tests, self.parameters, self.parameters)
        self.grounds = FADED if thresholds.direction is Direction.PREMIUM_FADE else FOLLOWED
        self._decide = entry_point(decide_e3, self.parameters, self.parameters)
        self._answers = Answers(self.name, _phrases(thresholds), f"explosive bar, {thresholds.direction.value}")

    def no(self, failed_mask: int) -> Signal:
        """Return the answer of a mask that is not 0."""
        return self._answers.no(failed_mask)

    def fire(self, features: Features) -> Signal:
        """Return side and conviction on features that pass every test."""
        side, _, level = self._decide(features.vector, self.parameters)
        return self._answers.yes(side, level)

    def wants_out(self, features: Features, side: Side) -> str | None:
        """E3 has no opinion after the entry: its exits are the plan's."""
        return None


def _phrases(t: E3Thresholds) -> tuple[str, ...]:
    fades = t.direction is Direction.PREMIUM_FADE
    return (
        f"body is under {t.body_over_atr:g} ATR",
        f"volume z is under {t.volume_z:g}",
        f"spread is over {t.max_spread_bps:g} bps or unknown",
        f"realised volatility is over {t.max_realised_vol_bps:g} bps a minute",
        "open interest is zero",
        f"premium is under {t.fade_min_premium_bps:g} bps or unknown" if fades else "the bar has no direction",
        f"imbalance does not confirm by {t.min_imbalance_frac:g}" + (" or is unknown" if t.requires_imbalance else ""),
        f"premium is already stretched over {t.max_chase_premium_bps:g} bps our way",
        f"the move is under {t.min_move_bps:g} bps",
    )
