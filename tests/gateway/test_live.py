"""Live: sent only after a clean simulation, followed to its end, and dead only on proof."""

import base64

import pytest
from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from execution.gateway.book import Signed
from execution.gateway.chain import Head, Sighting
from execution.gateway.codes import State
from execution.gateway.following import Fate, fate
from execution.gateway.instructions import derive
from tests.gateway.node import BLOCKS_TO_FINAL, BLOCKS_VALID
from tests.gateway.stage import NOW_MS, ORACLES, SOL, WALLET, on_both_programs, put_oracle


@pytest.fixture
def live(stage):
    stage.records.close()
    stage.clock.step_s = 1.0
    return stage.open(live=True)


def state(stage, id="a"):
    return stage.records.order(id).state


def placed(node):
    return [one[2]["user_order_id"] for one in node.executed if one[1].startswith("place")]


@on_both_programs
def test_an_order_is_signed_sent_seen_and_final(live):
    reply = live.place()
    assert (reply["ok"], reply["order"]["state"]) == (True, "signed")
    live.look()
    assert state(live) is State.SIGNED
    live.look(blocks=1)
    assert state(live) is State.CONFIRMED
    live.look(blocks=BLOCKS_TO_FINAL)
    assert state(live) is State.LANDED
    resting = live.ask("orders")["resting"]
    assert [(one["id"], one["user_order_id"]) for one in resting] == [("a", 1)]


def test_nothing_is_signed_when_the_simulation_is_not_clean(live):
    live.node.program_answers(6003)
    assert live.place()["code"] == "insufficient_funds"
    assert live.records.order("a").signed is None
    assert "sendTransaction" not in live.node.calls


def test_the_signature_is_durable_before_it_leaves(live):
    seen = []

    def look(method):
        if method == "sendTransaction":
            seen.append((live.folder / "live.log").read_text())

    live.node.faults = look
    live.place()
    assert live.records.order("a").signed.signature in seen[0]


def test_the_node_never_gets_a_signed_transaction_to_simulate(live):
    asked = []
    answer = live.node.answer
    live.node.answer = lambda method, params: asked.append((method, params)) or answer(method, params)
    live.place()
    simulated = next(params[0] for method, params in asked if method == "simulateTransaction")
    assert bytes(VersionedTransaction.from_bytes(base64.b64decode(simulated)).signatures[0]) == bytes(64)


@pytest.mark.parametrize("fault", ["lose_request", "lose_answer", "too_many", "garbage", "swallow", "other_id"])
def test_a_send_of_unknown_outcome_ends_in_exactly_one_order(live, fault):
    faults = iter([fault])
    live.node.faults = lambda method: next(faults, None) if method == "sendTransaction" else None
    assert live.place()["order"]["state"] == "signed"
    for _ in range(3):
        live.look(blocks=1)
    live.look(blocks=BLOCKS_TO_FINAL)
    assert state(live) is State.LANDED
    assert placed(live.node) == [1]


def test_an_order_that_never_lands_is_dead_only_when_its_blockhash_is_over_and_final(live):
    live.node.faults = lambda method: "swallow" if method == "sendTransaction" else None
    live.place()
    last = live.records.order("a").signed.last_valid_height
    live.look(blocks=last - live.node.height)
    assert state(live) is State.SIGNED
    live.look(blocks=BLOCKS_TO_FINAL)
    assert state(live) is State.SIGNED
    live.look(blocks=1)
    assert state(live) is State.EXPIRED
    reply = live.place()
    assert (reply["ok"], reply["code"]) == (False, "blockhash_expired")
    assert placed(live.node) == []


def test_what_is_over_is_not_sent_again(live):
    live.node.faults = lambda method: "swallow" if method == "sendTransaction" else None
    live.place()
    live.look(blocks=BLOCKS_VALID + BLOCKS_TO_FINAL + 1)
    n_sent = live.node.calls.count("sendTransaction")
    live.look(blocks=10)
    assert live.node.calls.count("sendTransaction") == n_sent


