"""What each operation of the socket answers."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from execution.gateway.acting import Acting
from execution.gateway.book import Order
from execution.gateway.chain import Chain, Touch
from execution.gateway.codes import Code, Refused
from execution.gateway.events import Fill, fills_of
from execution.gateway.following import Following
from execution.gateway.policy import Policy
from execution.gateway.preflight import Part
from execution.gateway.records import Records
from execution.gateway.rpc import RpcRefused, Unreachable
from execution.gateway.schema import SCHEMA, VERSION, Request
from execution.gateway.venue import Venue

MOST_TRANSACTIONS = 100
LOG_WAS_CUT = "Log truncated"
ACTIONS = frozenset({"place", "cancel", "cancel_all"})


class Answering:
    """Answers one request with one body. mode: `dry_run` or `live`; parts: the preflight's, empty in dry_run."""

    def __init__(
        self,
        mode: str,
        policy: Policy,
        venue: Venue,
        chain: Chain,
        records: Records,
        acting: Acting,
        following: Following,
        now_ms: Callable[[], int],
        parts: tuple[Part, ...] = (),
    ) -> None:
        self._mode, self._policy, self._venue, self._chain = mode, policy, venue, chain
        self._records, self._acting, self._following = records, acting, following
        self._now_ms, self._parts = now_ms, parts

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the body of the reply; raise `Refused` where there is nothing but a refusal."""
        if request.op in ACTIONS:
            return order_body(self._acting.act(request))
        answers: Mapping[str, Callable[[Request], dict[str, Any]]] = {
            "hello": self._hello,
            "health": self._health,
            "positions": self._positions,
            "orders": self._orders,
            "fills": self._fills,
            "halt": lambda _: self._set_halted(halted=True),
            "resume": lambda _: self._set_halted(halted=False),
        }
        try:
            return answers[request.op](request)
        except (Unreachable, RpcRefused) as error:
            raise Refused(Code.VENUE_UNREACHABLE, str(error)) from error

    def _hello(self, _: Request) -> dict[str, Any]:
        trader = self._venue.trader
        return {
            "ok": True,
            "version": VERSION,
            "mode": self._mode,
            "profile": trader.profile.name,
            "program": trader.profile.program,
            "authority": trader.authority,
            "user": trader.user,
            "policy": self._policy.digest,
            "symbols": sorted(self._policy.symbols),
        }

    def _health(self, _: Request) -> dict[str, Any]:
        return {
            "ok": True,
            "mode": self._mode,
            "slot": self._chain.slot(),
            "halted": self._halted(),
            "resolved": self._following.is_clear(),
            "n_open": len(self._records.open_orders()),
            "n_cut_bytes": self._records.n_cut_bytes,
            "preflight": [{"part": one.name, "holds": one.holds, "found": one.found} for one in self._parts],
        }

    def _positions(self, _: Request) -> dict[str, Any]:
        reading = self._venue.read([])
        return {"ok": True, "slot": reading.slot, "positions": [dict(one) for one in reading.positions]}

    def _orders(self, request: Request) -> dict[str, Any]:
        if "id" in request.fields:
            order = self._records.order(request.fields["id"])
            if order is None:
                raise Refused(Code.UNKNOWN_ORDER, f"{request.fields['id']} was never asked for")
            return order_body(order) | {"ok": True}
        reading = self._venue.read([])
        return {
            "ok": True,
            "slot": reading.slot,
            "resting": [self._resting(one) for one in reading.open_orders],
            "unfinished": [order_body(one)["order"] for one in self._records.open_orders()],
        }

    def _fills(self, request: Request) -> dict[str, Any]:
        """Tell the fills after a slot, oldest first; `complete` is false when some may be missing."""
        trader, after_slot = self._venue.trader, request.fields["after_slot"]
        newest = self._chain.touches(trader.user, MOST_TRANSACTIONS)
        wanted = [one for one in reversed(newest) if one.slot > after_slot and not one.failed]
        told, whole = [], len(newest) < MOST_TRANSACTIONS or newest[-1].slot <= after_slot
        for one in wanted:
            lines = self._chain.log_lines(one.signature)
            whole = whole and LOG_WAS_CUT not in lines
            told += [self._fill(one, fill) for fill in self._fills_in(lines)]
        return {"ok": True, "complete": whole, "fills": told}

    def _fills_in(self, lines: list[str]) -> list[Fill]:
        trader = self._venue.trader
        try:
            return fills_of(trader.profile, lines, trader.user)
        except ValueError as error:
            raise Refused(Code.INTERNAL, f"an event of the program cannot be read: {error}") from None

    def _fill(self, touch: Touch, fill: Fill) -> dict[str, Any]:
        return {
            "slot": touch.slot,
            "signature": touch.signature,
            "id": self._records.id_of(fill.order_id),
            **asdict(fill),
        }

    def _resting(self, order: Mapping[str, Any]) -> dict[str, Any]:
        ours = self._records.latest_of(order["user_order_id"]) if order["user_order_id"] else None
        return {"id": ours and ours.id, **order}

    def _set_halted(self, *, halted: bool) -> dict[str, Any]:
        self._records.halt(self._now_ms(), halted=halted)
        return {"ok": True, "halted": self._halted()}

    def _halted(self) -> dict[str, bool]:
        return {"operator": self._policy.halted, "desk": self._records.halted}


def order_body(order: Order) -> dict[str, Any]:
    """Return an order as it is told: `ok` is false exactly when the order is over without having been done."""
    signed = order.signed
    body: dict[str, Any] = {
        "ok": order.code is None,
        "order": {
            "id": order.id,
            "op": order.op,
            "state": order.state.value,
            "user_order_id": order.user_order_id,
            "asked_ms": order.asked_ms,
            "program_code": order.program_code,
            "signature": signed and signed.signature,
            "last_valid_height": signed and signed.last_valid_height,
        },
    }
    if order.code is not None:
        body |= {"code": order.code.value, "reason": f"{SCHEMA['codes'][order.code]}: {order.reason}"}
    return body
