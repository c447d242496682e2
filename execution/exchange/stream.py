"""The account's stream: it says only "look", and whoever was told looks by REST."""

import asyncio
from typing import Any, Final

from domain.ports import Timer
from execution.exchange.contact import STREAM, Contact
from execution.exchange.dialect import Dialect
from execution.exchange.line import MALFORMED, Line
from execution.exchange.terms import CcxtTerms

FIRST_PAUSE_MS: Final = 500
SIGN_IN_S: Final = 10.0
ALIVE: Final = "alive"


class Stream:
    """Listens for ever, whatever happens to the line. news: set at every message, and when the line goes or comes."""

    def __init__(
        self,
        line: Line,
        dialect: Dialect,
        timer: Timer,
        contact: Contact,
        news: asyncio.Event,
        terms: CcxtTerms,
    ) -> None:
        """Take what is listened to; `start` begins."""
        self._line = line
        self._dialect = dialect
        self._timer = timer
        self._contact = contact
        self._news = news
        self._max_backoff_ms = terms.max_backoff_ms
        self._n_failures = 0
        self._task: asyncio.Task[None] | None = None
        line.exchange.hear = news.set

    def start(self) -> None:
        """Begin to listen, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def stop(self) -> None:
        """End the task, however it stands."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        """Stay connected; after a loss wait longer each time, up to the longest pause."""
        while True:
            trouble = await self._until_lost()
            self._contact.lost(STREAM, trouble)
            self._news.set()
            pause_ms = min(FIRST_PAUSE_MS << min(self._n_failures, 16), self._max_backoff_ms)
            self._n_failures += 1
            await self._timer.wait_until_ms(self._timer.now_ms() + pause_ms)

    async def _until_lost(self) -> str:
        """Connect, sign in, and return why the line went."""
        import ccxt

        alive: Any = None
        try:
            # Nothing ever resolves this; ccxt ends it with the line, for whatever reason the line ends.
            alive = self._line.exchange.watch(self._dialect.stream_url, ALIVE, None, ALIVE)
            async with asyncio.timeout(SIGN_IN_S):
                await self._dialect.listen()
            self._contact.back(STREAM)
            self._n_failures = 0
            self._news.set()
            await alive
        except asyncio.CancelledError:
            # ccxt cancels what waits on a line that it closes; only our own end ends this.
            if _is_our_end():
                raise
            return "the line was closed"
        except TimeoutError:
            return f"nobody answered within {SIGN_IN_S:.0f} s"
        except (ccxt.BaseError, OSError, *MALFORMED) as error:
            return self._line.in_words(error)
        finally:
            await self._hang_up(alive)
        return "the line was closed"

    async def _hang_up(self, alive: Any) -> None:
        """Leave nothing behind of a line that is lost."""
        import ccxt

        clients = self._line.exchange.clients
        client = clients.pop(self._dialect.stream_url, None)
        if client is not None:
            client.on_error(ccxt.NetworkError("the line is given up"))
        if alive is not None and alive.done() and not alive.cancelled():
            alive.exception()


def _is_our_end() -> bool:
    """Say whether the task at work was cancelled itself, and not something it waits for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
