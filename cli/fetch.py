"""`main.py data fetch`: history from exchanges and archives into a folder the desk replays from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, EnvOption, JsonOption, SetOption, load, stdout

if TYPE_CHECKING:
    from console.fetch_report import FetchBoard
    from market.history.plan import FetchPlan
    from market.history.rows import HistorySource
    from settings import Settings


def data_fetch(
    exchange: Annotated[str, typer.Option("--exchange", help="Where from, e.g. bybit, hyperliquid, drift.")],
    symbol: Annotated[list[str], typer.Option("--symbol", help="Perpetual, e.g. SOL-PERP; repeatable.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First UTC day, e.g. 2025-05-01.")],
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last UTC day; today when left out.")] = None,
    what: Annotated[
        str | None,
        typer.Option(
            "--what", help="Of bars, funding, open_interest, mark, oracle, premium; all the source has if left out."
        ),
    ] = None,
    to_folder: Annotated[Path, typer.Option("--to-folder", help="Root of the history on disk.")] = Path("data"),
    market: Annotated[
        str | None, typer.Option("--market", help="The exchange's own market, e.g. 1000PEPE/USDT:USDT.")
    ] = None,
    overrides: SetOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Fetch history, a file a UTC day; days that are whole on disk are not fetched again."""
    import asyncio

    from console.complaints import Interrupted
    from console.fetch_report import FetchBoard, print_fetched
    from desk.clock import SystemClock
    from market.history.plan import plan_fetch

    settings = load(env_file, overrides, {})
    clock = SystemClock()
    plan = plan_fetch(exchange, symbol, first, last, what, market, clock.now_ms())
    board = FetchBoard(stdout(), quietly=as_json)
    try:
        asyncio.run(_fetch(plan, settings, to_folder, board))
    except KeyboardInterrupt as error:
        raise Interrupted("the days told above are on disk; the same command goes on with the rest") from error
    finally:
        print_fetched(stdout(), board.days, plan.warning, as_json=as_json)


async def _fetch(plan: "FetchPlan", settings: "Settings", root: Path, board: "FetchBoard") -> None:
    from console.interrupts import waking_on_signals
    from desk.clock import SystemClock
    from market.history.fetching import fetch_series

    clock = SystemClock()
    source = _source(plan, settings)
    with waking_on_signals():
        try:
            for series in plan.series:
                with board.watching(series, len(plan.days)):
                    await fetch_series(source, series, plan.days, root, clock.now_ms, board.done)
        finally:
            await source.close()


def _source(plan: "FetchPlan", settings: "Settings") -> "HistorySource":
    from market.history.drift_facts import DRIFT_VENUES
    from market.history.drift_source import DriftSource
    from market.history.exchange_source import ExchangeSource
    from settings import fetch_terms

    if plan.exchange in DRIFT_VENUES:
        return DriftSource(plan.exchange, fetch_terms(settings))
    return ExchangeSource(plan.exchange, fetch_terms(settings), plan.market)
