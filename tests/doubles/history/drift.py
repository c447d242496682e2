"""Drift's archive and Data API over made-up fills and recorded funding: paths, pages and quirks as documented."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.doubles.history.server import Query, Reply

PROGRAM = "/program/dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH"
ROWS_A_PAGE = 5000
FUNDING_A_PAGE = 10

Row = Mapping[str, str]


@dataclass(frozen=True)
class DriftMarket:
    """One market. archived_until_ms: days before it have files. first_page: the number of the first page of fills.

    says: the encoding the archive claims. is_packed: whether it packs; the two need not agree.
    """

    symbol: str
    fills: Sequence[Row]
    funding: Sequence[Row] = ()
    archived_until_ms: int = 0
    first_page: int = 0
    is_packed: bool = True
    says: str = "gzip"
    spoil: Callable[[bytes], bytes] = field(default=lambda body: body)


def fill(number: int, second: int, price: str, base: str = "1.000000000", side: str = "long") -> Row:
    """Return one fill of base units at a price, with the columns that matter and some that do not."""
    return {
        "fillerReward": "0.000000",
        "baseAssetAmountFilled": base,
        "quoteAssetAmountFilled": f"{float(base) * float(price):.6f}",
        "oraclePrice": "100.123456",
        "txSig": f"sig{number // 2}",
        "slot": str(number),
        "ts": str(second),
        "action": "fill",
        "marketIndex": "0",
        "marketType": "perp",
        "fillRecordId": str(number),
        "takerOrderDirection": side,
        "programId": "dRift",
    }


def funding_row(number: int, second: int, rate: float, oracle: float, mark: float) -> Row:
    """Return one hourly funding record."""
    return {
        "ts": str(second),
        "txSig": f"sig{number}",
        "recordId": str(number),
        "fundingRate": f"{rate:.9f}",
        "fundingRateLong": f"{rate:.9f}",
        "fundingRateShort": f"{rate:.9f}",
        "oraclePriceTwap": f"{oracle:.6f}",
        "markPriceTwap": f"{mark:.6f}",
    }


def drift(market: DriftMarket) -> Callable[[str, Query], Reply | None]:
    """Return a venue that serves one market."""
    fills, funding = _by_day(market.fills), _by_day(market.funding)

    def answer(path: str, query: Query) -> Reply | None:
        archived = path.removeprefix(f"{PROGRAM}/market/{market.symbol}/")
        if archived != path:
            name, _, day = archived.split("/")
            return _day_file(market, (fills if name == "tradeRecords" else funding).get(day, []))
        name, _, day = path.removeprefix(f"/market/{market.symbol}/").partition("/")
        if name == "trades" and query.get("format") == "csv":
            return _fills_page(market, fills.get(_padded(day), []), query)
        if name == "fundingRates":
            return _funding_page(funding.get(_padded(day), []), query)
        return None

    return answer


def _day_file(market: DriftMarket, found: Sequence[Row]) -> Reply | None:
    if not found or int(found[0]["ts"]) * 1000 >= market.archived_until_ms:
        return Reply([], lambda _: b"<Error><Code>AccessDenied</Code></Error>", status=403)

    def body(lines: list[object]) -> bytes:
        text = _csv(found[0], lines)
        return market.spoil(gzip.compress(text, mtime=0) if market.is_packed else text)

    headers = {"Content-Type": "text/csv"} | ({"Content-Encoding": market.says} if market.says else {})
    return Reply(list(found), body, headers=headers)


def _fills_page(market: DriftMarket, rows: Sequence[Row], query: Query) -> Reply:
    place = int(query.get("page", str(market.first_page))) - market.first_page
    page = rows[place * ROWS_A_PAGE : (place + 1) * ROWS_A_PAGE] if place >= 0 else []
    head = market.fills[0]
    return Reply(list(page), lambda lines: _csv(head, lines), headers={"Content-Type": "text/csv"})


def _funding_page(rows: Sequence[Row], query: Query) -> Reply:
    newest_first = rows[::-1]
    first = int(query.get("page", "c0").removeprefix("c"))
    rest = len(newest_first) > first + FUNDING_A_PAGE
    meta = {"nextPage": f"c{first + FUNDING_A_PAGE}" if rest else None}
    page = newest_first[first : first + FUNDING_A_PAGE]
    return Reply(list(page), lambda told: json.dumps({"success": True, "records": told, "meta": meta}).encode())


def _csv(head: Row, rows: Sequence[object]) -> bytes:
    lines = [",".join(row.values()) for row in rows if isinstance(row, Mapping)]
    return "\n".join([",".join(head), *lines, ""]).encode()


def _by_day(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    days: dict[str, list[Row]] = {}
    for row in rows:
        days.setdefault(f"{datetime.fromtimestamp(int(row['ts']), tz=UTC):%Y%m%d}", []).append(row)
    return days


def _padded(day: str) -> str:
    year, month, date = day.split("/")
    return f"{year}{int(month):02d}{int(date):02d}"
