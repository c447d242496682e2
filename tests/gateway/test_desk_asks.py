"""What the desk's side asks for beyond orders: final views, pages of fills, markets, ids given up."""

import threading

import pytest

from execution.gateway.codes import State
from tests.gateway.node import BLOCKS_TO_FINAL
from tests.gateway.stage import (
    BASE_STEP,
    BTC,
    NOW_MS,
    ORACLE_PRICE_RAW,
    ORACLES,
    PRICE_STEP,
    SOL,
    on_both_programs,
    put_oracle,
)

DOWN_RAW = ORACLE_PRICE_RAW * 9 // 10


@pytest.fixture
def live(stage):
    stage.records.close()
    stage.clock.step_s = 1.0
    stage.node.advance(BLOCKS_TO_FINAL + 1)
    return stage.open(live=True)


def stop(stage, id="stop", **changes):
    """Place a reduce-only trigger order below the price."""
    terms = {"kind": "trigger_market", "side": "short", "reduce_only": True, "price_raw": None}
    return stage.place(id, **{**terms, "trigger_price_raw": DOWN_RAW, "trigger_when": "below", **changes})


def land(stage):
    stage.look(blocks=1)
    stage.look(blocks=BLOCKS_TO_FINAL)


def move(stage, price_raw, market=SOL):
    put_oracle(stage.node, ORACLES[market], price_raw)
    stage.node.floor.prices[market] = price_raw


def final_fills(stage, **more):
    return stage.ask("fills", after_slot=more.pop("after_slot", 0), final=True, **more)


# Ids given up.


def test_an_id_that_was_given_up_is_no_order_for_ever(live):
    given_up = live.ask("void", id="a")
    assert (given_up["ok"], given_up["code"]) == (False, "voided")
    assert (given_up["order"]["op"], given_up["order"]["state"]) == ("void", "refused")
    for _ in range(2):
        assert live.place("a")["code"] == "voided"
        assert live.ask("cancel", id="a", valid_until_ms=NOW_MS, target="b")["code"] == "voided"
        assert live.ask("void", id="a") == given_up
        assert live.ask("orders", id="a")["order"] == given_up["order"]
        live.reopen(live=True)
    assert live.node.executed == []


def test_giving_up_the_id_of_an_order_tells_the_order(live):
    live.place("a")
    assert live.ask("void", id="a")["order"]["state"] == "signed"
    land(live)
    told = live.ask("void", id="a")
    assert (told["ok"], told["order"]["state"], told["order"]["op"]) == (True, "landed", "place")
    assert live.place("b", base_raw=BASE_STEP + 1)["code"] == "off_grid"
    assert live.ask("void", id="b")["code"] == "off_grid"


def test_an_order_being_worked_on_is_waited_for_before_its_id_is_given_up(live):
    reached, go_on, told = threading.Event(), threading.Event(), {}

    def hold(method):
        if method == "getLatestBlockhash":
            reached.set()
            assert go_on.wait(20)

    live.node.faults = hold
    placing = threading.Thread(target=lambda: told.update(place=live.place("a")))
    placing.start()
    assert reached.wait(20)
    assert live.ask("orders", id="a")["code"] == "unknown_order", "which proves nothing"
    voiding = threading.Thread(target=lambda: told.update(void=live.ask("void", id="a")))
    voiding.start()
    go_on.set()
    placing.join()
    voiding.join()
    assert told["place"]["order"] == told["void"]["order"]
    assert told["void"]["order"]["state"] == "signed"


def test_an_id_is_given_up_though_old_fates_are_open_and_without_a_node(live):
    live.place("a")
    live.node.faults = lambda _: "lose_request"
    live.reopen(live=True)
    assert live.ask("void", id="b")["code"] == "voided"


# Final views.


@on_both_programs
def test_what_a_fork_can_still_change_is_in_no_final_answer(live):
    live.place("ioc", kind="ioc")
    stop(live)
    live.look(blocks=1)
    now, final = live.ask("orders"), live.ask("orders", final=True)
    assert [one["id"] for one in now["resting"]] == ["stop"]
    assert [one["symbol"] for one in now["positions"]] == ["SOL-PERP"]
    assert (final["resting"], final["positions"]) == ([], [])
    assert final["slot"] == now["slot"] - BLOCKS_TO_FINAL
    assert {one["id"] for one in final["unfinished"]} == {"ioc", "stop"}
    live.look(blocks=BLOCKS_TO_FINAL)
    final = live.ask("orders", final=True)
    assert [(one["id"], one["symbol"]) for one in final["resting"]] == [("stop", "SOL-PERP")]
    assert [one["base_asset_amount"] for one in final["positions"]] == [10**9]
    assert final["unfinished"] == []


def test_a_node_behind_what_has_landed_gives_no_final_answer(live):
    live.place("ioc", kind="ioc")
    land(live)
    landed_slot = live.records.order("ioc").landed_slot
    assert landed_slot == live.records.landed_slot > 0
    live.reopen(live=True)
    assert live.records.order("ioc").landed_slot == landed_slot, "it survives a restart"
    live.node.slot -= BLOCKS_TO_FINAL
    assert live.ask("orders", final=True)["code"] == "venue_unreachable"
    assert final_fills(live)["code"] == "venue_unreachable"
    assert live.ask("orders")["ok"]


# Fills.


