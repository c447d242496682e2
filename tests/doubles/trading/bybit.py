"""Bybit v5 with a key: what unmodified ccxt asks of a unified account, signatures checked, over one engine."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.market import HOUR_MS
from tests.doubles.trading.engine import Engine, Fill, No, Order, Settlement, Status, Wanted
from tests.doubles.trading.faults import Kind

Message = dict[str, Any]
Row = dict[str, Any]

WEEK_MS = 7 * 24 * HOUR_MS
LAG_MS = 500
N_JUST_OVER = 500
REFUSALS = {
    No.DUPLICATE: (110072, "OrderLinkedID is duplicate"),
    No.OFF_GRID: (10001, "Price or qty is off the grid"),
    No.NO_MONEY: (110007, "ab not enough for new order"),
    No.NOTHING_TO_REDUCE: (110017, "current position is zero, cannot fix reduce-only order qty"),
    No.TRIGGER_PASSED: (110093, "expect Falling, but trigger_price >= current"),
    No.TOO_SMALL: (110094, "Order does not meet minimum order value 5USDT"),
}
STATUSES = {Status.RESTING: "Untriggered", Status.FILLED: "Filled", Status.UNFILLED: "Cancelled"}
MOST = {"/v5/execution/list": 100, "/v5/account/transaction-log": 50, "/v5/order/realtime": 50, "/v5/order/history": 50}


class BybitAccount:
    """Words the engine as Bybit does. api_key, secret: the only key. is_hedged, permissions: what `open` looks at."""

    ws_path = "/v5/private"
    name = "bybit"

    def __init__(self, engine: Engine, api_key: str, secret: str) -> None:
        self.engine = engine
        self.api_key, self._secret = api_key, secret.encode()
        self.skew_ms = 0
        self.is_hedged = False
        self.margin_mode = "REGULAR_MARGIN"
        self.margin_status = 5
        self.read_only = 0
        self.permissions: dict[str, list[str]] = {"ContractTrade": ["Order", "Position"], "Wallet": []}

    @property
    def now_ms(self) -> int:
        return self.engine.now_ms() + self.skew_ms

    def is_private(self, path: str) -> bool:
        """Say whether a path is of an account; the rest is the market's."""
        return not path.startswith("/v5/market/") or path == "/v5/market/risk-limit"

    def kind(self, path: str, body: str) -> Kind:
        return {"/v5/order/create": Kind.PLACE, "/v5/order/cancel": Kind.CANCEL}.get(path, Kind.ASK)

    def answer(self, path: str, query: str, headers: Mapping[str, str], body: str) -> tuple[int, Any]:
        """Return status and body of a request. query: as it came."""
        words = dict(part.split("=", 1) for part in query.split("&") if part)
        if path.startswith("/v5/market/"):
            return 200, self._market(path.rpartition("/")[2], words)
        refused = self._unauthorised(query, headers, body)
        if refused is not None:
            return 200, self._says(*refused)
        told = json.loads(body) if body else words
        limit = int(told.get("limit", 20))
        if limit > MOST.get(path, 200):
            return 200, self._says(10001, "limit is too large")
        deeds = {
            "/v5/user/query-api": self._key,
            "/v5/account/info": self._account,
            "/v5/account/wallet-balance": self._wallet,
            "/v5/account/transaction-log": self._log,
            "/v5/position/list": self._positions,
            "/v5/order/create": self._create,
            "/v5/order/cancel": self._cancel,
            "/v5/order/realtime": self._realtime,
            "/v5/order/history": self._history,
            "/v5/execution/list": self._executions,
        }
        return 200, deeds[path](told)

    def refusal(self, words: str) -> Message:
        """Return a no in whatever words."""
        return self._says(10001, words)

    def lost_itself(self) -> Message:
        return self._says(10016, "Internal system error.")

    def strange(self) -> Message:
        return self._says(0, "OK", {"surprise": []})

    def heard(self, told: Message, *, is_known: bool) -> tuple[bool, bool, list[Message]]:
        """Return (signed in, subscribed, replies) of a message on a line that is signed in already or not."""
        op, args = told.get("op"), told.get("args") or []
        reply = {"success": True, "ret_msg": "", "op": op, "conn_id": "local", "req_id": told.get("req_id", "")}
        if op == "auth":
            key, expires, signature = args
            is_right = key == self.api_key and signature == self._sign(f"GET/realtime{expires}")
            if not is_right or int(expires) < self.now_ms:
                return False, False, [reply | {"success": False, "ret_msg": "error:USVC1111", "request": told}]
            return True, False, [reply]
        if op == "ping":
            return False, False, [{"op": "pong", "req_id": told.get("req_id"), "args": [str(self.now_ms)]}]
        if not is_known:
            return False, False, [reply | {"success": False, "ret_msg": "Request not authorized"}]
        return False, True, [reply]

    def news(self, what: Order | Fill | Settlement) -> list[Message]:
        """Return what listeners are told of a change."""
        if isinstance(what, Order):
            rows, topic = [self._order(what)], "order"
        elif isinstance(what, Fill):
            rows, topic = [self._fill(what)], "execution"
        else:
            rows, topic = [self._position(what.base)], "position"
        return [{"id": "1", "topic": topic, "creationTime": self.now_ms, "data": rows}]

    def _unauthorised(self, query: str, headers: Mapping[str, str], body: str) -> tuple[int, str] | None:
        key, at, window = (headers.get(f"X-BAPI-{name}", "") for name in ("API-KEY", "TIMESTAMP", "RECV-WINDOW"))
        if key != self.api_key:
            return 10003, "API key is invalid."
        if headers.get("X-BAPI-SIGN") != self._sign(f"{at}{key}{window}{body or query}"):
            return 10004, "error sign! please check your signature generation algorithm."
        if not self.now_ms - int(window) <= int(at) < self.now_ms + 1_000:
            return 10002, f"invalid request, please check your server timestamp: req_timestamp[{at}]"
        return None

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def _says(self, code: int, words: str, result: Message | None = None) -> Message:
        return {"retCode": code, "retMsg": words, "result": result or {}, "retExtInfo": {}, "time": self.now_ms}

    def _listed(self, rows: Sequence[Row], told: Mapping[str, Any]) -> Message:
        """Return one page of rows, newest first."""
        first, limit = int(str(told.get("cursor", "0")).partition("%3A")[0]), int(told.get("limit", 20))
        page, is_more = rows[first : first + limit], first + limit < len(rows)
        cursor = f"{first + limit}%3A0" if is_more else ""
        return self._says(0, "OK", {"category": "linear", "nextPageCursor": cursor, "list": page})

    def _base(self, symbol: str) -> str:
        return symbol.removesuffix("USDT")

    def _market(self, word: str, told: Mapping[str, str]) -> Message:
        base = self._base(told.get("symbol", ""))
        if word == "time":
            return self._says(0, "OK", {"timeSecond": str(self.now_ms // 1000), "timeNano": f"{self.now_ms}000000"})
        if word == "instruments-info":
            return self._listed([self._contract(one) for one in self.engine.contracts], told)
        if word == "risk-limit":
            contract = self.engine.contracts[base]
            tier = {"id": 1, "symbol": told["symbol"], "riskLimitValue": "2000000", "isLowestRisk": 1}
            margins = {"maintenanceMargin": f"{contract.maintenance}", "initialMargin": f"{1 / contract.max_leverage}"}
            return self._listed([tier | margins, tier | {"id": 2, "isLowestRisk": 0, "maintenanceMargin": "0.5"}], told)
        return self._listed([{"symbol": told["symbol"], "markPrice": f"{self.engine.price[base]}"}], told)

    def _contract(self, base: str) -> Row:
        one = self.engine.contracts[base]
        return {
            "symbol": f"{base}USDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": base,
            "quoteCoin": "USDT", "settleCoin": "USDT", "priceFilter": {"tickSize": f"{one.tick}"},
            "lotSizeFilter": {
                "qtyStep": f"{one.lot}", "minOrderQty": f"{one.lot}", "minNotionalValue": f"{one.min_notional}",
            },
        }  # fmt: skip

    def _key(self, told: Mapping[str, Any]) -> Message:
        return self._says(0, "OK", {"readOnly": self.read_only, "permissions": self.permissions, "ips": ["*"]})

    def _account(self, told: Mapping[str, Any]) -> Message:
        return self._says(0, "OK", {"marginMode": self.margin_mode, "unifiedMarginStatus": self.margin_status})

    def _wallet(self, told: Mapping[str, Any]) -> Message:
        cash, profit = self.engine.cash, self.engine.profit
        coin = {"coin": "USDT", "walletBalance": f"{cash}", "equity": f"{cash + profit}", "unrealisedPnl": f"{profit}"}
        return self._says(0, "OK", {"list": [{"accountType": told["accountType"], "coin": [coin]}]})

    def _log(self, told: Mapping[str, Any]) -> Message:
        rows = [self._settlement(one) for one in self.engine.settlements if _is_within(one.at_ms, told)]
        return self._span_refused(told) or self._listed(rows[::-1], told)

    def _positions(self, told: Mapping[str, Any]) -> Message:
        if "symbol" in told:
            row = self._position(self._base(told["symbol"]))
            return self._listed([row | {"positionIdx": n} for n in ((1, 2) if self.is_hedged else (0,))], told)
        held = [base for base, size in self.engine.held.items() if size]
        return self._listed([self._position(base) for base in held] if told["settleCoin"] == "USDT" else [], told)

    def _position(self, base: str) -> Row:
        held = self.engine.held.get(base, Decimal(0))
        side = "Buy" if held > 0 else "Sell" if held < 0 else ""
        row = {"symbol": f"{base}USDT", "size": f"{abs(held)}", "side": side, "positionIdx": 0}
        return row | {"leverage": f"{self.engine.contracts[base].leverage}"}

    def _create(self, told: Mapping[str, Any]) -> Message:
        trigger = told.get("triggerPrice")
        taken = self.engine.place(
            Wanted(
                client_id=told.get("orderLinkId", ""),
                base=self._base(told["symbol"]),
                side=1 if told["side"] == "Buy" else -1,
                size=Decimal(told["qty"]),
                reduce_only=told.get("reduceOnly", False),
                price=None if trigger else Decimal(told["price"]),
                trigger=Decimal(trigger) if trigger else None,
                rises=told.get("triggerDirection") == 1,
            )
        )
        if isinstance(taken, No):
            return self._says(*REFUSALS[taken])
        return self._says(0, "OK", {"orderId": self._order_id(taken), "orderLinkId": taken.client_id})

    def _cancel(self, told: Mapping[str, Any]) -> Message:
        if not self.engine.cancel(told["orderLinkId"]):
            return self._says(110001, "order not exists or too late to cancel")
        return self._says(0, "OK", {"orderId": "", "orderLinkId": told["orderLinkId"]})

    def _realtime(self, told: Mapping[str, Any]) -> Message:
        wants_over = int(told.get("openOnly", 0)) == 1
        orders = [one for one in self._asked(told) if one.is_over is wants_over]
        return self._listed([self._order(one) for one in orders[::-1][:N_JUST_OVER]], told)

    def _history(self, told: Mapping[str, Any]) -> Message:
        seen = [one for one in self._asked(told) if one.is_over and one.changed_ms <= self.engine.now_ms() - LAG_MS]
        return self._listed([self._order(one) for one in seen[::-1]], told)

    def _asked(self, told: Mapping[str, Any]) -> list[Order]:
        if told.get("settleCoin", "USDT") != "USDT":
            return []
        orders = self.engine.orders
        if "symbol" in told:
            orders = [one for one in orders if one.base == self._base(told["symbol"])]
        return [one for one in orders if told.get("orderLinkId", one.client_id) == one.client_id]

    def _executions(self, told: Mapping[str, Any]) -> Message:
        rows = [self._fill(one) for one in self.engine.fills if _is_within(one.at_ms, told)]
        rows += [self._funded(one) for one in self.engine.settlements if _is_within(one.at_ms, told)]
        rows.sort(key=lambda row: int(row["execTime"]))
        return self._span_refused(told) or self._listed(rows[::-1], told)

    def _span_refused(self, told: Mapping[str, Any]) -> Message | None:
        is_wide = int(told["endTime"]) - int(told["startTime"]) > WEEK_MS
        return self._says(10001, "time range is more than 7 days") if is_wide else None

    def _order_id(self, order: Order | None) -> str:
        return "" if order is None else f"{order.number:08x}-0000-4000-8000-000000000000"

    def _order(self, one: Order) -> Row:
        status = STATUSES.get(one.status) or ("Deactivated" if one.trigger is not None else "Cancelled")
        reason = "EC_NoImmediateQtyToFill" if one.status is Status.UNFILLED else "EC_NoError"
        return {
            "symbol": f"{one.base}USDT", "orderId": self._order_id(one), "orderLinkId": one.client_id,
            "side": "Buy" if one.side > 0 else "Sell", "orderStatus": status, "qty": f"{one.size}",
            "cumExecQty": f"{one.filled}", "rejectReason": reason, "cancelType": "UNKNOWN",
            "price": f"{one.price or 0}", "triggerPrice": f"{one.trigger or ''}", "reduceOnly": one.reduce_only,
            "createdTime": str(one.at_ms), "updatedTime": str(one.changed_ms), "positionIdx": 0,
        }  # fmt: skip

    def _fill(self, one: Fill) -> Row:
        return {
            "symbol": f"{one.base}USDT", "orderId": self._order_id(one.order), "execId": f"exec-{one.number}",
            "orderLinkId": one.order.client_id if one.order else "", "side": "Buy" if one.side > 0 else "Sell",
            "execPrice": f"{one.price}", "execQty": f"{one.size}", "execValue": f"{one.price * one.size}",
            "execFee": f"{one.fee}", "execTime": str(one.at_ms), "feeCurrency": "",
            "execType": "BustTrade" if one.is_liquidation else "Trade",
        }  # fmt: skip

    def _funded(self, one: Settlement) -> Row:
        return {
            "symbol": f"{one.base}USDT", "orderId": "", "execId": f"funding-{one.number}", "orderLinkId": "",
            "side": "Sell", "execPrice": f"{self.engine.price[one.base]}", "execQty": f"{abs(one.held)}",
            "execFee": f"{-one.amount}", "execTime": str(one.at_ms), "execType": "Funding",
        }  # fmt: skip

    def _settlement(self, one: Settlement) -> Row:
        return {
            "id": f"log-{one.number}", "symbol": f"{one.base}USDT", "category": "linear", "type": "SETTLEMENT",
            "transactionTime": str(one.at_ms), "funding": f"{one.amount}", "currency": "USDT", "fee": "0",
        }  # fmt: skip


def _is_within(at_ms: int, told: Mapping[str, Any]) -> bool:
    return int(told["startTime"]) <= at_ms <= int(told["endTime"])
