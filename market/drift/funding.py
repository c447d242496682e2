"""Hourly funding records, from the archive's day files and both forms of the Data API."""

from typing import Final

from domain.market import FundingSettlement
from domain.record import Record
from market.drift.counts import Why
from market.drift.figures import FUNDING, PRICE, Form, figure, form_of, scaled, time_ms
from market.drift.pages import Page
from market.drift.rows import Row, read_document

_FIGURES: Final = (
    "fundingRate", "fundingRateLong", "fundingRateShort", "cumulativeFundingRateLong", "cumulativeFundingRateShort",
    "oraclePriceTwap", "markPriceTwap", "periodRevenue", "baseAssetAmountWithAmm", "baseAssetAmountWithUnsettledLp",
)  # fmt: skip


class DriftFunding(Record, frozen=True, kw_only=True):
    """What one hour settled.

    *_1e9: what a long of one base unit pays (short: receives), in USD times 1e9. Long and short differ only where the
    venue's own budget capped one side; None where the record does not tell them. *_twap: prices, None where not told.
    source: where the record was read, such as "drift_archive".
    """

    settled_ms: int
    rate_1e9: int
    long_rate_1e9: int | None
    short_rate_1e9: int | None
    oracle_price_twap: float | None
    mark_price_twap: float | None
    source: str

    @property
    def settlement(self) -> FundingSettlement:
        """The record as the desk books it."""
        return FundingSettlement(rate_quote_per_base_1e9=self.rate_1e9, settled_ms=self.settled_ms, source=self.source)


class FundingReader:
    """Reads the files of one market and takes every settlement once. symbol: rows that name another are left out."""

    __slots__ = ("_seen", "_source", "_symbol")

    def __init__(self, source: str, symbol: str | None = None) -> None:
        self._source = source
        self._symbol = symbol
        self._seen: set[tuple[str, str]] = set()

    def read(self, file_name: str, body: bytes) -> Page[DriftFunding]:
        """Read one file: CSV or JSON, gzip or not. Whatever the bytes are, nothing is raised."""
        document = read_document(body)
        records = []
        for row in document.rows:
            read = self._take(row, document.envelope)
            if isinstance(read, Why):
                document.tally.left_out[read] += 1
            else:
                records.append(read)
        document.tally.n_accepted = len(records)
        return Page(rows=tuple(records), counts=document.tally.of(file_name), next_page=document.next_page)

    def _take(self, row: Row, envelope: Form | None) -> DriftFunding | Why:
        if self._symbol not in (None, row.get("symbol", self._symbol)):
            return Why.OTHER_MARKET
        read = read_funding(row, envelope, self._source)
        signature, number = row.get("txSig"), row.get("recordId")
        if isinstance(read, Why) or not signature or number in (None, ""):
            return read
        identity = (str(signature), str(number))
        if identity in self._seen:
            return Why.DUPLICATE
        self._seen.add(identity)
        return read


def read_funding(row: Row, envelope: Form | None, source: str) -> DriftFunding | Why:
    """Read a record that has a rate and a time, or say what it lacks."""
    settled_ms = time_ms(row.get("ts"))
    if settled_ms is None:
        return Why.NO_TIME
    told = {name: figure(row.get(name)) for name in _FIGURES}
    form = form_of(told.values(), envelope)
    if form is None:
        return Why.NOT_TOLD_APART
    rates = [scaled(told[name], form, FUNDING) for name in ("fundingRate", "fundingRateLong", "fundingRateShort")]
    whole = [None if rate is None or abs(rate) >= 10**9 else round(rate * FUNDING) for rate in rates]
    if whole[0] is None:
        return Why.NO_RATE
    oracle, mark = (scaled(told[name], form, PRICE) for name in ("oraclePriceTwap", "markPriceTwap"))
    return DriftFunding(
        settled_ms=settled_ms,
        rate_1e9=whole[0],
        long_rate_1e9=whole[1],
        short_rate_1e9=whole[2],
        oracle_price_twap=float(oracle) if oracle is not None and oracle > 0 else None,
        mark_price_twap=float(mark) if mark is not None and mark > 0 else None,
        source=source,
    )
