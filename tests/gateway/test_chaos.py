"""Orders through a live gateway that is killed at every boundary, over a node that loses, repeats, garbles and forks.

The first version of the order chaos, without the desk: its part is played by a client that asks for the same id until
it is told an end, and makes a new id only of an order that is proven never to have been done.
"""

import os
import time

import numpy as np

from execution.gateway.log import Log
from tests.gateway.boundaries import BOUNDARIES
from tests.gateway.process import Running
from tests.gateway.stage import policy_text, private_file

N_INTENTS = int(os.environ.get("TIDEGATE_GATEWAY_ORDERS", "80"))
FAULTS = ("lose_request", "lose_answer", "too_many", "garbage", "other_id")
MOST_RESTING = 20
MOST_TRIES = 400
NEVER_DONE = {"expired", "abandoned", "refused"}


class Desk:
    """Wants orders, each exactly once, of a gateway that dies."""

    def __init__(self, folder, server, seed):
        self.drawn = np.random.default_rng(seed)
        self.node = server.node
        self.running = Running(folder, server.url, "live")
        wide = {"most_oracle_age_slots": 10**9, "orders_per_minute": 10**6, "reducing_orders_per_minute": 10**6}
        private_file(folder / "policy.toml", policy_text(**wide))
        self.node.moves = frozenset({"getEpochInfo", "getSlot", "getLatestBlockhash"})
        self.client, self.deaths = None, []
        self.boundaries = list(self.drawn.permutation(list(BOUNDARIES)))

    def start(self):
        """Start the gateway anew, with the next way to die."""
        self.node.faults = lambda _: None
        if self.running.process:
            self.running.leave()
        boundary = self.boundaries[len(self.deaths) % len(self.boundaries)]
        count = str(1 + self.drawn.integers(BOUNDARIES[boundary]))
        self.running.program = ("-m", "tests.gateway.crashing", boundary, count)
        self.deaths.append(boundary)
        said = [one["said"] for one in self.running.start()]
        assert not {"cannot start", "raw"} & set(said), self.running.said
        self.client = None
        if "ready" in said:
            self.client = self.running.client()
            self.node.faults = self.fault

    def fault(self, method):
        """Draw what goes wrong with one call."""
        if method == "getEpochInfo" and self.drawn.random() < 0.02:
            self.node.fork(again=bool(self.drawn.integers(2)))
        likely = 0.4 if method == "sendTransaction" else 0.03
        if self.drawn.random() >= likely:
            return None
        faults = (*FAULTS, "swallow") if method == "sendTransaction" else FAULTS
        return str(self.drawn.choice(faults))

    def ask(self, op, **fields):
        """Ask once; `{}` when the gateway died, which starts it again."""
        reply = self.client.ask(op, **fields) if self.client else {}
        if not reply:
            self.start()
        return reply

    def until_ended(self, op, id, **fields):
        """Ask for one id until its order has an end; return its state."""
        for _ in range(MOST_TRIES):
            reply = self.ask(op, id=id, **fields)
            state = reply.get("order", {}).get("state")
            if state in {"landed", "failed", *NEVER_DONE}:
                return state
            # Nothing to be in time for: the gateway's follower makes the blocks, and this lets it run.
            time.sleep(0.01)
        raise AssertionError(f"{id} has no end: {reply}, {self.deaths[-1]}")

    def want(self, name, op, **fields):
        """Have one thing done, under a new id each time the old one is proven never done; return the ids."""
        ids = []
        while True:
            ids.append(f"{name}.{len(ids)}")
            state = self.until_ended(op, ids[-1], valid_until_ms=2**52, **fields)
            if state == "landed":
                return ids
            assert state in NEVER_DONE, state


def test_no_order_is_doubled_and_none_lost_whenever_the_gateway_dies(tmp_path, server):
    tmp_path.chmod(0o700)
    desk = Desk(tmp_path, server, seed=7)
    wanted, done = 0, []
    for turn in range(N_INTENTS):
        kind, side = ("ioc", "limit")[turn % 3 == 0], ("long", "short")[int(desk.drawn.integers(2))]
        base_raw = 10_000_000 * int(1 + desk.drawn.integers(90))
        done.append(
            desk.want(
                f"o{turn}",
                "place",
                symbol="SOL-PERP",
                kind=kind,
                side=side,
                base_raw=base_raw,
                reduce_only=False,
                price_raw=150_000_000,
            )[-1]
        )
        if kind == "ioc":
            wanted += base_raw if side == "long" else -base_raw
        if turn % MOST_RESTING == 0:
            desk.want(f"c{turn}", "cancel_all")
    desk.want("last", "cancel_all")
    desk.running.process.kill()
    desk.running.leave()
    hold_to_the_chain(desk, tmp_path, done, wanted)


def hold_to_the_chain(desk, folder, done, wanted):
    """Compare the log, the chain and what was wanted."""
    log = Log(folder / "orders.log")
    states, signatures = {}, {}
    for entry in log.entries[1:]:
        if entry["fact"] == "asked":
            assert entry["id"] not in states, "an id is asked for once"
        states[entry["id"]] = entry["state"]
        if entry.get("signed"):
            signatures.setdefault(entry["id"], set()).add(entry["signed"]["signature"])
    log.close()
    assert all(len(found) == 1 for found in signatures.values()), "an id has one signature for ever"
    owner = {next(iter(found)): id for id, found in signatures.items()}
    executed = [owner[signature] for signature, _, _ in desk.node.executed]
    assert len(executed) == len(set(executed)), "no order is done twice"
    assert set(executed) == {id for id, state in states.items() if state == "landed"}, "log and chain agree"
    assert [id for id in executed if id.startswith("o")] == done, "every order that was wanted is there, once, in order"
    (position,) = [one for one in positions(desk) if one["base_asset_amount"]] or [{"base_asset_amount": 0}]
    assert position["base_asset_amount"] == wanted
    assert set(desk.deaths) == set(BOUNDARIES), "every boundary was a place to die"


def positions(desk):
    return desk.node.accounts.read_rows(desk.node.content(desk.node.user), "perp_positions")
