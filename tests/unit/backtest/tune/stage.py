"""A small tape on which settings matter, and what searches on it need."""

from collections.abc import Mapping

from backtest.compiled.columns import Columns, columns_of
from backtest.objective import Goal, Objective
from backtest.parts import Parts
from backtest.segment import cut
from backtest.sweep.block import Walker
from backtest.tune.search import Bench
from backtest.tune.space import Range, Space
from backtest.tune.tuning import Split
from cli.parts import parts_of
from domain.market import Snapshot
from execution.instruments import instrument
from tests.flow.engines import settings_of
from tests.flow.stage import QUICK, minute

SOL = instrument("SOL-PERP")
SHORT = {**QUICK, "EXIT_MAX_HOLD_BARS": "12", "SIZING_KELLY_FRACTION": "0", "STRATEGIES": "e3", "EXIT_TRAIL_PCT": "0"}
FREE = {"RISK_COOLDOWN_AFTER_TRADE_S": "0", "RISK_COOLDOWN_AFTER_LOSS_S": "0", "RISK_MAX_CONSECUTIVE_LOSSES": "100"}
NET = Objective(goal=Goal.NET, min_trades=1)
SPACE = Space(knobs={"EXIT_TARGET_PCT": Range(low=0.1, high=3.0), "EXIT_STOP_PCT": ("0.5", "1")})


def turned(knobs: Mapping[str, str]) -> Parts:
    return parts_of(settings_of({**SHORT, **knobs}))


def moving_tape(n_moves: int, spacing: int = 40, reach_frac: float = 0.008) -> list[Snapshot]:
    """Return a tape of explosive minutes; after each the price runs so far on and then falls back whence it came.

    A target a little under the reach earns it every time; one beyond it never fills and leaves with a loss.
    """
    tape: list[Snapshot] = []
    price = 150.0
    for move in range(n_moves):
        for number in range(spacing - 8):
            tape.append(
                minute(len(tape), price, price * (1 + (0.0002, -0.0002)[number % 2]), volume=100.0 + number % 3)
            )
        step_frac = 0.004
        tape.append(minute(len(tape), price, price * (1 + step_frac), volume=900.0))
        here = price * (1 + step_frac)
        for share in (0.25, 0.5, 0.75, 1.0):
            tape.append(minute(len(tape), here, price * (1 + step_frac + reach_frac * share), volume=100.0 + move % 2))
            here = price * (1 + step_frac + reach_frac * share)
        for share in (0.6, 0.3, 0.0):
            there = price * (1 + (step_frac + reach_frac) * share)
            tape.append(minute(len(tape), here, there, volume=100.0))
            here = there
    return tape


def moving_columns(n_moves: int = 60) -> Columns:
    return columns_of(moving_tape(n_moves), SOL)


def bench_on(columns: Columns) -> Bench:
    return Bench(walker=Walker(columns), parts_of=turned, instrument=SOL)


def split_of(columns: Columns) -> Split:
    return Split(*cut(columns, (0.6, 0.2, 0.2), 30))
