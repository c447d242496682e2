"""Hyperliquid with an agent's key: what the broker asks of it over ccxt, signatures checked, over one engine."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.doubles.trading.engine import Engine, Fill, No, Order, Settlement, Status, Wanted
from tests.doubles.trading.faults import Kind
from tests.doubles.trading.signatures import signer_of

Message = dict[str, Any]
Row = dict[str, Any]

DAY_MS = 86_400_000
FILLS_A_PAGE, FUNDING_A_PAGE, MOST_FILLS = 2_000, 500, 10_000
SIGNIFICANT = 5
N_TRADE_NUMBERS = 50
BY_HAND = 1_000_000
REFUSALS = {
    No.DUPLICATE: "Duplicate cloid",
    No.OFF_GRID: "Price must be divisible by tick size.",
    No.NO_MONEY: "Insufficient margin to place order.",
    No.NOTHING_TO_REDUCE: "Reduce only order would increase position.",
    No.TRIGGER_PASSED: "Invalid TP/SL price.",
    No.TOO_SMALL: "Order must have minimum value of $10.",
}
STATUSES = {
    Status.RESTING: "open",
    Status.FILLED: "filled",
    Status.CANCELLED: "canceled",
    Status.UNFILLED: "iocCancelRejected",
}


class HyperliquidAccount:
    """Words the engine as Hyperliquid does.

    user: the account; agent: who may sign for it. tells_cloid: fills do. liquidated_user: whom fills take from.
    """

    ws_path = "/ws"
    name = "hyperliquid"

    def __init__(self, engine: Engine, user: str, agent: str) -> None:
        self.engine = engine
        engine.refuses_known = False
        self.user, self.agent = user.lower(), agent.lower()
        self.skew_ms = 0
        self.is_testnet = True
        self.mode = "default"
        self.margin = "cross"
        self.role: Row = {"role": "agent", "data": {"user": self.user}}
        self.tells_cloid = True
        self.liquidated_user = ""
        self.last_expiry_ms = 0
        self.most_fills = MOST_FILLS
        self._nonces: set[int] = set()

    @property
    def now_ms(self) -> int:
        return self.engine.now_ms() + self.skew_ms

    def is_private(self, path: str) -> bool:
        """Say whether a path is of an account."""
        return path == "/exchange"

    def kind(self, path: str, body: str) -> Kind:
        if path != "/exchange":
            return Kind.ASK
        return Kind.PLACE if json.loads(body)["action"]["type"] == "order" else Kind.CANCEL

    def answer(self, path: str, query: str, headers: Mapping[str, str], body: str) -> tuple[int, Any]:
        """Return status and body of a request."""
        told = json.loads(body)
        if path == "/exchange":
            return 200, self._acted(told)
        deeds = {
            "exchangeStatus": lambda _: {"specialStatuses": None, "time": self.now_ms},
            "userRole": self._role,
            "userAbstraction": lambda _: self.mode,
            "metaAndAssetCtxs": self._meta,
            "activeAssetData": self._leverage,
            "orderStatus": self._status,
            "frontendOpenOrders": self._open,
            "userFillsByTime": self._fills,
            "userFunding": self._funding,
            "clearinghouseState": self._state,
        }
        return 200, deeds[told["type"]](told)

    def refusal(self, words: str) -> Message:
        """Return a no in whatever words."""
        return {"status": "err", "response": words}

    def lost_itself(self) -> Message:
        return self.refusal("Internal error, the action may have been processed")

    def strange(self) -> Message:
        return {"status": "ok", "response": {"type": "surprise"}}

    def heard(self, told: Message, *, is_known: bool) -> tuple[bool, bool, list[Message]]:
        """Return (signed in, subscribed, replies) of a message; nobody signs in here."""
        if told["method"] == "ping":
            return False, False, [{"channel": "pong"}]
        replies: list[Message] = [{"channel": "subscriptionResponse", "data": told}]
        if told["subscription"]["type"] == "userFills":
            old = {"isSnapshot": True, "user": self.user, "fills": [self._fill(one) for one in self.engine.fills]}
            replies.append({"channel": "userFills", "data": old})
        return False, told["subscription"]["user"].lower() == self.user, replies

    def news(self, what: Order | Fill | Settlement) -> list[Message]:
        """Return what listeners are told of a change."""
        if isinstance(what, Order):
            return [{"channel": "orderUpdates", "data": [self._order(what)]}]
        if isinstance(what, Fill):
            return [{"channel": "userFills", "data": {"user": self.user, "fills": [self._fill(what)]}}]
        return [{"channel": "user", "data": {"funding": self._settled(what)["delta"]}}]

    def _acted(self, told: Message) -> Message:
        refused = self._unacceptable(told)
        if refused:
            return self.refusal(refused)
        action = told["action"]
        statuses = self._cancelled(action) if action["type"] == "cancelByCloid" else self._placed(action)
        return {"status": "ok", "response": {"type": action["type"], "data": {"statuses": statuses}}}

    def _unacceptable(self, told: Message) -> str:
        signer, nonce = signer_of(told, is_testnet=self.is_testnet), told["nonce"]
        if signer != self.agent:
            return f"User or API Wallet {signer} does not exist."
        if not self.now_ms - 2 * DAY_MS < nonce < self.now_ms + DAY_MS:
            return f"Invalid nonce: {nonce} is out of bounds"
        if nonce in self._nonces:
            return f"Invalid nonce: duplicate nonce {nonce}"
        self._nonces.add(nonce)
        self.last_expiry_ms = told.get("expiresAfter", 0)
        return "Action expired." if told.get("expiresAfter", self.now_ms) < self.now_ms else ""

    def _placed(self, action: Message) -> list[Any]:
        return [self._place(order) for order in action["orders"]]

    def _place(self, told: Message) -> Any:
        trigger = told["t"].get("trigger")
        price = Decimal(trigger["triggerPx"] if trigger else told["p"])
        is_buy, asset = told["b"], f" asset={told['a']}"
        if not _is_taken(price) or not _is_taken(Decimal(told["p"])):
            return {"error": REFUSALS[No.OFF_GRID] + asset}
        taken = self.engine.place(
            Wanted(
                client_id=told.get("c", ""),
                base=list(self.engine.contracts)[told["a"]],
                side=1 if is_buy else -1,
                size=Decimal(told["s"]),
                reduce_only=told["r"],
                price=None if trigger else price,
                trigger=price if trigger else None,
                rises=bool(trigger) and is_buy == (trigger["tpsl"] == "sl"),
                is_target=bool(trigger) and trigger["tpsl"] == "tp",
            )
        )
        if isinstance(taken, No):
            return {"error": REFUSALS[taken] + asset}
        if taken.trigger is not None:
            return {"resting": {"oid": taken.number, "cloid": taken.client_id}}
        if not taken.filled:
            return {"error": "Order could not immediately match against any resting orders." + asset}
        return {"filled": {"oid": taken.number, "totalSz": f"{taken.filled}", "avgPx": told["p"]}}

    def _cancelled(self, action: Message) -> list[Any]:
        gone = {"error": "Order was never placed, already canceled, or filled."}
        return ["success" if self.engine.cancel(one["cloid"]) else gone for one in action["cancels"]]

    def _role(self, told: Message) -> Row:
        return self.role if told["user"].lower() == self.agent else {"role": "missing"}

    def _meta(self, told: Message) -> list[Any]:
        universe, contexts = [], []
        for base, contract in self.engine.contracts.items():
            decimals = -int(contract.lot.as_tuple().exponent)
            universe.append({"name": base, "szDecimals": decimals, "maxLeverage": contract.max_leverage})
            contexts.append({"markPx": f"{self.engine.price[base]}", "funding": "0.0000125"})
        return [{"universe": universe}, contexts]

    def _leverage(self, told: Message) -> Row:
        value = self.engine.contracts[told["coin"]].leverage
        return {"user": told["user"], "coin": told["coin"], "leverage": {"type": self.margin, "value": value}}

    def _status(self, told: Message) -> Row:
        oid = told["oid"]
        found = [one for one in self.engine.orders if oid in (one.number, one.client_id) and self._is_ours(told)]
        return {"status": "order", "order": self._order(found[-1])} if found else {"status": "unknownOid"}

    def _is_ours(self, told: Message) -> bool:
        return bool(told["user"].lower() == self.user)

    def _open(self, told: Message) -> list[Row]:
        return [self._row(one) for one in self.engine.orders if not one.is_over] if self._is_ours(told) else []

    def _fills(self, told: Message) -> list[Row]:
        kept = self.engine.fills[-self.most_fills :] if self._is_ours(told) else []
        return [self._fill(one) for one in kept if one.at_ms >= told["startTime"]][:FILLS_A_PAGE]

    def _funding(self, told: Message) -> list[Row]:
        kept = self.engine.settlements if self._is_ours(told) else []
        return [self._settled(one) for one in kept if one.at_ms >= told["startTime"]][:FUNDING_A_PAGE]

    def _state(self, told: Message) -> Row:
        engine = self.engine
        value = engine.cash + engine.profit if self._is_ours(told) else Decimal(0)
        held = [(base, size) for base, size in engine.held.items() if size and self._is_ours(told)]
        positions = [
            {"coin": base, "szi": f"{size}", "unrealizedPnl": f"{size * (engine.price[base] - engine.entry[base])}"}
            for base, size in held
        ]
        rows = [{"type": "oneWay", "position": one} for one in positions]
        return {"assetPositions": rows, "marginSummary": {"accountValue": f"{value}"}, "time": self.now_ms}

    def _order(self, one: Order) -> Row:
        status = STATUSES[one.status]
        if one.status is Status.UNFILLED and (one.trigger is not None or one.filled):
            status = "filled" if one.filled else "reduceOnlyCanceled"
        return {"order": self._row(one), "status": status, "statusTimestamp": one.changed_ms}

    def _row(self, one: Order) -> Row:
        # The size told here is that of the last change of status: of an order that filled at once the whole of it.
        return {
            "coin": one.base, "side": "B" if one.side > 0 else "A", "limitPx": f"{one.price or one.trigger}",
            "sz": f"{one.size}", "origSz": f"{one.size}", "oid": one.number, "timestamp": one.at_ms,
            "cloid": one.client_id or None, "isTrigger": one.trigger is not None, "reduceOnly": one.reduce_only,
        }  # fmt: skip

    def _fill(self, one: Fill) -> Row:
        row: Row = {
            "coin": one.base, "px": f"{one.price}", "sz": f"{one.size}", "side": "B" if one.side > 0 else "A",
            "time": one.at_ms, "fee": f"{one.fee}", "feeToken": "USDC", "tid": one.number % N_TRADE_NUMBERS,
            "oid": one.order.number if one.order else BY_HAND + one.number, "crossed": True, "dir": "Trade",
        }  # fmt: skip
        if one.order is not None and one.order.client_id and self.tells_cloid:
            row["cloid"] = one.order.client_id
        if one.is_liquidation:
            row["liquidation"] = {"liquidatedUser": self.user, "markPx": f"{one.price}", "method": "market"}
        elif self.liquidated_user:
            row["liquidation"] = {"liquidatedUser": self.liquidated_user, "markPx": f"{one.price}", "method": "market"}
        return row

    def _settled(self, one: Settlement) -> Row:
        delta = {"type": "funding", "coin": one.base, "usdc": f"{one.amount}", "szi": f"{one.held}"}
        return {"time": one.at_ms, "hash": f"0x{0:064x}", "delta": delta}


def _is_taken(price: Decimal) -> bool:
    """Say whether a price has five significant figures at most, or is whole."""
    return price == price.to_integral_value() or len(price.normalize().as_tuple().digits) <= SIGNIFICANT
