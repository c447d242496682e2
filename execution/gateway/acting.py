"""One order from request to the network: judged, on record, built, simulated, signed, on record again, sent.

The order of the steps is the safety: nothing is signed before its simulation was clean, nothing signed leaves before
it is durable, and one client order id has at most one signature for ever. What could not be sent is followed
(following.py), never made anew.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from execution.gateway.book import Order, Signed
from execution.gateway.chain import Blockhash, Chain, Failure
from execution.gateway.codes import Code, Refused, State
from execution.gateway.instructions import Instruction, cancel, cancel_all, place
from execution.gateway.policy import Policy, judge
from execution.gateway.profiles import Profile
from execution.gateway.records import Records
from execution.gateway.rpc import RpcRefused, Unreachable
from execution.gateway.schema import Request
from execution.gateway.transaction import Compiled, compile_message
from execution.gateway.venue import Reading, Venue
from execution.gateway.wallet import Wallet

# Answers that a retry may change: they leave no trace, so that the same id can be asked for again.
PASSING = frozenset(
    {Code.STALE_REQUEST, Code.VENUE_UNREACHABLE, Code.UNRESOLVED, Code.LOG_UNAVAILABLE, Code.IDS_USED_UP}
)
GONE_WORDS = ("ProgramAccountNotFound", "InvalidProgramForExecution", "UnsupportedProgramId", "InvalidAccountForFee")
NO_FUNDS_WORDS = ("InsufficientFundsForFee", "InsufficientFundsForRent", "AccountNotFound")


class Acting:
    """Places and cancels, one at a time.

    wallet: present in live mode only; without it everything ends in the simulation.
    may_send: says whether every order signed before the start has a known fate.
    """

    def __init__(
        self,
        policy: Policy,
        records: Records,
        venue: Venue,
        chain: Chain,
        now_ms: Callable[[], int],
        *,
        wallet: Wallet | None,
        may_send: Callable[[], bool],
    ) -> None:
        self._policy, self._records, self._venue, self._chain = policy, records, venue, chain
        self._now_ms, self._wallet, self._may_send = now_ms, wallet, may_send
        self._one_at_a_time = threading.Lock()

    def act(self, request: Request) -> Order:
        """Return the order of a request: the one on record, or a new one brought as far as the mode allows.

        Raises
        ------
        Refused
            When the id was used for other terms, or for a reason that leaves no trace (`PASSING`).
        """
        with self._one_at_a_time:
            known = self._records.order(request.fields["id"])
            if known is not None:
                return _same(known, request)
            try:
                return self._begin(request)
            except Refused as refused:
                if refused.code in PASSING:
                    raise
                return self._records.ask(_refused(self._new(request), refused))

    def void(self, request: Request) -> Order:
        """Return the order of an id, or make sure that there never is one: then the id is on record as given up.

        It waits for what is being acted upon, so a request still on its way finds the id taken.
        """
        with self._one_at_a_time:
            known = self._records.order(request.fields["id"])
            if known is not None:
                return known
            return self._records.ask(_refused(self._new(request), Refused(Code.VOIDED, "no order may bear it")))

    def _begin(self, request: Request) -> Order:
        if request.fields["valid_until_ms"] < self._now_ms():
            raise Refused(Code.STALE_REQUEST, f"it was meant until {request.fields['valid_until_ms']}")
        if not self._may_send():
            raise Refused(Code.UNRESOLVED, "ask again; it is being looked up")
        order = self._new(request)
        try:
            order, instruction = self._prepared(order)
            blockhash = self._chain.latest_blockhash()
        except (Unreachable, RpcRefused) as error:
            raise Refused(Code.VENUE_UNREACHABLE, str(error)) from error
        self._records.ask(order)
        return self._simulate(order, instruction, blockhash)

    def _prepared(self, order: Order) -> tuple[Order, Instruction]:
        match order.op:
            case "place":
                return self._placing(order)
            case "cancel":
                return order, self._cancelling(order)
            case _:
                return order, self._cancelling_all(order)

    def _placing(self, order: Order) -> tuple[Order, Instruction]:
        terms, policy = order.terms, self._policy
        symbol = policy.symbols.get(terms["symbol"])
        if symbol is None:
            raise Refused(Code.SYMBOL_NOT_ALLOWED, f"{terms['symbol']} is not in the policy")
        reading = self._venue.read([symbol.market_index])
        self._venue.hold_open(reading, symbol.market_index, reduces=terms["reduce_only"])
        grid = self._venue.grid(reading, symbol.market_index)
        halted = policy.halted or self._records.halted
        usage = self._records.usage(order.asked_ms)
        notional_raw = judge(policy, terms, grid, usage, order.asked_ms, halted=halted)
        number = self._records.free_user_order_id(one["user_order_id"] for one in reading.open_orders)
        if number is None:
            raise Refused(Code.IDS_USED_UP, "255 orders may be open")
        remaining = self._venue.remaining(reading, symbol.market_index, takes=terms["kind"] == "ioc")
        instruction = place(self._venue.trader, terms, symbol.market_index, number, remaining)
        return replace(order, user_order_id=number, notional_raw=notional_raw), instruction

    def _cancelling(self, order: Order) -> Instruction:
        target = self._records.order(order.terms["target"])
        if target is None or target.op != "place" or not target.user_order_id:
            raise Refused(Code.UNKNOWN_ORDER, f"{order.terms['target']} was never placed")
        latest = self._records.latest_of(target.user_order_id)
        if latest is None or latest.id != target.id:
            raise Refused(Code.UNKNOWN_ORDER, f"the number of {target.id} belongs to a later order")
        remaining = self._venue.remaining(self._read(), None, takes=False)
        return cancel(self._venue.trader, target.user_order_id, remaining)

    def _cancelling_all(self, order: Order) -> Instruction:
        index = None
        if "symbol" in order.terms:
            symbol = self._policy.symbols.get(order.terms["symbol"])
            if symbol is None:
                raise Refused(Code.SYMBOL_NOT_ALLOWED, f"{order.terms['symbol']} is not in the policy")
            index = symbol.market_index
        return cancel_all(self._venue.trader, index, self._venue.remaining(self._read(), None, takes=False))

    def _read(self) -> Reading:
        return self._venue.read([])

    def _simulate(self, order: Order, instruction: Instruction, blockhash: Blockhash) -> Order:
        try:
            compiled = compile_message(self._venue.trader.authority, [instruction], blockhash.text, self._policy.limits)
            failure = self._chain.simulate(compiled.unsigned)
        except (Unreachable, RpcRefused) as error:
            return self._end(order, Code.VENUE_UNREACHABLE, str(error), None)
        except ValueError as error:
            return self._end(order, Code.INTERNAL, str(error), None)
        if failure is not None:
            profile = self._venue.trader.profile
            return self._end(order, meaning(profile, failure), in_words(profile, failure), failure.program_code)
        if self._wallet is None:
            return self._move(replace(order, state=State.SIMULATED, message=compiled.unsigned))
        return self._send(order, compiled, blockhash, self._wallet)

    def _send(self, order: Order, compiled: Compiled, blockhash: Blockhash, wallet: Wallet) -> Order:
        signature, transaction = compiled.signed_by(wallet)
        signed = Signed(
            signature=signature,
            transaction=transaction,
            last_valid_height=blockhash.last_valid_height,
            slot=blockhash.slot,
        )
        order = self._move(replace(order, state=State.SIGNED, signed=signed))
        try:
            self._chain.send(transaction)
        except (Unreachable, RpcRefused):
            # It may have gone out all the same. Only its signature's fate, or its blockhash's end, will tell.
            return order
        return order

    def _end(self, order: Order, code: Code, reason: str, program_code: int | None) -> Order:
        ended = replace(order, state=State.REFUSED, code=code, reason=reason, program_code=program_code)
        return self._move(ended)

    def _move(self, order: Order) -> Order:
        return self._records.move(order, self._now_ms())

    def _new(self, request: Request) -> Order:
        terms = {name: value for name, value in request.terms.items() if name != "id"}
        return Order(id=request.fields["id"], op=request.op, terms=terms, asked_ms=self._now_ms(), state=State.ACCEPTED)


def meaning(profile: Profile, failure: Failure) -> Code:
    """Return which closed code a failed transaction stands for."""
    if failure.program_code in profile.gone or any(word in failure.text for word in GONE_WORDS):
        return Code.VENUE_GONE
    if failure.program_code in profile.changed:
        return Code.LAYOUT_UNKNOWN
    if failure.program_code in profile.paused:
        return Code.VENUE_PAUSED
    if failure.program_code in profile.insufficient or any(word in failure.text for word in NO_FUNDS_WORDS):
        return Code.INSUFFICIENT_FUNDS
    return Code.SIMULATION_FAILED


def in_words(profile: Profile, failure: Failure) -> str:
    """Return why a transaction fails: the node's words, and what the program's number means where that is known."""
    words = profile.refusals.get(failure.program_code) if failure.program_code is not None else None
    return failure.text if words is None else f"{failure.text}: {words}"


def _same(known: Order, request: Request) -> Order:
    if known.op == "void":
        return known
    terms: dict[str, Any] = {name: value for name, value in request.terms.items() if name != "id"}
    if known.op != request.op or dict(known.terms) != terms:
        raise Refused(Code.TERMS_DIFFER, f"{known.id} is on record as another {known.op}")
    return known


def _refused(order: Order, refused: Refused) -> Order:
    return replace(order, state=State.REFUSED, code=refused.code, reason=refused.detail)
