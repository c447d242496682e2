"""`main.py montecarlo`: how different a recorded run could have been."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, RunArgument, reading, show

if TYPE_CHECKING:
    from backtest.montecarlo.blocks import BlockRule
    from backtest.montecarlo.study import Plan, Scenario, Study
    from backtest.outcome import RunOutcome
    from console.montecarlo import SpreadSheet
    from db.reading import RecordedRun

_TITLES = {
    "trades": "Its {n:,} trades drawn again {blocks}; longest spell under water in trades",
    "trades_with_shocks": "The same with costs and shocks drawn too",
    "days": "Its {n:,} days drawn again {blocks}; longest spell in days",
}
_HEADS = {
    "return_frac": "return %",
    "max_drawdown_frac": "drawdown %",
    "longest_losing_streak": "losing streak",
    "under_water_frac": "under water %",
    "longest_under_water": "longest",
}


PathsOption = Annotated[int, typer.Option("--paths", min=1, max=1_000_000, help="How many paths are drawn.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same figures.")]
BlockOption = Annotated[
    str, typer.Option("--block", help="Units in a block: a number, auto (Politis-White) or cube-root.")
]
MethodOption = Annotated[str, typer.Option("--method", help="stationary or moving blocks.")]
StakesOption = Annotated[
    str, typer.Option("--stakes", help="equity: returns compound; risk: R times --risk-per-trade; fixed: in USD.")
]
RiskOption = Annotated[
    float | None, typer.Option("--risk-per-trade", help="Share of the equity one R is; else the run's setting.")
]
RuinOption = Annotated[float, typer.Option("--ruin", help="Share of the starting equity that counts as ruin.")]
HaltOption = Annotated[
    bool, typer.Option("--halt-at-limit", help="Stop a path at the run's drawdown limit, as the desk would.")
]
ShockOption = Annotated[
    list[str],
    typer.Option("--shock", metavar="NAME=VALUE", help="Change one of the odds, e.g. late_frac=0.2; none: no shocks."),
]
HistogramOption = Annotated[
    Path | None, typer.Option("--histogram", metavar="FILE", help="Write every path's figures as parquet.")
]


def montecarlo(
    run: RunArgument,
    paths: PathsOption = 10_000,
    seed: SeedOption = 7,
    block: BlockOption = "auto",
    method: MethodOption = "stationary",
    stakes: StakesOption = "equity",
    risk_per_trade: RiskOption = None,
    ruin: RuinOption = 0.5,
    halt: HaltOption = False,
    shock: ShockOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    histogram: HistogramOption = None,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Resample a run's trades and days, with drawn costs, gaps and outages: how different it could have been."""
    from backtest.montecarlo.histogram import write_histogram
    from backtest.montecarlo.recorded import market_of
    from backtest.montecarlo.study import study_run
    from backtest.montecarlo.verdict import verdict
    from backtest.reopened import reopen
    from db.reading import find_run

    wanted = {
        "n_paths": paths, "seed": seed, "block": block, "method": method, "stakes": stakes, "ruin_frac": ruin,
        "halts_at_limit": halt,
    }  # fmt: skip
    with reading(db, env_file) as store:
        found = find_run(store, run)
        plan = _plan(found, wanted, risk_per_trade, shock)
        outcome = reopen(store, found.run_id)
        study = study_run(outcome, *market_of(store, found), plan)
    if histogram is not None:
        write_histogram(study, histogram)
    words = verdict(study, outcome, plan)
    _tell(found, outcome, plan, study, words, as_json=as_json)


