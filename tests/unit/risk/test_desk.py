from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decisions import ApprovedOrder, ExitReason, Refusal, Side
from domain.errors import BadInput
from domain.tick import RiskCheck
from risk.desk import RiskDesk, Screened
from risk.exposure import Exposure, liquidation_distance_bps, stop_distance_ticks
from risk.limits import RiskLimits, SizingPolicy
from risk.rules import ENTRY_RULES, SIZE_RULES
from risk.sizing import competing_sizes
from tests.unit.risk.cases import (
    EQUITY_MICROUSD,
    NOON_MS,
    PLAN,
    SOL,
    case,
    counters_view,
    position,
    proposal,
    ruled,
    snapshot,
)

BTC = replace(
    SOL,
    symbol="BTC-PERP",
    tick_size_price=Decimal("0.1"),
    lot_size_base=Decimal("0.0001"),
    min_size_lots=5,
    maintenance_margin_frac=0.02,
)
ETH = replace(SOL, symbol="ETH-PERP", tick_size_price=Decimal("0.01"), lot_size_base=Decimal("0.001"))
INSTRUMENTS = {instrument.symbol: instrument for instrument in (SOL, BTC, ETH)}
DESK = RiskDesk(limits=RiskLimits(), sizing=SizingPolicy(), instruments=INSTRUMENTS)
RULE_NAMES = tuple(rule.__name__ for rule in ENTRY_RULES)
SIZE_NAMES = tuple(rule.__name__ for rule in SIZE_RULES)

LIMITS = st.builds(
    RiskLimits,
    max_order_notional_usd=st.sampled_from([10.0, 999.99, 1e4, 123_456.7, 1e8]),
    max_position_notional_usd=st.sampled_from([10.0, 999.99, 1e4, 123_456.7, 1e8]),
    max_gross_exposure_frac=st.floats(0.5, 50.0),
    max_open_positions=st.integers(2, 10),
    max_margin_usage_frac=st.floats(0.05, 1.0),
    min_liquidation_distance_bps=st.sampled_from([0.0, 1.0, 500.0, 5_000.0]),
)
SIZINGS = st.builds(
    SizingPolicy,
    risk_per_trade_frac=st.sampled_from([0.001, 0.005, 0.02, 0.1, 1.0]),
    daily_vol_target_frac=st.sampled_from([0.0, 0.001, 0.02, 1.0]),
    kelly_fraction=st.floats(0.0, 1.0),
    kelly_min_trades=st.integers(1, 50),
)
RECORDS = st.builds(
    lambda wins, losses, mean_win, mean_loss: counters_view(
        n_trades=wins + losses, n_wins=wins, n_losses=losses, win_sum_r=wins * mean_win, loss_sum_r=losses * mean_loss
    ),
    st.sampled_from([0, 1, 20, 60]),
    st.sampled_from([0, 1, 20, 60]),
    st.floats(0.5, 5.0),
    st.floats(0.01, 2.0),
)


@st.composite
def exposures(draw):
    """Draw an account: mostly solvent and lightly loaded, sometimes with nothing, or worse, left."""
    equity = draw(st.one_of(*[st.integers(10**10, 10**12)] * 4, st.integers(-(10**12), 10**14)))
    gross = int(max(equity, 0) * draw(st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.4, 1.9, 20.0])))
    return Exposure(
        equity_microusd=equity,
        n_open_positions=draw(st.sampled_from([0, 0, 0, 1, 1, 9])),
        position_lots=draw(st.sampled_from([0] * 9 + [500])),
        gross_notional_microusd=min(gross, 10**14),
        initial_margin_microusd=min(gross, 10**14) // 20,
        maintenance_margin_microusd=min(gross, 10**14) // 33,
    )


@st.composite
def requests(draw):
    """Draw a desk and a case: any equity, price, volatility, stop, conviction, held exposure, record and limits."""
    instrument = draw(st.sampled_from([SOL, BTC, ETH]))
    wanted = proposal(
        symbol=instrument.symbol,
        side=draw(st.sampled_from(Side)),
        conviction_frac=draw(st.floats(0.01, 1.0)),
        reference_price=draw(st.one_of(st.floats(1.0, 1e3), st.floats(1.0, 1e3), st.floats(1e-3, 1e6))),
        exit_plan=replace(PLAN, stop_frac=draw(st.sampled_from([1e-5, 0.001, 0.01, 0.1, 0.9]))),
    )
    desk = RiskDesk(limits=draw(LIMITS), sizing=draw(SIZINGS), instruments=INSTRUMENTS)
    exposure, steady = draw(exposures()), draw(st.sampled_from([True] * 9 + [False]))
    counters = draw(RECORDS)
    if steady:
        equity = exposure.equity_microusd
        counters = replace(
            counters,
            day_start_equity_microusd=equity,
            peak_equity_microusd=equity,
            trough_equity_microusd=equity,
        )
    volatility = draw(st.sampled_from([*(0.0, 0.01, 1.0, 5.0, 10.0, 20.0, 50.0, 500.0) * 2, None]))
    seen = snapshot(symbol=instrument.symbol)
    return desk, desk.case(wanted, seen, exposure, counters, NOON_MS, volatility)


