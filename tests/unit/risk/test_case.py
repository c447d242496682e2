import pytest

from domain.decisions import Side
from tests.unit.risk.cases import NOON_MS, SOL, case, proposal, snapshot


def test_a_case_mixes_neither_markets_nor_moments():
    for changes in (
        {"proposal": proposal(symbol="BTC-PERP")},
        {"proposal": proposal(as_of_ms=NOON_MS - 60_000)},
        {"snapshot": snapshot(symbol="BTC-PERP")},
    ):
        with pytest.raises(ValueError, match="was proposed on"):
            case(**changes)


def test_money_of_a_case_is_counted_at_the_reference_price_on_the_grid():
    asked = case(lots=250)
    assert asked.reference_ticks == 100_000
    assert asked.lot_notional_microusd == 1_000_000
    assert asked.order_notional_microusd == 250_000_000
    assert asked.stop_loss_per_lot_microusd == 10_000


def test_a_short_has_its_stop_above():
    assert case(proposal=proposal(side=Side.SELL)).stop_loss_per_lot_microusd == 10_000


@pytest.mark.parametrize("price", [1e-9, 1e300])
def test_a_price_off_the_grid_is_no_price(price):
    asked = case(proposal=proposal(reference_price=price))
    assert asked.reference_ticks == 0
    assert asked.lot_notional_microusd == SOL.notional_microusd(1, 0) == 0
