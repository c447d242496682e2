import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from risk.band import FIRST_JUDGED, Band, band_of

BAND = Band(
    run_id="backtest-1",
    n_trades=100,
    mean_r=0.1,
    win_rate_frac=0.5,
    trades_per_day=4.0,
    max_drawdown_frac=0.05,
    low_frac=0.05,
    high_frac=0.95,
    ns=(10, 20, 40),
    low_r=(-4.0, -5.0, -6.0),
    high_r=(6.0, 9.0, 14.0),
    seed=7,
    n_paths=2_000,
    block_trades=5,
    halted_at_frac=0.2,
    halted_frac=0.1,
)


def test_the_edges_are_met_at_the_given_numbers_and_lie_on_straight_lines_between_them():
    assert BAND.edges_r(10) == (-4.0, 6.0)
    assert BAND.edges_r(15) == (-4.5, 7.5)
    assert BAND.edges_r(40) == (-6.0, 14.0)


def test_beyond_the_last_number_the_edges_grow_by_the_square_root_around_the_mean():
    # At 40 trades the mean is 4 R, the edges 10 R below and above; at 160 it is 16 R, and they are 20 R away.
    assert BAND.edges_r(160) == pytest.approx((-4.0, 36.0))


@pytest.mark.parametrize(
    ("sum_r", "deviation_frac"),
    [(-4.0, 0.0), (6.0, 0.0), (1.0, 0.0), (-6.0, 0.2), (8.0, 0.2), (-9.0, 0.5), (16.0, 1.0)],
)
def test_the_deviation_is_the_way_to_the_nearer_edge_over_the_width_of_ten(sum_r, deviation_frac):
    assert BAND.deviation_frac(10, sum_r) == pytest.approx(deviation_frac)


@given(n_trades=st.integers(0, FIRST_JUDGED - 1), sum_r=st.floats(-100, 100))
def test_a_record_too_short_to_say_anything_is_not_judged(n_trades, sum_r):
    assert BAND.deviation_frac(n_trades, sum_r) == 0.0


@given(n_trades=st.integers(FIRST_JUDGED, 10_000))
def test_the_low_edge_stays_below_the_high_one(n_trades):
    low, high = BAND.edges_r(n_trades)
    assert low < high


def test_a_band_survives_json_and_anything_else_is_refused_with_words():
    assert band_of(msgspec.json.encode(BAND).decode()) == BAND
    for wrong in ("{}", "[]", "no", '{"run_id": 3}'):
        with pytest.raises(ValueError, match=r"not a band that `main.py band` wrote"):
            band_of(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ns": (5, 20, 40)},
        {"ns": (10, 40, 20)},
        {"low_r": (-4.0, -5.0)},
        {"low_r": (6.0, -5.0, -6.0)},
        {"mean_r": math.inf},
    ],
)
def test_edges_that_do_not_belong_together_are_refused(wrong):
    with pytest.raises(ValueError, match="band"):
        Band(**{name: getattr(replace(BAND), name) for name in BAND.__struct_fields__} | wrong)
