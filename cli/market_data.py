"""`main.py data`: fetch market data, and look at its files."""

from pathlib import Path
from typing import Annotated

import typer

from cli.fetch import data_fetch
from cli.options import ENV_FILE, EnvOption, JsonOption, SymbolOption, flags, folders, load, stdout

data = typer.Typer(help="Fetch market data, and look at its files.", no_args_is_help=True)
data.command("fetch")(data_fetch)


@data.command("check")
def data_check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Parquet, CSV or Drift files, or fetched folders.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Report what a file holds and every gap, duplicate, disorder and impossible value in it."""
    from console.data_report import check_files
    from market.quality import QualityLimits

    raise typer.Exit(check_files(stdout(), files, QualityLimits(), as_json=as_json))


@data.command("list")
def data_list(
    symbol: SymbolOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
) -> None:
    """List the recordings a replay would use when no file is named."""
    from market.catalog import find_recordings

    settings = load(env_file, [], flags(SYMBOLS=",".join(symbol)))
    for path in find_recordings(folders(settings), settings.symbols):
        stdout().print(str(path))
