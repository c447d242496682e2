"""What a live feed is asked to do, and what there is to know of each exchange it may ask."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.record import Record


class VenueFacts(Record, frozen=True, kw_only=True):
    """What differs between exchanges, as data.

    quote, settle: the currencies of its linear perpetuals. book_levels: depth asked of its order book stream.
    watches_marks: mark and index come on a stream of their own, not with the ticker. funding_hours: time between two
    settlements where the exchange does not say. options: what ccxt is told, so that it loads perpetuals only.
    interest_params, unwatch_params: what the question for open interest, and leaving an order book, need beside the
    symbol: for Bybit ccxt leaves another depth than the one it watches, unless told. tells_interest: False where
    there is no such question. calls_bars_final: its stream says when a bar is closed. is_tested: whether the tests
    hold the feed against this protocol.
    """

    quote: str
    settle: str
    book_levels: int | None
    watches_marks: bool = False
    funding_hours: int = 8
    options: Mapping[str, Any] = MappingProxyType({})
    interest_params: Mapping[str, Any] = MappingProxyType({})
    unwatch_params: Mapping[str, Any] = MappingProxyType({})
    tells_interest: bool = True
    calls_bars_final: bool = False
    is_tested: bool = False


VENUES: Final[Mapping[str, VenueFacts]] = MappingProxyType(
    {
        "binanceusdm": VenueFacts(
            quote="USDT", settle="USDT", book_levels=50, watches_marks=True, calls_bars_final=True, is_tested=True
        ),
        "bybit": VenueFacts(
            quote="USDT",
            settle="USDT",
            book_levels=50,
            options={"fetchMarkets": {"types": ["linear"]}},
            interest_params={"interval": "5m"},
            unwatch_params={"limit": 50},
            calls_bars_final=True,
            is_tested=True,
        ),
        "deribit": VenueFacts(quote="USDC", settle="USDC", book_levels=None),
        "mexc": VenueFacts(
            quote="USDT",
            settle="USDT",
            book_levels=20,
            options={"fetchMarkets": {"types": {"spot": False, "swap": {"linear": True, "inverse": False}}}},
            tells_interest=False,
        ),
        "hyperliquid": VenueFacts(
            quote="USDC",
            settle="USDC",
            book_levels=20,
            funding_hours=1,
            options={"fetchMarkets": {"types": ["swap"]}},
        ),
    }
)
"""The exchanges a feed may be opened on, by the name ccxt gives them."""


class LiveTerms(Record, frozen=True, kw_only=True):
    """How a live feed works.

    Parameters
    ----------
    exchange
        One of `VENUES`.
    symbols
        Desk symbols, such as SOL-PERP. markets: symbol -> ccxt's own name, where the rule `market_name` is not wanted.
    warmup_bars
        Closed minutes fetched before the first live one, so that the features are ready when it comes.
    url
        Address that takes the exchange's place, scheme and host; empty for the exchange itself.
    grace_ms
        How long after a minute's end its bar may wait for its successor before REST is asked.
    patience_ms
        How long after a minute's end everything asked for it must be there; then it is taken as it is.
    silence_ms
        Longest silence of a kind of stream before the connection is given up and made anew.
    max_backoff_ms
        Longest pause between two attempts. seed: of the jitter in these pauses.
    """

    exchange: str = "bybit"
    symbols: tuple[str, ...] = ("SOL-PERP",)
    markets: Mapping[str, str] = MappingProxyType({})
    warmup_bars: int = 300
    url: str = ""
    grace_ms: int = 3_000
    patience_ms: int = 20_000
    silence_ms: int = 25_000
    max_backoff_ms: int = 15_000
    request_timeout_ms: int = 5_000
    seed: int = 7

    def __post_init__(self) -> None:
        """Refuse an exchange we know nothing of, and times in the wrong order."""
        if self.exchange not in VENUES:
            raise ValueError(f"exchange {self.exchange!r} is not known; known are {', '.join(VENUES)}")
        if not 0 <= self.warmup_bars <= 10_000 or not 0 < self.grace_ms < self.patience_ms < 60_000:
            raise ValueError("warm-up is 0 to 10000 bars, and grace is shorter than patience, which is under a minute")

    @property
    def facts(self) -> VenueFacts:
        """What there is to know of the exchange."""
        return VENUES[self.exchange]

    def market_name(self, symbol: str) -> str:
        """Return ccxt's name of a desk symbol: SOL-PERP is SOL/USDT:USDT where perpetuals are quoted in USDT."""
        named = self.markets.get(symbol)
        base = symbol.removesuffix("-PERP")
        return f"{base}/{self.facts.quote}:{self.facts.settle}" if named is None else named