def test_a_node_that_has_forgotten_the_blocks_proves_nothing(live):
    live.place()
    live.node.advance(1)
    live.node.first_available = live.node.slot + 1
    live.look(blocks=2 * BLOCKS_VALID)
    assert state(live) is State.SIGNED


def test_an_orders_number_on_chain_outweighs_a_node_that_has_lost_its_signature(live):
    live.place()
    live.node.advance(1)
    live.node.landed.clear()
    live.node.faults = lambda method: "swallow" if method == "sendTransaction" else None
    live.look(blocks=BLOCKS_VALID + BLOCKS_TO_FINAL + 1)
    assert state(live) is State.LANDED


@pytest.mark.parametrize("again", [True, False])
def test_a_fork_that_takes_an_order_back_leaves_it_open_until_it_is_final(live, again):
    live.place()
    live.look(blocks=1)
    assert state(live) is State.CONFIRMED
    live.node.fork(again=again)
    live.look()
    assert state(live) is State.SIGNED
    live.look(blocks=1)
    live.look(blocks=BLOCKS_TO_FINAL)
    assert state(live) is State.LANDED
    assert placed(live.node) == [1]


@on_both_programs
def test_an_order_that_lands_with_an_error_is_failed_with_the_programs_number(live):
    live.place()
    live.node.program_answers(6024)
    live.look(blocks=1)
    live.look(blocks=BLOCKS_TO_FINAL)
    order = live.records.order("a")
    assert (order.state, order.code, order.program_code) == (State.FAILED, "program_refused", 6024)


@on_both_programs
def test_after_a_restart_nothing_is_sent_before_the_old_fate_is_known(live):
    live.node.faults = lambda method: "lose_request" if method == "sendTransaction" else None
    live.place()
    live.node.faults = lambda _: None
    live.reopen(live=True)
    assert live.place("b")["code"] == "unresolved"
    assert live.ask("cancel_all", id="c", valid_until_ms=NOW_MS)["code"] == "unresolved"
    live.look()
    live.look(blocks=1)
    assert live.place("b")["order"]["state"] == "signed"
    live.look(blocks=1)
    assert placed(live.node) == [1, 2]


@on_both_programs
def test_cancelling_goes_by_the_number_of_the_order_and_only_while_it_is_its_own(live):
    live.place("a")
    live.place("b")
    live.look(blocks=1)
    assert live.ask("cancel", id="x", valid_until_ms=NOW_MS, target="a")["ok"]
    live.look(blocks=1)
    assert [one["id"] for one in live.ask("orders")["resting"]] == ["b"]
    assert live.ask("cancel", id="y", valid_until_ms=NOW_MS, target="nobody")["code"] == "unknown_order"
    assert live.ask("cancel_all", id="z", valid_until_ms=NOW_MS, symbol="SOL-PERP")["ok"]
    live.look(blocks=1)
    assert live.ask("orders")["resting"] == []


def test_a_number_is_not_given_twice_while_its_order_may_be_open(live):
    numbers = []
    for turn in range(258):
        put_oracle(live.node, ORACLES[SOL])
        numbers.append(live.place(f"a{turn}")["order"]["user_order_id"])
        live.look(blocks=1)
        if turn:
            assert live.ask("cancel", id=f"c{turn}", valid_until_ms=NOW_MS, target=f"a{turn}")["ok"]
        live.look(blocks=BLOCKS_TO_FINAL + 1)
    assert numbers == [*range(1, 256), 2, 3, 4], "the first order rests still, and keeps its number"
    assert live.ask("cancel", id="old", valid_until_ms=NOW_MS, target="a2")["code"] == "unknown_order"


@on_both_programs
def test_an_ioc_order_changes_the_position_and_rests_nowhere(live):
    assert live.place(kind="ioc")["ok"]
    live.look(blocks=1)
    assert live.ask("orders")["resting"] == []
    (position,) = live.ask("positions")["positions"]
    assert (position["market_index"], position["base_asset_amount"]) == (SOL, 10**9)


@on_both_programs
def test_every_proof_holds_on_a_venue_that_lives(live):
    live.node.moves = frozenset({"getSlot"})
    parts = live.preflight.parts()
    assert [one.name for one in parts if not one.holds] == []
    assert len(parts) == 11


