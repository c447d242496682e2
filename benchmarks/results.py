"""`python -m benchmarks.results`: what the shipped strategies came to on the recorded markets; docs/results.md.

For each market the settings are chosen on one span (in sample) by the Sharpe ratio of a whole grid, and then run once
on another span that had no part in the choice (out of sample), beside the defaults on both. All costs are paid.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np

import main
from backtest.compiled.run import run_compiled
from backtest.luck.overfitting import overfitting_of
from backtest.luck.trials import ONE_TRIAL, Trials, trials_of
from backtest.luck.verdict import Luck, luck_of
from backtest.metrics.compiled import Metric
from backtest.metrics.returns import DAYS_PER_YEAR, daily_returns, returns_of
from backtest.metrics.summary import Metrics, metrics_of
from backtest.objective import Objective
from backtest.outcome import RunOutcome
from backtest.parts import Parts
from backtest.sweep.block import Measured
from backtest.sweep.crew import Threads, n_cores
from backtest.sweep.grid import Grid, read_grid
from backtest.sweep.plan import Plan
from backtest.tape import WholeTape, whole_tape
from benchmarks import gate_value
from benchmarks.stage import SHARED
from cli.parts import parts_of
from execution.instruments import instrument
from settings import Settings, load_settings

GRIDS = Path(__file__).parents[1] / "docs" / "grids"
SEED = 7
MOST_COMPARED = 2_000
Knobs = Mapping[str, str]


class Study(NamedTuple):
    """One strategy on one market: where its settings are chosen, and where the choice is tried.

    fewest_trades: a combination with fewer in sample is no candidate.
    """

    strategy: str
    symbol: str
    grid: Grid
    chosen_on: tuple[str, ...]
    tried_on: tuple[str, ...]
    fewest_trades: int


def studies() -> Iterator[Study]:
    """Yield every study of the results page."""
    e3, fade = read_grid(GRIDS / "e3_full.json"), read_grid(GRIDS / "funding_fade.json")
    for coin in ("sol", "btc", "eth"):
        spot = [f"ohlcv/{coin}usdt_1m_binance-spot_{year}-01_{year}-12.parquet" for year in (2022, 2023)]
        yield Study("e3", f"{coin.upper()}-PERP", e3, (spot[0],), (spot[1],), 100)
    for coin in ("sol", "btc", "eth"):
        perp_2023, perp_2025 = perpetual(coin, "2023-07_2023-08"), perpetual(coin, "2025-05_2025-05")
        yield Study("e3", f"{coin.upper()}-PERP", e3, perp_2023, perp_2025, 30)
        yield Study("funding_fade", f"{coin.upper()}-PERP", fade, perp_2023, perp_2025, 10)


def perpetual(coin: str, span: str) -> tuple[str, ...]:
    """Return the recordings of a perpetual with its funding, and its premium or Drift records where there are any."""
    files = [
        f"ohlcv/{coin}usdt_1m_binance-usdm_{span}.parquet",
        f"funding/{coin}usdt_funding_8h_binance-usdm_{span}.parquet",
    ]
    files.append(f"premium/{coin}usdt_premium_1m_binance_{span}.parquet")
    if span.startswith("2025"):
        files.append(f"drift/{coin}-perp_funding_1h_drift_2025-04_2025-05.parquet")
    return tuple(file for file in files if (SHARED / "data" / file).exists())


def settings_of(study: Study, files: tuple[str, ...], knobs: Knobs) -> Settings:
    """Return the settings of a study on some recordings: the defaults, its strategy alone, and `knobs`."""
    data = ",".join(str(SHARED / "data" / file) for file in files)
    given = {"FEED": "replay", "SYMBOLS": study.symbol, "STRATEGIES": study.strategy, "REPLAY_DATA": data}
    return load_settings(None, {}, {**given, **knobs})


def tape_of(study: Study, files: tuple[str, ...]) -> WholeTape:
    """Take a study's recordings whole."""
    return asyncio.run(whole_tape(main.build_feed(settings_of(study, files, {}), None), instrument(study.symbol)))


def one_run(study: Study, files: tuple[str, ...], tape: WholeTape, knobs: Knobs) -> RunOutcome:
    """Run one set of settings."""
    parts = parts_of(settings_of(study, files, knobs))
    return run_compiled(tape.columns, tape.instrument, parts.built(), parts.rules, parts.windows, parts.regimes)


