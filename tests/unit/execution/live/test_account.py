"""Our side of an account: what executions make of it, and what the desk hears."""

from collections import Counter

import pytest

from domain.account import Fill, Levels, Position, VenueReport
from domain.decisions import ApprovedOrder, ExitReason, Side
from domain.errors import BooksDisagree
from execution.instruments import INSTRUMENTS
from execution.live.account import NEVER_SENT, LiveAccount
from execution.live.broker import Execution, FundingPaid, OrderState, Stage
from execution.live.fills import fill_of, key_of, paid_key_of
from execution.live.tracking import Told
from execution.live.wire import WireCode, WireId, wire_id_of
from tests.doubles.venue.desk import PLAN

SOL = INSTRUMENTS["SOL-PERP"]
CODE = WireCode("a run", ["SOL-PERP"])
NOTHING = Told()


def order(lots: int = 20, at_ms: int = 60_000, *, is_exit: bool = False, side: Side = Side.BUY) -> ApprovedOrder:
    return ApprovedOrder(
        client_order_id=f"SOL-PERP-{at_ms}-{'strategy' if is_exit else 'entry'}",
        symbol="SOL-PERP",
        strategy="play",
        side=side.opposite if is_exit else side,
        size_lots=lots,
        reduce_only=is_exit,
        reference_ticks=150_000,
        decided_ms=at_ms,
        exit_plan=None if is_exit else PLAN,
        exit_reason=ExitReason.STRATEGY if is_exit else None,
    )


def executed(name: str, lots: int, wire: str | None, *, side: Side = Side.BUY, liquidated: bool = False) -> Execution:
    return Execution(
        execution_id=name,
        wire_id=wire,
        symbol="SOL-PERP",
        side=side,
        size_lots=lots,
        quote_microusd=lots * 1_500_000,
        fee_microusd=7,
        executed_ms=61_000,
        is_liquidation=liquidated,
    )


def wire_of(one: ApprovedOrder) -> str:
    return CODE.write(wire_id_of(one.client_order_id))


def stop_wire(serial: int = 5) -> str:
    return CODE.write(WireId(symbol="SOL-PERP", purpose="stop", at_ms=60_000, serial=serial))


def account() -> LiveAccount:
    return LiveAccount({"SOL-PERP": SOL}, CODE)


def over(filled: int | None, why: str = "") -> OrderState:
    return OrderState(wire_id="", stage=Stage.OVER, filled_lots=filled, why=why)


def entered(lots: int = 20) -> LiveAccount:
    """Return an account that holds a position, of which the desk was told."""
    made = account()
    tracked = made.track(order(lots))
    made.take(executed("x1", lots, tracked.wire_id))
    tracked.state = over(lots)
    made.end(tracked)
    assert made.advance("SOL-PERP", 120_000) is not None
    return made


def taken_over(lots: int, told: Told, pending: tuple[ApprovedOrder, ...] = ()) -> LiveAccount:
    """Return an account whose earlier process held so much."""
    made = account()
    position = Position(
        symbol="SOL-PERP",
        strategy="play",
        size_lots=lots,
        initial_lots=20,
        entry_ticks=150_000,
        entry_cost_microusd=lots * 1_500_000,
        exit_plan=PLAN,
        opened_ms=61_000,
        client_order_id="SOL-PERP-60000-entry",
    )
    made.take_over([(position, Levels(stop_ticks=1, target_ticks=10**6))], pending, (), told)
    return made


def fills_of(report: VenueReport | None) -> list[tuple[str, int]]:
    return [] if report is None else [(fill.client_order_id, fill.size_lots) for fill in report.fills]


def test_an_entry_is_told_whole_and_what_closes_it_after_it() -> None:
    made = account()
    tracked = made.track(order())
    made.take(executed("x1", 4, tracked.wire_id))
    made.take(executed("x2", 4, stop_wire(), side=Side.SELL))
    assert made.held_lots() == {}
    assert made.advance("SOL-PERP", 120_000) is None
    made.take(executed("x3", 6, tracked.wire_id))
    assert made.held_lots() == {"SOL-PERP": 6}
    assert made.open_order_ids() == ("SOL-PERP-60000-entry",)
    tracked.state = over(10)
    made.end(tracked)
    assert made.open_order_ids() == ("SOL-PERP-60000-entry",)
    report = made.advance("SOL-PERP", 180_000)
    entry = "SOL-PERP-60000-entry"
    assert fills_of(report) == [(entry, 4), (entry, 6), (f"{entry}-stop", 4)]
    assert made.told_lots()["SOL-PERP"] == 6
    assert made.open_order_ids() == ()
    assert [kind for kind, _ in made.notes] == ["partly_filled"]


