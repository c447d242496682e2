"""What a live feed is asked to do, and what there is to know of each exchange it may ask."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from domain.record import Record


class BookRenewal(StrEnum):
    """How an order book that is not to be believed begins again.

    RESUBSCRIBE: leave its stream and come back. RECONNECT: make the lines anew, where a stream cannot be left alone.
    FORGET: let go of what there is; the next message brings a whole book, or has ccxt ask for one.
    """

    RESUBSCRIBE = "resubscribe"
    RECONNECT = "reconnect"
    FORGET = "forget"


class VenueFacts(Record, frozen=True, kw_only=True):
    """What differs between exchanges, as data.

    A word is the name of a figure in an answer: ccxt's own name, or where ccxt does not pass it on the exchange's.

    Parameters
    ----------
    quote, settle
        The currencies of its linear perpetuals.
    book_levels
        Depth asked of its order book stream; None for the one there is.
    book_renewal
        How an order book begins again.
    calls_bars_final
        It says itself of each bar of its stream whether that will change.
    watches_marks
        Mark and index come on a stream of their own, not with the ticker.
    mark_word, index_word
        Where mark and index stand in a ticker or an answer about funding.
    funding_question, funding_word
        ccxt's method that tells the rate of the next settlement, and the rate in its answer.
    funding_hours, shown_hours
        Time between two settlements, and the time that the rate shown is for, where the exchange does not say;
        shown_hours is None where the rate is for the time between two settlements.
    tells_next_funding
        False where ccxt reckons the next settlement by the machine's clock: they fall on full `funding_hours` of UTC.
    settled_word
        The rate in its record of settlements.
    interest_word
        Open interest in the answer of `fetch_ticker`; empty where ccxt has a question of its own for it.
    counts_contracts
        Volume and open interest are in contracts, not in base.
    options
        What ccxt is told beforehand.
    interest_params, unwatch_params
        What the question for open interest, and leaving an order book, need beside the symbol: for Bybit ccxt leaves
        another depth than the one it watches, unless told.
    """

    quote: str
    settle: str
    book_levels: int | None
    book_renewal: BookRenewal = BookRenewal.RESUBSCRIBE
    calls_bars_final: bool = False
    watches_marks: bool = False
    mark_word: str = "markPrice"
    index_word: str = "indexPrice"
    funding_question: str = "fetch_funding_rate"
    funding_word: str = "fundingRate"
    funding_hours: int = 8
    shown_hours: int | None = None
    tells_next_funding: bool = True
    settled_word: str = "fundingRate"
    interest_word: str = ""
    counts_contracts: bool = False
    options: Mapping[str, Any] = MappingProxyType({})
    interest_params: Mapping[str, Any] = MappingProxyType({})
    unwatch_params: Mapping[str, Any] = MappingProxyType({})


VENUES: Final[Mapping[str, VenueFacts]] = MappingProxyType(
    {
        "binanceusdm": VenueFacts(
            quote="USDT", settle="USDT", book_levels=50, calls_bars_final=True, watches_marks=True
        ),
        "bybit": VenueFacts(
            quote="USDT",
            settle="USDT",
            book_levels=50,
            calls_bars_final=True,
            options={"fetchMarkets": {"types": ["linear"]}},
            interest_params={"interval": "5m"},
            unwatch_params={"limit": 50},
        ),
        "deribit": VenueFacts(
            quote="USDC",
            settle="USDC",
            book_levels=None,
            book_renewal=BookRenewal.RECONNECT,
            # Funding runs on by the millisecond; its record tells what each hour came to. ccxt's own question tells
            # what was paid in the last eight hours, by the machine's clock.
            funding_question="fetch_ticker",
            funding_word="current_funding",
            funding_hours=1,
            shown_hours=8,
            tells_next_funding=False,
            settled_word="interest_1h",
            # In base for linear perpetuals; ccxt passes it on as if it were in quote.
            interest_word="open_interest",
        ),
        "mexc": VenueFacts(
            quote="USDT",
            settle="USDT",
            book_levels=20,
            book_renewal=BookRenewal.FORGET,
            mark_word="fairPrice",
            interest_word="holdVol",
            counts_contracts=True,
            # ccxt would let 25 changes of a book go by, long in a quiet market, before it asks for all of it.
            options={"defaultType": "swap", "watchOrderBook": {"snapshotDelay": 1}},
        ),
        "hyperliquid": VenueFacts(
            quote="USDC",
            settle="USDC",
            book_levels=20,
            book_renewal=BookRenewal.FORGET,
            mark_word="markPx",
            index_word="oraclePx",
            funding_hours=1,
            tells_next_funding=False,
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
        How long after a minute's end its bar may wait for its last word, or its successor, before REST is asked.
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
