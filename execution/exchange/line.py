"""The line to one exchange through ccxt: each question is put once, and failures are named without the key."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from domain.addresses import is_loopback, redirected
from domain.errors import VenueUnreachable
from domain.ports import Timer
from execution.exchange.contact import REQUESTS, Contact
from execution.exchange.terms import CcxtTerms

_T = TypeVar("_T")

MALFORMED: Final = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError)
"""What reading an answer raises that is not what the exchange promised."""
LEAVE_ALONE: Final = (403, 418, 429)
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 2_000, 10_000
MOST_CHARACTERS: Final = 200
NEWS, SUBSCRIBED = "news", "subscribed"
Read = Callable[[Any], str | None]
Unlock = Callable[[object], None]
Hide = Callable[[str], str]


class Line:
    """An exchange that can be asked (`ask`) and whose clock is known. exchange: ccxt's own object.

    offset_ms: the exchange's clock minus ours, 0 until `measure`.
    """

    __slots__ = (
        "_blocked_until_ms",
        "_hide",
        "_n_blocks",
        "_timer",
        "contact",
        "exchange",
        "is_clock_doubted",
        "offset_ms",
    )

    def __init__(self, terms: CcxtTerms, unlock: Unlock, hide: Hide, timer: Timer, contact: Contact) -> None:
        """Build ccxt's object; nothing is sent yet. unlock: sets the key on it; hide: takes the key out of a text."""
        self.offset_ms = 0
        self.is_clock_doubted = False
        self.contact = contact
        self._hide = hide
        self._timer = timer
        self._blocked_until_ms = 0
        self._n_blocks = 0
        self.exchange: Any = _exchange(terms, unlock, self.now_ms)

    def now_ms(self) -> int:
        """Return the exchange's time as far as we know it."""
        return self._timer.now_ms() + self.offset_ms

    @property
    def pause_ms(self) -> int:
        """For how long the exchange wants to be left alone; 0 = not at all."""
        return max(0, self._blocked_until_ms - self._timer.now_ms())

    async def ask(self, what: str, call: Callable[[], Awaitable[_T]]) -> _T:
        """Put one question, once; none while the exchange wants to be left alone. Raises VenueUnreachable."""
        import ccxt

        if self.pause_ms:
            raise VenueUnreachable(f"{what}: not asked, the rate limit was hit; again in {self.pause_ms / 1000:.0f} s")
        try:
            answer = await call()
        except ccxt.RateLimitExceeded as error:
            self.leave_alone()
            trouble = self.in_words(error)
        except (ccxt.BaseError, OSError, *MALFORMED) as error:
            trouble = self.in_words(error)
        else:
            self.contact.back(REQUESTS)
            self._n_blocks = 0
            return answer
        # Raised out here, so that it carries nothing of ccxt's error, which quotes what was sent and what came back.
        self.contact.lost(REQUESTS, trouble)
        raise VenueUnreachable(f"{what}: {trouble}")

    def leave_alone(self) -> None:
        """Send nothing for a while: as long as the exchange says, and longer each time."""
        headers = self.exchange.last_response_headers or {}
        told = {str(name).lower(): str(value) for name, value in headers.items()}.get("retry-after", "")
        pause_ms = min(FIRST_PAUSE_MS << min(self._n_blocks, 16), LONGEST_PAUSE_MS)
        self._n_blocks += 1
        self._blocked_until_ms = self._timer.now_ms() + max(pause_ms, int(told) * 1000 if told.isdigit() else 0)

    def in_words(self, error: BaseException) -> str:
        """Return an error as one short line without the key."""
        said = self.hidden(str(error))
        return f"{type(error).__name__}: {said}" if said else type(error).__name__

    def hidden(self, text: object) -> str:
        """Return what an exchange said as one short line without the key."""
        said = "".join(one if one.isprintable() else " " for one in self._hide(str(text))).strip()
        return said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 3] + "..."

    async def close(self) -> None:
        """Close everything. Never raises."""
        import ccxt

        try:
            await self.exchange.close()
        except (ccxt.BaseError, OSError) as error:
            self.contact.note("broker_close", self.in_words(error))


