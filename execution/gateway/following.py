"""What became of the signed: looked up, handed out again while it can still land, and called dead only on proof.

A transaction is dead when all of this holds: the newest finalized block is higher than the last one its blockhash was
good for; the node, at or after that block, knows nothing of the signature; and the node still has the blocks since it
was signed. An order that rests on chain under its number, with its size and side, outweighs all of it: the number was
free when the order was signed, and only this key can use it.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from execution.gateway.book import Order, Signed
from execution.gateway.chain import Chain, Head, Sighting
from execution.gateway.codes import Code, State
from execution.gateway.events import order_id_of
from execution.gateway.instructions import SIDES
from execution.gateway.records import Records
from execution.gateway.rpc import Clock, RpcRefused, Unreachable
from execution.gateway.venue import Venue

RESEND_AFTER_S = 2.0


class Fate(Enum):
    """What the chain says of a signature."""

    FINAL = "final"
    SEEN = "seen"
    DEAD = "dead"
    OPEN = "open"


def fate(signed: Signed, head: Head, sighting: Sighting, first_slot: int) -> Fate:
    """Return what is proven. head was read before sighting: a look-up older than it proves nothing about absence."""
    if sighting.found:
        return Fate.FINAL if sighting.final else Fate.SEEN
    over = head.height > signed.last_valid_height
    looked_after = sighting.slot >= head.slot
    has_history = first_slot <= signed.slot
    return Fate.DEAD if over and looked_after and has_history else Fate.OPEN


class Following:
    """Follows every signed order to its end. `look` does one round; nothing here ever makes a new signature."""

    def __init__(self, records: Records, chain: Chain, venue: Venue, now_ms: Callable[[], int], clock: Clock) -> None:
        self._records, self._chain, self._venue, self._now_ms, self._clock = records, chain, venue, now_ms, clock
        self._sent_s: dict[str, float] = {}
        for order in records.open_orders():
            if order.signed is None:
                self._records.move(_abandoned(order), now_ms())
        self._unknown = {order.id for order in records.open_orders()}

    def is_clear(self) -> bool:
        """Whether every order signed before the start has been seen on chain or is proven dead."""
        return not self._unknown

    def look(self) -> None:
        """Look once after every open order; raise `Unreachable` or `RpcRefused` when the node does not answer."""
        signed = [(order, order.signed) for order in self._records.open_orders() if order.signed is not None]
        if not signed:
            return
        head, first_slot = self._chain.head(), self._chain.first_slot()
        for order, one in signed:
            self._look_after(order, one, head, first_slot)

    def _look_after(self, order: Order, signed: Signed, head: Head, first_slot: int) -> None:
        sighting = self._chain.sighting(signed.signature)
        match fate(signed, head, sighting, first_slot):
            case Fate.FINAL:
                self._end(self._numbered(_landed(order, sighting), signed))
            case Fate.DEAD:
                self._end(self._resting(order) or _expired(order))
            case Fate.SEEN:
                self._unknown.discard(order.id)
                self._records.see(order.id, State.CONFIRMED)
            case Fate.OPEN:
                self._records.see(order.id, State.SIGNED)
                self._hand_out(order.id, signed, head)

    def _numbered(self, order: Order, signed: Signed) -> Order:
        """Return a landed order with the program's number of it, by which its fills are told."""
        if order.op != "place" or order.state is not State.LANDED:
            return order
        trader = self._venue.trader
        lines = self._chain.log_lines(signed.signature)
        try:
            number = order_id_of(trader.profile, lines, trader.user, order.user_order_id)
        except ValueError:
            # An event of another shape than the profile's: it landed all the same, only its fills go without its name.
            return order
        return replace(order, order_id=number)

    def _resting(self, order: Order) -> Order | None:
        """Return the order as landed, with the program's number, when it rests on chain; None when it does not."""
        if order.op != "place":
            return None
        ours = (order.user_order_id, order.terms["base_raw"], SIDES[order.terms["side"]])
        for one in self._venue.read([]).open_orders:
            if ours == (one["user_order_id"], one["base_asset_amount"], one["direction"]):
                return replace(order, state=State.LANDED, order_id=one["order_id"])
        return None

    def _end(self, order: Order) -> None:
        self._records.move(order, self._now_ms())
        self._unknown.discard(order.id)
        self._sent_s.pop(order.id, None)

    def _hand_out(self, id: str, signed: Signed, head: Head) -> None:
        """Send the same bytes again: the network takes a signature once, however often it gets it."""
        elapsed_s = self._clock.elapsed_s()
        if head.height > signed.last_valid_height or elapsed_s - self._sent_s.get(id, -RESEND_AFTER_S) < RESEND_AFTER_S:
            return
        self._sent_s[id] = elapsed_s
        try:
            self._chain.send(signed.transaction)
        except (Unreachable, RpcRefused):
            # Whether it went out is what the next look finds out.
            return


def _abandoned(order: Order) -> Order:
    return replace(order, state=State.ABANDONED, code=Code.NEVER_SIGNED, reason="no signature was on record")


def _landed(order: Order, sighting: Sighting) -> Order:
    order = replace(order, landed_slot=sighting.landed_slot)
    if sighting.failure is None:
        return replace(order, state=State.LANDED)
    failure = sighting.failure
    return replace(
        order, state=State.FAILED, code=Code.PROGRAM_REFUSED, reason=failure.text, program_code=failure.program_code
    )


def _expired(order: Order) -> Order:
    return replace(order, state=State.EXPIRED, code=Code.BLOCKHASH_EXPIRED, reason="never landed, and never will")