def test_the_requests_drawn_here_are_often_approved_so_that_the_promises_below_are_put_to_the_test():
    rulings = []

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(asked=requests())
    def collect(asked):
        desk, put = asked
        rulings.append(type(ruled(desk, put, 1.0).ruling))

    collect()
    assert rulings.count(ApprovedOrder) >= 20


@settings(max_examples=600, deadline=None)
@given(asked=requests(), keep_frac=st.floats(0.001, 1.0))
def test_no_request_is_large_enough_to_pass_a_limit(asked, keep_frac):
    """Whatever is asked and held, an order that leaves the desk stands within every cap, recomputed here."""
    desk, put = asked
    order = ruled(desk, put, keep_frac).ruling
    if isinstance(order, Refusal):
        return
    limits, held, instrument = put.limits, put.exposure, put.instrument
    notional = instrument.notional_microusd(order.size_lots, order.reference_ticks)
    stop = instrument.notional_microusd(
        order.size_lots, stop_distance_ticks(int(order.side), order.reference_ticks, put.proposal.exit_plan.stop_frac)
    )
    equity = held.equity_microusd
    assert equity > 0
    assert notional <= limits.max_order_notional_usd * 1e6
    assert notional <= limits.max_position_notional_usd * 1e6
    assert held.gross_notional_microusd + notional <= limits.max_gross_exposure_frac * equity
    margin = held.initial_margin_microusd + notional * instrument.initial_margin_frac
    assert margin <= limits.max_margin_usage_frac * equity * (1 + 1e-9)
    assert stop <= desk.sizing.risk_per_trade_frac * equity * (1 + 1e-9)
    assert desk.risk_microusd(order) == stop
    maintenance = held.maintenance_margin_microusd + notional * instrument.maintenance_margin_frac
    distance = liquidation_distance_bps(float(equity), float(held.gross_notional_microusd + notional), maintenance)
    assert distance >= limits.min_liquidation_distance_bps - 1e-6
    assert order.size_lots >= instrument.min_size_lots
    assert held.n_open_positions < limits.max_open_positions
    assert held.position_lots == 0


@settings(max_examples=200, deadline=None)
@given(asked=requests(), keep_frac=st.floats(0.001, 1.0), other_frac=st.floats(0.001, 1.0))
def test_the_smallest_size_wins_and_the_gate_can_only_take_from_it(asked, keep_frac, other_frac):
    desk, put = asked
    low, high = sorted((keep_frac, other_frac))
    smallest = min(lots for _, lots in competing_sizes(put, desk.sizing))
    sizes = []
    for keep in (low, high, 1.0):
        check = ruled(desk, put, keep)
        sizes.append(check.ruling.size_lots if isinstance(check.ruling, ApprovedOrder) else 0)
        if isinstance(check.ruling, ApprovedOrder):
            assert check.ruling.size_lots == min(lots for _, lots in check.sizes_lots)
            assert check.passed == RULE_NAMES + SIZE_NAMES
    assert sizes == sorted(sizes)
    assert sizes[-1] in (0, smallest)


@settings(max_examples=200, deadline=None)
@given(asked=requests(), keep_frac=st.floats(0.001, 1.0))
def test_a_size_rule_other_than_the_minimum_speaks_only_where_nothing_may_be_added(asked, keep_frac):
    """Sizes are chosen below every cap; a cap that refuses a positive size would mean that sizing and rules differ."""
    desk, put = asked
    ruling = ruled(desk, put, keep_frac).ruling
    if isinstance(ruling, Refusal) and ruling.rule in set(SIZE_NAMES) - {"size_is_tradable"}:
        assert min(lots for _, lots in competing_sizes(put, desk.sizing)) == 0


