"""Is the venue alive? Asked before live begins; every part is told, and live starts only when all of them hold."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from execution.gateway.acting import in_words, meaning
from execution.gateway.chain import Chain
from execution.gateway.codes import Refused
from execution.gateway.instructions import place
from execution.gateway.policy import Policy
from execution.gateway.rpc import RpcRefused, Unreachable
from execution.gateway.transaction import compile_message
from execution.gateway.venue import Reading, Venue

SLOT_WAIT_S = 3.0
SLOT_LOOKS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the proof. name: what is asked; holds: whether it is so; found: what was seen."""

    name: str
    holds: bool
    found: str


class Preflight:
    """The proof that the venue is alive, in parts that do not stand in for each other."""

    def __init__(self, policy: Policy, venue: Venue, chain: Chain, wait: Callable[[float], None] = time.sleep) -> None:
        self._policy, self._venue, self._chain, self._wait = policy, venue, chain, wait

    def parts(self) -> list[Part]:
        """Return every part, in order; one that fails does not keep the others from being asked."""
        checks: list[tuple[str, Callable[[], tuple[bool, str]]]] = [
            ("the network is the policy's", self._network),
            ("the program can be run", self._program),
            ("the slots move", self._slots),
            ("the accounts are of the layout we know", self._layouts),
            ("the State is not paused", self._state),
            *((f"{name} is active", self._market(name)) for name in self._policy.symbols),
            *((f"the oracle of {name} is fit", self._oracle(name)) for name in self._policy.symbols),
            *((f"a simulated order of {name} is answered", self._order(name)) for name in self._policy.symbols),
        ]
        return [_part(name, check) for name, check in checks]

    def _network(self) -> tuple[bool, str]:
        found = self._chain.genesis()
        return found == self._policy.network, f"genesis {found}"

    def _program(self) -> tuple[bool, str]:
        program = self._venue.trader.profile.program
        _, (found,) = self._chain.accounts([program])
        if found is None:
            return False, f"{program} is not on chain"
        return found.executable, f"{program} is {'' if found.executable else 'not '}executable"

    def _slots(self) -> tuple[bool, str]:
        first = last = self._chain.slot()
        for _ in range(SLOT_LOOKS):
            if last > first:
                break
            self._wait(SLOT_WAIT_S / SLOT_LOOKS)
            last = self._chain.slot()
        return last > first, f"slot {first}, then {last}"

    def _layouts(self) -> tuple[bool, str]:
        """Read every account that an order of the policy rests on; one of another kind or size is refused by name."""
        indices = [symbol.market_index for symbol in self._policy.symbols.values()]
        reading = self._venue.read(indices)
        for index in indices:
            self._venue.oracle(reading, index)
        layouts = self._venue.trader.profile.layouts
        return True, ", ".join(f"{name} {layout['bytes']}" for name, layout in layouts.items()) + " bytes"

    def _state(self) -> tuple[bool, str]:
        status = self._venue.read([]).state["exchange_status"]
        return status == 0, f"exchange status {status:#010b}"

    def _market(self, name: str) -> Callable[[], tuple[bool, str]]:
        def check() -> tuple[bool, str]:
            market = self._reading(name).perp_markets[self._policy.symbols[name].market_index]
            status, paused = market["status"], market["paused_operations"]
            is_active = status == self._venue.trader.profile.market_active
            return is_active and not paused, f"status {status}, paused operations {paused:#010b}"

        return check

    def _oracle(self, name: str) -> Callable[[], tuple[bool, str]]:
        def check() -> tuple[bool, str]:
            grid = self._venue.grid(self._reading(name), self._policy.symbols[name].market_index)
            return True, f"price {grid.oracle_price_raw} (1e-6)"

        return check

    def _order(self, name: str) -> Callable[[], tuple[bool, str]]:
        """Simulate the least order: post-only, a tenth below the oracle. Only a clean one counts."""

        def check() -> tuple[bool, str]:
            index, reading = self._policy.symbols[name].market_index, self._reading(name)
            grid = self._venue.grid(reading, index)
            price_raw = grid.oracle_price_raw * 9 // 10
            order = {
                "kind": "limit",
                "side": "long",
                "base_raw": max(grid.least_base_raw, grid.base_step_raw),
                "price_raw": max(grid.price_step_raw, price_raw - price_raw % grid.price_step_raw),
                "reduce_only": False,
                "post_only": "must",
            }
            trader = self._venue.trader
            instruction = place(trader, order, index, 0, self._venue.remaining(reading, index, takes=False))
            blockhash = self._chain.latest_blockhash()
            compiled = compile_message(trader.authority, [instruction], blockhash.text, self._policy.limits)
            failure = self._chain.simulate(compiled.unsigned)
            if failure is None:
                return True, "clean"
            return False, f"{meaning(trader.profile, failure)}: {in_words(trader.profile, failure)}"

        return check

    def _reading(self, name: str) -> Reading:
        return self._venue.read([self._policy.symbols[name].market_index])


def _part(name: str, check: Callable[[], tuple[bool, str]]) -> Part:
    try:
        holds, found = check()
    except (Refused, Unreachable, RpcRefused) as error:
        return Part(name, holds=False, found=str(error))
    return Part(name, holds=holds, found=found)
