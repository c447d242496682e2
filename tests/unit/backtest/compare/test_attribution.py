"""Every cause, told apart on real small runs that differ in one thing only."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backtest.compare.causes import Cause
from backtest.compare.comparison import Comparison
from backtest.compare.parts import Part
from domain.market import MINUTE_MS, Reading, Snapshot
from domain.tick import TradingState
from tests.unit.backtest.compare.runs import held_against, record, tape, with_close, with_funding, without

TAPE = tape()
Versus = Callable[..., Comparison]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal with run `a`, made once."""
    journal = tmp_path_factory.mktemp("compare") / "journal.db"
    record(f"sqlite:///{journal}", "a", TAPE)
    return journal


@pytest.fixture
def versus(recorded: Path, tmp_path: Path) -> Versus:
    """Return a way to make run `b` otherwise and to hold it against `a`."""
    url = f"sqlite:///{shutil.copy(recorded, tmp_path / 'journal.db')}"

    def compare(snapshots: list[Snapshot] = TAPE, **changes: Any) -> Comparison:
        record(url, "b", snapshots, **changes)
        return held_against(url)

    return compare


def causes(found: Comparison) -> set[tuple[Cause, str]]:
    return {(row.cause, row.rule) for row in found.causes}


def direct(found: Comparison) -> set[Cause]:
    return {row.cause for row in found.causes if not row.is_knock_on}


def halted(number: int) -> TradingState:
    return TradingState.HALTED if 100 <= number < 200 else TradingState.ACTIVE


def flattened(number: int) -> TradingState:
    return TradingState.FLATTENING if 100 <= number < 110 else TradingState.ACTIVE


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"E3_VOLUME_Z": "1.8"}, (Cause.THRESHOLD, "")),
        ({"EXIT_TARGET_PCT": "0.3"}, (Cause.THRESHOLD, "")),
        ({"FEATURE_VOLUME_BARS": "12"}, (Cause.FEATURE, "")),
        ({"PAPER_FEE_TIER": "3"}, (Cause.FEE, "")),
        ({"PAPER_SLIPPAGE_BPS": "4"}, (Cause.FILL_PRICE, "")),
        ({"PAPER_LATENCY_BARS": "1"}, (Cause.FILL_PRICE, "")),
        ({"PAPER_REJECT_PCT": "30"}, (Cause.VENUE, "")),
        ({"GATE_MODE": "veto"}, (Cause.GATE, "")),
        ({"RISK_MAX_ORDER_NOTIONAL_USD": "1000"}, (Cause.RISK, "size")),
        ({"RISK_COOLDOWN_AFTER_TRADE_S": "1200"}, (Cause.RISK, "cooled_down")),
        ({"RISK_MAX_CONSECUTIVE_LOSSES": "2"}, (Cause.RISK, "no_losing_streak")),
        ({"RISK_MAX_SPREAD_BPS": "1"}, (Cause.RISK, "spread_is_tight")),
        ({"PAPER_STARTING_CASH_USD": "5000"}, (Cause.RISK, "starting equity")),
        ({"states": halted}, (Cause.DESK_STATE, "")),
        ({"states": flattened}, (Cause.DESK_STATE, "")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_one_change_is_the_one_cause_and_all_else_follows_from_it(
    versus: Versus, changes: dict[str, Any], cause: tuple[Cause, str]
) -> None:
    found = versus(**changes)
    assert found.difference_microusd != 0
    assert causes(found) == {cause}
    assert {row.is_knock_on for row in found.causes} >= {False}


def test_another_fee_tier_changes_no_decision_and_every_trade(versus: Versus) -> None:
    found = versus(PAPER_FEE_TIER="3")
    assert found.minutes.parity_frac == 1.0
    fee = next(row for row in found.causes if not row.is_knock_on)
    assert fee.n_trades == found.n_pairs == found.a.n_trades + found.a.n_open
    assert {example.part for example in fee.examples} == {Part.FEE}


def test_a_refusing_gate_costs_all_that_the_other_run_earned(versus: Versus) -> None:
    found = versus(GATE_MODE="veto")
    (row,) = found.causes
    assert (row.cause, row.microusd, found.b.net_microusd) == (Cause.GATE, -found.a.net_microusd, 0)


def test_a_missing_minute_is_named_and_so_is_what_its_absence_led_to(versus: Versus) -> None:
    found = versus(without(TAPE, 100, 101, 160))
    assert causes(found) == {(Cause.MISSED_TICK, "")}
    assert {row.is_knock_on for row in found.causes} == {False, True}
    minutes = found.minutes
    assert (minutes.n_only_a, minutes.n_only_b, minutes.n_common) == (3, 0, len(TAPE) - 3)


def test_a_price_altered_while_a_position_was_held_is_data(versus: Versus) -> None:
    """The close of minute 115 falls by 2 %: a stop that was far away is hit, and what follows begins there."""
    found = versus(with_close(TAPE, 115, 0.98))
    assert direct(found) == {Cause.DATA}
    assert {row.cause for row in found.causes} == {Cause.DATA}
    assert found.first_difference is not None
    assert found.first_difference.as_of_ms >= 116 * MINUTE_MS


def test_a_spread_seen_otherwise_is_data_where_the_caps_are_the_same(versus: Versus) -> None:
    wide = [
        replace(one, spread_bps=Reading(value=31.0, source="assumed", as_of_ms=0)) if n >= 150 else one
        for n, one in enumerate(TAPE)
    ]
    found = versus(wide, E3_MAX_SPREAD_BPS="100")
    assert {row.cause for row in found.causes} == {Cause.DATA}


def test_absent_funding_is_funding_whatever_the_snapshots_lack(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", with_funding(TAPE, 30_000_000))
    record(url, "b", TAPE)
    found = held_against(url)
    assert {row.cause for row in found.causes} == {Cause.FUNDING}
    assert found.minutes.parity_frac == 1.0


def test_a_run_that_ended_earlier_lacks_its_last_position_and_what_came_later(versus: Versus) -> None:
    found = versus(TAPE[:200])
    assert direct(found) == {Cause.SPAN, Cause.OPEN_AT_END}
    assert found.minutes.n_outside == len(TAPE) - 200
    assert found.minutes.parity_frac == 1.0


def test_a_run_that_began_later_lacks_what_came_before(versus: Versus) -> None:
    assert {row.cause for row in versus(TAPE[60:]).causes} == {Cause.SPAN}


def test_the_examples_are_the_most_expensive_and_name_their_ticks(versus: Versus) -> None:
    found = versus(E3_VOLUME_Z="1.8")
    for row in found.causes:
        amounts = [abs(example.microusd) for example in row.examples]
        assert amounts == sorted(amounts, reverse=True)
        assert all(example.tick_a == example.decided_ms // MINUTE_MS for example in row.examples)
