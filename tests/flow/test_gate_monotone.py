"""Whatever a gate answers, it only takes from an entry: it never makes, enlarges, turns or re-prices one."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.tick import GateExchange, TickRecord
from tests.flow import stage

FREE = {"RISK_COOLDOWN_AFTER_TRADE_S": "0", "RISK_COOLDOWN_AFTER_LOSS_S": "0", "EXIT_MAX_HOLD_BARS": "3"}
ANSWERS = st.one_of(
    st.floats(1e-9, 1.0).map(lambda keep: Approved(keep_frac=keep, reason_code="ok", backend="any", request_id="any")),
    st.sampled_from(list(GateReason)).map(lambda why: Denied(reason_code=why.value, backend="any")),
)
MOVES = st.lists(st.sampled_from([0.0, 0.0, 0.004, -0.004]), min_size=4, max_size=30)


def tape_of(moves):
    tape, price = stage.quiet(12), 150.0
    for number, move in enumerate(moves, start=12):
        tape += [stage.explosive(number, price, move)] if move else stage.quiet(1, price, number)
        price *= 1 + move
    return tape


def played(tape, mode, answer=None) -> list[TickRecord]:
    """Carry a tape through a desk whose gate always gives one answer; with None it is the gate that asks nobody."""
    master = stage.desk(GATE_MODE=mode, **FREE)

    class Scripted:
        async def review(self, situation, tick_no):
            return GateExchange(request_id="any", backend="any", mode=mode, prompt="", raw_reply=None, verdict=answer)

    if answer is not None:
        master.gate = msgspec.structs.replace(master.gate, gate=Scripted(), mode=GateMode(mode))
    return stage.run(master, tape)


def first_entry(records):
    """Return the place of the first tick that sent an entry, with the order; None when there is none."""
    sent = ((place, order) for place, one in enumerate(records) for order in one.orders if not order.reduce_only)
    return next(sent, None)


@given(moves=MOVES, answer=ANSWERS)
def test_up_to_its_first_word_a_gated_desk_is_the_ungated_one_and_its_entry_is_no_more(moves, answer):
    """Until an answer counts both desks hold the same, so their first entries can be compared field by field."""
    tape = tape_of(moves)
    free, gated = first_entry(played(tape, "off")), first_entry(played(tape, "veto", answer))
    if gated is None:
        return
    assert isinstance(answer, Approved)
    assert free is not None
    assert gated[0] == free[0]
    assert 0 < gated[1].size_lots <= free[1].size_lots
    assert msgspec.structs.replace(gated[1], size_lots=free[1].size_lots) == free[1]


@given(moves=MOVES, answer=ANSWERS)
def test_in_shadow_mode_no_answer_changes_what_is_done(moves, answer):
    tape = tape_of(moves)
    free, heard = played(tape, "off"), played(tape, "shadow", answer)
    assert [(one.orders, one.fills, one.trades, one.equity_microusd) for one in free] == [
        (one.orders, one.fills, one.trades, one.equity_microusd) for one in heard
    ]


@given(moves=MOVES, answer=ANSWERS)
def test_every_entry_was_asked_about_and_every_exit_was_not(moves, answer):
    for one in played(tape_of(moves), "veto", answer):
        entries = [order for order in one.orders if not order.reduce_only]
        assert not entries or (one.gate is not None and isinstance(one.gate.verdict, Approved))
        if one.gate is not None:
            assert one.proposal is not None


def test_on_a_tape_that_is_entered_a_yes_enters_and_a_part_is_less():
    tape = tape_of([0.004, 0.0, 0.0, 0.0, 0.0])
    whole, part = (
        first_entry(played(tape, "veto", Approved(keep_frac=keep, reason_code="ok", backend="any", request_id="any")))
        for keep in (1.0, 0.25)
    )
    assert whole == first_entry(played(tape, "off"))
    assert whole is not None
    assert part is not None
    assert part[1].size_lots < whole[1].size_lots