def pause(node):
    node.put(node.state, node.accounts.put("State", node.content(node.state), "exchange_status", 8))


def grow(node):
    node.put(node.state, node.content(node.state) + bytes(8))


def close_market(node):
    market = derive(str(node.program), b"perp_market", bytes(2))
    node.put(market, node.accounts.put("PerpMarket", node.content(market), "status", 3))


def gone(node):
    node.put(node.user, b"", owner=node.program)


LAYOUTS = "the accounts are of the layout we know"


@on_both_programs
@pytest.mark.parametrize(
    ("trouble", "failing"),
    [
        (pause, ["the State is not paused"]),
        (close_market, ["SOL-PERP is active"]),
        (lambda node: put_oracle(node, ORACLES[SOL], age_slots=51), ["the oracle of SOL-PERP is fit"]),
        (lambda node: node.program_answers(101), ["a simulated order of SOL-PERP is answered"]),
        (lambda node: node.program_answers(3012), ["a simulated order of SOL-PERP is answered"]),
        (lambda node: node.program_answers(6147), ["a simulated order of SOL-PERP is answered"]),
        (lambda node: setattr(node, "moves", frozenset()), ["the slots move"]),
        (grow, [LAYOUTS, "the State is not paused", "SOL-PERP is active"]),
        (gone, [LAYOUTS, "the State is not paused", "SOL-PERP is active", "the oracle of SOL-PERP is fit"]),
    ],
)
def test_each_proof_fails_by_its_own_name(live, trouble, failing):
    live.node.moves = frozenset({"getSlot"})
    trouble(live.node)
    failed = [one.name for one in live.preflight.parts() if not one.holds]
    assert set(failing) <= set(failed)
    if len(failing) == 1 and "simulated" not in failing[0]:
        about_orders = {name for name in failed if "simulated" in name}
        assert set(failed) - about_orders == set(failing)


def test_another_network_is_no_place_for_live(live, monkeypatch):
    monkeypatch.setattr("tests.gateway.node.GENESIS", "1" * 32)
    live.node.moves = frozenset({"getSlot"})
    assert [one.name for one in live.preflight.parts() if not one.holds] == ["the network is the policy's"]


SIGNED = Signed(signature="s", transaction="t", last_valid_height=100, slot=50)


@pytest.mark.parametrize(
    ("head", "sighting", "first_slot", "expected"),
    [
        (Head(60, 100), Sighting(70, found=False), 0, Fate.OPEN),
        (Head(60, 101), Sighting(60, found=False), 0, Fate.DEAD),
        (Head(60, 101), Sighting(59, found=False), 0, Fate.OPEN),
        (Head(60, 101), Sighting(60, found=False), 51, Fate.OPEN),
        (Head(60, 500), Sighting(60, found=True), 51, Fate.SEEN),
        (Head(60, 500), Sighting(60, found=True, final=True), 51, Fate.FINAL),
    ],
)
def test_dead_needs_every_part_of_its_proof(head, sighting, first_slot, expected):
    assert fate(SIGNED, head, sighting, first_slot) is expected


@on_both_programs
def test_a_cancellation_that_overtakes_its_order_is_refused_and_a_replayed_order_stays_one(live):
    assert live.ask("cancel", id="x", valid_until_ms=NOW_MS, target="a")["code"] == "unknown_order"
    live.place()
    live.look(blocks=1)
    live.look(blocks=BLOCKS_TO_FINAL)
    n_sent = live.node.calls.count("sendTransaction")
    ended = live.place()
    assert ended["order"]["state"] == "landed"
    live.reopen(live=True)
    assert live.place() == ended
    assert live.node.calls.count("sendTransaction") == n_sent
    assert placed(live.node) == [1]


def test_a_wallet_that_cannot_pay_the_fee_signs_nothing(live):
    live.node.svm.set_account(WALLET.pubkey(), Account(1, b"", Pubkey.default(), False, 0))
    assert live.place()["code"] == "insufficient_funds"
    assert live.records.order("a").signed is None
