"""Figures in ccxt's answers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.live.figures import figure, positive


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"mark": 7.5, "info": {"mark": "8"}}, 7.5),
        ({"mark": None, "info": {"mark": "8.25"}}, 8.25),
        ({"info": {"mark": 8}}, 8.0),
        ({"info": {"mark": "none"}}, None),
        ({"info": [1]}, None),
        ({"mark": True}, None),
        ({"mark": math.nan}, None),
        ({}, None),
    ],
)
def test_a_figure_is_ccxts_own_else_the_exchanges(told, found):
    assert figure(told, "mark") == found


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_whatever_an_exchange_says_a_price_is_positive_and_finite_or_none(said):
    found = positive(figure({"mark": None, "info": {"mark": said}}, "mark"))
    assert found is None or 0.0 < found < math.inf
