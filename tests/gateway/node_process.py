"""The test chain as a process: `python -m tests.gateway.node_process`, for tests that cannot hold the chain's packages.

It says `{"url": …}` once it listens; then each line of standard input is one order `{"do": name, …}`, answered by one
line. It ends when its standard input does.
"""

import json
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np

from execution.gateway.clock import SystemClock
from tests.gateway.node import BLOCKS_TO_FINAL
from tests.gateway.node_server import NodeServer
from tests.gateway.stage import (
    BTC,
    ORACLE_PRICE_RAW,
    ORACLES,
    SOL,
    TRADER,
    key_file,
    node_of,
    policy_text,
    private_file,
    put_oracle,
)
from tests.gateway.standin import Floor

MARKETS = {"SOL-PERP": SOL, "BTC-PERP": BTC}
# The figures of mainnet, on which the desk's own grid stands; here both oracles stand at the same price.
STEPS = {SOL: (10_000_000, 100), BTC: (100_000, 100_000)}
MOVES = frozenset({"getEpochInfo", "getSlot", "getLatestBlockhash"})
WIDE = {"most_oracle_age_slots": 10**9, "orders_per_minute": 10**6, "reducing_orders_per_minute": 10**6}


class Control:
    """Carries out what a test orders."""

    def __init__(self, node):
        self.node, self.now_ms = node, None
        self.drawn, self.likely, self.kinds, self.fork_frac, self.once = np.random.default_rng(0), {}, (), 0.0, []
        self.stopped, self.fracs, self.struck = threading.Event(), [], Counter()
        node.moves, node.faults = MOVES, self.fault
        node.floor.ts_s = lambda: (SystemClock().now_ms() if self.now_ms is None else self.now_ms) // 1000
        for index, (base_step, price_step) in STEPS.items():
            market, put = TRADER.perp_market(index), node.accounts.put
            content = put("PerpMarket", node.content(market), "base_step", base_step)
            content = put("PerpMarket", content, "least_base", base_step)
            node.put(market, put("PerpMarket", content, "price_step", price_step))
            self.do_price(index, ORACLE_PRICE_RAW)

    def carry_out(self, do, **words):
        """Carry one order out under the node's lock."""
        with self.node.lock:
            return getattr(self, f"do_{do}")(**words)

    def do_files(self, folder, url, symbols=None, **policy):
        """Write policy, node and key files for a gateway; symbols: {name: [index, most_base_raw]}."""
        private_file(Path(folder) / "policy.toml", policy_text(symbols=symbols, **{**WIDE, **policy}))
        private_file(Path(folder) / "node", url)
        return str(key_file(Path(folder)))

    def do_reset(self):
        """Empty the account and its history; the slots and the program's numbers go on."""
        node = self.node
        next_order_id = node.accounts.read("User", node.content(TRADER.user), "next_order_id")
        node.put(TRADER.user, node.accounts.filled("User", next_order_id=next_order_id))
        for past in (node.waiting, node.landed, node.logs, node.executed, node.floor.fills, node.users):
            past.clear()
        node.floor.ioc_fills, node.first_available = Floor().ioc_fills, 0
        self.fracs.clear()
        self.do_answers(0)
        self.do_faults()
        self.do_once([])
        self.do_beat(0)
        self.do_price(SOL, ORACLE_PRICE_RAW)
        self.do_price(BTC, ORACLE_PRICE_RAW)
        node.advance(BLOCKS_TO_FINAL + 1)
        node.calls.clear()

    def do_advance(self, blocks=1):
        """Make blocks."""
        self.node.advance(blocks)

    def do_beat(self, every_s):
        """Make a block every so often from now on; 0 stops it. The calls themselves then make none."""
        self.stopped.set()
        self.node.moves = MOVES
        if every_s:
            self.node.moves, self.stopped = frozenset(), threading.Event()
            threading.Thread(target=self._beat, args=(self.stopped, every_s), daemon=True).start()

    def _beat(self, stopped, every_s):
        while not stopped.wait(every_s):
            self.node.advance()

    def do_moves(self, methods):
        """Say which calls make a block."""
        self.node.moves = frozenset(methods)

    def do_time(self, now_ms):
        """Set the chain's clock; None is the machine's."""
        self.now_ms = now_ms

    def do_pass_time(self, now_ms, prices, blocks):
        """Move the clock and the oracles (raw, by market), and make the blocks of that time; tell how many fills."""
        self.now_ms = now_ms
        for index, price_raw in prices.items():
            self.do_price(int(index), price_raw)
        self.node.advance(blocks)
        return len(self.node.floor.fills)

    def do_price(self, market_index, price_raw):
        """Move an oracle; resting triggers that it passes go off in the next block."""
        put_oracle(self.node, ORACLES[market_index], price_raw)
        self.node.floor.prices[market_index] = price_raw

    def do_ioc(self, filled=1.0, price="limit"):
        """Say how much of an immediate order is filled, as a share rounded down to the step, and at which price.

        price: `limit`, or `oracle`: then an order whose limit the oracle is beyond fills nothing.
        """
        self.node.floor.ioc_fills = lambda order: self._fill_of(order, filled, price)

    def do_ioc_next(self, fracs):
        """Let each of the next immediate orders find only this share; what comes after them is as before."""
        self.fracs += fracs

    def _fill_of(self, order, filled, price):
        filled = self.fracs.pop(0) if self.fracs else filled
        step = STEPS[order["market_index"]][0]
        base = int(order["base_asset_amount"] * filled) // step * step
        if price == "limit":
            return base, order["price"]
        oracle = self.node.floor.prices[order["market_index"]]
        fits = oracle <= order["price"] if order["direction"] == 0 else oracle >= order["price"]
        return (base if fits else 0), oracle

    def do_outside(self, market_index, direction, base, price_raw, liquidation=False):
        """Fill an order that is not the gateway's: a human's, or a liquidation."""
        self.node.outside_fill(market_index, direction, base, price_raw, 5 if liquidation else 0)

    def do_fork(self, again=True):
        """Take the newest block back."""
        self.node.fork(again=again)

    def do_faults(self, seed=0, likely=None, kinds=(), fork_frac=0.0):
        """Draw faults from now on: likely: share of calls by method, `*` for the others."""
        self.drawn, self.likely = np.random.default_rng(seed), likely or {}
        self.kinds, self.fork_frac = tuple(kinds), fork_frac

    def do_once(self, faults):
        """Let the next call of each (method, fault) fail so."""
        self.once = [tuple(one) for one in faults]

    def fault(self, method):
        """Return what goes wrong with this call."""
        with self.node.lock:
            for one in self.once:
                if one[0] == method:
                    self.once.remove(one)
                    return one[1]
            if method == "getEpochInfo" and self.drawn.random() < self.fork_frac:
                self.struck["fork"] += 1
                self.node.fork(again=bool(self.drawn.integers(2)))
            share = self.likely.get(method, self.likely.get("*", 0.0))
            if not self.kinds or self.drawn.random() >= share:
                return None
            kinds = self.kinds if method == "sendTransaction" else [one for one in self.kinds if one != "swallow"]
            drawn = str(self.drawn.choice(kinds))
            self.struck[drawn] += 1
            return drawn

    def do_struck(self):
        """Tell how often each fault that was drawn has struck, and forks."""
        return dict(self.struck)

    def do_answers(self, code):
        """Let the program return this error from now on, 0 for success."""
        self.node.program_answers(code)

    def do_first_available(self, slot):
        """Let the node forget the blocks before a slot; None: before the newest but one."""
        self.node.first_available = self.node.slot - 1 if slot is None else slot

    def do_cut_logs(self):
        """Cut the logs of all transactions short."""
        for lines in self.node.logs.values():
            lines.append("Log truncated")

    def do_placing(self):
        """Tell what the gateway's transactions did: [signature, instruction, parameters]."""
        return [list(one) for one in self.node.executed]

    def do_fills(self):
        """Tell every fill on chain, oldest first."""
        return self.node.floor.fills

    def do_positions(self):
        """Tell the signed base held, by market index."""
        rows = self.node.accounts.read_rows(self.node.content(TRADER.user), "perp_positions")
        return {str(one["market_index"]): one["base_asset_amount"] for one in rows if one["base_asset_amount"]}

    def do_resting(self):
        """Tell the orders that rest."""
        rows = self.node.accounts.read_rows(self.node.content(TRADER.user), "orders")
        return [one for one in rows if one["status"] == 1]

    def do_calls(self, clear=False):
        """Tell which methods were called."""
        calls = list(self.node.calls)
        if clear:
            self.node.calls.clear()
        return calls

    def do_slot(self):
        """Tell the newest slot."""
        return self.node.slot


def main():
    """Serve until standard input ends."""
    with NodeServer(node_of(TRADER)) as server:
        control = Control(server.node)
        tell({"url": server.url})
        for line in sys.stdin:
            tell({"told": control.carry_out(**json.loads(line))})


def tell(what):
    """Write one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
