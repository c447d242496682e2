import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.features import N_FEATURES, REGIME_BY_CODE, Feature, Regime
from domain.market import MINUTE_MS, Bar, Reading, Snapshot
from indicators.features import (
    FeatureEngine,
    FeatureWindows,
    feature_state,
    features_batch,
    update_features,
    warmup_bars,
)
from indicators.regime import RegimeThresholds

DEFAULT = FeatureWindows()
SHORT = FeatureWindows(
    atr_bars=2, volume_bars=3, vol_bars=2, vol_long_bars=4, ema_fast_bars=2, ema_slow_bars=3, drawdown_bars=4
)
THRESHOLDS = RegimeThresholds()
OPTIONAL = [
    Feature.BOOK_IMBALANCE,
    Feature.PREMIUM_BPS,
    Feature.FUNDING_RATE_HOURLY_FRAC,
    Feature.OPEN_INTEREST_USD,
    Feature.SPREAD_BPS,
]
REQUIRED = [place for place in Feature if place not in OPTIONAL]

PRICE = st.one_of(
    st.sampled_from([100.0, 100.01, 1e-12, 9e14]),
    st.floats(90.0, 110.0),
    st.floats(0.0, 1e15, exclude_min=True, exclude_max=True),
)
VOLUME = st.one_of(st.sampled_from([0.0, 1.0, 9e17]), st.floats(0.0, 1e18, exclude_max=True))
READING = st.one_of(st.just(math.nan), st.floats(-1e17, 1e17))


@st.composite
def tapes(draw, longest_run=6):
    """Draw any valid bars, each repeated some times: flat stretches, dead volume, spikes over thirty decades."""
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        low, first, second, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
        first, second = draw(st.permutations([first, second]))
        rows += [(first, high, low, second, draw(VOLUME))] * draw(st.integers(1, longest_run))
    optional = draw(st.lists(st.tuples(*[READING] * 5), min_size=1, max_size=4))
    beside = [optional[row % len(optional)] for row in range(len(rows))]
    return np.array(rows), np.array(beside)


def absent(n_bars: int) -> np.ndarray:
    return np.full((n_bars, 5), math.nan)


def bar_by_bar(ohlcv, optional, windows):
    state, spans, borders = feature_state(windows), windows.vector(), THRESHOLDS.vector()
    rows = zip(ohlcv.tolist(), optional.tolist(), strict=True)
    return np.array([update_features(state, spans, borders, *bar, *beside) for bar, beside in rows])


@settings(deadline=None)
@given(tape=tapes())
def test_the_desk_and_the_sweep_see_the_same_bits_on_any_tape(tape):
    assert features_batch(*tape, SHORT, THRESHOLDS).tobytes() == bar_by_bar(*tape, SHORT).tobytes()


def test_the_desk_and_the_sweep_see_the_same_bits_on_recorded_bars(recorded):
    optional = absent(len(recorded))
    optional[::3] = [0.25, -4.0, 1e-5, 3e8, 1.5]
    assert features_batch(recorded, optional, DEFAULT, THRESHOLDS).tobytes() == (
        bar_by_bar(recorded, optional, DEFAULT).tobytes()
    )


@settings(deadline=None)
@given(tape=tapes(longest_run=150))
@pytest.mark.parametrize("windows", [SHORT, DEFAULT], ids=["short", "default"])
def test_once_warm_every_required_figure_is_finite_and_sane_on_any_valid_bars(windows, tape):
    warm = features_batch(*tape, windows, THRESHOLDS)[warmup_bars(windows) - 1 :]
    assert np.isfinite(warm[:, REQUIRED]).all()
    assert (warm[:, Feature.ATR_PRICE] >= 0.0).all()
    assert (warm[:, Feature.REALISED_VOL_BPS] >= 0.0).all()
    assert ((warm[:, Feature.DRAWDOWN_BPS] >= 0.0) & (warm[:, Feature.DRAWDOWN_BPS] <= 1e4)).all()
    assert (np.abs(warm[:, Feature.VOLUME_Z]) <= math.sqrt(windows.volume_bars)).all()
    assert (np.abs(warm[:, Feature.BODY_OVER_ATR]) <= windows.atr_bars * (1 + 1e-9)).all()
    assert set(warm[:, Feature.REGIME]) <= set(range(len(REGIME_BY_CODE)))


