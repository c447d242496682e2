"""The stage of the flow tests: a whole desk, wired by `main.build` as in production, on a tape made here."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import main
from agents.master import MasterAgent
from db.off import JournalOff
from domain.account import AccountView, Levels, VenueReport
from domain.decisions import ApprovedOrder, Refusal
from domain.market import MINUTE_MS, Bar, Reading, Snapshot
from domain.ports import Journal, Venue
from domain.tick import TickRecord, TradingState
from execution.instruments import instrument
from settings import load_settings

QUICK = {
    "FEATURE_ATR_BARS": "3",
    "FEATURE_VOLUME_BARS": "8",
    "FEATURE_VOL_BARS": "4",
    "FEATURE_VOL_LONG_BARS": "6",
    "FEATURE_EMA_FAST_BARS": "2",
    "FEATURE_EMA_SLOW_BARS": "4",
    "FEATURE_DRAWDOWN_BARS": "5",
}
"""Windows so short that a tape of ten bars is warm."""


def desk(journal: Journal | None = None, symbols: Sequence[str] = ("SOL-PERP",), **knobs: str) -> MasterAgent:
    """Build a desk's agents with quick windows and the given settings."""
    settings = load_settings(None, {}, {**QUICK, "SYMBOLS": ",".join(symbols), **knobs})
    return main.build(settings, {symbol: instrument(symbol) for symbol in symbols}, journal or JournalOff())


def minute(
    number: int,
    open_price: float,
    close_price: float,
    *,
    volume: float = 100.0,
    reach: float = 0.0005,
    spread_bps: float = 2.0,
    imbalance: float | None = None,
    symbol: str = "SOL-PERP",
    **parts: object,
) -> Snapshot:
    """Return the snapshot of minute `number`: a bar that reaches `reach` beyond its open and close."""
    close_ms = (number + 1) * MINUTE_MS
    bar = Bar(
        open_ms=close_ms - MINUTE_MS,
        close_ms=close_ms,
        open_price=open_price,
        high_price=max(open_price, close_price) * (1 + reach),
        low_price=min(open_price, close_price) * (1 - reach),
        close_price=close_price,
        volume_base=volume,
    )
    spread = Reading(value=spread_bps, source="assumed", as_of_ms=0)
    return Snapshot(
        symbol=symbol,
        as_of_ms=close_ms,
        bar=bar,
        spread_bps=spread,
        imbalance_frac=imbalance,
        **parts,  # type: ignore[arg-type]  # a test names the snapshot's own fields
    )


def quiet(n_bars: int, price: float = 150.0, first: int = 0) -> list[Snapshot]:
    """Return minutes in which nothing happens, with a little movement so that the ATR is not zero."""
    wobble = [0.0002, -0.0002]
    return [
        minute(first + number, price, price * (1 + wobble[number % 2]), volume=100.0 + number % 3)
        for number in range(n_bars)
    ]


def explosive(number: int, price: float = 150.0, move_frac: float = 0.004) -> Snapshot:
    """Return a minute that E3 fires on: a large body on a surge of volume."""
    return minute(number, price, price * (1 + move_frac), volume=900.0)


def run(
    master: MasterAgent, snapshots: Iterable[Snapshot], state: TradingState = TradingState.ACTIVE
) -> list[TickRecord]:
    """Carry snapshots through the desk, one tick each."""

    async def go() -> list[TickRecord]:
        return [await master.tick(snapshot, state) for snapshot in snapshots]

    return asyncio.run(go())


@dataclass
class WatchedVenue:
    """The real paper venue with a witness: everything that reached it, in order."""

    venue: Venue
    submitted: list[ApprovedOrder] = field(default_factory=list)

    async def advance(self, snapshot: Snapshot) -> VenueReport | None:
        return await self.venue.advance(snapshot)

    async def submit(self, order: ApprovedOrder) -> Refusal | None:
        self.submitted.append(order)
        return await self.venue.submit(order)

    async def protect(self, symbol: str, levels: Levels) -> None:
        await self.venue.protect(symbol, levels)

    async def account(self) -> AccountView:
        return await self.venue.account()


def watch(master: MasterAgent) -> WatchedVenue:
    """Put a witness before the desk's venue."""
    master.execution.venue = WatchedVenue(master.execution.venue)
    return master.execution.venue


def by_outcome(records: Iterable[TickRecord]) -> Mapping[str, list[TickRecord]]:
    """Return the records by how they ended."""
    sorted_out: dict[str, list[TickRecord]] = {}
    for record in records:
        sorted_out.setdefault(record.outcome.value, []).append(record)
    return sorted_out
