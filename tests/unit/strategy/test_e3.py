"""E3 fires on explosive bars only, and says of every other bar which tests failed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.features import N_FEATURES, Feature, Features
from strategy.e3 import E3, Direction, E3Thresholds
from strategy.rules import evaluate

EXPLOSIVE = {
    Feature.BODY_OVER_ATR: 0.7,
    Feature.VOLUME_Z: 2.2,
    Feature.BOOK_IMBALANCE: 0.3,
    Feature.SPREAD_BPS: 2.0,
    Feature.REALISED_VOL_BPS: 10.0,
    Feature.REGIME: 0.0,
}


def features(**changes: float) -> Features:
    vector = np.full(N_FEATURES, np.nan)
    for place, figure in EXPLOSIVE.items():
        vector[place] = figure
    for name, figure in changes.items():
        vector[Feature[name]] = figure
    return Features(vector=vector)


def test_an_explosive_bar_confirmed_by_the_book_is_followed() -> None:
    answer = evaluate(E3(E3Thresholds()), features())
    assert (answer.side, answer.failed_mask) == (Side.BUY, 0)
    assert answer.conviction_frac == pytest.approx(0.5)


def test_a_falling_explosive_bar_is_followed_down() -> None:
    answer = evaluate(E3(E3Thresholds()), features(BODY_OVER_ATR=-0.7, BOOK_IMBALANCE=-0.3))
    assert answer.side is Side.SELL


@pytest.mark.parametrize(
    ("name", "at_limit", "beyond", "words"),
    [
        ("BODY_OVER_ATR", 0.5, 0.4999, "body is under 0.5 ATR"),
        ("VOLUME_Z", 2.0, 1.9999, "volume z is under 2"),
        ("SPREAD_BPS", 30.0, 30.001, "spread is over 30 bps or unknown"),
        ("REALISED_VOL_BPS", 60.0, 60.001, "realised volatility is over 60 bps a minute"),
        ("OPEN_INTEREST_USD", 1.0, 0.0, "open interest is zero"),
        ("BOOK_IMBALANCE", 0.0, -0.001, "imbalance does not confirm by 0"),
        ("PREMIUM_BPS", 20.0, 20.001, "premium is already stretched over 20 bps our way"),
    ],
)
def test_each_threshold_is_met_at_its_limit_and_fails_beyond_it(
    name: str, at_limit: float, beyond: float, words: str
) -> None:
    strategy = E3(E3Thresholds())
    assert evaluate(strategy, features(**{name: at_limit})).side is Side.BUY
    refused = evaluate(strategy, features(**{name: beyond}))
    assert refused.side is None
    assert refused.reasons == (words,)


@pytest.mark.parametrize("name", ["BODY_OVER_ATR", "VOLUME_Z", "SPREAD_BPS", "REALISED_VOL_BPS"])
def test_an_unknown_figure_that_a_test_needs_fails_that_test(name: str) -> None:
    assert evaluate(E3(E3Thresholds()), features(**{name: math.nan})).side is None


def test_unknown_open_interest_and_premium_are_not_held_against_a_bar() -> None:
    answer = evaluate(E3(E3Thresholds()), features(OPEN_INTEREST_USD=math.nan, PREMIUM_BPS=math.nan))
    assert answer.side is Side.BUY


def test_where_no_imbalance_is_known_the_bar_decides_unless_confirmation_is_required() -> None:
    market = features(BOOK_IMBALANCE=math.nan)
    assert evaluate(E3(E3Thresholds()), market).side is Side.BUY
    refused = evaluate(E3(E3Thresholds(requires_imbalance=True)), market)
    assert refused.reasons == ("imbalance does not confirm by 0 or is unknown",)


def test_premium_fade_trades_against_the_premium_whatever_the_body_says() -> None:
    strategy = E3(E3Thresholds(direction=Direction.PREMIUM_FADE))
    assert evaluate(strategy, features(PREMIUM_BPS=8.0)).side is Side.SELL
    assert evaluate(strategy, features(PREMIUM_BPS=-8.0)).side is Side.BUY
    assert evaluate(strategy, features(PREMIUM_BPS=4.9)).reasons == ("premium is under 5 bps or unknown",)
    assert evaluate(strategy, features()).side is None


def test_conviction_rises_with_surge_body_premium_and_imbalance() -> None:
    strategy = E3(E3Thresholds())
    plain = evaluate(strategy, features()).conviction_frac
    for stronger in ({"VOLUME_Z": 4.0}, {"BODY_OVER_ATR": 1.2}, {"PREMIUM_BPS": -25.0}, {"BOOK_IMBALANCE": 0.6}):
        assert evaluate(strategy, features(**stronger)).conviction_frac > plain


FIGURE = st.floats(-100, 100) | st.just(math.nan)


@given(figures=st.lists(FIGURE, min_size=N_FEATURES, max_size=N_FEATURES))
def test_a_side_is_named_only_with_conviction_and_without_a_failed_test(figures: list[float]) -> None:
    answer = evaluate(E3(E3Thresholds()), Features(vector=np.array(figures)))
    assert (answer.side is None) == (answer.failed_mask != 0)
    assert (answer.side is None) == (answer.conviction_frac == 0.0)
    assert 0.0 <= answer.conviction_frac <= 1.0
    assert answer.reasons


@given(figures=st.lists(FIGURE, min_size=N_FEATURES, max_size=N_FEATURES))
def test_the_mirror_image_of_a_market_gets_the_mirror_image_of_the_answer(figures: list[float]) -> None:
    vector = np.array(figures)
    mirrored = vector.copy()
    for place in (Feature.BODY_OVER_ATR, Feature.BOOK_IMBALANCE, Feature.PREMIUM_BPS):
        mirrored[place] = -mirrored[place]
    strategy = E3(E3Thresholds())
    one, other = evaluate(strategy, Features(vector=vector)), evaluate(strategy, Features(vector=mirrored))
    assert one.failed_mask == other.failed_mask
    assert one.side is None or other.side is one.side.opposite
