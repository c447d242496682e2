"""What a user asked of a run, beside the settings. Kept light: the command line imports it for `--help`."""

from typing import NamedTuple


class Wish(NamedTuple):
    """One call of `paper`, `backtest`, `dry-run` or `live`.

    n_minutes: None = as long as the feed lasts, or a day of simulated market.
    """

    command: str
    n_minutes: int | None = None
    run_id: str | None = None
    as_json: bool = False

    @property
    def trades(self) -> bool:
        """Say whether orders leave for a venue in the world."""
        return self.command == "live"

    @property
    def rehearses(self) -> bool:
        """Say whether orders are rehearsed at the order gateway, and filled on paper."""
        return self.command == "dry-run"