@settings(deadline=None)
@given(tape=tapes())
def test_the_optional_readings_pass_through_untouched_once_warm(tape):
    ohlcv, optional = tape
    first = warmup_bars(SHORT) - 1
    figures = features_batch(ohlcv, optional, SHORT, THRESHOLDS)
    np.testing.assert_array_equal(figures[first:][:, OPTIONAL], optional[first:])
    assert np.isnan(figures[:first]).all()


@settings(deadline=None)
@given(tape=tapes(), cut=st.integers(1, 40))
def test_no_figure_knows_a_later_bar(tape, cut):
    ohlcv, optional = tape
    whole = features_batch(ohlcv, optional, SHORT, THRESHOLDS)
    assert features_batch(ohlcv[:cut], optional[:cut], SHORT, THRESHOLDS).tobytes() == whole[:cut].tobytes()


def test_every_figure_is_what_its_name_says_on_recorded_bars(recorded):
    figures = features_batch(recorded, absent(len(recorded)), DEFAULT, THRESHOLDS)
    first = warmup_bars(DEFAULT) - 1
    open_price, high, low, close, volume = (column.copy() for column in recorded.T)
    atr = talib.ATR(high, low, close, 14)
    volumes = np.lib.stride_tricks.sliding_window_view(volume, 20)[-len(volume) + first :]
    highest = talib.MAX(close, 60)
    expected = {
        Feature.ATR_PRICE: atr,
        Feature.BODY_OVER_ATR: (close - open_price) / atr,
        Feature.RETURN_BPS: 1e4 * np.diff(np.log(close), prepend=np.nan),
        Feature.TREND_STRENGTH: (talib.EMA(close, 20) - talib.EMA(close, 60)) / atr,
        Feature.DRAWDOWN_BPS: (highest - close) / highest * 1e4,
    }
    for place, column in expected.items():
        np.testing.assert_allclose(figures[first:, place], column[first:], rtol=1e-9, atol=1e-9, err_msg=place.name)
    z = (volume[first:] - volumes.mean(axis=1)) / volumes.std(axis=1)
    np.testing.assert_allclose(figures[first:, Feature.VOLUME_Z], z, rtol=1e-9, atol=1e-9)


def test_the_regime_follows_from_figures_computed_one_window_at_a_time(recorded):
    ohlcv = recorded[:12_000]
    figures = features_batch(ohlcv, absent(len(ohlcv)), DEFAULT, THRESHOLDS)[warmup_bars(DEFAULT) - 1 :]
    returns_bps = 1e4 * np.diff(np.log(ohlcv[:, 3]))
    long_vol_bps = np.lib.stride_tricks.sliding_window_view(returns_bps, DEFAULT.vol_long_bars).std(axis=1)
    vol_bps = np.lib.stride_tricks.sliding_window_view(returns_bps, DEFAULT.vol_bars).std(axis=1)[-len(figures) :]
    np.testing.assert_allclose(figures[:, Feature.REALISED_VOL_BPS], vol_bps, rtol=1e-9)
    trend = figures[:, Feature.TREND_STRENGTH]
    expected = np.select(
        [
            figures[:, Feature.DRAWDOWN_BPS] >= THRESHOLDS.crash_drawdown_bps,
            vol_bps >= THRESHOLDS.high_vol_ratio * long_vol_bps,
            trend >= THRESHOLDS.trend_strength_atr,
            trend <= -THRESHOLDS.trend_strength_atr,
        ],
        [
            REGIME_BY_CODE.index(regime)
            for regime in (Regime.CRASH, Regime.HIGH_VOLATILITY, Regime.BULL_TREND, Regime.BEAR_TREND)
        ],
        REGIME_BY_CODE.index(Regime.CHOP),
    )
    np.testing.assert_array_equal(figures[:, Feature.REGIME], expected)


