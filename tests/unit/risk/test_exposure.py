import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decisions import ApprovedOrder, ExitReason, Side
from risk.desk import RiskDesk
from risk.exposure import Exposure, exposure_of, liquidation_distance_bps, stop_distance_ticks
from risk.limits import RiskLimits, SizingPolicy
from tests.unit.risk.cases import EQUITY_MICROUSD, SOL, case, position, ruled

BTC = replace(SOL, symbol="BTC-PERP", maintenance_margin_frac=0.02)
INSTRUMENTS = {"SOL-PERP": SOL, "BTC-PERP": BTC}
DESK = RiskDesk(limits=RiskLimits(), sizing=SizingPolicy(), instruments=INSTRUMENTS)


def entry() -> ApprovedOrder:
    """Return the entry order of the ordinary case."""
    order = ruled(DESK, case(), 1.0).ruling
    assert isinstance(order, ApprovedOrder)
    return order


def exposure(positions, pending=()) -> Exposure:
    """Return what an entry in SOL would meet, SOL standing at 100 and BTC at 50."""
    marks = {"SOL-PERP": 100_000, "BTC-PERP": 50_000}
    return exposure_of("SOL-PERP", EQUITY_MICROUSD, positions, marks, pending, INSTRUMENTS)


def test_an_empty_account_carries_nothing():
    assert exposure({}) == Exposure(equity_microusd=EQUITY_MICROUSD)
    assert exposure({"BTC-PERP": 0}) == Exposure(equity_microusd=EQUITY_MICROUSD)


def test_long_and_short_both_add_to_gross_and_margin():
    carried = exposure({"SOL-PERP": 100, "BTC-PERP": -200})
    assert carried.gross_notional_microusd == 100_000_000 + 100_000_000
    assert carried.initial_margin_microusd == 10_000_000
    assert carried.maintenance_margin_microusd == 3_000_000 + 2_000_000
    assert (carried.n_open_positions, carried.position_lots, carried.has_pending_entry) == (2, 100, False)


def test_an_entry_on_its_way_counts_as_if_it_were_filled():
    order = entry()
    carried = exposure({"BTC-PERP": -200}, [order])
    notional = SOL.notional_microusd(order.size_lots, order.reference_ticks)
    assert carried.gross_notional_microusd == 100_000_000 + notional
    assert (carried.n_open_positions, carried.position_lots, carried.has_pending_entry) == (2, 0, True)
    assert exposure({"SOL-PERP": 5}, [order]).n_open_positions == 1


def test_an_exit_on_its_way_adds_nothing():
    leaving = DESK.approve_exit(position(100), ExitReason.TIME, 100_000, 0)
    assert exposure({"SOL-PERP": 100}, [leaving]) == exposure({"SOL-PERP": 100})


def test_a_position_without_a_mark_or_an_instrument_is_not_guessed():
    with pytest.raises(ValueError, match="SOL-PERP is held, but it has no mark"):
        exposure_of("SOL-PERP", 0, {"SOL-PERP": 1}, {}, (), INSTRUMENTS)
    with pytest.raises(ValueError, match="SOL-PERP is held, but it has no instrument"):
        exposure_of("SOL-PERP", 0, {"SOL-PERP": 1}, {"SOL-PERP": 1}, (), {})


def test_an_account_beyond_a_billion_dollars_is_refused():
    with pytest.raises(ValueError, match="not an account"):
        Exposure(equity_microusd=10**15)
    with pytest.raises(ValueError, match="not an account"):
        Exposure(equity_microusd=0, gross_notional_microusd=-1)


@given(
    equity=st.floats(1e6, 1e12),
    long=st.floats(0, 1e13),
    short=st.floats(0, 1e13),
    maintenance_frac=st.floats(0.005, 0.2),
)
def test_at_the_liquidation_distance_equity_has_fallen_to_the_maintenance_margin_at_most(
    equity, long, short, maintenance_frac
):
    """Longs fall and shorts rise by the same share; the distance never promises more than there is."""
    gross = long + short
    move = liquidation_distance_bps(equity, gross, maintenance_frac * gross) / 1e4
    if gross == 0.0 or not 0.0 < move < 1.0:
        return
    equity_then = equity - gross * move
    asked_then = maintenance_frac * (long * (1.0 - move) + short * (1.0 + move))
    assert equity_then >= asked_then - 1e-6 * equity


def test_a_lone_short_reaches_its_maintenance_margin_exactly_at_the_distance():
    move = liquidation_distance_bps(1_000.0, 10_000.0, 300.0) / 1e4
    assert 1_000.0 - 10_000.0 * move == pytest.approx(300.0 * (1.0 + move))


def test_nothing_held_is_infinitely_far_and_an_account_that_is_due_is_not_far_at_all():
    assert liquidation_distance_bps(100.0, 0.0, 0.0) == 1e18
    assert liquidation_distance_bps(299.0, 10_000.0, 300.0) < 0.0


@pytest.mark.parametrize("side", Side)
@given(ticks=st.integers(1, 10**9), stop_frac=st.floats(1e-6, 0.99))
def test_the_stop_stands_at_least_one_tick_and_at_least_its_fraction_away(side, ticks, stop_frac):
    distance = stop_distance_ticks(int(side), ticks, stop_frac)
    assert distance >= 1
    if side is Side.SELL or distance < ticks - 1:
        assert distance >= ticks * stop_frac - 1e-5
    assert distance <= ticks * stop_frac + 1
