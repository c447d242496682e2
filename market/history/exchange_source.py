"""History of exchanges through ccxt's REST calls; nothing of it needs a key."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from domain.errors import BadInput
from domain.market import MINUTE_MS
from market.history.exchange_facts import EXCHANGES
from market.history.paging import Row, collect_day, collect_grid
from market.history.patience import NotNow, Pause, insist
from market.history.rows import DayRows
from market.history.series import Kind
from market.history.terms import FetchTerms
from market.live.terms import VENUES

INTEREST_STEP_MS: Final = 5 * MINUTE_MS

_OHLC: Final = ("open", "high", "low", "close")
_HOST: Final = re.compile(r"^(https?|wss?)://[^/]+")
_GARBAGE: Final = (TypeError, ValueError, KeyError, IndexError, AttributeError)
"""What ccxt's parsers raise when an answer is not what the exchange's documentation says."""


class ExchangeSource:
    """One exchange's public history. Used within one event loop, and closed in it."""

    def __init__(self, name: str, terms: FetchTerms, market: str | None = None, pause: Pause = asyncio.sleep) -> None:
        """Get ready to ask; nothing is sent yet. name: one of EXCHANGES.

        market: ccxt's name of the market where the rule (SOL-PERP is SOL/USDT:USDT) does not hold.
        pause: waits between two tries.
        """
        self.name = name
        self._facts = EXCHANGES[name]
        self._terms = terms
        self._market = market
        self._pause = pause
        self._exchange = _ccxt_exchange(name, terms)

    async def day(self, kind: Kind, symbol: str, first_ms: int, until_ms: int) -> DayRows:
        """Return what the exchange has of one day, or of its beginning."""
        pair = await self._pair(symbol)
        match kind:
            case Kind.BARS:
                names = (*_OHLC, "volume")
                return _day_rows(await self._candles(pair, first_ms, until_ms, None), names, MINUTE_MS)
            case Kind.MARK:
                return _day_rows(await self._candles(pair, first_ms, until_ms, "mark"), _OHLC, MINUTE_MS)
            case Kind.ORACLE:
                return await self._oracle(pair, first_ms, until_ms)
            case Kind.PREMIUM:
                return await self._premium(pair, first_ms, until_ms)
            case Kind.OPEN_INTEREST:
                return await self._open_interest(pair, first_ms, until_ms)
            case Kind.FUNDING:
                return await self._funding(pair, first_ms, until_ms)

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    async def _pair(self, symbol: str) -> str:
        venue = VENUES[self.name]
        pair = self._market or f"{symbol.removesuffix('-PERP')}/{venue.quote}:{venue.settle}"
        markets = await self._ask(self._exchange.load_markets, f"{self.name}'s list of markets")
        if not isinstance(markets, dict) or pair not in markets:
            raise BadInput(
                f"{self.name} lists no {pair} for {symbol}; name a perpetual it trades, or say the market with --market"
            )
        return pair

    async def _candles(self, pair: str, first_ms: int, until_ms: int, price: str | None) -> Mapping[int, Row]:
        async def ask(begin_ms: int, end_ms: int) -> Iterable[tuple[int, Row]]:
            params = {"until": end_ms - 1} | ({} if price is None else {"price": price})
            n_rows = (end_ms - begin_ms) // MINUTE_MS
            rows = await self._rows(
                lambda: self._exchange.fetch_ohlcv(pair, "1m", begin_ms, n_rows, params),
                f"{self.name}'s {price or 'traded'} bars of {pair}",
                _candle_rows,
            )
            return rows if price is None else ((stamp, row[:4]) for stamp, row in rows)

        return await collect_grid(ask, first_ms, until_ms, MINUTE_MS, self._facts.n_bars_page)

    async def _oracle(self, pair: str, first_ms: int, until_ms: int) -> DayRows:
        """Return the index price at every minute's end, stamped with that end: it is known then."""
        index = await self._candles(pair, first_ms - MINUTE_MS, until_ms - MINUTE_MS, "index")
        closes = {stamp + MINUTE_MS: (row[3],) for stamp, row in index.items()}
        return _day_rows(closes, ("oracle_price",), MINUTE_MS)

    async def _premium(self, pair: str, first_ms: int, until_ms: int) -> DayRows:
        """Put the close of the mark beside that of the index, for the minutes that have both."""
        mark = await self._candles(pair, first_ms, until_ms, "mark")
        index = await self._candles(pair, first_ms, until_ms, "index")
        both = {stamp: (mark[stamp][3], index[stamp][3]) for stamp in mark if stamp in index}
        return _day_rows(both, ("perp_close", "spot_close"), MINUTE_MS)

    async def _open_interest(self, pair: str, first_ms: int, until_ms: int) -> DayRows:
        async def ask(begin_ms: int, end_ms: int) -> Iterable[tuple[int, Row]]:
            n_rows = -(-(end_ms - begin_ms) // INTEREST_STEP_MS)
            return await self._rows(
                lambda: self._exchange.fetch_open_interest_history(pair, "5m", begin_ms, n_rows, {"until": end_ms - 1}),
                f"{self.name}'s open interest of {pair}",
                _interest_rows,
            )

        told = await collect_grid(ask, first_ms, until_ms, INTEREST_STEP_MS, self._facts.n_interest_page)
        if any(np.isnan(usd) for _, usd in told.values()):
            told = _valued(told, await self._candles(pair, first_ms, until_ms, None))
        return _day_rows(told, ("open_interest_base", "open_interest_usd"), INTEREST_STEP_MS)

    async def _funding(self, pair: str, first_ms: int, until_ms: int) -> DayRows:
        async def ask(begin_ms: int, end_ms: int) -> Iterable[tuple[int, Row]]:
            n_rows = self._facts.n_funding_page
            return await self._rows(
                lambda: self._exchange.fetch_funding_rate_history(pair, begin_ms, n_rows, {"until": end_ms - 1}),
                f"{self.name}'s funding of {pair}",
                _funding_rows,
            )

        return _day_rows(await collect_day(ask, first_ms, until_ms), ("funding_rate",), None)

    async def _rows(
        self, call: Callable[[], Awaitable[Any]], question: str, read: Callable[[Any], list[tuple[int, Row]]]
    ) -> list[tuple[int, Row]]:
        """Ask for a page until one comes that is a page: ccxt takes any other text for one without rows."""

        async def page() -> list[tuple[int, Row]]:
            told = await call()
            answer = self._exchange.last_json_response
            for name in self._facts.rows_at:
                answer = answer[name]
            if not isinstance(answer, list):
                raise TypeError("no list of rows")
            return read(told)

        rows: list[tuple[int, Row]] = await self._ask(page, question)
        return rows

    async def _ask(self, call: Callable[[], Awaitable[Any]], question: str) -> Any:
        """Ask ccxt until it answers with something that can be read."""
        from ccxt.base.errors import BaseError

        async def once() -> Any:
            try:
                return await call()
            except BaseError as error:
                raise _judged(error, question) from error
            except _GARBAGE as error:
                raise NotNow(f"an answer that is no market data ({type(error).__name__})") from error

        return await insist(once, question, self._terms, self._pause)


def _judged(error: Exception, question: str) -> Exception:
    """Tell what asking again may mend from what it cannot."""
    from ccxt.base.errors import ExchangeError, NetworkError

    words = f"{type(error).__name__}: {error}"
    # ccxt has no other class for an answer that broke off, or that it could make nothing of.
    if isinstance(error, NetworkError) or type(error) is ExchangeError:
        return NotNow(words)
    return BadInput(f"{question} was refused, {words[:300]}")


def _ccxt_exchange(name: str, terms: FetchTerms) -> Any:
    import ccxt.async_support as ccxt

    options = {**VENUES[name].options}
    exchange = getattr(ccxt, name)(
        {"enableRateLimit": True, "timeout": int(terms.timeout_s * 1000), "options": options}
    )
    exchange.has["fetchCurrencies"] = False
    exchange.enableLastJsonResponse = True
    if terms.url:
        exchange.urls["api"] = _redirected(exchange.urls["api"], terms.url.rstrip("/"))
    return exchange


def _redirected(addresses: Any, base_url: str) -> Any:
    if isinstance(addresses, dict):
        return {name: _redirected(inner, base_url) for name, inner in addresses.items()}
    return _HOST.sub(base_url, addresses) if isinstance(addresses, str) else addresses


def _candle_rows(told: Any) -> list[tuple[int, Row]]:
    return [(int(stamp), tuple(map(_float, row))) for stamp, *row in told if len(row) == 5]


def _interest_rows(told: Any) -> list[tuple[int, Row]]:
    return [
        (int(one["timestamp"]), (_float(one.get("openInterestAmount")), _float(one.get("openInterestValue"))))
        for one in told
    ]


def _funding_rows(told: Any) -> list[tuple[int, Row]]:
    # Stamps lie some milliseconds behind the settlement; to the minute they are when it was.
    return [(int(one["timestamp"]) // MINUTE_MS * MINUTE_MS, (_float(one["fundingRate"]),)) for one in told]


def _valued(told: Mapping[int, Row], bars: Mapping[int, Row]) -> dict[int, Row]:
    """Value open interest told in base units at the price its minute opens with; left out where there is no bar."""
    return {stamp: (base, base * bars[stamp][0]) for stamp, (base, _) in told.items() if stamp in bars}


def _float(told: Any) -> float:
    return float("nan") if told is None else float(told)


def _day_rows(rows: Mapping[int, Row], names: Sequence[str], step_ms: int | None) -> DayRows:
    stamps = sorted(rows)
    figures = np.array([rows[stamp] for stamp in stamps], dtype=np.float64).reshape(-1, len(names))
    return DayRows(
        stamps_ms=np.array(stamps, dtype=np.int64),
        columns={name: figures[:, place] for place, name in enumerate(names)},
        step_ms=step_ms,
    )
