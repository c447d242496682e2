"""`main.py band`: what a finished backtest lets one expect of the desk that goes live with its settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, RunArgument, reading, show

if TYPE_CHECKING:
    from rich.console import Console

    from risk.band import Band

ToOption = Annotated[Path, typer.Option("--to", metavar="FILE.json", help="Where the band goes.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")]
PathsOption = Annotated[int, typer.Option("--paths", min=100, max=20_000, help="How many records are drawn.")]
DeviationOption = Annotated[
    float, typer.Option("--deviation-frac", min=0.0, max=10.0, help="The cap whose false alarms are counted.")
]


def band(
    run: RunArgument,
    to: ToOption,
    seed: SeedOption = 7,
    paths: PathsOption = 2_000,
    deviation_frac: DeviationOption = 0.2,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Write the band of a finished run's results; DEPLOYMENT_BAND_FILE holds a running desk against it."""
    import msgspec

    from backtest.band import band_of_run
    from backtest.reopened import reopen
    from backtest.whole_files import written_whole
    from db.reading import find_run
    from domain.errors import BadInput

    with reading(db, env_file) as store:
        recorded = find_run(store, run)
        if recorded.finished_ms is None:
            raise BadInput(f"run {recorded.run_id} is not finished; a band is drawn from a whole run")
        found = band_of_run(reopen(store, run), seed=seed, n_paths=paths, halted_at_frac=deviation_frac)
    with written_whole(to, "the band") as passing:
        passing.write_bytes(msgspec.json.encode(found) + b"\n")
    show(as_json, lambda: {"band": str(to), **msgspec.to_builtins(found)}, lambda console: _tell(console, found, to))


def _tell(console: "Console", found: "Band", to: Path) -> None:
    for line in (
        f"{found.run_id}: {found.n_trades} trades, {found.mean_r:+.3f} R each, {found.win_rate_frac:.1%} won, "
        f"{found.trades_per_day:.2f} a day, deepest drawdown {found.max_drawdown_frac:.2%}",
        *(f"after {n:>4} trades: {found.edges_r(n)[0]:+9.2f} R to {found.edges_r(n)[1]:+9.2f} R" for n in found.ns),
        f"A desk as good as this backtest is stopped within {found.ns[-1]} trades with a chance of "
        f"{found.halted_frac:.1%} at a cap of {found.halted_at_frac:.0%} of the band's width.",
        f"{to}: set DEPLOYMENT_BAND_FILE={to}",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
