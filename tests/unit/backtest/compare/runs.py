"""Small real runs for the comparison: the whole desk over a tape made here, into a journal, under given settings."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace

import main
from backtest.compare.comparison import Comparison, compare
from db.chain import RunHeader
from db.opening import open_journal
from domain.market import MINUTE_MS, FundingSettlement, Snapshot
from domain.tick import TradingState
from execution.instruments import instrument
from settings import load_settings, settings_json
from tests.flow.stage import QUICK, minute

KNOBS = {
    **QUICK,
    "E3_VOLUME_Z": "1.0",
    "SIZING_KELLY_FRACTION": "0",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_CONSECUTIVE_LOSSES": "100",
    "EXIT_STOP_PCT": "0.5",
    "EXIT_TARGET_PCT": "0.8",
    "EXIT_MAX_HOLD_BARS": "20",
}
"""A desk that trades often and is held back by little, so that one change shows alone."""
States = Callable[[int], TradingState]


def tape(n_minutes: int = 300, seed: int = 5, symbol: str = "SOL-PERP") -> list[Snapshot]:
    """Return a random walk with a surge of volume on every seventh minute or so. The same seed, the same tape."""
    rng = np.random.default_rng(seed)
    price, snapshots = 150.0, []
    for number in range(n_minutes):
        is_surge = rng.random() < 0.15
        close = round(price * float(np.exp(rng.normal(0.0, 0.004 if is_surge else 0.001))), 3)
        volume = float(rng.integers(400, 900) if is_surge else rng.integers(80, 120))
        snapshots.append(minute(number, price, close, volume=volume, symbol=symbol))
        price = close
    return snapshots


def without(snapshots: Sequence[Snapshot], *numbers: int) -> list[Snapshot]:
    """Return a tape that lacks these minutes; the one after a gap says so, as the feed does."""
    left: list[Snapshot] = []
    for number, snapshot in enumerate(snapshots):
        if number in numbers:
            continue
        if number - 1 in numbers:
            snapshot = replace(snapshot, n_missing_bars=1, defects=("gap of 1 minute before this bar",))
        left.append(snapshot)
    return left


def with_close(snapshots: Sequence[Snapshot], number: int, factor: float) -> list[Snapshot]:
    """Return a tape on which one minute closed elsewhere; all other bars stand."""
    changed = list(snapshots)
    bar = changed[number].bar
    assert bar is not None
    close = bar.close_price * factor
    moved = replace(bar, close_price=close, high_price=max(bar.high_price, close), low_price=min(bar.low_price, close))
    changed[number] = replace(changed[number], bar=moved)
    return changed


def with_funding(snapshots: Sequence[Snapshot], rate_1e9: int, every: int = 10) -> list[Snapshot]:
    """Return a tape on which funding settles every so many minutes."""
    return [
        replace(
            snapshot,
            funding_settlement=FundingSettlement(
                rate_quote_per_base_1e9=rate_1e9, settled_ms=snapshot.as_of_ms, source="test"
            ),
        )
        if number % every == 0
        else snapshot
        for number, snapshot in enumerate(snapshots)
    ]


def active(number: int) -> TradingState:
    """Let the desk trade throughout."""
    return TradingState.ACTIVE


def record(
    url: str,
    run_id: str,
    snapshots: Sequence[Snapshot],
    *,
    states: States = active,
    code_version: str = "1",
    is_finished: bool = True,
    **knobs: str,
) -> None:
    """Run the desk over a tape and put the run on record. states: of the desk, by the minute's number."""
    symbols = tuple(dict.fromkeys(snapshot.symbol for snapshot in snapshots))
    settings = load_settings(None, {}, {**KNOBS, "SYMBOLS": ",".join(symbols), **knobs})
    instruments = {symbol: instrument(symbol) for symbol in symbols}
    header = RunHeader(
        run_id=run_id,
        command="backtest",
        settings_json=settings_json(settings),
        code_version=code_version,
        data_identity="tape",
        symbols=symbols,
        instruments_json=msgspec.json.encode(list(instruments.values())).decode(),
    )
    with open_journal(url, writable=True) as store:
        log = store.begin(header, 0)
        master = main.build(settings, instruments, log)

        async def go() -> None:
            for snapshot in snapshots:
                log.append(await master.tick(snapshot, states(snapshot.as_of_ms // MINUTE_MS - 1)))

        asyncio.run(go())
        log.commit()
        if is_finished:
            log.finish("{}", 0)


def held_against(url: str, a: str = "a", b: str = "b") -> Comparison:
    """Compare two runs of one journal; whatever they are, the causes must add up, to the micro-dollar and the cent."""
    with open_journal(url, writable=False) as store:
        found = compare(store, a, store, b)
    assert found.unexplained_microusd == 0
    assert sum(row.microusd for row in found.causes) == found.b.net_microusd - found.a.net_microusd
    assert sum(row.cents for row in found.causes) == found.difference_cents
    return found
