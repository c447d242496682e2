"""What should rest at the venue for one position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Fill
from domain.decisions import ExitReason, Side
from domain.protection import average_ticks, planned_levels
from execution.instruments import INSTRUMENTS
from execution.live.broker import OrderKind
from execution.live.guard import Guard, Protective, Wanted
from tests.doubles.venue.desk import PLAN

SOL = INSTRUMENTS["SOL-PERP"]


def guard(side: Side = Side.BUY, lots: int = 20, ticks: int = 150_000) -> Guard:
    made = Guard(
        entry_id="SOL-PERP-1-entry",
        symbol="SOL-PERP",
        at_ms=1,
        side=side,
        plan=PLAN,
        levels=planned_levels(PLAN, int(side), ticks, lots),
    )
    made.enlarge(part(side, lots, ticks), SOL)
    return made


def part(side: Side, lots: int, ticks: int, at_ms: int = 2, reason: ExitReason | None = None) -> Fill:
    return Fill(
        client_order_id="SOL-PERP-1-entry",
        symbol="SOL-PERP",
        side=side,
        size_lots=lots,
        price_ticks=ticks,
        fee_microusd=0,
        slippage_microusd=0,
        filled_ms=at_ms,
        exit_reason=reason,
    )


def out(lots: int, reason: ExitReason, at_ms: int = 3) -> Fill:
    return part(Side.SELL, lots, 150_000, at_ms, reason)


def sizes(one: Guard) -> dict[str, int]:
    return {want.slot: want.size_lots for want in one.wanted()}


@given(st.sampled_from(Side), st.lists(st.tuples(st.integers(1, 40), st.integers(140_000, 160_000)), min_size=1))
def test_the_levels_follow_the_average_price_of_all_that_was_entered(side: Side, parts: list[tuple[int, int]]) -> None:
    first, *others = parts
    made = guard(side, *first)
    for lots, ticks in others:
        made.enlarge(part(side, lots, ticks), SOL)
    lots = sum(size for size, _ in parts)
    average = average_ticks(sum(size * ticks for size, ticks in parts) * 10, lots, 10)
    assert made.levels == planned_levels(PLAN, int(side), average, lots)
    assert made.held_lots == lots
    assert made.signed_lots == int(side) * lots


def test_a_position_wants_a_stop_and_a_target_of_its_size_and_its_partial_exit() -> None:
    assert sizes(guard()) == {"stop": 20, "target": 20, "partial": 8}
    assert [want.kind for want in guard().wanted()] == [OrderKind.STOP, OrderKind.TARGET, OrderKind.TARGET]


def test_after_a_part_of_the_partial_exit_the_rest_of_it_is_not_wanted_any_more() -> None:
    made = guard()
    made.reduce(out(3, ExitReason.PARTIAL))
    assert sizes(made) == {"stop": 17, "target": 17}


def test_a_partial_exit_is_never_larger_than_what_is_held() -> None:
    made = guard()
    made.reduce(out(15, ExitReason.STRATEGY))
    assert sizes(made) == {"stop": 5, "target": 5, "partial": 5}


def test_a_closed_position_wants_nothing_and_is_gone_once_nothing_of_it_rests() -> None:
    made = guard()
    stop = Protective(wire_id="a", wanted=next(made.wanted()))
    made.resting["stop"] = stop
    assert made.is_protected
    made.reduce(out(20, ExitReason.STOP))
    assert sizes(made) == {}
    assert not made.is_gone
    made.drop("a")
    assert made.is_gone
    assert made.is_protected


def test_more_than_is_held_cannot_be_closed() -> None:
    with pytest.raises(ValueError, match="21 lots of SOL-PERP were closed, 20 were held"):
        guard().reduce(out(21, ExitReason.STOP))


def test_a_stop_that_trails_says_so() -> None:
    made = guard()
    levels = made.levels
    made.levels = type(levels)(stop_ticks=149_000, target_ticks=levels.target_ticks, stop_is_trailing=True)
    stop = next(made.wanted())
    assert (stop.reason, stop.price_ticks) == (ExitReason.TRAILING, 149_000)
    assert sizes(made) == {"stop": 20, "target": 20}


def test_an_order_that_is_over_is_dropped_wherever_it_is_kept() -> None:
    made = guard()
    wanted = Wanted(slot="stop", reason=ExitReason.STOP, kind=OrderKind.STOP, price_ticks=1, size_lots=1)
    made.resting["stop"] = Protective(wire_id="a", wanted=wanted)
    made.doubtful.append(Protective(wire_id="b", wanted=wanted))
    made.leaving.append(Protective(wire_id="c", wanted=wanted))
    assert [one.wire_id for one in made.protectives()] == ["a", "b", "c"]
    for wire_id in "abc":
        made.drop(wire_id)
    assert made.protectives() == []


def test_what_was_closed_before_all_was_entered_is_mixed_in_whatever_order_it_is_told() -> None:
    made = guard()
    made.reduce(out(5, ExitReason.STOP, at_ms=3))
    assert not made.is_mixed
    made.enlarge(part(Side.BUY, 5, 150_000, at_ms=3), SOL)
    assert made.is_mixed
    again = guard()
    again.goes_in(part(Side.BUY, 5, 150_000, at_ms=9))
    assert not again.is_mixed
    again.goes_out(out(5, ExitReason.STOP, at_ms=8))
    assert again.is_mixed
