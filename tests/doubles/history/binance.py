"""Binance USDT-M's public market endpoints over a tape: oldest first, page limits as documented."""

from collections.abc import Callable

from tests.doubles.history.server import Query, Reply
from tests.doubles.history.tape import MINUTE_MS, Tape, within

KLINES = {"klines": "bars", "markPriceKlines": "mark", "indexPriceKlines": "index"}
STAMP_NOISE_MS = 3
"""Real settlements are stamped some milliseconds after the hour."""


def binance(*tapes: Tape) -> Callable[[str, Query], Reply | None]:
    """Return a venue that trades the tapes' pairs."""
    by_pair = {tape.pair: tape for tape in tapes}

    def answer(path: str, query: Query) -> Reply | None:
        name = path.rsplit("/", 1)[1]
        if name == "exchangeInfo":
            return Reply([_symbol(tape) for tape in tapes], lambda rows: {"symbols": rows, "timezone": "UTC"})
        tape = by_pair.get(query.get("symbol", query.get("pair", "")))
        if tape is None:
            return Reply([], lambda _: {"code": -1121, "msg": "Invalid symbol."}, status=400)
        first, last = int(query.get("startTime", "0")), int(query.get("endTime", str(2**62)))
        n = int(query.get("limit", "500"))
        if name in KLINES:
            rows = getattr(tape, KLINES[name])
            stamps = within(rows, first, last, min(n, 1500), newest=False)
            return Reply([_kline(at, rows[at]) for at in stamps], list)
        if name == "fundingRate":
            stamps = within(tape.funding, first - STAMP_NOISE_MS, last - STAMP_NOISE_MS, min(n, 1000), newest=False)
            funding = [(at + STAMP_NOISE_MS, tape.funding[at][0]) for at in stamps]
            return Reply([{"symbol": tape.pair, "fundingRate": rate, "fundingTime": at} for at, rate in funding], list)
        if name == "openInterestHist" and query.get("period") == "5m":
            stamps = within(tape.interest, first, last, min(n, 500), newest=False)
            rows = [(at, *tape.interest[at]) for at in stamps]
            return Reply(
                [
                    {"symbol": tape.pair, "sumOpenInterest": base, "sumOpenInterestValue": usd, "timestamp": at}
                    for at, base, usd in rows
                ],
                list,
            )
        return None

    return answer


def _kline(at: int, row: tuple[str, ...]) -> list[object]:
    volume = row[4] if len(row) == 5 else "0"
    return [at, *row[:4], volume, at + MINUTE_MS - 1, "0", 1, "0", "0", "0"]


def _symbol(tape: Tape) -> object:
    return {
        "symbol": tape.pair,
        "pair": tape.pair,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "baseAsset": tape.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 4,
        "quantityPrecision": 0,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.0010", "maxPrice": "2000", "tickSize": "0.0010"},
            {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000000", "stepSize": "1"},
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC"],
    }
