import pytest

from market.sim_parameters import Dynamics, Market, SimParameters, SimSymbol


def test_the_default_market_lists_the_three_perpetuals_and_invents_the_rest() -> None:
    parameters = SimParameters()
    assert [parameters.of(name).start_price for name in ("SOL-PERP", "BTC-PERP", "ETH-PERP")] == [180.0, 95e3, 3_400.0]
    assert parameters.of("DOGE-PERP") == SimSymbol(symbol="DOGE-PERP", start_price=100.0)


@pytest.mark.parametrize(("price", "ticks"), [(180.0, 1e3), (95e3, 10.0), (3_400.0, 100.0), (1e6, 1.0), (0.01, 1e7)])
def test_the_tick_is_about_a_hundred_thousandth_of_the_price(price: float, ticks: float) -> None:
    assert SimSymbol(symbol="X", start_price=price).ticks_per_unit == ticks


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_ms": 1_735_689_600_001},
        {"start_ms": -60_000},
        {"seed": -1},
        {"seed": 2**63},
        {"funding_clamp_den": 0},
        {"market": Market(stay_minutes=(480.0, 0.0, 1.0, 1.0, 1.0))},
        {"market": Market(slow_keep_frac=1.0)},
        {"market": Market(jumps_a_day=float("nan"))},
        {"dynamics": Dynamics(fast_sd=-0.1)},
        {"dynamics": Dynamics(kick=float("inf"))},
    ],
    ids=str,
)
def test_an_impossible_market_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        SimParameters(**wrong)  # type: ignore[arg-type] # the table holds wrong figures of several types


@pytest.mark.parametrize(
    "wrong",
    [{"start_price": 0.0}, {"median_vol_bps": -1.0}, {"spread_bps": float("nan")}, {"market_share_frac": 1.0}],
    ids=str,
)
def test_an_impossible_symbol_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="X:"):
        SimSymbol(symbol="X", **wrong)
