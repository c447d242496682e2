"""A desk of several strategies: what its portfolio decides, told by whole desks on tapes made here."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import main
from agents.master import MasterAgent
from db.off import JournalOff
from domain.errors import BadInput
from domain.features import Regime
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord
from execution.instruments import instrument
from settings import Settings, SettingsError, load_settings
from tests.flow.engines import Result, by_the_desk, by_the_kernel, settings_of
from tests.flow.stage import QUICK, desk, explosive, minute, quiet, run
from tests.flow.test_engines_agree import EAGER, KNOBS, TAPE, after_entry, agree, snapshots

REGIMES = st.lists(st.sampled_from([regime.value for regime in Regime]), min_size=1, unique=True).map("|".join)
SWITCHES = st.fixed_dictionaries({}, optional={"e3": REGIMES, "funding_fade": REGIMES}).map(
    lambda chosen: ",".join(f"{name}:{regimes}" for name, regimes in chosen.items())
)


def explosion(**knobs: str) -> list[TickRecord]:
    """Return what the desk makes of quiet minutes and one that E3 fires on; the regime there is in its features."""
    return run(desk(**knobs), [*quiet(10), explosive(10), *quiet(3, 150.6, 11)])


def test_a_strategy_enters_only_in_the_regimes_it_is_switched_to() -> None:
    seen = explosion()[10]
    assert seen.features is not None
    assert seen.outcome is Outcome.ENTERED
    here = seen.features.regime
    elsewhere = next(regime for regime in Regime if regime is not here)
    assert explosion(REGIME_SWITCH=f"e3:{here.value}")[10].outcome is Outcome.ENTERED
    refused = explosion(REGIME_SWITCH=f"e3:{elsewhere.value}")[10]
    assert refused.why == f"strategy_fits_regime: e3 enters in {elsewhere.value}; the regime is {here.value}"


def test_a_desk_without_a_portfolio_records_nothing_of_one() -> None:
    check = explosion()[10].risk
    assert check is not None
    assert "strategy_fits_regime" not in check.passed


@settings(max_examples=25)
@given(steps=TAPE, knobs=KNOBS, switch=SWITCHES)
def test_both_engines_switch_alike(steps: list[dict[str, Any]], knobs: dict[str, str], switch: str) -> None:
    agree({**EAGER, **knobs, "REGIME_SWITCH": switch}, snapshots(steps))


def both(knobs: Mapping[str, str], tape: list[Snapshot]) -> tuple[Result, Result]:
    chosen = settings_of({**QUICK, **knobs})
    return by_the_desk(chosen, tape), by_the_kernel(chosen, tape)


def test_a_switch_takes_trades_away_in_both_engines() -> None:
    tape = after_entry([156.0])
    assert len(both({}, tape)[0].trades) == 1
    for regime in Regime:
        desk_result, kernel_result = both({"REGIME_SWITCH": f"e3:{regime.value}"}, tape)
        assert kernel_result == desk_result
    assert {len(both({"REGIME_SWITCH": f"e3:{regime.value}"}, tape)[1].trades) for regime in Regime} == {0, 1}


@pytest.mark.parametrize("wrong", ["e3", "e3:", "e3:sunny", "e4:chop", "e3:chop,e3:crash", "e3:chop|"])
def test_a_switch_that_cannot_be_read_is_refused_by_name_with_what_is_allowed(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"REGIME_SWITCH.*regimes chop, bull_trend") as caught:
        load_settings(None, {"REGIME_SWITCH": wrong})
    assert len(caught.value.problems) == 1


def desk_of(chosen: Settings) -> MasterAgent:
    return main.build(chosen, {symbol: instrument(symbol) for symbol in chosen.symbols}, JournalOff())


SHARES = st.fixed_dictionaries(
    {"ALLOCATION_METHOD": st.just("equal")},
    optional={
        "ALLOCATION_MAX_SHARE_PCT": st.sampled_from(["7.3", "30", "100"]),
        "STRATEGIES": st.sampled_from(["e3", "funding_fade,e3"]),
    },
)


@settings(max_examples=25)
@given(steps=TAPE, knobs=KNOBS, shares=SHARES)
def test_both_engines_trade_equal_shares_alike(
    steps: list[dict[str, Any]], knobs: dict[str, str], shares: dict[str, str]
) -> None:
    agree({**EAGER, **knobs, **shares}, snapshots(steps))


def test_half_of_the_capital_makes_half_of_the_size_in_both_engines() -> None:
    tape = after_entry([156.0])
    whole, _ = both({}, tape)
    desk_result, kernel_result = both({"ALLOCATION_METHOD": "equal"}, tape)
    assert kernel_result == desk_result
    assert desk_result.trades[0].size_lots == whole.trades[0].size_lots // 2


@pytest.mark.parametrize("method", ["inverse_volatility", "performance"])
def test_shares_that_follow_the_record_are_refused_by_name_in_the_compiled_engine(method: str) -> None:
    with pytest.raises(BadInput, match=f"ALLOCATION_METHOD={method}"):
        by_the_kernel(settings_of({**QUICK, "ALLOCATION_METHOD": method}), quiet(20))


def stairs(n_bars: int) -> list[Snapshot]:
    """Return a market of two symbols in which E3 wins in one and loses in the other."""
    tape, prices = [], {"SOL-PERP": 150.0, "BTC-PERP": 95_000.0}
    for number in range(n_bars):
        for symbol, after in (("SOL-PERP", 0.012), ("BTC-PERP", -0.012)):
            move = 0.004 if number % 3 == 0 else after if number % 3 == 1 else -0.004 - after
            opened = prices[symbol]
            prices[symbol] = opened * (1 + move)
            tape.append(minute(number, opened, prices[symbol], volume=100.0 + number % 3, symbol=symbol))
    return tape


MANY_TRADES = {
    **EAGER,
    "STRATEGIES": "e3",
    "EXIT_MAX_HOLD_BARS": "2",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_DAILY_LOSS_PCT": "100",
    "RISK_MAX_DRAWDOWN_PCT": "100",
    "SIZING_KELLY_FRACTION": "0",
}


def lived(tape: list[Snapshot], restart: int | None, **knobs: str) -> list[TickRecord]:
    """Live through a tape; at the restart a new desk relives what is recorded and goes on."""
    chosen = {**MANY_TRADES, **knobs}
    symbols = ("BTC-PERP", "SOL-PERP")
    if restart is None:
        return run(desk(symbols=symbols, **chosen), tape)
    records = run(desk(symbols=symbols, **chosen), tape[:restart])
    reborn = desk(symbols=symbols, **chosen)
    assert run(reborn, [record.snapshot for record in records]) == records
    return records + run(reborn, tape[restart:])


@pytest.mark.parametrize("method", ["inverse_volatility", "performance"])
@pytest.mark.parametrize("restart", [37, 120])
def test_a_restart_changes_no_share(method: str, restart: int) -> None:
    knobs = {"ALLOCATION_METHOD": method, "ALLOCATION_MIN_TRADES": "4", "ALLOCATION_SHRINKAGE_TRADES": "5"}
    assert lived(stairs(90), restart, **knobs) == lived(stairs(90), None, **knobs)


def sizes_by_allocation(records: list[TickRecord]) -> list[tuple[str, int]]:
    return [
        (record.snapshot.symbol, dict(record.risk.sizes_lots)["allocation"])
        for record in records
        if record.risk is not None and record.risk.sizes_lots
    ]


@pytest.mark.parametrize("method", ["inverse_volatility", "performance"])
def test_shares_follow_the_record_of_each_sleeve(method: str) -> None:
    knobs = {"ALLOCATION_METHOD": method, "ALLOCATION_MIN_TRADES": "4", "ALLOCATION_SHRINKAGE_TRADES": "5"}
    even = sizes_by_allocation(lived(stairs(90), None, ALLOCATION_METHOD="equal"))
    told = sizes_by_allocation(lived(stairs(90), None, **knobs))
    assert told[:2] == even[:2]
    assert told != even


@settings(max_examples=15)
@given(steps=TAPE, knobs=KNOBS, method=st.sampled_from(["equal", "inverse_volatility", "performance"]))
def test_no_allocation_enlarges_an_order(steps: list[dict[str, Any]], knobs: dict[str, str], method: str) -> None:
    chosen = settings_of({**EAGER, **knobs, "ALLOCATION_METHOD": method, "ALLOCATION_MIN_TRADES": "1"})
    for record in run(desk_of(chosen), snapshots(steps)):
        sizes = dict(record.risk.sizes_lots) if record.risk is not None else {}
        entries = [order for order in record.orders if not order.reduce_only]
        for order in entries:
            assert order.size_lots == min(sizes.values())
            assert order.size_lots <= min(lots for name, lots in sizes.items() if name != "allocation")
