"""Which exchange takes the orders, and how it is reached."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.record import Record
from execution.exchange.facts import EXCHANGES, ExchangeFacts


class CcxtTerms(Record, frozen=True, kw_only=True):
    """Where orders go.

    exchange: by the name ccxt gives it. key_file: path of the file with the account's key, read when the broker is
    opened. markets: desk symbol -> the exchange's id, where that is not the usual one. testnet: its test network.
    url: address that takes the exchange's place, "" = none. request_timeout_ms: how long an answer is waited for.
    max_backoff_ms: the longest pause before the account's stream is connected again.
    """

    exchange: str = "bybit"
    key_file: str = ""
    markets: Mapping[str, str] = MappingProxyType({})
    testnet: bool = True
    url: str = ""
    request_timeout_ms: int = 5_000
    max_backoff_ms: int = 15_000

    def __post_init__(self) -> None:
        """Refuse an exchange we know nothing of."""
        if self.exchange not in EXCHANGES:
            raise ValueError(f"exchange {self.exchange!r} is not known; known are {', '.join(EXCHANGES)}")

    @property
    def facts(self) -> ExchangeFacts:
        """What there is to know of the exchange."""
        return EXCHANGES[self.exchange]

    def market_id(self, symbol: str) -> str:
        """Return the exchange's id of a desk symbol: SOL-PERP is SOLUSDT at Bybit and SOL at Hyperliquid."""
        named = self.markets.get(symbol)
        return symbol.removesuffix("-PERP") + self.facts.suffix if named is None else named
