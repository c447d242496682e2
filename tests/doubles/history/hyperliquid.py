"""Hyperliquid's questions about the past over a tape: one address, oldest first, and of bars the newest alone."""

from collections.abc import Callable

from tests.doubles.history.server import Query, Reply
from tests.doubles.history.tape import MINUTE_MS, Tape, Texts, within

STAMP_NOISE_MS = 31
"""Real settlements are stamped with the block that paid them."""
N_CANDLES = 5_000


def hyperliquid(*tapes: Tape, now_ms: int | None = None) -> Callable[[str, Query], Reply | None]:
    """Return a venue that trades the tapes' pairs. now_ms: the moment that its newest bars are counted back from."""
    by_coin = {tape.base: tape for tape in tapes}

    def answer(path: str, query: Query) -> Reply | None:
        kind = path.removeprefix("/info/")
        if kind == "metaAndAssetCtxs":
            meta = {"universe": [{"name": tape.base, "szDecimals": 2, "maxLeverage": 20} for tape in tapes]}
            return Reply([meta, [_context() for _ in tapes]], list)
        tape = by_coin.get(query.get("coin", ""))
        if tape is None:
            return Reply([], lambda _: None, status=500)
        first, last = int(query["startTime"]), int(query.get("endTime", str(2**62)))
        if kind == "candleSnapshot" and query["interval"] == "1m":
            oldest = 0 if now_ms is None else now_ms - N_CANDLES * MINUTE_MS
            stamps = within(tape.bars, max(first, oldest), last, N_CANDLES, newest=True)
            return Reply([_candle(tape.base, at, tape.bars[at]) for at in stamps], list)
        if kind == "fundingHistory":
            stamps = within(tape.funding, first - STAMP_NOISE_MS, last - STAMP_NOISE_MS, 500, newest=False)
            rates = [(at + STAMP_NOISE_MS, tape.funding[at][0]) for at in stamps]
            told = [{"coin": tape.base, "fundingRate": rate, "premium": "0.0001", "time": at} for at, rate in rates]
            return Reply(list(told), list)
        return None

    return answer


def _candle(coin: str, at: int, row: Texts) -> object:
    figures = dict(zip("ohlcv", row, strict=True))
    return {"t": at, "T": at + MINUTE_MS - 1, "s": coin, "i": "1m", **figures, "n": 3}


def _context() -> object:
    figures = {"funding": "0.0000125", "openInterest": "1000.0", "markPx": "100.0", "oraclePx": "100.0"}
    return {**figures, "prevDayPx": "100.0", "dayNtlVlm": "1000000.0", "premium": "0.0", "midPx": "100.0"}