class Ours:
    """Goes before ccxt's class: signs by the exchange's clock, hands over answers as they are, listens to the account.

    read: what a message of a stream is: NEWS, SUBSCRIBED, or None = ccxt's own business. hear: called at news.
    """

    # What ccxt logs holds what it sends.
    logger = logging.Logger("ccxt", logging.CRITICAL + 1)

    def __init__(self, config: dict[str, Any], now_ms: Callable[[], int]) -> None:
        """Take what ccxt's own class takes, and the exchange's clock."""
        # ccxt gives every public name of two words a second one on the class, and stumbles over one of an instance.
        self._now_ms = now_ms
        self.read: Read = _nothing
        self.hear: Callable[[], None] = _silence
        super().__init__(config)  # type: ignore[call-arg]  # the next class in line is ccxt's

    def nonce(self) -> int:
        """Return the time that requests are signed with."""
        return self._now_ms()

    def handle_errors(self, code: int, *told: Any) -> None:
        """Raise for what is no answer of the exchange; an answer that says no is an answer."""
        import ccxt

        if code in LEAVE_ALONE:
            raise ccxt.RateLimitExceeded(f"HTTP {code}")
        response = told[5]
        if code >= 500 or (code >= 400 and not isinstance(response, dict)):
            raise ccxt.ExchangeNotAvailable(f"HTTP {code}")

    def handle_http_status_code(self, *told: Any) -> None:
        """Let pass: `handle_errors` has looked at the status."""

    def client(self, url: str) -> Any:
        """Return ccxt's websocket client of an address; a message it cannot read ends its line, not its reading."""
        client = super().client(url)  # type: ignore[misc]  # ccxt's own
        if "handle_message" not in vars(client):
            client.handle_message = _guarded(client)
        return client

    def handle_message(self, client: Any, message: Any) -> None:
        """Tell news of the account, and leave the rest to ccxt."""
        kind = self.read(message)
        if kind is None:
            super().handle_message(client, message)  # type: ignore[misc]  # ccxt's own
            return
        client.resolve(True, kind)
        if kind == NEWS:
            self.hear()


def _exchange(terms: CcxtTerms, unlock: Unlock, now_ms: Callable[[], int]) -> Any:
    """Build ccxt's exchange, told what the terms say. ccxt is imported here, which takes half a second."""
    import ccxt.pro

    is_local = is_loopback(terms.url)
    ours = type(terms.exchange, (Ours, getattr(ccxt.pro, terms.exchange)), {})
    exchange: Any = ours(
        {
            # ccxt paces requests by the machine's clock; a rehearsal on this machine has a clock of its own.
            "enableRateLimit": not is_local,
            "timeout": terms.request_timeout_ms,
            "options": {"recvWindow": terms.facts.life_ms, "brokerId": "", "maxRetriesOnFailure": 0},
        },
        now_ms,
    )
    if terms.testnet:
        exchange.set_sandbox_mode(True)
    if terms.url:
        exchange.urls["api"] = redirected(exchange.urls["api"], terms.url)
    if terms.url.startswith("http://"):
        # No TLS is spoken there, for which ccxt would read the machine's certificates first.
        exchange.ssl_context = False
    if is_local:
        exchange.timeout_on_exit = 0
    unlock(exchange)
    return exchange


def _guarded(client: Any) -> Callable[[Any], None]:
    handle = client.handle_message

    def handle_or_hang_up(message: Any) -> None:
        import ccxt

        try:
            handle(message)
        except MALFORMED as error:
            client.on_error(ccxt.NetworkError(f"a message could not be read ({type(error).__name__})"))

    return handle_or_hang_up


def _nothing(message: Any) -> str | None:
    return None


def _silence() -> None:
    return None
