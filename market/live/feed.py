"""The live market as a feed: one exchange, minute by minute as they close, none left out."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from domain.errors import BadInput, FeedLost
from domain.market import MINUTE_MS, Snapshot
from domain.ports import Timer
from market.live.backfill import HISTORY, BackFill
from market.live.bars import BarBook, Kept, Origin
from market.live.connection import Connection
from market.live.figures import positive
from market.live.notes import Notes
from market.live.polls import Polls
from market.live.settlements import settled_at_close, settled_in_gap
from market.live.snapshots import snapshot_of
from market.live.state import SymbolState
from market.live.streams import BARS, Streams
from market.live.terms import LiveTerms
from market.live.timer import minute_of
from market.live.trouble import Unanswered
from market.live.venue_time import VenueTime
from market.quality import QualityLimits
from market.recording import utc_text

ALGORITHM_VERSION: Final = 1
MAX_GAP_MINUTES: Final = 10_080
FIRST_SIGHT: Final[Mapping[str, int]] = MappingProxyType({})


class LiveFeed:
    """The plug `live` of the `Feed` port.

    Call `open` before the first `next_minute`, and `close` after the last. Minutes come when they have closed: when
    the exchange has called every symbol's bar final and its clock shows that the minute is over, or every next bar has
    begun, or else when its clock says so, with a grace, and REST has been asked.
    A minute that REST cannot tell either is a snapshot without a bar. Minutes that closed before the feed was asked
    for them (the warm-up, a desk that was away) come first, as fast as they are taken, and say that they are
    back-filled, which lets no new risk rest on them.
    """

    __slots__ = (
        "_connection",
        "_filling",
        "_limits",
        "_n_left",
        "_next_open_ms",
        "_notes",
        "_opened_ms",
        "_states",
        "_streams",
        "_terms",
        "_time",
        "_timer",
        "n_minutes",
    )

    def __init__(self, terms: LiveTerms, limits: QualityLimits, timer: Timer, n_minutes: int | None = None) -> None:
        """Prepare; nothing is sent yet. n_minutes: how many live ones to give after the warm-up; None without end."""
        self.n_minutes = n_minutes
        self._n_left = n_minutes
        self._terms = terms
        self._limits = limits
        self._timer = timer
        self._connection = Connection(terms, timer)
        self._time = VenueTime(self._connection, timer)
        self._states: tuple[SymbolState, ...] = ()
        self._streams: Streams | None = None
        self._notes = Notes()
        self._filling = self._back_fill()
        self._next_open_ms = 0
        self._opened_ms = 0

    @property
    def data_identity(self) -> str:
        """The fingerprint of what is listened to: exchange and markets. What it said is on record, minute by minute."""
        markets = {symbol: self._terms.market_name(symbol) for symbol in sorted(self._terms.symbols)}
        told = msgspec.json.encode([ALGORITHM_VERSION, self._terms.exchange, markets])
        return f"live:{self._terms.exchange}:{hashlib.sha256(told).hexdigest()}"

    def describe(self) -> str:
        """Say in one line what is listened to."""
        markets = ", ".join(f"{symbol} ({self._terms.market_name(symbol)})" for symbol in self._terms.symbols)
        since = utc_text(self._next_open_ms)
        return f"LIVE market: {self._terms.exchange}, {markets}; minutes since {since} UTC are fetched first"

    def take_notes(self) -> list[tuple[str, str]]:
        """Return what happened to the feed itself since last asked, as (kind, sentence), and forget it."""
        return self._notes.take()

    async def open(self, last_as_of_ms: Mapping[str, int] = FIRST_SIGHT) -> None:
        """Find the exchange and its markets, and where to begin.

        last_as_of_ms: per symbol, the close of the last minute on record; empty in a new run, which begins with the
        warm-up. Raises FeedLost when the exchange cannot be reached, BadInput when it lacks a market or when the
        run was away for longer than can be fetched.
        """
        await self._connection.open()
        markets = {symbol: self._market(symbol) for symbol in self._terms.symbols}
        try:
            await self._time.measure()
        except Unanswered as error:
            raise FeedLost(f"{self._terms.exchange} answered, but not what time it is there: {error}") from error
        now_ms = minute_of(self._time.now_ms())
        self._opened_ms = now_ms
        self._next_open_ms = max(last_as_of_ms.values(), default=now_ms - self._terms.warmup_bars * MINUTE_MS)
        n_away = (now_ms - self._next_open_ms) // MINUTE_MS
        if n_away > MAX_GAP_MINUTES:
            raise BadInput(
                f"this run was last there {n_away // 1440} days ago and at most 7 can be made up for; begin a new run"
            )
        self._states = tuple(
            SymbolState(
                symbol=symbol,
                market=market,
                bars=BarBook(
                    self._next_open_ms, self._unit_base(market), calls_final=self._terms.facts.calls_bars_final
                ),
                unit_base=self._unit_base(market),
                n_unseen=(self._next_open_ms - last_as_of_ms.get(symbol, self._next_open_ms)) // MINUTE_MS,
            )
            for symbol, market in markets.items()
        )
        self._filling = self._back_fill()

    async def close(self) -> None:
        """End every stream and close the line."""
        if self._streams is not None:
            await self._streams.stop()
        await self._connection.close()

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return one snapshot per symbol for the next closed minute; None after `n_minutes` live ones.

        A minute is given at most `patience_ms` after its close, whatever is missing.
        """
        if self._n_left == 0:
            return None
        filling = self._listen()
        open_ms = self._next_open_ms
        if self._time.now_ms() >= open_ms + 2 * MINUTE_MS:
            await filling.make_up(open_ms, minute_of(self._time.now_ms()) - MINUTE_MS)
        else:
            await self._until_closed(open_ms)
            await filling.complete(open_ms)
        minute = tuple(self._snapshot(state, open_ms) for state in self._states)
        self._next_open_ms = open_ms + MINUTE_MS
        if self._n_left is not None and self._next_open_ms > self._opened_ms:
            self._n_left -= 1
        return minute

    def _back_fill(self) -> BackFill:
        return BackFill(self._connection, self._terms, self._time, self._states, self._notes)

    def _market(self, symbol: str) -> str:
        name = self._terms.market_name(symbol)
        market = self._connection.exchange.markets.get(name)
        if market is None or not market.get("swap") or not market.get("linear"):
            bases = f"{self._terms.facts.quote}:{self._terms.facts.settle}"
            raise BadInput(
                f"{symbol} would be {name} on {self._terms.exchange}, which has no such linear perpetual; "
                f"LIVE_MARKETS={symbol}=BASE/{bases} names another"
            )
        return name

    def _unit_base(self, market: str) -> float:
        """Return the base in one unit of the amounts that the exchange tells."""
        if not self._terms.facts.counts_contracts:
            return 1.0
        size = positive(self._connection.exchange.markets[market].get("contractSize"))
        if size is None:
            raise FeedLost(f"{self._terms.exchange} does not say how much one contract of {market} is")
        return size

    def _listen(self) -> BackFill:
        """Begin to listen, once, and return what fills the gaps."""
        if self._streams is not None:
            self._streams.raise_what_failed()
            return self._filling
        self._streams = Streams(self._connection, self._terms, self._timer, self._time, self._states, self._notes)
        self._streams.start()
        polls = Polls(self._connection, self._terms, self._time, self._states, self._notes)
        self._streams.begin(polls.run())
        return self._filling

    async def _until_closed(self, open_ms: int) -> None:
        """Wait until every symbol's bar is closed or its next has begun; at most until the minute's end and the grace.

        A bar may be called final before our idea of the exchange's clock says that its minute is over.
        """
        news = self._streams.has_news if self._streams is not None else asyncio.Event()
        over = asyncio.ensure_future(self._time.wait_until_ms(open_ms + MINUTE_MS))
        late = asyncio.ensure_future(self._time.wait_until_ms(open_ms + MINUTE_MS + self._terms.grace_ms))
        try:
            while not late.done() and not self._is_closed(open_ms):
                news.clear()
                heard = asyncio.ensure_future(news.wait())
                waiting = {late, heard} if over.done() else {late, heard, over}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                heard.cancel()
        finally:
            over.cancel()
            late.cancel()

    def _is_closed(self, open_ms: int) -> bool:
        now_ms = self._time.now_ms()
        for state in self._states:
            state.bars.see_clock(now_ms)
            if not state.bars.is_closed(open_ms) and not state.bars.has_successor(open_ms):
                return False
        return True

    def _snapshot(self, state: SymbolState, open_ms: int) -> Snapshot:
        close_ms = open_ms + MINUTE_MS
        kept = state.bars.at(open_ms) if state.bars.is_closed(open_ms) else None
        state.bars.give_out(open_ms)
        price = state.last_close if kept is None else kept.bar.close_price
        source = self._terms.exchange
        settlement = settled_at_close(state, close_ms, price, source)
        if settlement is None and _is_made_up(kept):
            settlement = settled_in_gap(self._filling.settled.get(state.symbol, ()), close_ms, price, source)
        clocks = self._time.defect
        for odd, n_times in state.bars.take_oddities().items():
            self._notes.add("odd_bars", f"{odd}, {n_times} times by {utc_text(close_ms)} UTC", state.symbol)
        why_none = self._why_none(state)
        more = () if clocks is None else (clocks,)
        return snapshot_of(state, close_ms, kept, why_none, settlement, more, self._limits, source)

    def _why_none(self, state: SymbolState) -> str:
        told = state.troubles.get(HISTORY)
        if told is None:
            return f"{self._terms.exchange} has none of this minute"
        heard = state.troubles.get(BARS)
        return told if heard is None else f"{told}; and its stream: {heard}"


def _is_made_up(kept: Kept | None) -> bool:
    return kept is None or kept.origin is Origin.REST
