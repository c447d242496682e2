"""What an exchange says in its messages and ccxt does not pass on: that a bar is final, and a book's numbering."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.record import Record

MINUTE: Final = "1m"
N_KEPT: Final = 10
_NO_LINE: Final = object()


class BarSeen(Record, frozen=True, gc=False):
    """A bar in a message, by the exchange's own name of the market. is_final: None where the exchange never says."""

    market_id: str
    open_ms: int
    is_final: bool | None


class BookSeen(Record, frozen=True, gc=False):
    """The numbers of the order book changes in a message, first to last. is_whole: it is a snapshot."""

    market_id: str
    first: int
    last: int
    is_whole: bool = False


class MessageWatch:
    """Goes before ccxt's class of an exchange and reads its messages along.

    broken_books: ccxt's name of a market -> what was wrong with the numbers of its order book changes, which some
    exchanges number and ccxt does not look at; a snapshot makes it whole again. final_bars: market -> opening ms of
    the newest bars that will not change any more.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take what ccxt's own class takes."""
        self.broken_books: dict[str, str] = {}
        self.final_bars: dict[str, list[int]] = {}
        self._last_update: dict[str, tuple[Any, int]] = {}
        self._newest_bar: dict[str, tuple[Any, int]] = {}
        super().__init__(config)  # type: ignore[call-arg]  # the next class in line is ccxt's

    def handle_order_book(self, client: Any, message: Any) -> None:
        """See whether this change follows the one before it, then let ccxt apply it."""
        for seen in _BOOKS.get(self.id, _none)(message):  # type: ignore[attr-defined]  # ccxt's own
            market = self._market(seen.market_id)
            line, last = self._last_update.get(market, (_NO_LINE, -1))
            if seen.is_whole or line is not client:
                # Here a book begins. ccxt would go on from what it had: it lays Deribit's snapshots over that, and
                # MEXC's changes on a new line too, though it has missed those between the two.
                self.broken_books.pop(market, None)
                self.orderbooks.pop(market, None)  # type: ignore[attr-defined]  # ccxt's own
            elif not seen.first - 1 <= last < seen.last:
                self.broken_books[market] = f"order book change {seen.first} came after {last}"
            self._last_update[market] = client, seen.last
        super().handle_order_book(client, message)  # type: ignore[misc]  # ccxt's own

    def forget_book(self, market: str) -> None:
        """Begin anew with the numbers of a book."""
        self.broken_books.pop(market, None)
        self._last_update.pop(market, None)

    def handle_ohlcv(self, client: Any, message: Any) -> None:
        """Remember which bars are final, then let ccxt keep them.

        Where the exchange does not say so, a bar is final once the line that showed it has gone on to a later one: what
        changed it before that would have come before that. Nothing is known of a bar that the line did not show.
        """
        for seen in _BARS.get(self.id, _none)(message):  # type: ignore[attr-defined]  # ccxt's own
            market = self._market(seen.market_id)
            line, newest_ms = self._newest_bar.get(market, (_NO_LINE, -1))
            if seen.is_final:
                self._finish(market, seen.open_ms)
            elif seen.is_final is None and line is client and seen.open_ms > newest_ms:
                self._finish(market, newest_ms)
            if line is not client or seen.open_ms > newest_ms:
                self._newest_bar[market] = client, seen.open_ms
        before = {market: kept.get(MINUTE) for market, kept in self.ohlcvs.items()}  # type: ignore[attr-defined]
        super().handle_ohlcv(client, message)  # type: ignore[misc]  # ccxt's own
        self._keep_rows(before)

    def _keep_rows(self, before: Mapping[str, Any]) -> None:
        """Put new rows to those before. Deribit's ccxt begins a new list with each, and a last word would be lost."""
        for market, kept in self.ohlcvs.items():  # type: ignore[attr-defined]  # ccxt's own
            rows = before.get(market)
            if rows is not None and kept.get(MINUTE) is not rows:
                for row in kept[MINUTE]:
                    rows.append(row)
                kept[MINUTE] = rows

    def _finish(self, market: str, open_ms: int) -> None:
        finals = self.final_bars.setdefault(market, [])
        if open_ms not in finals:
            finals.append(open_ms)
            del finals[:-N_KEPT]

    def _market(self, market_id: str) -> str:
        named = _NAMES.get(self.id)  # type: ignore[attr-defined]  # ccxt's own
        found = self.safe_symbol(market_id, None, None, "contract") if named is None else named(self, market_id)  # type: ignore[attr-defined]
        return str(found)


def _none(message: Any) -> Iterator[Any]:
    yield from ()


def _bybit_bars(message: Any) -> Iterator[BarSeen]:
    for one in message["data"]:
        yield BarSeen(message["topic"].rpartition(".")[2], int(one["start"]), one.get("confirm") is True)


def _binance_bars(message: Any) -> Iterator[BarSeen]:
    bar = message["k"]
    yield BarSeen(bar["s"], int(bar["t"]), bar.get("x") is True)


def _deribit_bars(message: Any) -> Iterator[BarSeen]:
    told = message["params"]
    yield BarSeen(told["channel"].split(".")[2], int(told["data"]["tick"]), None)


def _mexc_bars(message: Any) -> Iterator[BarSeen]:
    yield BarSeen(message["symbol"], int(message["data"]["t"]) * 1000, None)


def _hyperliquid_bars(message: Any) -> Iterator[BarSeen]:
    yield BarSeen(message["data"]["s"], int(message["data"]["t"]), None)


def _bybit_book(message: Any) -> Iterator[BookSeen]:
    data = message["data"]
    yield BookSeen(data["s"], data["u"], data["u"], message.get("type") == "snapshot")


def _deribit_book(message: Any) -> Iterator[BookSeen]:
    data = message["params"]["data"]
    is_whole = data.get("type") == "snapshot"
    first = data["change_id"] if is_whole else data["prev_change_id"] + 1
    yield BookSeen(data["instrument_name"], first, data["change_id"], is_whole)


def _mexc_book(message: Any) -> Iterator[BookSeen]:
    data = message["data"]
    yield BookSeen(message["symbol"], data.get("begin", data["version"]), data["version"])


_BARS: Final[Mapping[str, Callable[[Any], Iterator[BarSeen]]]] = MappingProxyType(
    {
        "binanceusdm": _binance_bars,
        "bybit": _bybit_bars,
        "deribit": _deribit_bars,
        "mexc": _mexc_bars,
        "hyperliquid": _hyperliquid_bars,
    }
)
_BOOKS: Final[Mapping[str, Callable[[Any], Iterator[BookSeen]]]] = MappingProxyType(
    {"bybit": _bybit_book, "deribit": _deribit_book, "mexc": _mexc_book}
)
"""Binance's ccxt looks at the numbers itself; each message of Hyperliquid's is a whole book."""
_NAMES: Final[Mapping[str, Callable[[Any, str], str]]] = MappingProxyType(
    {"hyperliquid": lambda exchange, coin: str(exchange.coin_to_market_id(coin))}
)
"""How ccxt names a market, where its rule for ids does not hold."""