def test_each_regime_occurs_on_recorded_bars_and_none_swallows_the_rest(recorded):
    figures = features_batch(recorded, absent(len(recorded)), DEFAULT, THRESHOLDS)
    codes = figures[warmup_bars(DEFAULT) - 1 :, Feature.REGIME].astype(int)
    share = dict(zip(REGIME_BY_CODE, np.bincount(codes, minlength=len(REGIME_BY_CODE)) / codes.size, strict=True))
    assert 0.4 < share[Regime.CHOP] < 0.75
    assert min(share[Regime.BULL_TREND], share[Regime.BEAR_TREND]) > 0.08
    assert 0.02 < share[Regime.HIGH_VOLATILITY] < 0.15
    assert 0.001 < share[Regime.CRASH] < 0.05


def test_a_market_that_stood_still_for_weeks_has_no_trend_and_no_body():
    moves = [(100.0, 101.0, 99.0, 100.7, 5.0), (100.7, 103.0, 100.0, 102.3, 9.0)] * 200
    still = [(102.3, 102.3, 102.3, 102.3, 0.0)] * 30_000
    last = features_batch(np.array(moves + still), absent(30_400), DEFAULT, THRESHOLDS)[-1]
    assert np.isfinite(last[REQUIRED]).all()
    assert [last[Feature.TREND_STRENGTH], last[Feature.BODY_OVER_ATR], last[Feature.VOLUME_Z]] == [0.0, 0.0, 0.0]
    assert REGIME_BY_CODE[int(last[Feature.REGIME])] is Regime.CHOP


def test_the_body_keeps_its_sign():
    rising = [(100.0 + step, 101.0 + step, 100.0 + step, 101.0 + step, 1.0) for step in range(10)]
    assert features_batch(np.array(rising), absent(10), SHORT, THRESHOLDS)[-1, Feature.BODY_OVER_ATR] == 1.0
    falling = [(open_, high, low - 1.0, low - 1.0, 1.0) for open_, high, low, _, _ in rising[::-1]]
    assert features_batch(np.array(falling), absent(10), SHORT, THRESHOLDS)[-1, Feature.BODY_OVER_ATR] < 0.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 241),
        ({"vol_long_bars": 31}, 60),
        ({"vol_long_bars": 31, "atr_bars": 70}, 71),
        ({"vol_long_bars": 31, "volume_bars": 90}, 90),
        ({"vol_long_bars": 31, "ema_slow_bars": 95}, 95),
        ({"vol_long_bars": 31, "drawdown_bars": 99}, 99),
    ],
)
def test_the_longest_look_back_sets_the_warm_up_and_the_first_vector_comes_exactly_then(changes, expected):
    windows = FeatureWindows(**changes)
    assert warmup_bars(windows) == expected
    bars = np.array([(100.0, 101.0, 99.0, 100.0 + row % 2, float(row)) for row in range(300)])
    is_cold = np.isnan(features_batch(bars, absent(300), windows, THRESHOLDS)[:, Feature.REGIME])
    assert is_cold.tolist() == [True] * (expected - 1) + [False] * (301 - expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"atr_bars": 0},
        {"volume_bars": 1},
        {"vol_bars": -1},
        {"drawdown_bars": 2_000_000},
        {"vol_bars": 240},
        {"ema_fast_bars": 60},
    ],
)
def test_windows_that_make_no_sense_are_refused_by_name(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        FeatureWindows(**changes)


@pytest.mark.parametrize(
    "row",
    [
        (100.0, 99.0, 98.0, 98.5, 1.0),
        (100.0, 101.0, 0.0, 100.0, 1.0),
        (100.0, 101.0, 99.0, 100.0, -1.0),
        (100.0, math.nan, 99.0, 100.0, 1.0),
        (100.0, math.inf, 99.0, 100.0, 1.0),
    ],
)
def test_a_tape_with_an_impossible_bar_is_refused_with_its_row(row):
    good = (100.0, 101.0, 99.0, 100.0, 1.0)
    with pytest.raises(ValueError, match="row 1 "):
        features_batch(np.array([good, row]), absent(2), SHORT, THRESHOLDS)


def test_a_tape_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="a tape is"):
        features_batch(np.ones((3, 4)), absent(3), SHORT, THRESHOLDS)
    with pytest.raises(ValueError, match="a tape is"):
        features_batch(np.ones((3, 5)), absent(2), SHORT, THRESHOLDS)