def test_an_execution_told_twice_counts_once() -> None:
    made = account()
    tracked = made.track(order())
    assert made.take(executed("x1", 4, tracked.wire_id))
    assert not made.take(executed("x1", 4, tracked.wire_id))
    assert made.held_lots() == {"SOL-PERP": 4}


@pytest.mark.parametrize(
    ("execution", "told"),
    [
        (executed("x9", 1, None), "not this run's"),
        (executed("x9", 1, "f" * 32), "not this run's"),
        (executed("x9", 1, wire_of(order(at_ms=0))), "after it was over"),
        (executed("x9", 21, stop_wire(), side=Side.SELL), "21 lots of SOL-PERP were closed, 20 were held"),
        (executed("x9", 1, stop_wire()), "no such position"),
        (
            executed("x9", 1, CODE.write(WireId(symbol="SOL-PERP", purpose="stop", at_ms=1, serial=1)), side=Side.SELL),
            "is not what is held",
        ),
    ],
)
def test_an_execution_that_does_not_fit_is_a_disagreement(execution: Execution, told: str) -> None:
    with pytest.raises(BooksDisagree, match=told):
        entered().take(execution)


def test_an_entry_that_fills_more_than_was_sent_is_a_disagreement() -> None:
    made = account()
    tracked = made.track(order())
    made.take(executed("x1", 15, tracked.wire_id))
    with pytest.raises(BooksDisagree, match="more than its 20 lots"):
        made.take(executed("x2", 6, tracked.wire_id))


@pytest.mark.parametrize(
    "closing",
    [executed("x2", 5, None, side=Side.SELL, liquidated=True), executed("x2", 5, stop_wire(), side=Side.SELL)],
)
def test_what_closes_a_part_waits_for_the_part_to_be_told_as_entered(closing: Execution) -> None:
    with pytest.raises(BooksDisagree, match=r"nothing of it is held|is not what is held"):
        account().take(closing)
    made = account()
    tracked = made.track(order())
    assert not made.take(closing)
    made.take(executed("x1", 4, tracked.wire_id))
    assert not made.take(closing)
    made.take(executed("x3", 4, tracked.wire_id))
    assert made.take(closing)
    assert not made.take(closing)
    assert made.held_lots() == {"SOL-PERP": 3}
    waiting = account()
    tracked = waiting.track(order())
    assert not waiting.take(closing)
    tracked.state = over(0)
    waiting.end(tracked)
    with pytest.raises(BooksDisagree, match=r"nothing of it is held|is not what is held"):
        waiting.take(closing)


def test_liquidations_in_parts_on_record_are_known_after_a_restart_whatever_is_held_by_then() -> None:
    parts = [executed(f"l{number}", 5, None, side=Side.SELL, liquidated=True) for number in range(3)]
    first = entered()
    for one in parts[:2]:
        first.take(one)
    report = first.advance("SOL-PERP", 180_000)
    assert report is not None
    told = Told(reported=Counter(key_of(fill) for fill in report.fills))
    second = taken_over(10, told)
    for one in parts:
        second.take(one)
    assert second.held_lots() == {"SOL-PERP": 5}
    third = account()
    third.take_over((), (), (), Told(reported=Counter(key_of(fill) for fill in report.fills)))
    for one in parts[:2]:
        third.take(one)
    assert third.held_lots() == {}


def test_an_exit_of_which_a_part_is_on_record_ends_with_the_rest_after_a_restart() -> None:
    leaving = order(20, 120_000, is_exit=True)
    part = executed("x2", 8, wire_of(leaving), side=Side.SELL)
    known = fill_of(part, SOL, leaving.client_order_id, 1, ExitReason.STRATEGY)
    made = taken_over(12, Told(reported=Counter([key_of(known)])), (leaving,))
    tracked = made.tracked[leaving.client_order_id]
    made.take(part)
    assert made.held_lots() == {"SOL-PERP": 12}
    made.take(executed("x3", 12, tracked.wire_id, side=Side.SELL))
    tracked.state = over(20)
    assert tracked.is_told_whole
    made.end(tracked)
    assert fills_of(made.advance("SOL-PERP", 180_000)) == [(leaving.client_order_id, 12)]
    assert made.is_all_told


