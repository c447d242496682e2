"""The account's fills, told page by page, each under the id of the order behind it.

Told as final, a fill is a fact: its block cannot be taken back, and every order that landed before it has its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from execution.gateway.chain import Chain, Touch
from execution.gateway.codes import Code, Refused
from execution.gateway.events import Fill, fills_of
from execution.gateway.policy import Policy
from execution.gateway.records import Records
from execution.gateway.venue import Venue

MOST_TRANSACTIONS = 100
LOG_WAS_CUT = "Log truncated"


class Fills:
    """Answers the operation `fills`."""

    def __init__(self, policy: Policy, venue: Venue, chain: Chain, records: Records) -> None:
        self._venue, self._chain, self._records = venue, chain, records
        self._names = symbol_names(policy)

    def page(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Tell one page of fills after a slot, oldest first.

        complete: nothing after the slot is missing here. more: older transactions have to be asked for, with `before`
        the signature of `oldest`. cut: a transaction's log came without its end. final_slot: up to where all is told.
        history_ts_s: where the node's history begins only after the slot, when it begins; else None.
        """
        after_slot, most = fields["after_slot"], fields.get("most", MOST_TRANSACTIONS)
        final_slot = self._final_slot() if fields.get("final") else None
        final, least_slot = final_slot is not None, final_slot or 0
        newest = self._chain.touches(
            self._venue.trader.user, most, before=fields.get("before"), final=final, least_slot=least_slot
        )
        wanted = [one for one in reversed(newest) if one.slot > after_slot and not one.failed]
        lines = [(one, self._chain.log_lines(one.signature, final=final)) for one in wanted]
        more = len(newest) == most and newest[-1].slot > after_slot
        cut = any(LOG_WAS_CUT in said for _, said in lines)
        history_ts_s = self._history_ts_s(after_slot) if final and not more else None
        return {
            "ok": True,
            "complete": not (more or cut),
            "more": more,
            "cut": cut,
            "final_slot": final_slot,
            "oldest": newest[-1].signature if newest else None,
            "oldest_ts_s": newest[-1].ts_s if newest else None,
            "history_ts_s": history_ts_s,
            "fills": [self._fill(one, fill, final=final) for one, said in lines for fill in self._fills_in(said)],
        }

    def _final_slot(self) -> int:
        """Return the newest finalized slot; raise `Refused` when the node is behind what it has already told."""
        final_slot, landed_slot = self._chain.head().slot, self._records.landed_slot
        if final_slot < landed_slot:
            raise Refused(Code.VENUE_UNREACHABLE, f"the node is at slot {final_slot}, an order landed in {landed_slot}")
        return final_slot

    def _history_ts_s(self, after_slot: int) -> int | None:
        first_slot = self._chain.first_slot()
        return self._chain.block_time_s(first_slot) if first_slot > after_slot + 1 else None

    def _fills_in(self, lines: Sequence[str]) -> list[Fill]:
        trader = self._venue.trader
        try:
            return fills_of(trader.profile, lines, trader.user)
        except ValueError as error:
            raise Refused(Code.INTERNAL, f"an event of the program cannot be read: {error}") from None

    def _fill(self, touch: Touch, fill: Fill, *, final: bool) -> dict[str, Any]:
        return {
            "slot": touch.slot,
            "signature": touch.signature,
            "id": self._id_behind(touch, fill, final=final),
            "symbol": self._names.get(fill.market_index),
            **asdict(fill),
        }

    def _id_behind(self, touch: Touch, fill: Fill, *, final: bool) -> str | None:
        """Return the client order id of a fill, None for an order that is not the gateway's.

        An order's number is known once it has landed for good. Until then a fill in its own transaction is known by
        the signature; of any other nobody can say yet whose it is, so no final answer is given.
        """
        id = self._records.id_of(fill.order_id)
        if id is not None or not final:
            return id
        signed = self._records.signed_as(touch.signature)
        if signed is not None and signed.op == "place":
            return signed.id
        if any(one.op == "place" and one.signed is not None for one in self._records.open_orders()):
            raise Refused(Code.UNRESOLVED, f"whose order {fill.order_id} is shows when the open ones have landed")
        return None


def symbol_names(policy: Policy) -> dict[int, str]:
    """Return the policy's symbols by the program's number of the market."""
    return {symbol.market_index: name for name, symbol in policy.symbols.items()}