def observed(ohlcv, readings, windows=SHORT):
    """Run an engine over a tape; readings(minute) gives the snapshot's fields beside the bar."""
    engine = FeatureEngine(windows, THRESHOLDS)
    answers = []
    for minute, (open_price, high_price, low_price, close_price, volume_base) in enumerate(ohlcv.tolist()):
        bar = Bar(
            open_ms=minute * MINUTE_MS,
            close_ms=(minute + 1) * MINUTE_MS,
            open_price=open_price,
            high_price=high_price,
            low_price=low_price,
            close_price=close_price,
            volume_base=volume_base,
        )
        beside = Snapshot(symbol="SOL-PERP", as_of_ms=bar.close_ms, bar=bar, **readings(minute))
        answers.append(engine.observe(bar, beside))
    return engine, answers


def reading(value: float) -> Reading:
    return Reading(value=value, source="test", as_of_ms=0)


def test_the_engine_answers_none_until_warm_and_then_the_batch_bit_for_bit(recorded):
    ohlcv = recorded[:1000]
    engine, answers = observed(ohlcv, lambda _: {}, DEFAULT)
    batch = features_batch(ohlcv, absent(1000), DEFAULT, THRESHOLDS)
    assert (engine.n_seen, engine.warmup_bars) == (1000, 241)
    assert answers[:240] == [None] * 240
    assert np.array([features.vector for features in answers[240:]]).tobytes() == batch[240:].tobytes()


def test_the_engine_keeps_absent_readings_absent_and_zero_a_number():
    bars = np.array([(100.0, 101.0, 99.0, 100.5, 2.0)] * 6)
    _, answers = observed(bars, lambda minute: {"premium_bps": reading(0.0), "imbalance_frac": 0.0} if minute else {})
    assert answers[-1].value(Feature.PREMIUM_BPS) == 0.0
    assert answers[-1].value(Feature.BOOK_IMBALANCE) == 0.0
    assert answers[-1].value(Feature.SPREAD_BPS) is None
    assert answers[-1].value(Feature.FUNDING_RATE_HOURLY_FRAC) is None
    assert answers[-1].value(Feature.OPEN_INTEREST_USD) is None


def test_the_engine_puts_each_reading_in_its_own_place():
    bars = np.array([(100.0, 101.0, 99.0, 100.5, 2.0)] * 6)
    beside = {
        "imbalance_frac": -0.25,
        "premium_bps": reading(4.0),
        "funding_rate_hourly_frac": reading(1e-5),
        "open_interest_usd": reading(3e8),
        "spread_bps": reading(1.5),
    }
    _, answers = observed(bars, lambda _: beside)
    assert [answers[-1].value(place) for place in OPTIONAL] == [-0.25, 4.0, 1e-5, 3e8, 1.5]


def test_features_once_given_are_never_written_to_again():
    bars = np.array([(100.0 + row, 102.0 + row, 99.0 + row, 101.0 + row, 1.0 + row % 3) for row in range(12)])
    _, answers = observed(bars, lambda _: {})
    assert answers[-1].vector.shape == (N_FEATURES,)
    assert len({features.vector.tobytes() for features in answers[4:]}) == len(answers[4:])


@pytest.mark.parametrize("dead", [slice(0, 0), slice(1400, 1700), slice(900, 1900)], ids=["lively", "pause", "dead"])
def test_the_bits_agree_on_a_tape_long_enough_to_be_done_in_halves(dead):
    rng = np.random.default_rng(11)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, 3000)))
    opens = np.append(100.0, closes[:-1])
    reach = rng.uniform(0.0, 0.1, 3000)
    bars = np.column_stack(
        [opens, np.maximum(opens, closes) + reach, np.minimum(opens, closes) - reach, closes, rng.uniform(0, 9, 3000)]
    )
    bars[dead, :4] = bars[dead.start, 3]
    assert features_batch(bars, absent(3000), SHORT, THRESHOLDS).tobytes() == (
        bar_by_bar(bars, absent(3000), SHORT).tobytes()
    )
