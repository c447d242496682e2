"""History of Drift and Velocity: fills and funding records of a day, from the archive's day files or the Data API."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date
from typing import Final, TypeVar

from msgspec import structs

from domain.errors import FeedLost
from domain.market import MINUTE_MS
from market.drift.funding import FundingReader
from market.drift.minutes import Columns, funding_columns, minute_bars
from market.drift.pages import Page
from market.drift.trades import TradesReader
from market.history.drift_facts import DRIFT_VENUES, TRADES_A_PAGE, DriftVenue
from market.history.patience import Pause
from market.history.rows import DayRows
from market.history.series import Kind, day_at
from market.history.terms import FetchTerms
from market.history.web import Web

_MOST_PAGES: Final = 10_000
_HOST: Final = re.compile(r"^https?://[^/]+")
_T = TypeVar("_T")

_Read = Callable[[str, bytes], Page[_T]]
"""Reads a named body; a row that an earlier one had is not taken again."""


class DriftSource:
    """One venue's public history. Used within one event loop, and closed in it."""

    def __init__(self, name: str, terms: FetchTerms, pause: Pause = asyncio.sleep) -> None:
        """Get ready to ask; nothing is sent yet. name: one of DRIFT_VENUES. pause: waits between two tries."""
        self.name = name
        venue = DRIFT_VENUES[name]
        self._venue = _mirrored(venue, terms.url.rstrip("/")) if terms.url else venue
        self._web = Web(terms, pause, {"Origin": venue.origin, "Referer": f"{venue.origin}/"})

    async def day(self, kind: Kind, symbol: str, first_ms: int, until_ms: int) -> DayRows:
        """Return one day's minutes that had a fill, or its funding records, and what became of every file's lines."""
        if kind is Kind.FUNDING:
            return await self._funding(symbol, first_ms, until_ms)
        return await self._bars(symbol, first_ms, until_ms)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _bars(self, symbol: str, first_ms: int, until_ms: int) -> DayRows:
        day, read = day_at(first_ms), TradesReader(symbol).read
        pages = await self._archived(symbol, "tradeRecords", day, read)
        if pages is None:
            pages = await self._numbered(symbol, f"trades/{_path_of(day)}", read)
        fills = (fill for page in pages for fill in page.rows if first_ms <= fill.time_ms < until_ms)
        return _day_rows(minute_bars(fills), MINUTE_MS, pages)

    async def _funding(self, symbol: str, first_ms: int, until_ms: int) -> DayRows:
        day = day_at(first_ms)
        read = FundingReader(f"{self.name}_archive", symbol).read
        pages = await self._archived(symbol, "fundingRateRecords", day, read)
        if pages is None:
            read = FundingReader(f"{self.name}_api", symbol).read
            pages = await self._linked(symbol, f"fundingRates/{_path_of(day)}", read)
        records = (one for page in pages for one in page.rows if first_ms <= one.settled_ms < until_ms)
        return _day_rows(funding_columns(records), None, pages)

    async def _archived(self, symbol: str, name: str, day: date, read: _Read[_T]) -> list[Page[_T]] | None:
        """Return a day file of the archive; None where the archive has none."""
        if self._venue.archive is None or not self._venue.has_file(day):
            return None
        url = f"{self._venue.archive}/market/{symbol}/{name}/{day:%Y}/{day:%Y%m%d}"
        question = f"{self.name}'s {name} of {symbol} on {day}"
        first = await self._web.get_file(url, question)
        if first is None:
            return None
        return await _looked_at(f"{name}/{day:%Y%m%d}", first, lambda: self._web.get(url, {}, question), read)

    async def _numbered(self, symbol: str, path: str, read: _Read[_T]) -> list[Page[_T]]:
        """Return every page of a day's fills.

        The first is asked for without a number, so that it does not matter whether they count from nought or one: a
        fill that comes twice is taken once.
        """
        pages: list[Page[_T]] = []
        for number in range(_MOST_PAGES):
            params = {"format": "csv"} | ({"page": str(number)} if number else {})
            pages += await self._pages(symbol, path, params, read)
            counts = pages[-1].counts
            if counts.n_parsed + counts.n_malformed < TRADES_A_PAGE:
                return pages
        raise FeedLost(f"{self.name}'s {path} of {symbol} has no end after {_MOST_PAGES:,} pages")

    async def _linked(self, symbol: str, path: str, read: _Read[_T]) -> list[Page[_T]]:
        """Return every page of a day's funding: each names the one after it."""
        pages = await self._pages(symbol, path, {}, read)
        cursors: list[str] = []
        while (cursor := pages[-1].next_page) is not None:
            if cursor in cursors:
                raise FeedLost(f"{self.name}'s {path} of {symbol} goes round in circles at page {cursor[:40]}")
            cursors.append(cursor)
            pages += await self._pages(symbol, path, {"page": cursor}, read)
        return pages

    async def _pages(self, symbol: str, path: str, params: Mapping[str, str], read: _Read[_T]) -> list[Page[_T]]:
        name = f"{path} page {params['page']}" if "page" in params else path
        url, question = f"{self._venue.api}/market/{symbol}/{path}", f"{self.name}'s {name} of {symbol}"

        async def get() -> bytes:
            return await self._web.get(url, params, question)

        return await _looked_at(name, await get(), get, read)


async def _looked_at(name: str, first: bytes, again: Callable[[], Awaitable[bytes]], read: _Read[_T]) -> list[Page[_T]]:
    """Read a body, and once more where it brings nothing new or breaks off; what then comes is believed.

    Returns both readings where each has rows: the second takes only what the first did not have.
    """
    page = read(name, first)
    if page.rows and not page.counts.is_cut:
        return [page]
    second = read(name, await again())
    return [page, second] if page.rows and second.rows else [page] if page.rows else [second]


def _day_rows(columns: Columns, step_ms: int | None, pages: Iterable[Page[_T]]) -> DayRows:
    stamps_ms, figures = columns
    return DayRows(stamps_ms, figures, step_ms, tuple(page.counts for page in pages))


def _path_of(day: date) -> str:
    return f"{day.year}/{day.month}/{day.day}"


def _mirrored(venue: DriftVenue, url: str) -> DriftVenue:
    archive = None if venue.archive is None else _HOST.sub(url, venue.archive)
    return structs.replace(venue, api=_HOST.sub(url, venue.api), archive=archive)
