"""One exchange through ccxt: opened for perpetuals alone, its addresses redirected where asked, its failures named."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from domain.addresses import is_loopback, redirected
from domain.errors import FeedLost
from domain.ports import Timer
from market.live.backoff import Backoff
from market.live.messages import MessageWatch
from market.live.terms import LiveTerms
from market.live.trouble import MALFORMED, Unanswered, in_words

_T = TypeVar("_T")

FIRST_BAN_MS: Final = 2_000
ENCRYPTED_CLOSE_MS: Final = 250
N_BARS_KEPT: Final = 10
"""Bars of a market that ccxt holds: the newest, and what came out of order."""


class Connection:
    """An exchange that can be asked (`ask`) and listened to (`exchange`, ccxt's own object, there once it is open)."""

    __slots__ = ("_bans", "_blocked_until_ms", "_terms", "_timer", "exchange", "name")

    def __init__(self, terms: LiveTerms, timer: Timer) -> None:
        """Prepare; nothing is built or sent yet."""
        self.name = terms.exchange
        self.exchange: Any = None
        self._terms = terms
        self._timer = timer
        self._blocked_until_ms = 0
        self._bans = Backoff(terms.seed, "rate limit", 60_000)

    async def open(self) -> None:
        """Load the markets. Raises FeedLost, with one sentence, when the exchange cannot be reached."""
        self.exchange = _exchange(self._terms)
        try:
            await self.ask("the list of markets", self.exchange.load_markets)
        except Unanswered as error:
            raise FeedLost(
                f"{self.name} could not be reached at {self.address} ({error}); see whether this machine has a way to "
                f"the internet and whether LIVE_EXCHANGE and LIVE_URL are meant so, or trade on the simulated market: "
                f"python main.py paper --feed sim"
            ) from error

    async def ask(self, what: str, call: Callable[[], Awaitable[_T]]) -> _T:
        """Put one question by REST. Raises Unanswered; while the exchange wants to be left alone nothing is sent."""
        import ccxt

        now_ms = self._timer.now_ms()
        if now_ms < self._blocked_until_ms:
            wait_s = (self._blocked_until_ms - now_ms) / 1000
            raise Unanswered(f"{what}: the rate limit was hit, asked again in {wait_s:.0f} s")
        try:
            answer = await call()
        except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
            self._blocked_until_ms = now_ms + self._pause_ms()
            raise Unanswered(f"{what}: {in_words(error)}") from error
        except (ccxt.BaseError, *MALFORMED) as error:
            raise Unanswered(f"{what}: {in_words(error)}") from error
        self._bans.succeeded()
        return answer

    def hang_up(self, why: str) -> None:
        """Give up every stream; the next one watched makes a new connection."""
        import ccxt

        for client in list(self.exchange.clients.values()):
            client.on_error(ccxt.RequestTimeout(why))
            if client.connection is None:
                # It is still being connected, and ccxt would leave it open to nobody's use.
                client.connected.add_done_callback(partial(_close_late, client))
        self.exchange.clients.clear()

    async def close(self) -> None:
        """Close everything."""
        if self.exchange is not None:
            await self.exchange.close()

    @property
    def address(self) -> str:
        """Where questions go."""
        first = _first_address(self.exchange.urls["api"])
        return str(self.exchange.implode_hostname(first))

    def _pause_ms(self) -> int:
        headers = self.exchange.last_response_headers or {}
        told = {str(name).lower(): str(value) for name, value in headers.items()}.get("retry-after", "")
        return max(FIRST_BAN_MS + self._bans.failed(), int(told) * 1000 if told.isdigit() else 0)


def _exchange(terms: LiveTerms) -> Any:
    """Build ccxt's exchange, told what the terms say. ccxt is imported here, which takes half a second."""
    import ccxt.pro

    ours = type(terms.exchange, (MessageWatch, getattr(ccxt.pro, terms.exchange)), {})
    is_rehearsal = is_loopback(terms.url)
    exchange: Any = ours(
        {
            # ccxt paces our questions by the machine's clock; a rehearsal on this machine has a clock of its own.
            "enableRateLimit": not is_rehearsal,
            # At the end it waits for encrypted lines to close, of which a rehearsal has none.
            "timeout_on_exit": 0 if is_rehearsal else ENCRYPTED_CLOSE_MS,
            "newUpdates": True,
            "timeout": terms.request_timeout_ms,
            "options": {**terms.facts.options, "OHLCVLimit": N_BARS_KEPT},
        }
    )
    exchange.has["fetchCurrencies"] = False
    if terms.url:
        exchange.urls["api"] = redirected(exchange.urls["api"], terms.url)
    return exchange


def _close_late(client: Any, connected: Any) -> None:
    if not connected.cancelled() and connected.exception() is None:
        client.asyncio_loop.create_task(client.close())


def _first_address(urls: Any) -> str:
    preferred = ("fapiPublic", "public", "rest", "contract")
    if isinstance(urls, Mapping):
        named = [urls[name] for name in preferred if name in urls]
        return _first_address((named or list(urls.values()))[0])
    return str(urls)
