"""`main.py compare`: two runs side by side, and what every difference in profit comes from."""

from contextlib import ExitStack
from typing import Annotated

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, reading, show

RunA = Annotated[str, typer.Argument(metavar="RUN_A", help="A run id or an unambiguous beginning of one.")]
RunB = Annotated[str, typer.Argument(metavar="RUN_B", help="The run that is held against it.")]
DbB = Annotated[str | None, typer.Option("--db-b", help="Journal of RUN_B, where it is another than that of RUN_A.")]


def compare(
    run_a: RunA,
    run_b: RunB,
    db: DbOption = None,
    db_b: DbB = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Say why two runs differ: decision by decision, and every difference in profit by its cause, to the cent."""
    from backtest.compare.comparison import compare as compare_runs
    from backtest.compare.telling import comparison_json
    from console.comparison import print_comparison

    with ExitStack() as open_journals:
        store_a = open_journals.enter_context(reading(db, env_file))
        store_b = store_a if db_b is None else open_journals.enter_context(reading(db_b, env_file))
        told = comparison_json(compare_runs(store_a, run_a, store_b, run_b))
    show(as_json, lambda: told, lambda console: print_comparison(console, told))
