"""Fills of one market, from the archive's day files, the Data API's pages and its websocket."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain.record import Record
from market.drift.counts import Why
from market.drift.figures import BASE, PRICE, Form, figure, form_of, scaled, time_ms
from market.drift.pages import Page
from market.drift.rows import Row, read_document

_FIGURES: Final = (
    "baseAssetAmountFilled", "quoteAssetAmountFilled", "price", "oraclePrice", "takerFee", "makerFee", "makerRebate",
    "fillerReward", "referrerReward", "quoteAssetAmountSurplus", "spotFulfillmentMethodFee",
    "takerOrderBaseAssetAmount", "takerOrderCumulativeBaseAssetAmountFilled",
    "takerOrderCumulativeQuoteAssetAmountFilled", "makerOrderBaseAssetAmount",
    "makerOrderCumulativeBaseAssetAmountFilled", "makerOrderCumulativeQuoteAssetAmountFilled",
)  # fmt: skip
_SIDES: Final = {"long": True, "short": False}


class DriftTrade(Record, frozen=True, kw_only=True):
    """One fill.

    price: USD per base unit, quote over base where both are told. base: base units filled; None where it is not told.
    is_taker_long: None where it is not told. order_no: the venue's number of the fill, for those of one second.
    identity: transaction and fill number, the same for every copy of the fill; None where either is missing.
    """

    time_ms: int
    price: float
    base: Decimal | None
    is_taker_long: bool | None
    oracle_price: float | None
    order_no: int
    identity: tuple[str, str] | None

    def __post_init__(self) -> None:
        """Refuse a fill at no price."""
        if not 0.0 < self.price < 1e15 or self.time_ms <= 0:
            raise ValueError(f"fill of {self.price} at {self.time_ms} is not a possible fill")


class TradesReader:
    """Reads the files of one market and takes every fill once, however many of them hold a copy.

    symbol: rows that name another are left out; None takes all.
    """

    __slots__ = ("_seen", "_symbol")

    def __init__(self, symbol: str | None = None) -> None:
        self._symbol = symbol
        self._seen: set[tuple[str, str]] = set()

    def read(self, file_name: str, body: bytes) -> Page[DriftTrade]:
        """Read one file: CSV or JSON, gzip or not. Whatever the bytes are, nothing is raised."""
        document = read_document(body)
        trades = []
        for row in document.rows:
            read = self.take(row, document.envelope)
            if isinstance(read, Why):
                document.tally.left_out[read] += 1
            else:
                trades.append(read)
        document.tally.n_accepted = len(trades)
        return Page(rows=tuple(trades), counts=document.tally.of(file_name), next_page=document.next_page)

    def take(self, row: Row, envelope: Form | None = None) -> DriftTrade | Why:
        """Read one row, or say why it is left out."""
        if row.get("marketType", "perp") != "perp" or self._symbol not in (None, row.get("symbol", self._symbol)):
            return Why.OTHER_MARKET
        read = read_trade(row, envelope)
        if isinstance(read, Why) or read.identity is None:
            return read
        if read.identity in self._seen:
            return Why.DUPLICATE
        self._seen.add(read.identity)
        return read


def read_trade(row: Row, envelope: Form | None = None) -> DriftTrade | Why:
    """Read a fill that has a price and a time, or say what it lacks."""
    at_ms = time_ms(row.get("ts", row.get("createdAt")))
    if at_ms is None:
        return Why.NO_TIME
    told = {name: figure(row.get(name)) for name in _FIGURES}
    form = form_of(told.values(), envelope)
    if form is None:
        return Why.NOT_TOLD_APART
    base = scaled(told["baseAssetAmountFilled"], form, BASE)
    price = _price(base, scaled(told["quoteAssetAmountFilled"], form, PRICE), scaled(told["price"], form, PRICE))
    if price is None:
        return Why.NO_PRICE
    oracle = scaled(told["oraclePrice"], form, PRICE)
    number, signature = row.get("fillRecordId"), row.get("txSig")
    return DriftTrade(
        time_ms=at_ms,
        price=price,
        base=base if base is not None and base > 0 else None,
        is_taker_long=_SIDES.get(str(row.get("takerOrderDirection")).lower()),
        oracle_price=float(oracle) if oracle is not None and oracle > 0 else None,
        order_no=int(figure(number) or 0),
        identity=(str(signature), str(number)) if signature and number not in (None, "") else None,
    )


def _price(base: Decimal | None, quote: Decimal | None, told: Decimal | None) -> float | None:
    """Return what was paid: quote over base, which is exact; the price a message tells only where those are missing."""
    if base is not None and quote is not None:
        told = quote / base if base > 0 and quote > 0 else None
    if told is None or not 0 < told < 10**15:
        return None
    return float(told) or None


def in_order(trades: Iterable[DriftTrade]) -> list[DriftTrade]:
    """Return fills in the order they happened: by second, within it by the venue's number."""
    return sorted(trades, key=lambda one: (one.time_ms, one.order_no))
