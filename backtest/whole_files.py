"""Files that appear whole or not at all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import BadInput


def file_name(run_id: str) -> str:
    """Return a run's name as part of a file's: what could lead to another folder is an underscore."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", run_id).lstrip(".") or "run"


@contextmanager
def written_whole(target: Path, what: str) -> Iterator[Path]:
    """Lend a passing name beside the target, and give the file its own name when all went well.

    what: what is being written, for the message, e.g. "the report". Raises BadInput when it cannot be written.
    """
    passing = target.with_name(f".{target.name}.part")
    try:
        if target.is_dir():
            raise BadInput(f"{what} cannot be written to {target}: it is a folder; name a file")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield passing
            passing.replace(target)
        finally:
            passing.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{what} cannot be written to {target}: {error.strerror or error}") from error
