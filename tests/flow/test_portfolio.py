"""A desk of several strategies: what its portfolio decides, told by whole desks on tapes made here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import main
from agents.master import MasterAgent
from db.off import JournalOff
from domain.errors import BadInput
from domain.features import Regime
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord
from execution.instruments import instrument
from settings import Settings, SettingsError, deployment_policy, load_settings, settings_from_json, settings_json
from tests.flow.engines import Result, by_the_desk, by_the_kernel, settings_of
from tests.flow.stage import QUICK, desk, explosive, minute, quiet, run
from tests.flow.test_engines_agree import EAGER, KNOBS, TAPE, after_entry, agree, snapshots
from tests.unit.risk.test_band import BAND

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


@pytest.mark.parametrize(
    "knobs", [{"DEPLOYMENT_GRADUATED": "true"}, {"DEPLOYMENT_BAND_FILE": msgspec.json.encode(BAND).decode()}]
)
def test_deployment_is_refused_by_name_in_the_compiled_engine(knobs: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="DEPLOYMENT_GRADUATED must be false and DEPLOYMENT_BAND_FILE empty"):
        by_the_kernel(settings_of({**QUICK, **knobs}), quiet(20))


def test_a_graduated_desk_begins_at_a_tenth_of_the_size_and_grows() -> None:
    stages = {"DEPLOYMENT_GRADUATED": "true", "DEPLOYMENT_MICRO_TRADES": "3", "DEPLOYMENT_STEP_TRADES": "2"}
    parts, n_closed = [], 0
    for record in lived(stairs(90), 61, **stages):
        n_closed += len(record.trades)
        sizes = dict(record.risk.sizes_lots) if record.risk is not None else {}
        if sizes:
            whole = min(lots for name, lots in sizes.items() if name != "deployment")
            parts.append((n_closed, sizes.get("deployment", whole) / whole))
    expected = [min(1.0, 0.1 if n < 3 else 0.1 * 2 ** (1 + (n - 3) // 2)) for n, _ in parts]
    assert [part for _, part in parts] == pytest.approx(expected, rel=0.02)
    assert {0.1, 1.0} <= set(expected)


def test_a_desk_that_leaves_its_band_enters_no_more_and_says_why_even_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "band.json"
    file.write_bytes(msgspec.json.encode(replace(BAND, low_r=(8.0, 12.0, 20.0), high_r=(9.0, 14.0, 24.0))))
    records = lived(stairs(90), 140, DEPLOYMENT_BAND_FILE=str(file))
    n_closed, refused = 0, []
    for record in records:
        entered = record.outcome is Outcome.ENTERED
        assert not (refused and entered)
        if record.why.startswith("record_within_band: "):
            refused.append(record)
        n_closed += len(record.trades)
    assert n_closed >= 10
    assert refused
    assert refused[0].why.endswith("the cap is 20%; a human must look at it")


def test_the_band_travels_in_the_recorded_settings_and_needs_its_file_no_more(tmp_path: Path) -> None:
    file = tmp_path / "band.json"
    file.write_bytes(msgspec.json.encode(BAND))
    chosen = load_settings(None, {"DEPLOYMENT_BAND_FILE": str(file)})
    file.unlink()
    again = settings_from_json(settings_json(chosen))
    assert deployment_policy(again).band == BAND
    assert settings_json(again) == settings_json(chosen)


def test_a_band_file_that_cannot_be_read_or_is_none_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DEPLOYMENT_BAND_FILE.*a JSON file that `main.py band` wrote"):
        load_settings(None, {"DEPLOYMENT_BAND_FILE": str(tmp_path / "absent.json")})
    (tmp_path / "other.json").write_text('{"some": "thing"}')
    with pytest.raises(BadInput, match="DEPLOYMENT_BAND_FILE: this is not a band"):
        deployment_policy(load_settings(None, {"DEPLOYMENT_BAND_FILE": str(tmp_path / "other.json")}))


def test_two_markets_that_move_together_are_held_up_to_the_correlation_cap_only() -> None:
    def alike_tape() -> list[Snapshot]:
        tape = []
        for number in range(60):
            move = 0.004 if number % 5 == 0 else 0.001 * (-1) ** number
            for symbol, start in (("BTC-PERP", 95_000.0), ("SOL-PERP", 150.0)):
                price = start * 1.001**number
                tape.append(minute(number, price, price * (1 + move), volume=100.0 + number % 3, symbol=symbol))
        return tape

    free = lived(alike_tape(), None, RISK_MAX_OPEN_POSITIONS="2", EXIT_MAX_HOLD_BARS="20")
    cap = {"RISK_MAX_CORRELATED_EXPOSURE_PCT": "20", "RISK_CORRELATION_BARS": "60"}
    capped = lived(alike_tape(), 70, RISK_MAX_OPEN_POSITIONS="2", EXIT_MAX_HOLD_BARS="20", **cap)
    assert not any("holdings_are_unlike" in record.why for record in free)
    refused = [record for record in capped if record.why.startswith("holdings_are_unlike: ")]
    assert refused
    assert "moves with" in refused[0].why


def test_with_one_symbol_the_correlation_cap_changes_nothing_in_either_engine() -> None:
    tape = after_entry([156.0])
    free, _ = both({}, tape)
    desk_result, kernel_result = both({"RISK_MAX_CORRELATED_EXPOSURE_PCT": "0.001"}, tape)
    assert free == desk_result == kernel_result
