"""Sweeps as the command does them, in this process for seconds and in fresh ones for memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtest.objective import Goal, Objective
from backtest.sweep.block import Sight, Walker
from backtest.sweep.crew import Threads, n_cores
from backtest.sweep.grid import Grid
from backtest.sweep.plan import Plan
from backtest.sweep.results import SweepFolder
from backtest.sweep.sweep import kept_numbers, run_sweep
from benchmarks.ninety_one_days import SYMBOL, Stretch
from benchmarks.peers.client import fresh
from benchmarks.rounds import seconds_of
from cli.parts import parts_of

ROOT = Path(__file__).parents[1]


def plan_of(taken: Stretch, grid: Grid, given: Mapping[str, str]) -> Plan:
    """Return the plan of a whole grid, beside other settings."""
    return Plan(
        grid, grid.sample(None, 0), lambda knobs: parts_of(taken.settings(**given, **knobs)), taken.tape.instrument
    )


def walk_s(taken: Stretch, plan: Plan) -> float:
    """Return the seconds of every run of a plan that is laid out already: signals, walks and figures, on all cores."""
    blocks = list(plan.blocks())
    crew = Threads(taken.tape.columns, n_cores())
    return seconds_of(lambda: [len(measured.numbers) for measured in crew.measure(blocks)])


def command_s(taken: Stretch, grid: Grid, given: Mapping[str, str]) -> float:
    """Return the seconds of a whole sweep: settings read and checked, runs walked, results on disk, the best found."""
    objective = Objective(goal=Goal.SHARPE, min_trades=30, max_drawdown_frac=1.0)
    with tempfile.TemporaryDirectory() as name:

        def sweep() -> None:
            plan = plan_of(taken, grid, given)
            folder = SweepFolder(Path(name) / "out", {}, grid, kept_numbers(plan.numbers))
            columns = taken.tape.columns
            sight = Sight(columns)
            crew, walker = Threads(columns, n_cores(), sight), Walker(columns, sight)
            run_sweep(plan, crew, walker, folder, objective, lambda _: None)

        return seconds_of(sweep)


def in_a_fresh_process(taken: Stretch, grid: Grid, given: Mapping[str, str], *options: str) -> Mapping[str, Any]:
    """Run `main.py sweep` on the stretch alone, and return what it says at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "grid.json").write_text(json.dumps(grid.values), encoding="utf-8")
        command = [sys.executable, "main.py", "sweep", "--json", *options]
        command += ["--grid", str(folder / "grid.json"), "--out", str(folder / "out"), "--symbol", SYMBOL]
        command += ["--data", f"{SYMBOL}={taken.file}", "--env-file", str(folder / "no.env")]
        command += [word for knob, value in given.items() for word in ("--set", f"{knob}={value}")]
        done = subprocess.run(fresh(command), cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"main.py sweep left with {done.returncode}: {done.stderr.strip()}")
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told
