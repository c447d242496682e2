"""What an exchange says in its messages and ccxt does not pass on: that a bar is final, and a book's numbering."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

N_KEPT: Final = 10


class MessageWatch:
    """Goes before ccxt's class of an exchange and reads its messages along.

    broken_books: ccxt's name of a market -> what was wrong with the numbers of its order book changes, which Bybit
    numbers and ccxt does not look at; a snapshot makes it whole again. final_bars: market -> opening ms of the newest
    bars that the exchange has called closed, as Bybit and Binance do.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take what ccxt's own class takes."""
        self.broken_books: dict[str, str] = {}
        self.final_bars: dict[str, list[int]] = {}
        self._last_update: dict[str, int] = {}
        super().__init__(config)  # type: ignore[call-arg]  # the next class in line is ccxt's

    def handle_order_book(self, client: Any, message: Any) -> None:
        """See whether this change follows the one before it, then let ccxt apply it."""
        data = message.get("data", {})
        number, market = data.get("u"), self._market(data.get("s"))
        if isinstance(number, int):
            last = self._last_update.get(market)
            if message.get("type") == "snapshot":
                self.broken_books.pop(market, None)
            elif last is not None and number != last + 1:
                self.broken_books[market] = f"order book change {number} came after {last}"
            self._last_update[market] = number
        super().handle_order_book(client, message)  # type: ignore[misc]  # ccxt's own

    def handle_ohlcv(self, client: Any, message: Any) -> None:
        """Remember which bars are said to be final, then let ccxt keep them."""
        for market_id, open_ms in _finals(message):
            finals = self.final_bars.setdefault(self._market(market_id), [])
            if open_ms not in finals:
                finals.append(open_ms)
                del finals[:-N_KEPT]
        super().handle_ohlcv(client, message)  # type: ignore[misc]  # ccxt's own

    def _market(self, market_id: Any) -> str:
        return str(self.safe_symbol(market_id, None, None, "contract"))  # type: ignore[attr-defined]  # ccxt's own


def _finals(message: Any) -> Iterator[tuple[str, int]]:
    """Yield (market id, opening ms) of every bar that a message calls closed: `confirm` at Bybit, `x` at Binance."""
    topic, data, bar = message.get("topic"), message.get("data"), message.get("k")
    if isinstance(topic, str) and isinstance(data, list):
        for one in data:
            if one.get("confirm") is True:
                yield topic.rpartition(".")[2], int(one["start"])
    elif isinstance(bar, dict) and bar.get("x") is True:
        yield str(bar["s"]), int(bar["t"])
