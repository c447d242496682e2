"""The order book at a glance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.live.book import BookView, view_of


def side(first, step, n, size=1.0):
    return [[first + step * number, size] for number in range(n)]


def test_best_prices_spread_and_which_side_is_heavier():
    view = view_of({"bids": side(99.99, -0.01, 12, 3.0), "asks": side(100.01, 0.01, 12, 1.0)})
    assert isinstance(view, BookView)
    assert (view.bid_price, view.ask_price) == (99.99, 100.01)
    assert view.spread_bps == pytest.approx(2.0)
    assert view.imbalance_frac == pytest.approx(0.5)


def test_only_ten_levels_count():
    bids = [*side(99.0, -1.0, 10), [80.0, 1_000_000.0]]
    view = view_of({"bids": bids, "asks": side(100.0, 1.0, 10)})
    assert isinstance(view, BookView)
    assert view.imbalance_frac == 0.0


@pytest.mark.parametrize(
    ("bids", "asks", "why"),
    [
        ([[101.0, 1.0]], [[100.0, 1.0]], "crossed"),
        ([[100.0, 1.0]], [[100.0, 1.0]], "crossed"),
        ([], [[100.0, 1.0]], "one side"),
        ([], [], "empty"),
        ([[None, 1.0]], [[100.0, 1.0]], "not a price"),
        ([[99.0, float("nan")]], [[100.0, 1.0]], "not a price"),
    ],
)
def test_what_is_no_book_says_why(bids, asks, why):
    found = view_of({"bids": bids, "asks": asks})
    assert isinstance(found, str)
    assert why in found


@given(st.floats(1.0, 1e5), st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12))
def test_the_imbalance_lies_between_minus_one_and_one(price, sizes):
    bids = [[price * (1 - 0.0001 * (n + 1)), size] for n, size in enumerate(sizes)]
    asks = [[price * (1 + 0.0001 * (n + 1)), size] for n, size in enumerate(reversed(sizes))]
    view = view_of({"bids": bids, "asks": asks})
    assert isinstance(view, BookView)
    assert -1.0 <= view.imbalance_frac <= 1.0
