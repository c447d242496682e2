"""A trigger's columns tell no level, day or market, and a short in a falling market is a long in a rising one."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Side
from domain.market import MINUTE_MS
from gate.metalabel.scale import scale_of, standardised
from gate.metalabel.vector import FIGURES, N_FIGURES, vector_of
from gate.prompt import break_even_frac
from tests.unit.gate.metalabel.past import DESIGN, past
from tests.unit.gate.questions import PLAN, features, proposal

SIGNED = ("BODY_OVER_ATR", "RETURN_BPS", "TREND_STRENGTH", "PREMIUM_BPS", "BOOK_IMBALANCE", "FUNDING_RATE_HOURLY_FRAC")


def columns(side=Side.BUY, made=None, **figures):
    wanted = msgspec.structs.replace(proposal() if made is None else made, side=side)
    found = vector_of(wanted, features(**figures), DESIGN)
    return dict(zip(DESIGN.names, found.tolist(), strict=True))


def test_each_column_has_a_name_and_the_figures_come_first():
    assert DESIGN.names[:N_FIGURES] == FIGURES
    assert len(set(DESIGN.names)) == len(DESIGN.names) == len(vector_of(proposal(), features(), DESIGN))


def test_the_figures_of_a_known_trigger_are_known():
    found = columns()
    assert found["return_bps"] == 40.04
    assert found["atr_bps"] == pytest.approx(10.0)
    assert found["funding_hourly_bps"] == pytest.approx(0.1)
    assert (found["stop_bps"], found["target_bps"], found["conviction_frac"]) == (100.0, 200.0, 0.7)
    assert found["break_even_frac"] == break_even_frac(PLAN, 11.0)
    assert (found["regime_bull_trend"], found["regime_crash"]) == (1.0, 0.0)
    assert (found["strategy_e3"], found["strategy_funding_fade"]) == (1.0, 0.0)


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=6))
def test_a_mirrored_market_and_the_other_side_give_the_same_columns(figures):
    seen = dict(zip(SIGNED, figures, strict=True))
    long = columns(Side.BUY, **seen)
    short = columns(Side.SELL, **{name: -figure for name, figure in seen.items()})
    assert (long.pop("side"), short.pop("side")) == (1.0, -1.0)
    assert long == short


@given(st.integers(-4, 6), st.integers(1, 10**7))
def test_the_level_the_time_and_the_name_leave_no_trace(power, minute):
    scale = 2.0**power
    moved = proposal(minute * MINUTE_MS, "BTC-PERP", 150.0 * scale)
    told = columns(made=moved, ATR_PRICE=0.15 * scale, OPEN_INTEREST_USD=1e9 * scale)
    assert repr(told) == repr(columns())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_there_is_marked_and_stands_at_zero_once_standardised(value):
    found = columns(RETURN_BPS=value)
    assert math.isnan(found["return_bps"])
    assert (found["absent_return_bps"], found["absent_volume_z"]) == (1.0, 0.0)
    seen = np.stack([vector_of(one.trigger.proposal, one.trigger.features, DESIGN) for one in past(50)[0]])
    told = standardised(np.array([*found.values()]), scale_of(seen))
    assert dict(zip(DESIGN.names, told.tolist(), strict=True))["return_bps"] == 0.0


def test_without_a_spread_the_assumed_one_makes_the_break_even_chance():
    assert columns(SPREAD_BPS=math.nan)["break_even_frac"] == break_even_frac(PLAN, 11.0)
    assert columns(SPREAD_BPS=6.0)["break_even_frac"] == break_even_frac(PLAN, 2 * (3.5 + 3.0 + 1.0))


def test_the_training_set_has_mean_zero_and_spread_one_and_its_tails_are_cut():
    seen = np.stack([vector_of(one.trigger.proposal, one.trigger.features, DESIGN) for one in past(500)[0]])
    seen[0, FIGURES.index("return_bps")] = 1e9
    scale = scale_of(seen)
    place = FIGURES.index("return_bps")
    told = standardised(seen, scale)
    assert told[:, place].mean() == pytest.approx(0.0, abs=1e-6)
    assert told[:, place].std() == pytest.approx(1.0, abs=1e-6)
    assert np.abs(told[:, place]).max() < 4.0
    assert scale.high[place] == np.percentile(seen[:, place], 99.0)


def test_a_figure_that_never_moved_says_nothing_even_when_it_moves():
    seen = np.stack([vector_of(one.trigger.proposal, one.trigger.features, DESIGN) for one in past(50)[0]])
    scale = scale_of(seen)
    moved = seen[0].copy()
    moved[FIGURES.index("stop_bps")] = 500.0
    moved[FIGURES.index("spread_bps")] = 50.0
    assert standardised(moved, scale).tolist() == standardised(seen[0], scale).tolist()