@given(st.floats(0.01, 1.0))
def test_conviction_does_not_size(conviction_frac):
    sure = ruled(DESK, case(proposal=proposal(conviction_frac=conviction_frac)), 1.0)
    assert sure.ruling.size_lots == ruled(DESK, case(), 1.0).ruling.size_lots


def test_an_ordinary_proposal_becomes_an_order_with_its_protection():
    check = ruled(DESK, case(), 1.0)
    assert check.passed == RULE_NAMES + SIZE_NAMES
    assert dict(check.sizes_lots) == {
        "risk_per_trade": 5_000,
        "volatility": 5_270,
        "order_cap": 10_000,
        "position_cap": 10_000,
        "gross_exposure_cap": 20_000,
        "margin_cap": 100_000,
        "liquidation_cap": 122_699,
    }
    assert check.ruling == ApprovedOrder(
        client_order_id=f"SOL-PERP-{NOON_MS}-entry",
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.BUY,
        size_lots=5_000,
        reduce_only=False,
        reference_ticks=100_000,
        decided_ms=NOON_MS,
        exit_plan=PLAN,
    )
    assert DESK.risk_microusd(check.ruling) == 50_000_000


def test_the_gates_share_is_on_record_among_the_sizes():
    check = ruled(DESK, case(), 0.5)
    assert check.sizes_lots[-1] == ("gate", 2_500)
    assert check.ruling.size_lots == 2_500


@pytest.mark.parametrize("keep_frac", [0.0, -0.5, 1.0000001, float("nan"), float("inf")])
def test_a_gate_that_asks_for_more_or_nothing_is_an_error(keep_frac):
    with pytest.raises(ValueError, match="keep_frac"):
        ruled(DESK, case(), keep_frac)


def test_the_screen_names_the_rules_passed_and_the_first_that_refused():
    assert DESK.screen(case()) == Screened(case=case(), passed=RULE_NAMES)
    check = DESK.screen(case(snapshot=snapshot(spread_bps=None), now_ms=NOON_MS))
    assert isinstance(check, RiskCheck)
    assert check.passed == RULE_NAMES[:5]
    assert check.ruling.rule == "spread_is_tight"


def test_a_case_refused_by_an_entry_rule_is_not_sized():
    check = ruled(DESK, case(exposure=Exposure(equity_microusd=EQUITY_MICROUSD, position_lots=3)), 1.0)
    assert check.ruling.rule == "symbol_is_free"
    assert (check.passed, check.sizes_lots) == (RULE_NAMES[:1], ())


def test_a_desk_with_a_losing_record_stops_by_its_own_evidence():
    record = counters_view(n_trades=150, n_wins=50, n_losses=100, win_sum_r=50.0, loss_sum_r=100.0)
    refusal = ruled(DESK, case(counters=record), 1.0).ruling
    assert refusal.rule == "own_record_has_an_edge"
    assert "Kelly fraction of -0.333" in refusal.reason


def test_a_symbol_risk_does_not_know_is_refused_by_name():
    with pytest.raises(BadInput, match="no instrument DOGE-PERP; it knows BTC-PERP, ETH-PERP, SOL-PERP"):
        DESK.case(
            proposal(symbol="DOGE-PERP"),
            snapshot(symbol="DOGE-PERP"),
            Exposure(equity_microusd=1),
            counters_view(),
            NOON_MS,
            10.0,
        )


@given(
    lots=st.integers(-(10**9), 10**9).filter(bool),
    ticks=st.integers(1, 10**9),
    wanted=st.one_of(st.none(), st.integers(1, 10**10)),
    reason=st.sampled_from(ExitReason),
)
def test_every_exit_is_approved_for_no_more_than_is_held(lots, ticks, wanted, reason):
    """Even a desk whose caps allow nothing at all lets go of what it holds."""
    strict = RiskDesk(
        limits=RiskLimits(max_order_notional_usd=1e-6, max_gross_exposure_frac=1e-9, max_orders_per_minute=1),
        sizing=SizingPolicy(),
        instruments={},
    )
    order = strict.approve_exit(position(lots), reason, ticks, NOON_MS, wanted)
    assert order.reduce_only
    assert int(order.side) * lots < 0
    assert order.size_lots == (abs(lots) if wanted is None else min(wanted, abs(lots)))
    assert order.client_order_id == f"SOL-PERP-{NOON_MS}-{reason.value}"
    assert (order.exit_reason, order.exit_plan) == (reason, None)
    assert strict.risk_microusd(order) == 0


def test_an_exit_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="size or reference price"):
        DESK.approve_exit(position(5), ExitReason.PARTIAL, 100, NOON_MS, 0)
