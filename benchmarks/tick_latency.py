"""How long one minute of twenty symbols takes, from bars in hand to every decision durably on record.

The desk commits every minute, as it does in real time. No model is asked. The simulated market gives the bars,
because no recording holds twenty symbols; making them is not timed.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from msgspec.structs import replace

import main
from benchmarks.stage import wire
from db.chain import RunHeader
from db.opening import open_journal
from domain.instrument import Instrument
from domain.market import Snapshot
from execution.instruments import instrument
from market.sim import SimFeed
from market.sim_parameters import SimParameters
from settings import load_settings

N_SYMBOLS = 20
N_MINUTES = 3_000
N_WARM_UP_MINUTES = 300
BUDGET_MS = 5.0


def symbols() -> dict[str, Instrument]:
    """Return twenty perpetuals: SOL-PERP's rules under twenty names."""
    sol = instrument("SOL-PERP")
    return {f"S{number:02}-PERP": replace(sol, symbol=f"S{number:02}-PERP") for number in range(N_SYMBOLS)}


async def minutes_of(feed: SimFeed) -> list[Sequence[Snapshot]]:
    """Return every minute of a feed."""
    taken = []
    while (minute := await feed.next_minute()) is not None:
        taken.append(minute)
    return taken


async def minute_times_ms(folder: Path) -> list[float]:
    """Return the milliseconds of each minute, warm-up excluded, in the order taken."""
    instruments = symbols()
    settings = load_settings(None, {}, {})
    minutes = await minutes_of(SimFeed(SimParameters(), tuple(instruments), N_MINUTES))
    header = RunHeader(
        run_id="latency",
        command="benchmark",
        settings_json="{}",
        code_version="",
        data_identity="",
        symbols=tuple(instruments),
        instruments_json="[]",
        is_simulated=True,
    )
    times_ms = []
    with open_journal(f"sqlite:///{folder}/journal.db", writable=True) as store:
        journal = store.begin(header, 0)
        desk = wire(main.build(settings, instruments, journal), journal)
        await desk.open()
        for minute in minutes:
            began = perf_counter()
            await desk.take_minute(minute)
            desk.commit_or_reduce()
            times_ms.append((perf_counter() - began) * 1e3)
    return times_ms[N_WARM_UP_MINUTES:]


def report() -> float:
    """Print the distribution; return the 99th percentile in milliseconds."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        times_ms = sorted(asyncio.run(minute_times_ms(Path(folder))))
    at = {name: times_ms[min(int(len(times_ms) * share), len(times_ms) - 1)] for name, share in SHARES.items()}
    print(f"one minute of {N_SYMBOLS} symbols, bars in hand to decisions on disk, {len(times_ms):,} minutes")
    print(
        "  " + ", ".join(f"{name} {value:.2f} ms" for name, value in at.items()) + f"   budget p99 {BUDGET_MS:.0f} ms"
    )
    return at["p99"]


SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "worst": 1.0}

if __name__ == "__main__":
    report()
