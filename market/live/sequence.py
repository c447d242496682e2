"""Gaps in a stream of order book changes that ccxt lets pass: Bybit numbers its changes, and ccxt does not look."""

from collections.abc import Mapping
from typing import Any


class SequenceWatch:
    """Goes before ccxt's class of an exchange and counts its order book messages along.

    broken_books: ccxt's name of a market -> what was wrong with the numbers; a snapshot makes it whole again.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take what ccxt's own class takes."""
        self.broken_books: dict[str, str] = {}
        self._last_update: dict[str, int] = {}
        super().__init__(config)  # type: ignore[call-arg]  # the next class in line is ccxt's

    def handle_order_book(self, client: Any, message: Any) -> None:
        """See whether this change follows the one before it, then let ccxt apply it."""
        data = message.get("data", {})
        number, market = data.get("u"), self.safe_symbol(data.get("s"), None, None, "contract")  # type: ignore[attr-defined]
        if isinstance(number, int):
            last = self._last_update.get(market)
            if message.get("type") == "snapshot":
                self.broken_books.pop(market, None)
            elif last is not None and number != last + 1:
                self.broken_books[market] = f"order book change {number} came after {last}"
            self._last_update[market] = number
        super().handle_order_book(client, message)  # type: ignore[misc]  # ccxt's own
