"""How the program ends when something is wrong: one clear sentence, exit code 2 for bad input, 1 for failures."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from domain.errors import BadInput, DeskError

INTERRUPTED: Final = 130
"""The exit code a shell knows for Ctrl-C."""


class Stopped(DeskError):
    """The desk has halted; the message says why and what to do."""


class Interrupted(DeskError):
    """A second Ctrl-C: the desk was not waited for. What was committed is on record."""


@contextmanager
def complaining() -> Iterator[None]:
    """Print what the desk's own errors say, without a traceback. Anything unforeseen keeps its traceback."""
    try:
        yield
    except BadInput as error:
        _complain(error)
        raise SystemExit(2) from None
    except Interrupted as error:
        sys.stderr.write(f"interrupted: {error}\n")
        raise SystemExit(INTERRUPTED) from None
    except DeskError as error:
        _complain(error)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # The reader went away (`| head`): not an error of ours, and nothing more can be said to it.
        sys.stderr.close()
        raise SystemExit(0) from None


def _complain(error: DeskError) -> None:
    problems = getattr(error, "problems", None)
    if problems is None:
        sys.stderr.write(f"error: {error}\n")
        return
    from rich.console import Console

    from console.settings_table import print_problems

    print_problems(Console(stderr=True), problems)
