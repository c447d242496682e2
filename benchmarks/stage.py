"""What every benchmark stands on: the recorded tape where it is, the simulated market elsewhere, and a desk."""

import asyncio
from pathlib import Path
from time import perf_counter

import main
from agents.master import MasterAgent
from console.runs import TapedFeed
from db.off import JournalOff
from desk.clock import SystemClock
from desk.runner import Chronicle, Desk, Pace
from desk.tally import Tally
from domain.ports import Feed
from domain.tick import TradingState
from execution.instruments import instrument
from settings import Settings, load_settings

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
BATCH_TICKS = 512


class NoFeed:
    """A feed for a desk that is handed its minutes."""

    async def next_minute(self) -> None:
        """Have nothing."""
        return


def tape_settings(**knobs: str) -> Settings:
    """Return settings for the recorded SOL tape of 2025-05, or for a simulated month where it is absent."""
    feed = "replay" if SHARED.exists() else "sim"
    return load_settings(None, {}, {"FEED": feed, "DATA_DIRS": str(SHARED), **knobs})


def feed_for(settings: Settings, n_minutes: int | None = None) -> TapedFeed:
    """Return the feed of the main job."""
    return main.build_feed(settings, n_minutes or (None if SHARED.exists() else 39_387))


def wire(master: MasterAgent, journal: Chronicle, feed: Feed | None = None) -> Desk:
    """Put a master agent behind a desk at full speed, as `main.py` does."""
    return Desk(
        feed=feed or NoFeed(),
        master=master,
        journal=journal,
        clock=SystemClock(),
        tally=Tally(starting_equity_microusd=master.execution.books.equity_microusd),
        pace=Pace(batch_ticks=BATCH_TICKS),
        asked_state=lambda: TradingState.ACTIVE,
    )


def desk_on(feed: TapedFeed, settings: Settings, journal: Chronicle | None = None) -> Desk:
    """Wire a desk on a feed; without a journal unless one is given."""
    journal = journal or JournalOff()
    instruments = {symbol: instrument(symbol) for symbol in settings.symbols}
    return wire(main.build(settings, instruments, journal), journal, feed)


def walk_s(desk: Desk) -> float:
    """Return the seconds a desk takes for its whole tape, from the first minute to the last commit."""

    async def go() -> float:
        await desk.open()
        began = perf_counter()
        await desk.walk()
        return perf_counter() - began

    return asyncio.run(go())