def test_until_the_cut_off_tick_is_taken_again_its_orders_are_on_their_way_and_not_all_is_told() -> None:
    leaving = order(20, 60_000, is_exit=True)
    done = executed("x2", 20, wire_of(leaving), side=Side.SELL)
    noted: Fill = fill_of(done, SOL, leaving.client_order_id, 1, ExitReason.STRATEGY)
    told = Told(noted={("SOL-PERP", 120_000): VenueReport(fills=(noted,))}, cut_off_ms=120_000)
    made = taken_over(20, told, (leaving,))
    tracked = made.tracked[leaving.client_order_id]
    made.take(done)
    tracked.state = over(20)
    made.end(tracked)
    assert made.held_lots() == {}
    assert not made.is_all_told
    assert made.open_order_ids() == (leaving.client_order_id,)
    assert made.advance("SOL-PERP", 120_000) == VenueReport(fills=(noted,))
    assert made.open_order_ids() == ()
    assert made.is_all_told
    assert made.advance("SOL-PERP", 180_000) is None


def test_an_order_on_record_that_never_filled_is_refused_when_the_desk_asks_again() -> None:
    made = account()
    made.take_over((), (), (order(),), NOTHING)
    tracked = made.tracked[order().client_order_id]
    assert made.open_order_ids() == ()
    tracked.state = OrderState(wire_id="", stage=Stage.ABSENT, filled_lots=0)
    made.end(tracked)
    refusal = made.early[order().client_order_id].refusal
    assert refusal is not None
    assert (refusal.rule, refusal.reason) == (NEVER_SENT, "0 of 20 lots filled: it never reached the venue")
    assert made.advance("SOL-PERP", 180_000) is None


def test_funding_is_told_once_and_not_again_after_a_restart() -> None:
    paid = FundingPaid(symbol="SOL-PERP", amount_microusd=-5, settled_ms=70_000)
    made = account()
    made.pay(paid)
    made.pay(paid)
    report = made.advance("SOL-PERP", 120_000)
    assert report is not None
    assert [(one.amount_microusd, one.position_lots) for one in report.funding] == [(-5, 0)]
    again = account()
    again.take_over((), (), (), Told(paid=Counter(paid_key_of(one) for one in report.funding)))
    again.pay(paid)
    assert again.advance("SOL-PERP", 180_000) is None
    later = FundingPaid(symbol="SOL-PERP", amount_microusd=-5, settled_ms=70_001)
    again.pay(later)
    assert again.advance("SOL-PERP", 180_000) is not None


def test_what_is_too_old_to_be_looked_at_is_forgotten() -> None:
    made = account()
    tracked = made.track(order())
    for number in range(20):
        made.take(executed(f"x{number}", 1, tracked.wire_id))
    made.forget(61_000, 0)
    assert not made.take(executed("x1", 1, tracked.wire_id))
    made.forget(61_001, 0)
    assert len(made._seen) == 0


def test_an_exit_of_a_position_that_the_desk_knows_to_be_closed_is_not_on_its_way() -> None:
    made = entered()
    leaving = made.track(order(20, 120_000, is_exit=True))
    assert made.open_order_ids() == (leaving.order.client_order_id,)
    made.take(executed("x2", 20, stop_wire(), side=Side.SELL))
    assert made.open_order_ids() == (leaving.order.client_order_id,)
    assert made.advance("SOL-PERP", 180_000) is not None
    assert made.open_order_ids() == ()
    leaving.state = over(0, "nothing to reduce")
    made.end(leaving)
    assert made.open_order_ids() == ()
    report = made.advance("SOL-PERP", 240_000)
    assert report is not None
    assert [order_id for order_id, _ in report.rejections] == [leaving.order.client_order_id]


def test_what_closed_the_newer_of_two_entries_waits_for_that_one() -> None:
    """The older was told whole to the tick that was cut off, in which the newer was sent."""
    older, newer = order(5, 60_000), order(5, 120_000)
    wire = CODE.write(WireId(symbol="SOL-PERP", purpose="stop", at_ms=120_000, serial=1))
    first = [executed("x1", 5, wire_of(older)), executed("x2", 5, stop_wire(), side=Side.SELL)]
    noted = (
        fill_of(first[0], SOL, older.client_order_id, 1, None),
        fill_of(first[1], SOL, f"{older.client_order_id}-stop", 1, ExitReason.STOP),
    )
    made = account()
    told = Told(noted={("SOL-PERP", 120_000): VenueReport(fills=noted)}, cut_off_ms=120_000)
    made.take_over((), (older,), (newer,), told)
    for one in (*first, executed("x3", 5, wire_of(newer)), executed("x4", 5, wire, side=Side.SELL)):
        made.take(one)
    for tracked in list(made.tracked.values()):
        tracked.state = over(5)
        made.end(tracked)
    made.early.clear()
    assert made.advance("SOL-PERP", 120_000) == VenueReport(fills=noted)
    assert fills_of(made.advance("SOL-PERP", 180_000)) == [
        (newer.client_order_id, 5),
        (f"{newer.client_order_id}-stop", 5),
    ]
