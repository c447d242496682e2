"""The walk of a path: exact where nothing is drawn, right in the mean, and equal to full enumeration where one can."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.montecarlo import paths
from backtest.montecarlo.blocks import Method
from backtest.montecarlo.draws import seed_key
from backtest.montecarlo.exposure import Exposure, no_exposure
from backtest.montecarlo.shocks import NO_SHOCKS, Shocks, shocks_with
from backtest.montecarlo.study import Plan, fee_factors, terms_of, walked, walked_as_it_was
from backtest.montecarlo.units import Units
from tests.unit.backtest.montecarlo.conftest import fixed_units

RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=30)


def walk(
    units: Units, plan: Plan, shocks: Shocks = NO_SHOCKS, block: int = 1, exposure: Exposure | None = None
) -> np.ndarray:
    terms = terms_of(shocks, plan, block, units.n_units)
    factors = fee_factors(plan.fee_tier, shocks.fee_tier_shift)
    return walked(units, exposure or no_exposure(units.n_units), terms, factors, plan)


def compound(returns: Sequence[float]) -> Units:
    return fixed_units(list(returns), 1.0, is_compound=True)


@given(net=st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=40), seed=st.integers(0, 2**40))
@pytest.mark.parametrize("method", [*Method])
def test_a_block_as_long_as_the_record_ends_every_path_at_the_runs_own_total(
    method: Method, net: list[int], seed: int
) -> None:
    units = fixed_units(net, 1e9)
    found = walk(units, Plan(n_paths=20, seed=seed, method=method), block=len(net))
    assert (found[:, paths.RETURN] == (1e9 + sum(net)) / 1e9 - 1.0).all()
    if method is Method.MOVING:
        assert (found == walked_as_it_was(units, Plan())).all()


@given(returns=RETURNS)
def test_the_run_as_it_was_is_summed_up_as_a_plain_loop_would(returns: list[float]) -> None:
    equity = np.concatenate([[1.0], np.cumprod(1.0 + np.array(returns))])
    peaks = np.maximum.accumulate(equity)
    losing = "".join("L" if one < 0 else "W" for one in returns).split("W")
    under = "".join("U" if below else "-" for below in equity[1:] < peaks[1:])
    found = walked_as_it_was(compound(returns), Plan())
    assert found[paths.RETURN] == pytest.approx(equity[-1] - 1.0, abs=1e-12)
    assert found[paths.DRAWDOWN] == pytest.approx((1.0 - equity / peaks).max(), abs=1e-12)
    assert found[paths.STREAK] == max(map(len, losing))
    assert found[paths.UNDER_WATER] == pytest.approx(under.count("U") / len(returns))
    assert found[paths.LONGEST_UNDER_WATER] == max(map(len, under.split("-")))
    assert found[paths.LOWEST] == pytest.approx(equity.min())


@pytest.mark.parametrize(("method", "block"), [(Method.STATIONARY, 1), (Method.STATIONARY, 4), (Method.MOVING, 1)])
def test_the_mean_of_the_paths_is_the_mean_of_the_record(method: Method, block: int) -> None:
    """Every unit is drawn equally often, so the expected total of n draws is the record's total, here 20."""
    units = fixed_units([7, -3, -3, 5, 9, -4, 12, -8, 1, 4], 1000.0)
    returns = walk(units, Plan(n_paths=40_000, method=method), block=block)[:, paths.RETURN] * 1000.0
    assert abs(returns.mean() - 20.0) < 4 * returns.std() / math.sqrt(len(returns))


def test_longer_blocks_keep_losing_streaks_together() -> None:
    """Ten losses in a row among forty: drawn one by one they are scattered, in blocks of ten half a streak survives."""
    units = fixed_units([1.0] * 15 + [-1.0] * 10 + [1.0] * 15, 1000.0)
    streaks = [walk(units, Plan(n_paths=4000), block=block)[:, paths.STREAK].mean() for block in (1, 10)]
    assert streaks[1] > 2 * streaks[0]


