import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from risk.exposure import Exposure, liquidation_distance_bps
from risk.limits import RiskLimits, SizingPolicy
from risk.sizing import (
    MAX_LOTS,
    competing_sizes,
    kelly_frac,
    lots_by_liquidation,
    lots_by_stop,
    lots_by_volatility,
    lots_in_room,
    lots_within,
    shrink_lots,
)
from tests.unit.risk.cases import EQUITY_MICROUSD, case, counters_view, proposal

ALWAYS = ("risk_per_trade", "volatility", "order_cap", "position_cap", "gross_exposure_cap", "margin_cap")
LOTS = st.integers(0, 10**12)


@given(budget=st.floats(-1e15, 1e15), per_lot=st.floats(1e-3, 1e12))
def test_lots_within_a_budget_are_the_most_that_fit(budget, per_lot):
    lots = lots_within(budget, per_lot)
    if budget <= 0.0:
        assert lots == 0
    elif lots < MAX_LOTS:
        assert lots * per_lot <= budget * (1 + 1e-12)
        assert (lots + 1) * per_lot > budget


def test_the_last_digit_of_a_float_does_not_cost_a_lot_but_a_part_of_one_is_never_given():
    assert 0.1 * 3 > 0.3
    assert lots_within(0.3, 0.1) == 3
    assert lots_within(2.9999999, 1.0) == 2


@pytest.mark.parametrize("budget", [math.nan, -1.0, 0.0])
def test_a_budget_that_is_none_buys_nothing(budget):
    assert lots_within(budget, 1.0) == 0


def test_a_price_of_risk_that_is_no_number_buys_nothing_and_a_free_one_sets_no_bound():
    assert lots_within(1.0, math.nan) == 0
    assert lots_within(1.0, math.inf) == 0
    assert lots_within(1.0, 0.0) == MAX_LOTS
    assert lots_within(math.inf, 1.0) == MAX_LOTS


