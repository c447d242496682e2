"""Which exchanges history can be fetched from, and what their public endpoints give at a time."""

from collections.abc import Mapping
from typing import Final

from domain.record import Record
from market.history.series import Kind


class ExchangeFacts(Record, frozen=True, kw_only=True):
    """One exchange, by the name ccxt gives it; what is not about history stands in market/live/terms.py.

    n_*_page: most rows of an answer. rows_at: the names under which an answer's JSON holds its rows; none where it is
    them. kinds: what it has history of. n_bars_kept: how many minutes back from now it shows bars; None for all.
    """

    n_bars_page: int
    n_interest_page: int
    n_funding_page: int
    rows_at: tuple[str, ...]
    kinds: tuple[Kind, ...] = tuple(Kind)
    n_bars_kept: int | None = None


EXCHANGES: Final[Mapping[str, ExchangeFacts]] = {
    "binanceusdm": ExchangeFacts(n_bars_page=1000, n_interest_page=500, n_funding_page=1000, rows_at=()),
    "bybit": ExchangeFacts(n_bars_page=1000, n_interest_page=200, n_funding_page=200, rows_at=("result", "list")),
    "hyperliquid": ExchangeFacts(
        n_bars_page=1000,
        n_interest_page=0,
        n_funding_page=500,
        rows_at=(),
        kinds=(Kind.BARS, Kind.FUNDING),
        n_bars_kept=5000,
    ),
}
