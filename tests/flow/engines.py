"""One tape through both engines: the desk, minute by minute, and the compiled walk."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import main
from backtest.compiled.columns import columns_of
from backtest.compiled.run import run_compiled
from cli.parts import parts_of
from db.off import JournalOff
from domain.account import Trade
from domain.market import Snapshot
from execution.instruments import instrument
from settings import Settings, load_settings
from tests.flow.stage import run


class Result(NamedTuple):
    """What an engine made of a tape: closed trades, and equity in micro-dollars after every minute."""

    trades: tuple[Trade, ...]
    equity_microusd: list[int]


def settings_of(knobs: Mapping[str, str], symbol: str = "SOL-PERP") -> Settings:
    return load_settings(None, {}, {"SYMBOLS": symbol, **knobs})


def by_the_desk(settings: Settings, snapshots: Sequence[Snapshot]) -> Result:
    """Run the desk's agents, venue and risk over a tape."""
    symbol = settings.symbols[0]
    records = run(main.build(settings, {symbol: instrument(symbol)}, JournalOff()), snapshots)
    trades = tuple(trade for record in records for trade in record.trades)
    return Result(trades, [record.equity_microusd for record in records])


def by_the_kernel(settings: Settings, snapshots: Sequence[Snapshot]) -> Result:
    """Run the compiled engine over the same tape."""
    parts, market = parts_of(settings), instrument(settings.symbols[0])
    columns = columns_of(snapshots, market)
    outcome = run_compiled(columns, market, parts.built(), parts.rules, parts.windows, parts.regimes)
    return Result(outcome.trades, outcome.curve.equity_microusd.tolist())
