"""What becomes of every trigger: a shadow trade lives as the desk's own would have, whatever the desk made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.master import MasterAgent
from agents.shadow import Shadow
from agents.strategy import StrategyAgent
from domain.decisions import Side
from domain.features import Feature, Features
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord, TradingState
from settings import exit_rules, load_settings
from strategy.e3 import E3, E3Thresholds
from tests.flow import stage
from tests.flow.test_invariants import EAGER, SYMBOLS, tapes
from tests.flow.twins import SAME_SIZE, counterfactuals, net_bps, trades_with_twins

FREE = {"RISK_COOLDOWN_AFTER_TRADE_S": "0", "RISK_COOLDOWN_AFTER_LOSS_S": "0", "RISK_MAX_CONSECUTIVE_LOSSES": "1000"}
UNLIMITED = {"RISK_MAX_DAILY_LOSS_PCT": "100", "RISK_MAX_DRAWDOWN_PCT": "99", "RISK_MAX_OPEN_POSITIONS": "9"}
TAPE = [
    *stage.quiet(12),
    stage.explosive(12),
    stage.minute(13, 150.6, 151.2, volume=20_000.0),
    *stage.quiet(12, price=151.2, first=14),
    stage.explosive(26, price=151.2),
    *stage.quiet(12, price=151.8, first=27),
]
FIRST, SECOND, THIRD = 12, 13, 26
BRIEF = {**FREE, "EXIT_MAX_HOLD_BARS": "3"}

PLANS = st.fixed_dictionaries(
    {
        "EXIT_STOP_PCT": st.sampled_from(["0.5", "2"]),
        "EXIT_TARGET_PCT": st.sampled_from(["0.6", "3"]),
        "EXIT_TRAIL_PCT": st.sampled_from(["0", "0.3", "1"]),
        "EXIT_TRAIL_ARM_PCT": st.sampled_from(["0", "0.4"]),
        "EXIT_PARTIAL_AT_R": st.sampled_from(["0", "1"]),
        "EXIT_MAX_HOLD_BARS": st.sampled_from(["1", "4", "30"]),
        "PAPER_LATENCY_BARS": st.sampled_from(["0", "2"]),
    }
)


class Restless(E3):
    """E3 that leaves as soon as a minute goes a little against it."""

    def wants_out(self, features: Features, side: Side) -> str | None:
        moved = features.value(Feature.RETURN_BPS)
        return "it turned" if moved is not None and moved * side < -15.0 else None


@st.composite
def torn(draw: st.DrawFn) -> list[Snapshot]:
    """A tape with jumps, funding and unfit minutes, some of them without a bar, some missing altogether."""
    lost = draw(st.sets(st.integers(8, 40)))
    blind = draw(st.sets(st.integers(8, 40)))
    torn_tape = []
    for place, snapshot in enumerate(draw(tapes())):
        if place // len(SYMBOLS) in lost:
            continue
        if place // len(SYMBOLS) in blind:
            snapshot = Snapshot(symbol=snapshot.symbol, as_of_ms=snapshot.as_of_ms, bar=None, defects=("no bar",))
        torn_tape.append(snapshot)
    return torn_tape


def gated(mode: str = "shadow", symbols=SYMBOLS, **knobs: str) -> MasterAgent:
    return stage.desk(symbols=symbols, GATE_MODE=mode, **{**EAGER, **FREE, **UNLIMITED, **knobs})


def restless(**knobs: str) -> MasterAgent:
    """Build a desk whose one strategy also wants out of its positions."""
    master = gated(**knobs)
    settings = load_settings(None, {}, {**stage.QUICK, **knobs})
    thresholds = E3Thresholds(volume_z=-10.0, body_over_atr=0.0, max_realised_vol_bps=1e4)
    agent = StrategyAgent([Restless(thresholds)], exit_rules(settings))
    master.strategies = master.exits.strategies = master.gate.hindsight.ledger.strategies = agent
    return master


@given(tape=torn(), plan=PLANS)
def test_a_trade_of_the_same_size_has_a_twin_that_is_equal_to_the_last_digit(tape, plan) -> None:
    records = stage.run(restless(**SAME_SIZE, **plan), tape)
    for trade, ended_ms, twin in trades_with_twins(records):
        assert (twin.exit_reason, twin.resolved_ms) == (trade.exit_reason, ended_ms)
        assert twin.net_bps == net_bps(trade)
        assert (twin.mae_bps, twin.mfe_bps, twin.n_bars) == (trade.mae_bps, trade.mfe_bps, trade.n_bars)


@given(tape=torn(), plan=PLANS)
def test_minutes_that_a_shadow_trade_sleeps_through_change_nothing(tape, plan) -> None:
    records = stage.run(restless(**plan), tape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shadow, "_fall_asleep", lambda self, now_ms: None)
        assert stage.run(restless(**plan), tape) == records


@given(tape=torn(), plan=PLANS)
def test_what_the_desk_may_do_changes_nothing_of_what_its_triggers_were_worth(tape, plan) -> None:
    """The gate denies all, risk refuses all, the human halts the desk: every trigger ends alike."""
    free, denied = stage.run(gated(**plan), tape), stage.run(gated("veto", **plan), tape)
    refused = stage.run(gated(RISK_MAX_ORDER_NOTIONAL_USD="0.01", **plan), tape)
    halted = stage.run(gated(**plan), tape, TradingState.HALTED)
    assert not any(record.trades for record in [*denied, *refused, *halted])
    for records in (denied, refused, halted):
        assert counterfactuals(records) == counterfactuals(free)


@given(tape=torn(), plan=PLANS)
def test_every_proposal_is_followed_and_none_ends_twice(tape, plan) -> None:
    master = gated(**plan)
    records = stage.run(master, tape)
    proposed = {f"{one.proposal.symbol}-{one.proposal.as_of_ms}" for one in records if one.proposal is not None}
    ended = [one.trigger_id for one in counterfactuals(records)]
    ledger = master.gate.hindsight.ledger
    assert len(ended) == len(set(ended))
    assert set(ended) <= proposed
    assert len(ended) + ledger.n_open == len(proposed)
    assert [one.outcome for one in ledger.resolved] == counterfactuals(records)


def test_the_ledger_costs_the_desk_neither_money_nor_orders() -> None:
    watched = stage.desk(GATE_MODE="shadow", **BRIEF)
    followed, alone = stage.run(watched, TAPE), stage.run(stage.desk(**BRIEF), TAPE)
    assert counterfactuals(followed)
    for one, other in zip(followed, alone, strict=True):
        assert (one.orders, one.fills, one.equity_microusd) == (other.orders, other.fills, other.equity_microusd)
        assert one.risk == other.risk


def test_without_a_gate_nothing_is_followed() -> None:
    master = stage.desk(**BRIEF)
    records = stage.run(master, TAPE)
    assert master.gate.hindsight is None
    assert any(record.trades for record in records)
    assert not any(record.counterfactuals or record.reflections for record in records)


def test_a_trigger_that_risk_refused_because_a_position_was_open_is_followed_too() -> None:
    records = stage.run(stage.desk(GATE_MODE="shadow", **BRIEF), TAPE)
    assert [records[place].outcome for place in (FIRST, SECOND)] == [Outcome.ENTERED, Outcome.REFUSED]
    assert records[SECOND].gate is None
    ended = {one.triggered_ms for one in counterfactuals(records)}
    assert {records[place].snapshot.as_of_ms for place in (FIRST, SECOND, THIRD)} == ended


def test_what_ended_with_this_minute_is_known_to_the_question_of_this_minute() -> None:
    """The third trigger stands on the very minute whose open ends the first trade."""
    asked: list[int] = []

    class Listening:
        """A gate that notes how much it was told, and asks nobody."""

        def __init__(self, gate) -> None:
            self.gate = gate

        async def review(self, situation, tick_no):
            asked.append(len(situation.resolved))
            return await self.gate.review(situation, tick_no)

    tape = [*TAPE[:16], stage.minute(16, 151.2, 151.9, volume=400_000.0)]
    master = stage.desk(GATE_MODE="shadow", **BRIEF)
    master.gate = replace(master.gate, gate=Listening(master.gate.gate))
    records = stage.run(master, tape)
    ended = [one.triggered_ms for one in records[16].counterfactuals]
    assert ended == [records[FIRST].snapshot.as_of_ms]
    assert asked == [0, len(ended)]


def test_a_trigger_whose_end_the_run_does_not_see_stays_open() -> None:
    master = stage.desk(GATE_MODE="shadow", **FREE)
    records = stage.run(master, TAPE[: FIRST + 3])
    assert counterfactuals(records) == []
    assert master.gate.hindsight.ledger.n_open == 2


def reflections(records: list[TickRecord]) -> list[tuple[str, str]]:
    return [(one.subject, one.subject_id) for record in records for one in record.reflections]


def test_a_denied_trigger_is_reflected_on_when_its_end_is_known_and_one_that_was_only_refused_is_not() -> None:
    records = stage.run(stage.desk(GATE_MODE="veto", **BRIEF), TAPE)
    denied = [one.snapshot.as_of_ms for one in records if one.outcome is Outcome.DENIED]
    assert len(denied) == 3
    assert reflections(records) == [("counterfactual", f"SOL-PERP-{as_of_ms}") for as_of_ms in denied]
    shy = stage.run(stage.desk(GATE_MODE="veto", RISK_MAX_SPREAD_BPS="1", **BRIEF), TAPE)
    assert any(one.outcome is Outcome.REFUSED for one in shy)
    assert len(counterfactuals(shy)) == 3
    assert reflections(shy) == []


def test_a_trade_is_reflected_on_when_it_closes_and_in_shadow_mode_its_denial_too() -> None:
    records = stage.run(stage.desk(GATE_MODE="shadow", **BRIEF), TAPE)
    closed = [(place, trade.client_order_id) for place, one in enumerate(records) for trade in one.trades]
    assert len(closed) == 2
    for place, order_id in closed:
        subjects = [(one.subject, one.subject_id) for one in records[place].reflections]
        assert subjects[0] == ("trade", order_id)
        assert ("counterfactual", order_id.removesuffix("-entry")) in subjects
