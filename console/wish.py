"""What a user asked of a run, beside the settings. Kept light: the command line imports it for `--help`."""

from typing import NamedTuple


class Wish(NamedTuple):
    """One call of `paper` or `backtest`. n_minutes None: as long as the feed lasts, or a day of simulated market."""

    command: str
    n_minutes: int | None = None
    run_id: str | None = None
    as_json: bool = False
