"""Orders on their way, boxes of news, and what was told before a restart."""

from collections import Counter

from domain.account import Fill, FundingPayment, VenueReport
from domain.decisions import ApprovedOrder, ExitReason, Side
from execution.live.broker import OrderState, Stage
from execution.live.fills import key_of, paid_key_of
from execution.live.tracking import Box, Told, Tracked
from tests.doubles.venue.desk import PLAN

ORDER = ApprovedOrder(
    client_order_id="SOL-PERP-1-entry",
    symbol="SOL-PERP",
    strategy="play",
    side=Side.BUY,
    size_lots=10,
    reduce_only=False,
    reference_ticks=100,
    decided_ms=1,
    exit_plan=PLAN,
)


def fill(lots: int = 4, at_ms: int = 2, reason: ExitReason | None = None) -> Fill:
    return Fill(
        client_order_id="SOL-PERP-1-entry",
        symbol="SOL-PERP",
        side=Side.BUY,
        size_lots=lots,
        price_ticks=100,
        fee_microusd=1,
        slippage_microusd=0,
        filled_ms=at_ms,
        exit_reason=reason,
    )


def state(stage: Stage, filled: int | None, why: str = "") -> OrderState:
    return OrderState(wire_id="a", stage=stage, filled_lots=filled, why=why)


PAYMENT = FundingPayment(
    symbol="SOL-PERP", position_lots=0, rate_quote_per_base_1e9=0, amount_microusd=5, settled_ms=9, source="venue"
)


def test_an_order_is_told_whole_when_it_is_over_and_all_its_executions_are_here() -> None:
    tracked = Tracked(order=ORDER, wire_id="a")
    assert tracked.is_unknown
    assert not tracked.is_told_whole
    tracked.state = state(Stage.WORKING, 4)
    tracked.fills.append(fill(4))
    assert not tracked.is_told_whole
    tracked.state = state(Stage.OVER, 7)
    assert not tracked.is_told_whole
    tracked.fills.append(fill(3))
    assert tracked.is_told_whole
    tracked.state = state(Stage.OVER, None)
    assert tracked.is_told_whole


def test_executions_heard_of_before_a_restart_count_as_filled() -> None:
    tracked = Tracked(order=ORDER, wire_id="a", state=state(Stage.OVER, 6), known_lots=4, fills=[fill(2)])
    assert tracked.filled_lots == 6
    assert tracked.is_told_whole


def test_a_shortfall_is_told_in_the_venue_s_words_where_it_has_some() -> None:
    tracked = Tracked(order=ORDER, wire_id="a", state=state(Stage.OVER, 0, "not enough margin"))
    assert tracked.shortfall == "0 of 10 lots filled: not enough margin"
    tracked.state = state(Stage.OVER, 0)
    assert tracked.shortfall == "0 of 10 lots filled: nothing more was offered within its price"
    tracked.state = state(Stage.ABSENT, 0)
    assert tracked.shortfall == "0 of 10 lots filled: it never reached the venue"
    tracked.fills.append(fill(10))
    assert tracked.shortfall is None


def test_a_box_gives_everything_once_and_keeps_what_must_wait() -> None:
    box = Box(fills=[fill()], held_back=[fill(reason=ExitReason.STOP)], rejections=[("x", "no")], funding=[PAYMENT])
    assert box.empty() == VenueReport(fills=(fill(),), funding=(PAYMENT,), rejections=(("x", "no"),))
    assert box.empty() is None
    assert not box.is_empty
    box.held_back.clear()
    assert box.is_empty


def test_what_is_on_record_is_known_as_often_as_it_is_there() -> None:
    told = Told(reported=Counter([key_of(fill()), key_of(fill())]), paid=Counter([paid_key_of(PAYMENT)]))
    assert [told.was_reported(fill()) for _ in range(3)] == [True, True, False]
    assert not told.was_reported(fill(at_ms=3))
    assert [told.was_paid("SOL-PERP", 9, 5) for _ in range(2)] == [True, False]


def test_what_a_cut_off_tick_was_told_is_told_it_again_and_to_nobody_else() -> None:
    report = VenueReport(fills=(fill(),), funding=(PAYMENT,), rejections=(("x", "no"),))
    told = Told(noted={("SOL-PERP", 60_000): report}, cut_off_ms=60_000)
    assert told.still_noted() == [("SOL-PERP", report)]
    assert [told.is_noted(fill()) for _ in range(2)] == [True, False]
    assert told.is_noted_end("x")
    assert not told.is_noted_end("y")
    assert told.was_paid("SOL-PERP", 9, 5)
    assert told.tell_again("BTC-PERP", 60_000) is None
    assert told.tell_again("SOL-PERP", 60_000) == report
    assert told.still_noted() == []
    assert told.was_told_before("SOL-PERP", 60_000)
    assert not told.was_told_before("SOL-PERP", 120_000)
