"""What each operation of the socket answers."""

from collections.abc import Callable, Mapping
from typing import Any

from execution.gateway.acting import Acting
from execution.gateway.book import Order
from execution.gateway.chain import Chain
from execution.gateway.codes import Code, Refused
from execution.gateway.fills import Fills, symbol_names
from execution.gateway.following import Following
from execution.gateway.policy import Policy
from execution.gateway.preflight import Part
from execution.gateway.records import Records
from execution.gateway.rpc import RpcRefused, Unreachable
from execution.gateway.schema import SCHEMA, VERSION, Request
from execution.gateway.venue import Reading, Venue

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
        self._fills, self._names = Fills(policy, venue, chain, records), symbol_names(policy)

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the body of the reply; raise `Refused` where there is nothing but a refusal."""
        if request.op in ACTIONS:
            return order_body(self._acting.act(request))
        answers: Mapping[str, Callable[[Request], dict[str, Any]]] = {
            "hello": self._hello,
            "health": self._health,
            "markets": self._markets,
            "positions": self._positions,
            "orders": self._orders,
            "fills": lambda one: self._fills.page(one.fields),
            "void": lambda one: order_body(self._acting.void(one)),
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

    def _markets(self, _: Request) -> dict[str, Any]:
        """Tell the steps of every market of the policy, as they stand on chain."""
        reading = self._venue.read(self._names)
        markets = [
            {
                "symbol": name,
                "market_index": index,
                "status": reading.perp_markets[index]["status"],
                "base_step_raw": reading.perp_markets[index]["base_step"],
                "price_step_raw": reading.perp_markets[index]["price_step"],
                "least_base_raw": reading.perp_markets[index]["least_base"],
            }
            for index, name in self._names.items()
        ]
        return {"ok": True, "slot": reading.slot, "markets": markets}

    def _positions(self, _: Request) -> dict[str, Any]:
        reading = self._venue.read([])
        return {"ok": True, "slot": reading.slot, "positions": self._held(reading)}

    def _orders(self, request: Request) -> dict[str, Any]:
        """Tell the order of an id; without one, what rests and is held in one look, and what has no end yet.

        final: what rests and is held as no fork can change it any more, and no older than any order that has landed.
        """
        if "id" in request.fields:
            order = self._records.order(request.fields["id"])
            if order is None:
                raise Refused(Code.UNKNOWN_ORDER, f"{request.fields['id']} was never asked for")
            return order_body(order) | {"ok": True}
        final = request.fields.get("final", False)
        reading = self._venue.read([], final=final, least_slot=self._records.landed_slot if final else 0)
        return {
            "ok": True,
            "slot": reading.slot,
            "resting": [self._resting(one) for one in reading.open_orders],
            "positions": self._held(reading),
            "unfinished": [order_body(one)["order"] for one in self._records.open_orders()],
        }

    def _held(self, reading: Reading) -> list[dict[str, Any]]:
        return [{"symbol": self._names.get(one["market_index"]), **one} for one in reading.positions]

    def _resting(self, order: Mapping[str, Any]) -> dict[str, Any]:
        id = self._records.id_of(order["order_id"])
        if id is None and order["user_order_id"]:
            ours = self._records.latest_of(order["user_order_id"])
            id = None if ours is None else ours.id
        return {"id": id, "symbol": self._names.get(order["market_index"]), **order}

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
            "order_id": order.order_id,
            "landed_slot": order.landed_slot,
            "asked_ms": order.asked_ms,
            "program_code": order.program_code,
            "signature": signed and signed.signature,
            "last_valid_height": signed and signed.last_valid_height,
        },
    }
    if order.code is not None:
        body |= {"code": order.code.value, "reason": f"{SCHEMA['codes'][order.code]}: {order.reason}"}
    return body
