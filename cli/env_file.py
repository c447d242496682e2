"""A search's proposal as a change of the `.env` file: shown as a diff, written only on demand."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import BadInput

if TYPE_CHECKING:
    from settings import Settings

_PRIVATE = 0o600


def changed_knobs(now: "Settings", then: "Settings", names: "Mapping[str, str]") -> dict[str, str]:
    """Return which of the named knobs differ, with the values of `then` as `.env` writes them."""
    from settings import effective

    values = {row.name: row.value for row in effective(then)}
    return {name: values[name] for name in names if getattr(now, name.lower()) != getattr(then, name.lower())}


def hidden_by_environment(now: "Settings", names: "Mapping[str, str]") -> list[str]:
    """Return which of the named knobs stand in the environment, where `.env` cannot change them."""
    from configuration.sources import ENVIRONMENT

    return [name for name in names if now.sources[name] == ENVIRONMENT]


def read_env(path: Path) -> str:
    """Return an `.env` file's text, '' where there is none. Raises BadInput when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"{path} cannot be read as settings: {reason}") from error


def write_env(path: Path, text: str) -> None:
    """Write an `.env` file, whole or not at all, with the permissions it had; a new one is its owner's alone."""
    from backtest.whole_files import written_whole

    target = path.resolve()
    with written_whole(target, "the settings") as passing:
        mode = target.stat().st_mode & 0o777 if target.exists() else _PRIVATE
        with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "wb") as handle:
            os.fchmod(handle.fileno(), mode)
            handle.write(text.encode())
            handle.flush()
            os.fsync(handle.fileno())
