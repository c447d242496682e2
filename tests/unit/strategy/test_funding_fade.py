"""The fade enters against two extremes on one side and leaves when either calms down."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.features import N_FEATURES, Feature, Features
from strategy.funding_fade import FundingFade, FundingFadeThresholds
from strategy.rules import evaluate


def features(funding: float, premium: float, spread: float = 2.0, volume_z: float = 1.5) -> Features:
    vector = np.full(N_FEATURES, np.nan)
    vector[Feature.FUNDING_RATE_HOURLY_FRAC] = funding
    vector[Feature.PREMIUM_BPS] = premium
    vector[Feature.SPREAD_BPS] = spread
    vector[Feature.VOLUME_Z] = volume_z
    return Features(vector=vector)


FADE = FundingFade(FundingFadeThresholds())


def test_both_extremes_positive_are_sold_and_both_negative_bought() -> None:
    assert evaluate(FADE, features(0.00003, 6.0)).side is Side.SELL
    assert evaluate(FADE, features(-0.00003, -6.0)).side is Side.BUY


@pytest.mark.parametrize(
    ("market", "words"),
    [
        (features(0.000019, 6.0), "funding is under 0.2 bps an hour"),
        (features(0.00003, 4.9), "premium is under 5 bps"),
        (features(0.00003, -6.0), "funding and premium do not point the same way"),
        (features(0.00003, 6.0, spread=30.0), "spread is not under 30 bps or unknown"),
        (features(0.00003, 6.0, volume_z=1.0), "volume z is not over 1"),
    ],
)
def test_each_filter_keeps_it_out_and_says_so(market: Features, words: str) -> None:
    answer = evaluate(FADE, market)
    assert answer.side is None
    assert answer.reasons == (words,)


@pytest.mark.parametrize("market", [features(math.nan, 6.0), features(0.00003, math.nan)])
def test_an_unknown_figure_keeps_it_out(market: Features) -> None:
    answer = evaluate(FADE, market)
    assert answer.side is None
    assert "funding or premium is unknown" in answer.reasons


def test_it_leaves_when_either_figure_is_back_in_its_neutral_band() -> None:
    assert FADE.wants_out(features(0.00001, 3.0), Side.SELL) is None
    assert "funding" in (FADE.wants_out(features(0.000005, 3.0), Side.SELL) or "")
    assert "premium" in (FADE.wants_out(features(0.00001, 1.0), Side.SELL) or "")
    assert FADE.wants_out(features(-0.00001, -3.0), Side.BUY) is None
    assert "premium" in (FADE.wants_out(features(-0.00001, 2.0), Side.BUY) or "")


@given(funding=st.floats(-0.001, 0.001), premium=st.floats(-100, 100))
def test_it_never_wants_out_of_what_it_would_enter_at_the_same_moment(funding: float, premium: float) -> None:
    market = features(funding, premium)
    side = evaluate(FADE, market).side
    assert side is None or FADE.wants_out(market, side) is None


def test_bands_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="premium band"):
        FundingFadeThresholds(neutral_premium_bps=5.0)
