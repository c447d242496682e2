"""The first whole way: a request is judged, built as the real transaction and simulated, with no key anywhere."""

import base64
import json

import pytest
from solders.transaction import VersionedTransaction

from tests.gateway.stage import (
    BASE_STEP,
    NOW_MS,
    ORACLE_PRICE_RAW,
    PRICE_STEP,
    PYTH_LAZER,
    QUOTE_ORACLE,
    SOL,
    on_both_programs,
    put_oracle,
)


@on_both_programs
def test_a_limit_order_is_built_and_simulated_and_never_sent(stage):
    reply = stage.place()
    assert reply["ok"]
    assert reply["order"]["state"] == "simulated"
    assert reply["order"]["signature"] is None
    assert "simulateTransaction" in stage.node.calls
    assert "sendTransaction" not in stage.node.calls


@on_both_programs
def test_what_was_simulated_is_the_real_transaction_without_a_signature(stage):
    stage.place()
    message = stage.records.order("a").message
    transaction = VersionedTransaction.from_bytes(base64.b64decode(message))
    assert bytes(transaction.signatures[0]) == bytes(64)
    assert str(transaction.message.account_keys[0]) == stage.policy.authority
    assert stage.node.program in transaction.message.account_keys


@on_both_programs
def test_a_market_that_is_quoted_in_another_coin_than_the_wallet_holds_names_that_coin(stage):
    node, trader = stage.node, stage.trader
    accounts, market, coin = node.accounts, trader.perp_market(SOL), trader.spot_market(7)
    node.put(market, accounts.put("PerpMarket", node.content(market), "quote_spot_market", 7))
    assert stage.place("a")["code"] == "account_missing"
    node.put(coin, accounts.filled("SpotMarket", pubkey=coin, oracle=QUOTE_ORACLE, oracle_source=PYTH_LAZER))
    assert stage.place("b")["order"]["state"] == "simulated"
    transaction = VersionedTransaction.from_bytes(base64.b64decode(stage.records.order("b").message))
    assert coin in {str(key) for key in transaction.message.account_keys}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "DOGE-PERP"}, "symbol_not_allowed"),
        ({"base_raw": 51 * 10**9}, "size_over_cap"),
        ({"base_raw": BASE_STEP + 1}, "off_grid"),
        ({"price_raw": ORACLE_PRICE_RAW + 1}, "off_grid"),
        ({"price_raw": ORACLE_PRICE_RAW * 103 // 100}, "price_out_of_band"),
        ({"price_raw": PRICE_STEP}, "price_out_of_band"),
        ({"max_ts_s": NOW_MS // 1000}, "bad_expiry"),
    ],
)
def test_each_rule_of_the_policy_refuses_before_anything_is_built(stage, changes, code):
    reply = stage.place(**changes)
    assert reply["ok"] is False
    assert reply["code"] == code
    assert "simulateTransaction" not in stage.node.calls


def test_the_limits_of_a_minute_and_of_a_day_hold_across_a_restart(stage):
    stage.reopen(orders_per_minute=2)
    assert [stage.place(id)["ok"] for id in "ab"] == [True, True]
    stage.reopen(orders_per_minute=2)
    assert stage.place("c")["code"] == "too_many_orders"
    assert stage.place("d", reduce_only=True)["ok"]
    stage.clock.ms += 60_000
    assert stage.place("e", valid_until_ms=stage.clock.ms)["ok"]
    stage.reopen(daily_notional_raw=4 * 150_000_000)
    assert stage.place("f", valid_until_ms=stage.clock.ms)["ok"]
    assert stage.place("g", valid_until_ms=stage.clock.ms)["code"] == "daily_notional"
    assert stage.place("h", valid_until_ms=stage.clock.ms, reduce_only=True)["ok"]


def test_halted_lets_only_what_reduces_pass_and_the_desk_cannot_lift_the_operators_halt(stage):
    assert stage.ask("halt")["halted"] == {"operator": False, "desk": True}
    assert stage.place("a")["code"] == "halted"
    assert stage.place("b", reduce_only=True)["ok"]
    stage.reopen()
    assert stage.place("c")["code"] == "halted"
    stage.ask("resume")
    assert stage.place("d")["ok"]
    stage.reopen(halted=True)
    stage.ask("resume")
    assert stage.place("e")["code"] == "halted"


@on_both_programs
def test_the_same_id_is_answered_from_the_log_and_other_terms_are_refused(stage):
    first = stage.place()
    n_calls = len(stage.node.calls)
    assert stage.place() == first
    assert stage.place(valid_until_ms=1) == first
    assert stage.place(side="short")["code"] == "terms_differ"
    assert stage.ask("cancel", id="a", valid_until_ms=NOW_MS, target="b")["code"] == "terms_differ"
    assert len(stage.node.calls) == n_calls
    stage.reopen()
    assert stage.place() == first


def test_a_refusal_is_final_for_its_id(stage):
    assert stage.place(base_raw=51 * 10**9)["code"] == "size_over_cap"
    stage.reopen(symbols={"SOL-PERP": (0, 100 * 10**9)})
    assert stage.place(base_raw=51 * 10**9)["code"] == "size_over_cap"
    assert stage.place("b", base_raw=51 * 10**9)["ok"]


def test_a_request_that_comes_too_late_is_refused_and_leaves_no_trace(stage):
    assert stage.place(valid_until_ms=NOW_MS - 1)["code"] == "stale_request"
    assert stage.ask("orders", id="a")["code"] == "unknown_order"


@pytest.mark.parametrize(
    ("oracle", "word"),
    [
        ({"age_slots": 51}, "slots old"),
        ({"exponent": -19}, "counts in"),
        ({"exponent": 2**31 - 1}, "counts in"),
        ({"confidence_bps": 21}, "wider"),
        ({"price_raw": 0}, "price"),
    ],
)
def test_no_order_passes_an_oracle_that_is_stale_wide_or_empty(stage, oracle, word):
    from tests.gateway.stage import ORACLES, SOL

    put_oracle(stage.node, ORACLES[SOL], **oracle)
    reply = stage.place()
    assert reply["code"] == "oracle_unfit"
    assert word in reply["reason"]


@on_both_programs
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (101, "venue_gone"),
        (3012, "venue_gone"),
        (102, "layout_unknown"),
        (3005, "layout_unknown"),
        (6024, "venue_paused"),
        (6147, "venue_paused"),
        (6003, "insufficient_funds"),
        (6050, "simulation_failed"),
    ],
)
def test_what_the_program_answers_becomes_a_closed_code(stage, answer, code):
    stage.node.program_answers(answer)
    reply = stage.place()
    assert reply["code"] == code
    assert reply["order"]["program_code"] == answer
    assert reply["order"]["state"] == "refused"