def ruined_by_enumeration(stakes: Sequence[float], start: float) -> tuple[float, dict[float, float]]:
    """Return the odds of ruin and of each deepest fall over all sequences, play ending when the money is gone."""
    n_ruined, falls, n_all = 0, dict[float, int](), 0
    for sequence in itertools.product(stakes, repeat=len(stakes)):
        equity = peak = start
        fall = 0.0
        for stake in sequence:
            equity += stake
            peak = max(peak, equity)
            fall = max(fall, 1.0 - equity / peak)
            if equity <= 0:
                break
        n_all += 1
        n_ruined += equity <= 0
        falls[round(fall, 9)] = falls.get(round(fall, 9), 0) + 1
    return n_ruined / n_all, {fall: count / n_all for fall, count in falls.items()}


@pytest.mark.parametrize(
    ("stakes", "start"), [([1, 1, 1, -1, -1, -1], 2), ([2, 1, 1, -1, -1, -2], 3), ([1, -1, -1, -1], 1), ([2, -1], 1)]
)
def test_the_gamblers_ruin_and_his_deepest_fall_match_the_enumeration_of_all_sequences(
    stakes: list[int], start: int
) -> None:
    """Drawn one by one with replacement, each of the n^n sequences of n units is equally likely."""
    ruined, falls = ruined_by_enumeration(stakes, start)
    n_paths = 40_000
    found = walk(fixed_units(stakes, start), Plan(n_paths=n_paths))
    hits = (found[:, paths.LOWEST] <= 0.0).mean()
    assert abs(hits - ruined) < 4 * math.sqrt(ruined * (1 - ruined) / n_paths)
    for fall, share in falls.items():
        met = np.isclose(found[:, paths.DRAWDOWN], fall, atol=1e-8).mean()
        assert abs(met - share) <= 4 * math.sqrt(share * (1 - share) / n_paths)


def test_the_same_seed_gives_the_same_figures_however_the_paths_are_shared_out() -> None:
    units = compound(np.random.default_rng(5).normal(0, 0.01, 50))
    terms, key = terms_of(Shocks(), Plan(), 5, 50), seed_key(7)
    whole, parts = np.zeros((100, paths.N_FIGURES)), np.zeros((100, paths.N_FIGURES))
    exposure = no_exposure(50)._replace(opened_ms=np.arange(50) * 10**7, closed_ms=np.arange(50) * 10**7 + 10**6)
    exposure = exposure._replace(by_opening=np.arange(50), by_closing=np.arange(50))
    paths.walk_paths(units, exposure, terms, np.ones(1), key, 0, whole)
    for first in (60, 0, 30):
        last = min(first + 30, 60) if first < 60 else 100
        paths.walk_paths(units, exposure, terms, np.ones(1), key, first, parts[first:last])
    assert (whole == parts).all()
    other = np.zeros_like(whole)
    paths.walk_paths(units, exposure, terms, np.ones(1), seed_key(8), 0, other)
    assert not (whole[:, paths.RETURN] == other[:, paths.RETURN]).any()


@settings(max_examples=40)
@given(returns=RETURNS, more=st.floats(0.0, 5.0), sigma=st.floats(0.0, 1.0), seed=st.integers(0, 1000))
def test_more_slippage_never_makes_a_path_better(returns: list[float], more: float, sigma: float, seed: int) -> None:
    """The same seed draws the same units and the same factors, so the comparison holds path by path."""
    units = fixed_units(returns, 1000.0, slippage=np.abs(np.array(returns)) / 10)
    plan = Plan(n_paths=20, seed=seed)
    cheap, dear = (
        walk(units, plan, shocks_with(["none", f"slippage_sigma={sigma}", f"slippage_factor={factor}"]))
        for factor in (1.0, 1.0 + more)
    )
    assert (dear[:, paths.RETURN] <= cheap[:, paths.RETURN] + 1e-12).all()
    assert dear[:, paths.RETURN].mean() <= cheap[:, paths.RETURN].mean() + 1e-12


@settings(max_examples=40)
@given(
    returns=st.lists(st.floats(-1.5, 1.0), min_size=1, max_size=30), seed=st.integers(0, 1000), block=st.integers(1, 9)
)
def test_the_figures_of_a_path_keep_their_bounds(returns: list[float], seed: int, block: int) -> None:
    found = walk(compound(returns), Plan(n_paths=30, seed=seed), block=min(block, len(returns)))
    is_alive = found[:, paths.LOWEST] > 0.0
    assert (found[:, paths.DRAWDOWN] >= 0.0).all()
    assert (found[is_alive][:, paths.DRAWDOWN] <= 1.0).all()
    assert (found[~is_alive][:, paths.DRAWDOWN] >= 1.0).all()
    assert ((found[:, paths.UNDER_WATER] >= 0.0) & (found[:, paths.UNDER_WATER] <= 1.0)).all()
    assert (found[:, paths.LONGEST_UNDER_WATER] <= len(returns)).all()
    assert (found[:, paths.STREAK] <= found[:, paths.TAKEN]).all()
    assert (found[:, paths.LOWEST] <= 1.0 + np.minimum(found[:, paths.RETURN], 0.0) + 1e-12).all()