@on_both_programs
def test_a_stop_fires_when_its_price_is_passed_and_its_fill_is_told_under_its_id(live):
    live.place("ioc", kind="ioc")
    stop(live, base_raw=3 * 10**9)
    land(live)
    move(live, DOWN_RAW + 1)
    live.look(blocks=1)
    assert len(live.ask("orders")["resting"]) == 1
    move(live, DOWN_RAW)
    live.look(blocks=1)
    assert live.ask("orders")["resting"] == []
    assert [one["id"] for one in final_fills(live)["fills"]] == ["ioc"]
    live.look(blocks=BLOCKS_TO_FINAL)
    last = final_fills(live)["fills"][-1]
    assert (last["id"], last["side"], last["symbol"], last["base_raw"]) == ("stop", "short", "SOL-PERP", 10**9)
    assert last["quote_raw"] == DOWN_RAW
    assert len({one["fill_record_id"] for one in final_fills(live)["fills"]}) == 2
    assert live.ask("positions")["positions"][0]["base_asset_amount"] == 0


def test_a_fork_puts_a_stop_back_and_it_fires_once(live):
    live.place("ioc", kind="ioc")
    stop(live)
    land(live)
    move(live, DOWN_RAW)
    live.look(blocks=1)
    live.node.fork(again=False)
    assert len(live.ask("orders")["resting"]) == 1
    live.look(blocks=1 + BLOCKS_TO_FINAL)
    assert [one["id"] for one in final_fills(live)["fills"]] == ["ioc", "stop"]
    assert len(live.node.floor.fills) == 2


def test_a_final_fill_in_an_orders_own_transaction_is_told_before_the_order_is_looked_after(live):
    live.place("ioc", kind="ioc")
    live.node.advance(1 + BLOCKS_TO_FINAL)
    assert live.records.order("ioc").state is State.SIGNED
    assert [one["id"] for one in final_fills(live)["fills"]] == ["ioc"]


def test_whose_a_fill_is_stays_open_until_every_order_has_its_number(live):
    live.place("ioc", kind="ioc")
    land(live)
    stop(live)
    live.node.advance(1)
    move(live, DOWN_RAW)
    live.node.advance(1 + BLOCKS_TO_FINAL)
    assert live.records.order("stop").order_id is None
    assert final_fills(live)["code"] == "unresolved"
    live.look()
    assert [one["id"] for one in final_fills(live)["fills"]] == ["ioc", "stop"]


def test_an_order_that_rests_though_its_signature_was_lost_has_its_number_too(live):
    live.place("ioc", kind="ioc")
    land(live)
    stop(live)
    live.node.advance(1)
    signature = live.records.order("stop").signed.signature
    del live.node.landed[signature]
    live.node.faults = lambda method: "swallow" if method == "sendTransaction" else None
    live.look(blocks=160)
    assert (live.records.order("stop").state, live.records.order("stop").order_id) == (State.LANDED, 2)


def test_fills_come_in_pages_from_the_newest_back(live):
    for number in range(7):
        live.node.outside_fill(SOL, number % 2, BASE_STEP * (number + 1), ORACLE_PRICE_RAW, 5 if number == 6 else 0)
    live.node.advance(BLOCKS_TO_FINAL)
    pages, before = [], {}
    while True:
        page = final_fills(live, most=3, **before)
        pages.append([one["base_raw"] // BASE_STEP for one in page["fills"]])
        assert page["complete"] is not page["more"]
        if not page["more"]:
            break
        before = {"before": page["oldest"]}
    assert pages == [[5, 6, 7], [2, 3, 4], [1]]
    assert [one["liquidation"] for one in final_fills(live)["fills"]] == [False] * 6 + [True]
    assert {one["id"] for one in final_fills(live)["fills"]} == {None}
    assert page["final_slot"] == live.node.slot - BLOCKS_TO_FINAL


def test_a_node_without_the_history_says_from_when_it_has_it(live):
    live.node.outside_fill(SOL, 0, BASE_STEP, ORACLE_PRICE_RAW)
    live.node.advance(2 * BLOCKS_TO_FINAL)
    assert final_fills(live)["history_ts_s"] is None
    live.node.first_available = live.node.slot - 1
    assert final_fills(live)["history_ts_s"] is not None
    assert final_fills(live, after_slot=live.node.slot - 2)["history_ts_s"] is None


def test_an_answer_of_an_earlier_gateway_is_the_same_with_more_beside_it(live):
    live.place("ioc", kind="ioc")
    land(live)
    reply = live.ask("fills", after_slot=0)
    assert (reply["complete"], len(reply["fills"]), reply["final_slot"]) == (True, 1, None)


# Markets.


@on_both_programs
def test_the_steps_of_every_market_of_the_policy_are_told_as_they_stand_on_chain(live):
    told = {one["symbol"]: one for one in live.ask("markets")["markets"]}
    assert sorted(told) == ["BTC-PERP", "SOL-PERP"]
    assert told["BTC-PERP"]["market_index"] == BTC
    steps = (BASE_STEP, PRICE_STEP, BASE_STEP, 1)
    for one in told.values():
        assert (one["base_step_raw"], one["price_step_raw"], one["least_base_raw"], one["status"]) == steps


# The stand-in itself.


def test_an_immediate_order_that_may_only_reduce_takes_no_more_than_is_held(live):
    live.place("a", kind="ioc")
    live.place("b", kind="ioc", side="short", base_raw=5 * 10**9, reduce_only=True)
    live.place("c", kind="ioc", side="short", reduce_only=True)
    live.look(blocks=1)
    assert [one["base"] for one in live.node.floor.fills] == [10**9, 10**9]
    assert live.ask("positions")["positions"] == []


def test_the_floor_can_be_told_to_fill_a_part(live):
    live.node.floor.ioc_fills = lambda order: (order["base_asset_amount"] // 2, order["price"])
    live.place("a", kind="ioc")
    live.look(blocks=1)
    assert live.ask("positions")["positions"][0]["base_asset_amount"] == 10**9 // 2
