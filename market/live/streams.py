"""What is listened to: bars, order book and ticker of each symbol, each for ever, whatever happens to the line."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from domain.ports import Timer
from market.live.backoff import Backoff
from market.live.bars import Origin
from market.live.book import BookView, view_of
from market.live.connection import Connection
from market.live.figures import figure, positive
from market.live.notes import Notes
from market.live.state import SymbolState
from market.live.terms import BookRenewal, LiveTerms
from market.live.trouble import MALFORMED, Unanswered, in_words
from market.live.venue_time import VenueTime

BARS, BOOK, TICKER = "bars", "book", "ticker"
UNSUBSCRIBE_S: Final = 5.0
_FORWARD_MS: Final = 2_000


class Streams:
    """Keeps the states of all symbols up to date. `has_news` is set when a bar's successor may have come."""

    __slots__ = ("_connection", "_heard_ms", "_notes", "_states", "_tasks", "_terms", "_time", "_timer", "has_news")

    def __init__(
        self,
        connection: Connection,
        terms: LiveTerms,
        timer: Timer,
        time: VenueTime,
        states: Sequence[SymbolState],
        notes: Notes,
    ) -> None:
        """Take what is listened to and where it is written; `start` begins."""
        self._connection = connection
        self._terms = terms
        self._timer = timer
        self._time = time
        self._states = states
        self._notes = notes
        self._heard_ms: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.has_news = asyncio.Event()

    def start(self) -> None:
        """Begin to listen, each stream in a task of its own."""
        steps: dict[str, Callable[[SymbolState], Awaitable[None]]] = {
            BARS: self._hear_bars,
            BOOK: self._hear_book,
            TICKER: self._hear_ticker,
        }
        self._heard_ms = dict.fromkeys(steps, self._timer.now_ms())
        asyncio.get_running_loop().set_exception_handler(self._on_failed_callback)
        for state in self._states:
            for kind, step in steps.items():
                self.begin(self._listen(state, kind, partial(step, state)))
        self.begin(self._mind_silence())

    def raise_what_failed(self) -> None:
        """Raise what ended a task that was to run for ever: a fault of ours, which must not look like silence."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """End every task."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the streams, for as long as they are listened to."""
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _listen(self, state: SymbolState, kind: str, step: Callable[[], Awaitable[None]]) -> None:
        """Take one message after the other; after a failure wait a little longer each time and listen again."""
        import ccxt

        backoff = Backoff(self._terms.seed, f"{kind} {state.symbol}", self._terms.max_backoff_ms)
        while True:
            try:
                await step()
            except asyncio.CancelledError:
                # ccxt cancels what waits on a connection that it closes; only our own end ends this.
                if _is_our_end():
                    raise
                trouble = "the connection was closed"
            except (ccxt.BaseError, Unanswered, *MALFORMED) as error:
                trouble = in_words(error)
            else:
                backoff.succeeded()
                self._heard_ms[kind] = self._timer.now_ms()
                if state.troubles.pop(kind, None) is not None:
                    self._notes.add("stream_back", kind, state.symbol)
                continue
            self._lost(state, kind, trouble)
            await self._timer.wait_until_ms(self._timer.now_ms() + backoff.failed())
            self._heard_ms[kind] = self._timer.now_ms()

    def _lost(self, state: SymbolState, kind: str, trouble: str) -> None:
        if kind not in state.troubles:
            self._notes.add("stream_lost", f"{kind}: {trouble}", state.symbol)
        state.troubles[kind] = trouble
        self._heard_ms[kind] = self._timer.now_ms()
        if kind == BARS:
            state.bars.interrupted()

    async def _hear_bars(self, state: SymbolState) -> None:
        exchange = self._connection.exchange
        await exchange.watch_ohlcv(state.market, "1m")
        now_ms = self._time.now_ms()
        # What ccxt calls the new rows are the last ones of its list, and after a row out of order those are others.
        finals = exchange.final_bars.get(state.market, ())
        shown = {row[0]: (list(row), row[0] in finals) for row in exchange.ohlcvs[state.market]["1m"]}
        for open_ms, (row, is_final) in shown.items():
            if state.bars_shown.get(open_ms) != (row, is_final):
                state.bars.take(row, now_ms, Origin.STREAM, is_final=is_final)
        state.bars_shown = shown
        self.has_news.set()

    async def _hear_book(self, state: SymbolState) -> None:
        exchange = self._connection.exchange
        book = await exchange.watch_order_book(state.market, self._terms.facts.book_levels)
        view = view_of(book)
        broken = exchange.broken_books.get(state.market) or (view if isinstance(view, str) else None)
        if broken is not None:
            await self._resynchronise(state, broken)
        elif isinstance(view, BookView):
            state.book.add(self._stamp(book.get("timestamp")), view)
            state.book_trouble = None

    async def _resynchronise(self, state: SymbolState, why: str) -> None:
        """Look at the book by REST now, and have the stream begin again with a whole one."""
        state.book_trouble = why
        self._notes.add("book_resync", why, state.symbol)
        exchange, levels = self._connection.exchange, self._terms.facts.book_levels
        call = partial(exchange.fetch_order_book, state.market, levels)
        try:
            book = await self._connection.ask("a snapshot of the order book", call)
            view = view_of(book)
            if isinstance(view, BookView):
                state.book.add(self._stamp(book.get("timestamp")), view)
                state.book_trouble = None
        finally:
            exchange.forget_book(state.market)
            await self._renew_book(state)

    async def _renew_book(self, state: SymbolState) -> None:
        exchange = self._connection.exchange
        match self._terms.facts.book_renewal:
            case BookRenewal.FORGET:
                exchange.orderbooks.pop(state.market, None)
            case BookRenewal.RECONNECT:
                self._connection.hang_up(f"{state.symbol}: the order book begins again")
            case BookRenewal.RESUBSCRIBE:
                await self._unsubscribe(state)

    async def _unsubscribe(self, state: SymbolState) -> None:
        import ccxt

        exchange = self._connection.exchange
        try:
            async with asyncio.timeout(UNSUBSCRIBE_S):
                await exchange.un_watch_order_book(state.market, dict(self._terms.facts.unwatch_params))
        except TimeoutError:
            self._connection.hang_up(f"{state.symbol}: the order book could not be asked for anew otherwise")
        except (ccxt.BaseError, *MALFORMED):
            # The line broke meanwhile; a new one begins with a whole book.
            exchange.orderbooks.pop(state.market, None)

    async def _hear_ticker(self, state: SymbolState) -> None:
        exchange = self._connection.exchange
        facts = self._terms.facts
        watch = exchange.watch_mark_price if facts.watches_marks else exchange.watch_ticker
        ticker = await watch(state.market)
        known_ms = self._stamp(ticker.get("timestamp"))
        for trail, word in ((state.mark, facts.mark_word), (state.index, facts.index_word)):
            price = positive(figure(ticker, word))
            if price is not None:
                trail.add(known_ms, price)

    def _stamp(self, told_ms: object) -> int:
        """Return when a figure was true by the exchange's clock: as it says, unless that is in the future."""
        now_ms = self._time.now_ms()
        return told_ms if isinstance(told_ms, int) and told_ms <= now_ms + _FORWARD_MS else now_ms

    def _on_failed_callback(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Hang up when ccxt stumbled over a message: it no longer reads that line, and says so to the loop alone."""
        import ccxt

        error = context.get("exception")
        if "handle" in context and isinstance(error, (ccxt.BaseError, *MALFORMED)) and not isinstance(error, OSError):
            self._notes.add("message_unreadable", in_words(error))
            self._connection.hang_up("a message could not be read")
        elif isinstance(error, OSError):
            # ccxt answered a ping on a line that was closing; whoever listens on it is told so otherwise.
            self._notes.add("line_closed", in_words(error))
        else:
            loop.default_exception_handler(context)

    async def _mind_silence(self) -> None:
        """Hang up when a kind of stream has said nothing for too long: a dead line looks like a quiet one."""
        while True:
            await self._timer.wait_until_ms(self._timer.now_ms() + self._terms.silence_ms // 5)
            now_ms = self._timer.now_ms()
            silent = [kind for kind, heard_ms in self._heard_ms.items() if now_ms - heard_ms > self._terms.silence_ms]
            if silent:
                why = f"no {' and no '.join(silent)} for {self._terms.silence_ms // 1000} s"
                self._notes.add("stream_silent", why)
                self._connection.hang_up(why)
                self._heard_ms = dict.fromkeys(self._heard_ms, now_ms)


def _is_our_end() -> bool:
    """Say whether the task at work was cancelled itself, and not something it waits for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