@given(room=st.integers(-(10**15), 10**15), lot=st.integers(1, 10**15))
def test_lots_in_a_room_fit_it_exactly(room, lot):
    lots = lots_in_room(room, lot)
    assert lots == max(0, room // lot)


def test_half_a_percent_of_ten_thousand_dollars_with_a_one_dollar_stop_is_fifty_sol():
    assert lots_by_stop(1e10, 0.005, 10_000.0) == 5_000


def test_two_percent_a_day_at_ten_bps_a_minute_is_about_half_the_equity():
    """10 bps x sqrt(1440) = 3.795 % a day; 2 % of 10,000 USD over that is 5,270.46 USD of notional."""
    assert lots_by_volatility(1e10, 0.02, 10.0, 1e6) == 5_270


def test_a_market_that_stands_still_sets_no_bound_by_volatility():
    assert lots_by_volatility(1e10, 0.02, 0.0, 1e6) == MAX_LOTS


@given(
    n_wins=st.integers(1, 60),
    n_losses=st.integers(1, 60),
    mean_win=st.floats(0.2, 4.0),
    mean_loss=st.floats(0.2, 2.0),
)
def test_kelly_is_where_the_record_would_have_grown_fastest(n_wins, n_losses, mean_win, mean_loss):
    """Against the definition: no bet a little smaller or larger would have grown the record more."""
    best = kelly_frac(n_wins, n_losses, n_wins * mean_win, n_losses * mean_loss)
    assume(-0.99 / mean_win < best < 0.99 / mean_loss and abs(best) < 1.0)

    def growth(fraction: float) -> float:
        return n_wins * math.log1p(fraction * mean_win) + n_losses * math.log1p(-fraction * mean_loss)

    step = 1e-3 * min(1.0 - best * mean_loss, 1.0 + best * mean_win) / max(mean_win, mean_loss)
    assert growth(best) >= growth(best + step)
    assert growth(best) >= growth(best - step)


def test_kelly_of_a_fair_coin_is_nothing_and_of_one_sided_records_is_bounded():
    assert kelly_frac(10, 10, 10.0, 10.0) == 0.0
    assert kelly_frac(0, 0, 0.0, 0.0) == 0.0
    assert kelly_frac(10, 0, 10.0, 0.0) == 1.0
    assert kelly_frac(0, 10, 0.0, 10.0) == -1.0
    assert kelly_frac(60, 40, 60.0, 40.0) == pytest.approx(0.2)


@given(
    equity=st.floats(1e6, 1e13),
    gross=st.floats(0, 1e13),
    min_distance=st.floats(0, 0.5),
    maintenance=st.floats(0.005, 0.2),
    lot=st.floats(1e3, 1e9),
)
def test_the_liquidation_size_is_the_largest_that_keeps_the_distance(equity, gross, min_distance, maintenance, lot):
    held = gross * maintenance
    lots = lots_by_liquidation(equity, gross, held, maintenance, min_distance, lot)

    def distance(size: int) -> float:
        return liquidation_distance_bps(equity, gross + size * lot, held + maintenance * size * lot)

    if lots > 0:
        assert distance(lots) >= min_distance * 1e4 - 1e-6
    if lots < MAX_LOTS:
        assert distance(lots + 1) <= min_distance * 1e4 + 1e-6


@given(lots=LOTS, keep_frac=st.floats(0.001, 1.0), other_frac=st.floats(0.001, 1.0))
def test_the_gate_only_shrinks_and_keeping_less_never_gives_more(lots, keep_frac, other_frac):
    assert 0 <= shrink_lots(lots, keep_frac) <= lots
    low, high = sorted((keep_frac, other_frac))
    assert shrink_lots(lots, low) <= shrink_lots(lots, high)
    assert shrink_lots(lots, 1.0) == lots


def test_without_a_record_every_method_but_kelly_competes():
    names = [name for name, _ in competing_sizes(case(), SizingPolicy())]
    assert names == [*ALWAYS, "liquidation_cap"]


@pytest.mark.parametrize(("n_trades", "speaks"), [(29, False), (30, True), (31, True)])
def test_kelly_speaks_only_on_a_record_long_enough(n_trades, speaks):
    record = counters_view(n_trades=n_trades, n_wins=15, n_losses=14, win_sum_r=30.0, loss_sum_r=14.0)
    sizes = dict(competing_sizes(case(counters=record), SizingPolicy(kelly_min_trades=30)))
    assert ("kelly" in sizes) == speaks


def test_a_quarter_of_kelly_is_put_at_risk_to_the_stop():
    record = counters_view(n_trades=100, n_wins=60, n_losses=40, win_sum_r=60.0, loss_sum_r=40.0)
    sizes = dict(competing_sizes(case(counters=record), SizingPolicy(kelly_fraction=0.25)))
    assert sizes["kelly"] in (49_999, 50_000)


def test_a_losing_record_sizes_to_nothing():
    record = counters_view(n_trades=100, n_wins=40, n_losses=60, win_sum_r=40.0, loss_sum_r=60.0)
    assert dict(competing_sizes(case(counters=record), SizingPolicy()))["kelly"] == 0


def test_methods_switched_off_do_not_compete():
    record = counters_view(n_trades=100, n_wins=40, n_losses=60, win_sum_r=40.0, loss_sum_r=60.0)
    policy = SizingPolicy(daily_vol_target_frac=0.0, kelly_fraction=0.0)
    sizes = dict(competing_sizes(case(counters=record, realised_vol_bps=None), policy))
    assert "kelly" not in sizes
    assert "volatility" not in sizes


def test_a_volatility_that_is_not_known_sizes_to_nothing():
    assert dict(competing_sizes(case(realised_vol_bps=None), SizingPolicy()))["volatility"] == 0


@pytest.mark.parametrize("price", [1e-9, 1e12, 1e300])
def test_a_price_off_the_grid_sizes_to_nothing(price):
    assert competing_sizes(case(proposal=proposal(reference_price=price)), SizingPolicy()) == (("grid", 0),)


@given(equity=st.integers(-(10**14), 10**14), gross=st.integers(0, 10**14), margin=st.integers(0, 10**14))
def test_no_account_however_odd_is_given_a_negative_size(equity, gross, margin):
    exposure = Exposure(
        equity_microusd=equity,
        gross_notional_microusd=gross,
        initial_margin_microusd=margin,
        maintenance_margin_microusd=margin,
    )
    sizes = competing_sizes(case(exposure=exposure), SizingPolicy())
    assert min(lots for _, lots in sizes) >= 0
    if equity <= 0:
        assert min(lots for _, lots in sizes) == 0


def test_the_caps_compete_at_their_own_figures():
    exposure = Exposure(
        equity_microusd=EQUITY_MICROUSD,
        gross_notional_microusd=16_000_000_000,
        initial_margin_microusd=4_600_000_000,
        maintenance_margin_microusd=480_000_000,
    )
    limits = RiskLimits(max_order_notional_usd=7_000.0, max_position_notional_usd=6_000.0)
    sizes = dict(competing_sizes(case(exposure=exposure, limits=limits), SizingPolicy()))
    assert sizes["order_cap"] == 7_000
    assert sizes["position_cap"] == 6_000
    assert sizes["gross_exposure_cap"] == 4_000
    assert sizes["margin_cap"] == 8_000


def test_what_is_held_takes_its_room_under_the_position_cap_on_either_side():
    for lots in (4_000, -4_000):
        exposure = Exposure(equity_microusd=EQUITY_MICROUSD, position_lots=lots)
        assert dict(competing_sizes(case(exposure=exposure), SizingPolicy()))["position_cap"] == 6_000
