import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.prove.futures import CLOSE, HIGH, LOW, OPEN, VOLUME, Future, kept_rows, other_bars, other_figures

SEEDS = st.integers(0, 2**32 - 1)


def bars(draw, n_bars):
    close = 100.0 * np.exp(np.cumsum(draw.normal(0.0, 0.01, n_bars)))
    opened = close * np.exp(draw.normal(0.0, 0.005, n_bars))
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    return np.column_stack((opened, high, low, close, draw.lognormal(3.0, 1.0, n_bars)))


@given(future=st.sampled_from(Future), seed=SEEDS, n_bars=st.integers(0, 60), n_broken=st.integers(0, 5))
def test_every_future_is_a_market_that_could_be(future, seed, n_bars, n_broken):
    draw = np.random.default_rng(seed)
    was = bars(draw, n_bars)
    was[draw.integers(0, max(n_bars, 1), n_broken if n_bars else 0), draw.integers(0, 5)] = draw.choice(
        [np.nan, -1.0, np.inf]
    )
    others = other_bars(future, was, 100.0, 20.0, draw)
    assert others.shape == was.shape
    assert np.isfinite(others).all()
    assert (others[:, LOW] > 0.0).all()
    for inside in (OPEN, CLOSE):
        assert (others[:, LOW] <= others[:, inside]).all()
        assert (others[:, inside] <= others[:, HIGH]).all()
    assert (others[:, VOLUME] >= 0.0).all()


@given(future=st.sampled_from([one for one in Future if one is not Future.THINNED]), seed=SEEDS)
def test_another_future_is_another_and_begins_where_the_past_ended(future, seed):
    draw = np.random.default_rng(seed)
    was = bars(draw, 40)
    others = other_bars(future, was, 100.0, 20.0, draw)
    assert (others[:, CLOSE] != was[:, CLOSE]).sum() > 20
    assert abs(np.log(others[0, OPEN] / 100.0)) < 0.75


def test_a_mirrored_future_turns_every_return_around():
    was = bars(np.random.default_rng(5), 30)
    others = other_bars(Future.MIRRORED, was, 100.0, 20.0, np.random.default_rng(0))
    moves = [np.diff(np.log(np.concatenate(([100.0], one[:, CLOSE])))) for one in (was, others)]
    np.testing.assert_allclose(moves[1], -moves[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(others[:, VOLUME], 400.0 / was[:, VOLUME])


def test_a_thinned_future_loses_about_a_third_of_its_rows_and_no_other_loses_any():
    kept = {future: kept_rows(future, 3_000, np.random.default_rng(1)).mean() for future in Future}
    assert kept.pop(Future.THINNED) == pytest.approx(2 / 3, abs=0.04)
    assert set(kept.values()) == {1.0}


@given(future=st.sampled_from(Future), seed=SEEDS, is_signed=st.booleans())
def test_other_figures_keep_their_sign_where_they_have_only_one(future, seed, is_signed):
    draw = np.random.default_rng(seed)
    was = draw.lognormal(0.0, 1.0, 30)
    was[draw.integers(0, 30, 4)] = np.nan
    others = other_figures(future, was, 2.0, draw, is_signed=is_signed)
    assert others.shape == was.shape
    assert np.isnan(others).sum() == np.isnan(was).sum()
    assert is_signed or (others[~np.isnan(others)] > 0.0).all()
    if future is not Future.THINNED:
        assert not np.array_equal(others, was, equal_nan=True)