@pytest.mark.parametrize("fault", ["lose_request", "lose_answer", "too_many", "garbage", "other_id"])
@pytest.mark.parametrize("method", ["getMultipleAccounts", "getLatestBlockhash", "simulateTransaction"])
def test_a_node_in_trouble_is_a_refusal_whatever_the_trouble(stage, method, fault):
    stage.node.faults = lambda asked: fault if asked == method else None
    assert stage.place()["code"] == "venue_unreachable"
    stage.node.faults = lambda _: None
    retried = stage.place()
    assert retried["ok"] is (method != "simulateTransaction"), (
        "an order on record keeps its end, others may be asked again"
    )


def test_the_log_holds_every_fact_sealed(stage):
    stage.place()
    lines = (stage.folder / "dry.log").read_text().splitlines()
    facts = [json.loads(line.split(" ", 1)[1]) for line in lines]
    assert [one["fact"] for one in facts] == ["begun", "asked", "moved"]


SOON_S = NOW_MS // 1000 + 30
KINDS = {
    "limit": {"post_only": "must"},
    "ioc": {},
    "market": {"auction_slots": 10, "auction_start_raw": ORACLE_PRICE_RAW, "auction_end_raw": ORACLE_PRICE_RAW},
    "oracle": {"oracle_offset_raw": 1_000, "auction_slots": 10, "auction_start_raw": -100, "auction_end_raw": 100},
    "trigger_market": {"trigger_price_raw": ORACLE_PRICE_RAW * 9 // 10, "trigger_when": "below"},
    "trigger_limit": {"trigger_price_raw": ORACLE_PRICE_RAW * 9 // 10, "trigger_when": "below"},
}


def of_kind(kind, **changes):
    price = {"trigger_limit": ORACLE_PRICE_RAW * 9 // 10, "oracle": None, "trigger_market": None}.get(
        kind, ORACLE_PRICE_RAW
    )
    return {"kind": kind, "price_raw": price, "max_ts_s": SOON_S, **KINDS[kind], **changes}


@on_both_programs
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("reduce_only", [True, False])
def test_an_order_of_each_kind_passes_and_is_simulated(stage, kind, reduce_only):
    assert stage.place(**of_kind(kind, reduce_only=reduce_only))["order"]["state"] == "simulated"


@on_both_programs
@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("market", {"auction_start_raw": ORACLE_PRICE_RAW * 97 // 100}, "price_out_of_band"),
        ("market", {"auction_end_raw": -1}, "price_out_of_band"),
        ("market", {"max_ts_s": SOON_S + 100}, "bad_expiry"),
        ("oracle", {"oracle_offset_raw": 4_000_000}, "price_out_of_band"),
        ("oracle", {"auction_end_raw": -4_000_000}, "price_out_of_band"),
        ("trigger_market", {"trigger_price_raw": ORACLE_PRICE_RAW * 8 // 10}, "price_out_of_band"),
        ("trigger_limit", {"price_raw": ORACLE_PRICE_RAW}, "price_out_of_band"),
    ],
)
def test_each_price_of_each_kind_is_held_to_its_band(stage, kind, changes, code):
    assert stage.place(**of_kind(kind, **changes))["code"] == code