def test_a_desk_that_halts_at_its_limit_stays_there_under_water() -> None:
    units = compound([-0.1] * 10)
    plan = Plan(n_paths=5, halts_at_limit=True, max_drawdown_frac=0.15)
    found = walk(units, plan)
    assert found[:, paths.TAKEN] == pytest.approx(2.0)
    assert found[:, paths.DRAWDOWN] == pytest.approx(0.19)
    assert found[:, paths.LONGEST_UNDER_WATER] == pytest.approx(10.0)
    assert found[:, paths.UNDER_WATER] == pytest.approx(1.0)
    assert (found == walked_as_it_was(units, plan)).all()


def test_missed_entries_are_the_asked_share_and_bring_nothing() -> None:
    units = fixed_units([1.0] * 50, 1000.0)
    found = walk(units, Plan(n_paths=4000), shocks_with(["none", "missed_frac=0.2"]))
    assert abs(found[:, paths.TAKEN].mean() - 40.0) < 4 * math.sqrt(50 * 0.2 * 0.8 / 4000)
    assert found[:, paths.RETURN] * 1000.0 == pytest.approx(found[:, paths.TAKEN])


def test_an_entry_that_always_comes_late_costs_what_it_cost_in_the_record() -> None:
    units = fixed_units([1.0, 2.0], 1000.0)
    exposure = no_exposure(2)._replace(late=np.array([[0.25], [0.5]]))
    plan = Plan(n_paths=3, method=Method.MOVING)
    found = walk(units, plan, shocks_with(["none", "late_frac=1", "late_max_bars=1"]), 2, exposure)
    assert found[:, paths.RETURN] * 1000.0 == pytest.approx(3.0 - 0.75)


def test_gaps_cost_the_mean_of_their_tail_and_never_more_than_there_is() -> None:
    """The mean of |t| with 3 degrees of freedom is 2 sqrt(3) / pi = 1.1027, its variance 3 less that squared."""
    units = fixed_units([0.0] * 20, 1000.0)
    exposure = no_exposure(20)._replace(gap=np.ones(20), gap_most=np.full(20, 1e9))
    shocks = shocks_with(["none", "gap_frac=1", "gap_scale=2"])
    found = -walk(units, Plan(n_paths=20_000), shocks, 1, exposure)[:, paths.RETURN] * 1000.0
    mean = 20 * 2 * 2 * math.sqrt(3) / math.pi
    error = 2 * math.sqrt(20 * (3 - (2 * math.sqrt(3) / math.pi) ** 2) / 20_000)
    assert abs(found.mean() - mean) < 4 * error
    capped = walk(units, Plan(n_paths=50), shocks, 1, exposure._replace(gap_most=np.full(20, 1e-9)))
    assert -capped[:, paths.RETURN] * 1000.0 == pytest.approx(20e-9, rel=1e-3)


def test_the_fee_tier_is_drawn_for_a_path_and_scales_what_was_paid() -> None:
    """Around tier 1 of (42, 36, 33): the fees of 12 become 14, 12 or 11, each in a third of the paths."""
    units = fixed_units([0.0], 1000.0, fees=np.array([12.0]))
    found = walk(units, Plan(n_paths=9000, fee_tier=1), shocks_with(["none", "fee_tier_shift=1"]))
    paid, counts = np.unique(np.round(12.0 - found[:, paths.RETURN] * 1000.0, 6), return_counts=True)
    assert list(paid) == [11.0, 12.0, 14.0]
    assert (np.abs(counts - 3000) < 4 * math.sqrt(9000 * 2 / 9)).all()


@pytest.mark.parametrize(("tier", "factors"), [(0, [1.0, 1.0, 36 / 42]), (5, [27 / 24, 1.0, 1.0])])
def test_beyond_the_first_and_last_tier_there_is_none(tier: int, factors: list[float]) -> None:
    assert list(fee_factors(tier, 1)) == pytest.approx(factors)
