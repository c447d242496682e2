"""The options that commands share, and what they stand for: settings, journal, answers."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from db.store import Store
    from desk.switch import HaltSwitch
    from settings import Settings

SetOption = Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="Override a setting; repeatable.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
EnvOption = Annotated[Path, typer.Option("--env-file", help="Where the settings file is.")]
DbOption = Annotated[str | None, typer.Option("--db", help="Journal, e.g. sqlite:///state/journal.db; DATABASE_URL.")]
FeedOption = Annotated[str | None, typer.Option("--feed", help="sim, replay or live; FEED.")]
DataOption = Annotated[
    list[str], typer.Option("--data", metavar="FILE", help="Recording to replay, or SYMBOL=FILE; more may follow.")
]
MoreFiles = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Further recordings after --data.")]
SymbolOption = Annotated[list[str], typer.Option("--symbol", help="Perpetual to trade, e.g. SOL-PERP; repeatable.")]
SpeedOption = Annotated[str | None, typer.Option("--speed", help="auto, max or real; SPEED.")]
MinutesOption = Annotated[int | None, typer.Option("--minutes", min=1, help="Stop after so many market minutes.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="UTC", help="First minute, e.g. 2023-01-01T00:00Z.")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="UTC", help="First minute left out.")]
RunIdOption = Annotated[str | None, typer.Option("--run-id", help="Name of the run; an unfinished one is resumed.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id or an unambiguous beginning of one.")]
ENV_FILE = Path(".env")
PAPER = "paper"
ROOT = Path(__file__).parents[1]


def load(
    env_file: Path,
    overrides: list[str],
    given: Mapping[str, str],
    *,
    mode: str | None = PAPER,
    is_to_trade: bool = True,
) -> "Settings":
    """Load the settings as a command sees them: defaults, `.env`, environment, then what was typed.

    mode: the MODE of this command, whatever `.env` says; None: as the settings say. A command that does not name
    another can never reach a venue. is_to_trade: False for one that only tells what is set.
    """
    from domain.errors import BadInput
    from settings import load_settings

    pairs = [override.partition("=") for override in overrides]
    for override, (name, sign, _) in zip(overrides, pairs, strict=True):
        if not sign or not name:
            raise BadInput(f"--set {override} is not NAME=VALUE")
    chosen = dict(given) | {name.strip().upper(): value for name, _, value in pairs}
    if mode is not None and chosen.setdefault("MODE", mode) != mode:
        raise BadInput(
            f"MODE={chosen['MODE']} has no say here: MODE of this command is {mode}; what MODE stands for is typed as "
            "`python main.py paper`, `dry-run` or `live`, and `python main.py` alone follows .env"
        )
    return load_settings(env_file, dict(os.environ), chosen, is_to_trade=is_to_trade)


def folders(settings: "Settings") -> list[Path]:
    """Return the folders that are searched for recordings."""
    return [Path(folder) for folder in settings.data_dirs]


def flags(**values: str | None) -> dict[str, str]:
    """Return the options that were given, as settings."""
    return {name: value for name, value in values.items() if value}


def switch(env_file: Path, overrides: list[str]) -> "HaltSwitch":
    """Return the human's switch of the desk these settings describe."""
    from desk.switch import HaltSwitch

    return HaltSwitch(load(env_file, overrides, {}).state_dir / "switch")


def reading(db: str | None, env_file: Path) -> "Store":
    """Open the journal for reading. Raises BadInput when there is none."""
    from db.opening import open_journal

    url = db or load(env_file, [], {}).database_url.get_secret_value()
    return open_journal(url, writable=False)


def show(as_json: bool, to_json: Callable[[], Any], tell: "Callable[[Console], None]") -> None:
    """Answer in JSON or for a person."""
    if as_json:
        print_json(to_json())
    else:
        tell(stdout())


def print_json(value: object) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")


def stdout() -> "Console":
    """Return the terminal."""
    from rich.console import Console

    return Console()
