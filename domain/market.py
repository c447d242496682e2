"""What may be known of a market when a minute closes."""

from enum import StrEnum
from typing import Self

from domain.record import Record

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Bar(Record, frozen=True, kw_only=True, gc=False, omit_defaults=True, array_like=True):
    """OHLCV of one closed minute. It is known at `close_ms`, never before.

    open_ms, close_ms: UTC epoch milliseconds; `close_ms` is the instant the next bar opens.
    *_price: quote per base. volume_base: base units traded. taker_buy_base: the part bought by takers.
    """

    open_ms: int
    close_ms: int
    open_price: float
    high_price: float
    low_price: float
    close_price: float
    volume_base: float
    taker_buy_base: float | None = None

    def __post_init__(self) -> None:
        """Refuse prices that no market can print. A NaN fails every comparison and is refused too."""
        low, high = self.low_price, self.high_price
        if not (
            0.0 < low <= self.open_price <= high < 1e15
            and low <= self.close_price <= high
            and 0.0 <= self.volume_base < 1e18
            and self.open_ms < self.close_ms
        ):
            raise ValueError(
                f"bar at {self.open_ms}: open {self.open_price}, high {high}, low {low}, close {self.close_price}, "
                f"volume {self.volume_base} is not a possible bar"
            )


class Reading(Record, frozen=True, kw_only=True, gc=False, omit_defaults=True, array_like=True):
    """One figure beside the bar, with where it came from and when it was true.

    Its unit is that of the snapshot's field that holds it.
    """

    value: float
    source: str
    as_of_ms: int

    def __post_init__(self) -> None:
        """Refuse NaN and infinity: an absent figure is `None`, never a NaN."""
        if not -1e18 < self.value < 1e18:
            raise ValueError(f"{self.source} at {self.as_of_ms}: {self.value} is not a figure")


class ImbalanceSource(StrEnum):
    """What the snapshot's imbalance was measured on."""

    BOOK = "book"
    TAKER_FLOW = "taker_flow"
    NONE = "none"


class FundingSettlement(Record, frozen=True, kw_only=True, gc=False, omit_defaults=True, array_like=True):
    """The venue settled funding inside this bar.

    rate_quote_per_base_1e9: what a long of one base unit pays, in quote units times 1e9 (negative: receives).
    """

    rate_quote_per_base_1e9: int
    settled_ms: int
    source: str


class Snapshot(Record, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Everything known of one symbol at `as_of_ms`, the close of a minute.

    bar: None when the source had no usable bar; `defects` then says why.
    n_missing_bars: minutes lost between the previous snapshot of this symbol and this one.
    spread_bps: best ask over best bid in bps of mid; source "book", "sim" or "assumed".
    imbalance_frac: in [-1, 1], positive = more to buy; from the book, or taker buy share rescaled.
    mark, oracle: prices. premium_bps: perpetual over its reference, positive = perpetual dearer.
    funding_rate_hourly_frac: positive = longs pay shorts. open_interest_usd: outstanding notional.
    defects: reasons why no new risk may be taken on this snapshot; empty = fit.
    """

    symbol: str
    as_of_ms: int
    bar: Bar | None
    n_missing_bars: int = 0
    defects: tuple[str, ...] = ()
    bid_price: float | None = None
    ask_price: float | None = None
    spread_bps: Reading | None = None
    imbalance_frac: float | None = None
    imbalance_source: ImbalanceSource = ImbalanceSource.NONE
    mark: Reading | None = None
    oracle: Reading | None = None
    premium_bps: Reading | None = None
    funding_rate_hourly_frac: Reading | None = None
    open_interest_usd: Reading | None = None
    funding_settlement: FundingSettlement | None = None
    is_simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse a snapshot that knows its own future or hides a missing bar."""
        if self.bar is None and not self.defects:
            raise ValueError(f"{self.symbol} at {self.as_of_ms}: a snapshot without a bar must say why")
        if self.bar is not None and self.bar.close_ms > self.as_of_ms:
            raise ValueError(f"{self.symbol}: bar closing at {self.bar.close_ms} is not known at {self.as_of_ms}")

    @property
    def is_fit(self) -> bool:
        """Say whether new risk may be considered on this snapshot."""
        return not self.defects

    def unfit(self, *reasons: str) -> Self:
        """Return this snapshot with further defects."""
        import msgspec.structs

        return msgspec.structs.replace(self, defects=self.defects + reasons)