def _plan(found: "RecordedRun", wanted: dict[str, Any], risk_per_trade: float | None, shock: list[str]) -> "Plan":
    import settings as part
    from backtest.montecarlo.blocks import Method
    from backtest.montecarlo.shocks import shocks_with
    from backtest.montecarlo.study import Plan
    from backtest.montecarlo.units import Stakes
    from domain.errors import BadInput

    settings = part.settings_from_json(found.header.settings_json)
    risk = part.sizing_policy(settings).risk_per_trade_frac if risk_per_trade is None else risk_per_trade
    try:
        return Plan(
            **{
                **wanted,
                "block": _block(wanted["block"]),
                "method": _named(Method, "--method", wanted["method"]),
                "stakes": _named(Stakes, "--stakes", wanted["stakes"]),
            },
            risk_per_trade_frac=risk,
            max_drawdown_frac=part.risk_limits(settings).max_drawdown_frac,
            fee_tier=part.paper_terms(settings).fee_tier,
            shocks=shocks_with(shock),
        )
    except ValueError as error:
        raise BadInput(f"no such study can be made: {error}") from error


def _block(given: str) -> "BlockRule | int":
    from backtest.montecarlo.blocks import BlockRule
    from domain.errors import BadInput

    if given in tuple(BlockRule):
        return BlockRule(given)
    if given.isdecimal() and int(given) >= 1:
        return int(given)
    raise BadInput(f"--block {given} is neither auto nor cube-root nor a whole number from 1 on")


def _named(kind: Any, option: str, given: str) -> Any:
    from domain.errors import BadInput

    if given not in tuple(kind):
        raise BadInput(f"{option} {given} is unknown; known are {', '.join(kind)}")
    return kind(given)


def _tell(
    found: "RecordedRun", outcome: "RunOutcome", plan: "Plan", study: "Study", words: str, *, as_json: bool
) -> None:
    import msgspec

    from console.montecarlo import print_montecarlo

    notes = study.notes
    if found.finished_ms is None:
        notes = ("The run is unfinished: what is on record so far is resampled.", *notes)
    told = {
        "run_id": found.run_id,
        "is_simulated": outcome.is_simulated,
        "is_finished": found.finished_ms is not None,
        "n_trades": len(outcome.trades),
        "plan": msgspec.to_builtins(plan),
        "scenarios": {one.name: msgspec.to_builtins(one) for one in study.scenarios},
        "notes": list(notes),
        "verdict": words,
    }
    head = f"Run {found.run_id}: {plan.n_paths:,} paths, seed {plan.seed}"
    sheets = [_sheet(one, plan) for one in study.scenarios]
    show(
        as_json,
        lambda: told,
        lambda console: print_montecarlo(console, head, sheets, notes, words, is_simulated=outcome.is_simulated),
    )


def _sheet(scenario: "Scenario", plan: "Plan") -> "SpreadSheet":
    from console.montecarlo import OddsRow, SpreadColumn, SpreadSheet

    events = {
        "loses": "loses money",
        "ruined": f"sinks to {plan.ruin_frac:.0%} of the start",
        "drawdown_limit_met": f"meets the drawdown limit of {plan.max_drawdown_frac:.0%}",
    }
    blocks = "one by one" if scenario.block_units == 1 else f"in blocks of {scenario.block_units}"
    levels = tuple(f"p{quantile.level_frac * 100:.0f}" for quantile in scenario.distributions[0].quantiles)
    return SpreadSheet(
        title=_TITLES[scenario.name].format(n=scenario.n_units, blocks=blocks),
        rows=(*levels, "mean"),
        columns=tuple(
            SpreadColumn(
                head=_HEADS[one.figure],
                is_frac=one.figure.endswith("_frac"),
                figures=(
                    *((quantile.value, quantile.standard_error) for quantile in one.quantiles),
                    (one.mean, one.mean_standard_error),
                ),
                actual=one.actual,
                rank_frac=one.rank_frac,
            )
            for one in scenario.distributions
        ),
        odds=tuple(
            OddsRow(
                event=events[one.event],
                frac=one.frac,
                standard_error=one.standard_error,
                at_most_frac=one.at_most_frac,
                has_happened=one.has_happened,
            )
            for one in scenario.odds
        ),
    )
