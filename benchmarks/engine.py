"""Bars a second of the event engine on the main job's tape, journal off and on, beside a bare Python loop.

The three are timed in turn, round after round, so that a ratio compares neighbours in time; the median of the
rounds is printed. Loading and compiling are not timed; the feed, every agent, the venue and the last commit are.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.bare_loop import Bars, walk
from benchmarks.stage import desk_on, feed_for, tape_settings, walk_s
from db.chain import RunHeader
from db.opening import open_journal

N_ROUNDS = 15
BUDGETS = {"journal off": 150_000, "journal on": 40_000}


def bars_of() -> Bars:
    """Return the tape as plain tuples, for the bare loop."""
    feed = feed_for(tape_settings())

    async def drain() -> list[tuple[float, float, float, float, float]]:
        bars = []
        while (minute := await feed.next_minute()) is not None:
            bar = minute[0].bar
            if bar is not None:
                bars.append((bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base))
        return bars

    return asyncio.run(drain())


def journal_off_s() -> float:
    """Return seconds over the tape without a journal."""
    settings = tape_settings()
    return walk_s(desk_on(feed_for(settings), settings))


def journal_on_s() -> float:
    """Return seconds over the tape with every decision on disk, in a new journal."""
    settings = tape_settings()
    feed = feed_for(settings)
    header = RunHeader(
        run_id="benchmark",
        command="benchmark",
        settings_json="{}",
        code_version="",
        data_identity=feed.data_identity,
        symbols=tuple(settings.symbols),
        instruments_json="[]",
    )
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        open_journal(f"sqlite:///{folder}/journal.db", writable=True) as store,
    ):
        return walk_s(desk_on(feed, settings, store.begin(header, 0)))


def bare_loop_s(bars: Bars) -> float:
    """Return seconds of the bare loop over the same bars."""
    began = perf_counter()
    walk(bars)
    return perf_counter() - began


def report() -> dict[str, float]:
    """Time all three in turn and print their medians; return bars a second by name."""
    bars = bars_of()
    timed: dict[str, Callable[[], float]] = {
        "bare Python loop": lambda: bare_loop_s(bars),
        "journal off": journal_off_s,
        "journal on": journal_on_s,
    }
    for once in timed.values():
        once()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(N_ROUNDS):
        for name, once in timed.items():
            seconds[name].append(once())
    base = seconds["bare Python loop"]
    print(f"event engine, {len(bars):,} bars, median of {N_ROUNDS} rounds (best)")
    for name, rounds in seconds.items():
        ratio = median(mine / its for mine, its in zip(rounds, base, strict=True))
        rate, best = len(bars) / median(rounds), len(bars) / min(rounds)
        budget = f"   budget {BUDGETS[name]:,}" if name in BUDGETS else ""
        print(f"  {name:18} {rate:>11,.0f} bars/s ({best:,.0f}), {ratio:5.1f} x the bare loop's time{budget}")
    return {name: len(bars) / median(rounds) for name, rounds in seconds.items()}


if __name__ == "__main__":
    report()
