"""Bybit v5's public market endpoints over a tape: newest first, page limits as documented."""

from collections.abc import Callable

from tests.doubles.history.server import Query, Reply
from tests.doubles.history.tape import Tape, within

KLINES = {"kline": "bars", "mark-price-kline": "mark", "index-price-kline": "index"}


def bybit(*tapes: Tape) -> Callable[[str, Query], Reply | None]:
    """Return a venue that trades the tapes' pairs."""
    by_pair = {tape.pair: tape for tape in tapes}

    def answer(path: str, query: Query) -> Reply | None:
        name = path.removeprefix("/v5/market/")
        if name == "instruments-info":
            return Reply([_instrument(tape) for tape in tapes], _result)
        tape = by_pair.get(query.get("symbol", ""))
        if tape is None or query.get("category") != "linear":
            return Reply([], lambda _: {"retCode": 10001, "retMsg": "params error: symbol invalid", "result": {}})
        if name in KLINES:
            return _klines(getattr(tape, KLINES[name]), query)
        if name == "funding/history":
            stamps = within(tape.funding, *_span(query, "startTime", "endTime"), _limit(query, 200), newest=True)
            pairs = ({"fundingRate": tape.funding[at][0], "fundingRateTimestamp": str(at)} for at in stamps[::-1])
            return Reply([{"symbol": tape.pair, **one} for one in pairs], _result)
        if name == "open-interest" and query.get("intervalTime") == "5min":
            stamps = within(tape.interest, *_span(query, "startTime", "endTime"), _limit(query, 200), newest=True)
            return Reply(
                [{"openInterest": tape.interest[at][0], "timestamp": str(at)} for at in stamps[::-1]],
                lambda rows: _result(rows, symbol=tape.pair, nextPageCursor=""),
            )
        return None

    return answer


def _klines(rows: dict[int, tuple[str, ...]], query: Query) -> Reply:
    stamps = within(rows, *_span(query, "start", "end"), _limit(query, 1000), newest=False)
    # A traded bar has its turnover behind the volume; nobody here reads it.
    return Reply([[str(at), *rows[at], *(["0"] if len(rows[at]) == 5 else [])] for at in stamps[::-1]], _result)


def _span(query: Query, first: str, last: str) -> tuple[int | None, int | None]:
    return (int(query[first]) if first in query else None, int(query[last]) if last in query else None)


def _limit(query: Query, most: int) -> int:
    return min(int(query.get("limit", "200")), most)


def _result(rows: list[object], **more: object) -> object:
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "linear", "list": rows, "nextPageCursor": "", **more},
        "retExtInfo": {},
        "time": 1_700_000_000_000,
    }


def _instrument(tape: Tape) -> object:
    return {
        "symbol": tape.pair,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": tape.base,
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "3",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.001", "maxPrice": "1999999.8", "tickSize": "0.001"},
        "lotSizeFilter": {"maxOrderQty": "1000000", "minOrderQty": "0.1", "qtyStep": "0.1"},
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "both",
    }
