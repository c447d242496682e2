"""A shadow order is the proposal's own trade at one fixed worth, and never less than the venue takes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.instruments import INSTRUMENTS, instrument
from risk.shadow import SHADOW_NOTIONAL_USD, shadow_order
from tests.unit.gate.test_off import PROPOSAL

SOL = instrument("SOL-PERP")


def test_ten_thousand_dollars_at_150_are_66_and_two_thirds_coins_rounded_down() -> None:
    order = shadow_order(PROPOSAL, SOL)
    assert (order.size_lots, order.reference_ticks) == (6_666, 150_000)
    assert (order.side, order.exit_plan, order.decided_ms) == (PROPOSAL.side, PROPOSAL.exit_plan, PROPOSAL.as_of_ms)
    assert not order.reduce_only
    assert order.client_order_id == "SOL-PERP-60000-shadow"


@given(price=st.floats(0.001, 9_000.0), symbol=st.sampled_from(sorted(INSTRUMENTS)))
def test_it_is_worth_the_fixed_notional_less_at_most_one_lot(price: float, symbol: str) -> None:
    known = instrument(symbol)
    order = shadow_order(replace(PROPOSAL, symbol=symbol, reference_price=price), known)
    if order is None:
        assert price < known.tick
        return
    worth = known.notional_microusd(order.size_lots, order.reference_ticks)
    lot = known.notional_microusd(1, order.reference_ticks)
    assert SHADOW_NOTIONAL_USD * 1_000_000 - lot < worth <= SHADOW_NOTIONAL_USD * 1_000_000


def test_where_one_lot_is_worth_more_the_smallest_order_is_taken() -> None:
    large = replace(SOL, lot_size_base=Decimal(1000), min_size_lots=2)
    assert shadow_order(PROPOSAL, large).size_lots == 2


@pytest.mark.parametrize("price", [0.0001, 1e14])
def test_a_price_off_the_grid_makes_no_order(price: float) -> None:
    assert shadow_order(replace(PROPOSAL, reference_price=price), SOL) is None