def chosen(study: Study, tape: WholeTape) -> tuple[int | None, Trials, list[Measured]]:
    """Walk the whole grid in sample; return the best combination, what is known of the trials, and all figures."""

    def turned(knobs: Knobs) -> Parts:
        return parts_of(settings_of(study, study.chosen_on, knobs))

    plan = Plan(study.grid, study.grid.sample(None, SEED), turned, tape.instrument)
    measured = list(Threads(tape.columns, n_cores()).measure(plan.blocks()))
    numbers = np.concatenate([one.numbers for one in measured])
    figures = np.concatenate([one.figures for one in measured])
    scores = Objective(min_trades=study.fewest_trades).scores(figures)
    sharpes = figures[:, Metric.SHARPE] / np.sqrt(DAYS_PER_YEAR)
    best = None if np.isnan(scores).all() else int(numbers[int(np.nanargmax(scores))])
    return best, trials_of(sharpes, compared(measured)), measured


def compared(measured: list[Measured]) -> np.ndarray:
    """Return the daily returns of evenly spaced combinations, shape (n_days, n_compared)."""
    order = np.argsort(np.concatenate([one.numbers for one in measured]))
    days = np.concatenate([one.days_microusd for one in measured])[order]
    kept = days[np.linspace(0, len(days) - 1, min(len(days), MOST_COMPARED)).astype(int)]
    return np.column_stack([daily_returns(int(row[0]), row[1:]) for row in kept if (row > 0).all()])


def line(name: str, metrics: Metrics, luck: Luck | None) -> str:
    """Return one row of the table."""

    def text(figure: float | None, form: str) -> str:
        return "-" if figure is None else form.format(figure)

    cells = [
        name,
        f"{metrics.n_trades:,}",
        text(metrics.total_return_frac, "{:+.2%}"),
        text(metrics.sharpe, "{:.2f}"),
        text(metrics.max_drawdown_frac, "{:.2%}"),
        text(metrics.profit_factor, "{:.2f}"),
        f"{metrics.fees_microusd / 1e6:,.0f}",
        text(None if luck is None else luck.deflated_frac, "{:.3f}"),
    ]
    return f"| {' | '.join(cells)} |"


def report(study: Study) -> None:
    """Print one study as a table of docs/results.md."""
    began = perf_counter()
    inside, outside = tape_of(study, study.chosen_on), tape_of(study, study.tried_on)
    best, trials, measured = chosen(study, inside)
    print(f"\n### {study.strategy}, {study.symbol}: {study.chosen_on[0]} to choose, {study.tried_on[0]} to try\n")
    print("| run | trades | return | Sharpe | max drawdown | profit factor | fees USD | DSR |")
    print("|---|---|---|---|---|---|---|---|")
    told = []
    for name, files, tape, knobs in runs_of(study, best, inside, outside):
        outcome = one_run(study, files, tape, knobs)
        tried = trials if "best" in name and "in sample" in name else ONE_TRIAL
        luck = luck_of(returns_of(outcome.curve), n_trades=len(outcome.trades), seed=SEED, trials=tried)
        print(line(name, metrics_of(outcome, {study.symbol: tape.instrument}), luck))
        told.append(f"- {name}: {luck.sentence}")
    print("\n" + "\n".join(told))
    matrix = compared(measured)
    if matrix.shape[0] >= 32 and matrix.shape[1] > 1:
        print(
            f"- probability of overfitting (CSCV, {matrix.shape[1]:,} compared): {overfitting_of(matrix).pbo_frac:.0%}"
        )
    n_combinations, n_minutes = study.grid.n_combinations, len(inside.columns.ints)
    if best is not None:
        settings = ", ".join(f"{name}={value}" for name, value in study.grid.combination(best).items())
        print(f"- chosen of {n_combinations:,}: {settings}")
    print(f"- {n_combinations:,} combinations over {n_minutes:,} minutes; all in {perf_counter() - began:.0f} s")


def runs_of(
    study: Study, best: int | None, inside: WholeTape, outside: WholeTape
) -> Iterator[tuple[str, tuple[str, ...], WholeTape, Knobs]]:
    """Yield (name, recordings, tape, settings) of every run of a study's table."""
    yield "defaults, in sample", study.chosen_on, inside, {}
    yield "defaults, out of sample", study.tried_on, outside, {}
    if best is not None:
        knobs = study.grid.combination(best)
        yield "best of the grid, in sample", study.chosen_on, inside, knobs
        yield "best of the grid, out of sample", study.tried_on, outside, knobs


if __name__ == "__main__":
    for one in studies():
        report(one)
    for coin in gate_value.COINS:
        gate_value.report(coin)
