"""Orders the venue turns away by lot: a share of them, always the same ones."""

from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import ApprovedOrder, ExitReason, Side
from execution.account import Market
from execution.admission import is_drawn_for_rejection, refuse_exit, refuse_size
from execution.instruments import INSTRUMENTS

IDS = [f"SOL-PERP-{n}-entry" for n in range(2_000)]


def drawn(seed: int, reject_frac: float) -> set[str]:
    """Return the ids turned away."""
    return {order_id for order_id in IDS if is_drawn_for_rejection(order_id, seed, reject_frac)}


def test_about_the_asked_share_is_drawn_and_the_seed_chooses_which() -> None:
    assert 520 < len(drawn(7, 0.3)) < 680
    assert drawn(7, 0.3) == drawn(7, 0.3)
    assert drawn(7, 0.3) != drawn(8, 0.3)


def test_a_share_of_nothing_draws_none_and_of_one_draws_all() -> None:
    assert drawn(7, 0.0) == set()
    assert drawn(7, 1.0) == set(IDS)


@given(st.floats(min_value=0.0, max_value=1.0), st.floats(min_value=0.0, max_value=1.0), st.text(max_size=20))
def test_who_is_drawn_at_a_small_share_is_drawn_at_a_larger_one(first: float, second: float, order_id: str) -> None:
    small, large = sorted((first, second))
    assert not is_drawn_for_rejection(order_id, 7, small) or is_drawn_for_rejection(order_id, 7, large)


def exit_order(side: Side, lots: int) -> ApprovedOrder:
    """Write a reduce-only order."""
    return ApprovedOrder(
        client_order_id="x",
        symbol="SOL-PERP",
        strategy="test",
        side=side,
        size_lots=lots,
        reduce_only=True,
        reference_ticks=150_000,
        decided_ms=0,
        exit_reason=ExitReason.TIME,
    )


@given(st.sampled_from(list(Side)), st.integers(min_value=1, max_value=100), st.integers(min_value=-100, max_value=100))
def test_an_exit_that_is_taken_leaves_the_position_smaller_and_never_on_the_other_side(
    side: Side, lots: int, held: int
) -> None:
    if refuse_exit(exit_order(side, lots), held) is None:
        after = held + side * lots
        assert abs(after) < abs(held)
        assert after * held >= 0
    else:
        assert held == 0 or abs(held + side * lots) > abs(held) or (held + side * lots) * held < 0


def test_an_exit_may_be_smaller_than_the_minimum_size() -> None:
    market = Market(
        symbol="SOL-PERP",
        tick=0.001,
        unit=10,
        lot_size_1e9=10_000_000,
        min_size_lots=5,
        initial_bps=500,
        maintenance_bps=300,
        liquidator_fee_bps=75.0,
    )
    assert refuse_size(exit_order(Side.SELL, 1), market) is None
    assert Market.of(INSTRUMENTS["SOL-PERP"]).initial_bps == 500
