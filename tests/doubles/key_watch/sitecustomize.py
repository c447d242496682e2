"""Python loads this file by itself at its start: it notes whoever touches the key, or loads what could read it.

Put this folder on PYTHONPATH. WATCHED_KEY: the key's file, by a name that nothing else bears. WATCHED_NOTES: where to
note. A hook of this kind cannot be taken out again by what it watches.
"""

import os
import sys

READER = "execution.exchange.keys"
LONGEST_PATH = 4_096
OF_TEXT = ("compile", "exec", "marshal.loads")
"""Events whose text is a program, and no path."""


def watch(key: str, notes: str) -> None:
    """Note every event that names the key's file, and every import of its reader."""
    name = os.path.basename(key)
    paper = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def names_key(arg: object) -> bool:
        path = arg if isinstance(arg, str | bytes) else os.fspath(arg) if isinstance(arg, os.PathLike) else ""
        return len(path) <= LONGEST_PATH and name in os.fsdecode(path)

    def note(event: str, args: tuple[object, ...]) -> None:
        is_reader = event == "import" and args[0] == READER
        if is_reader or (event not in OF_TEXT and any(names_key(arg) for arg in args)):
            os.write(paper, f"{event} {args[:1]}\n".encode())

    sys.addaudithook(note)


if "WATCHED_KEY" in os.environ:
    watch(os.environ["WATCHED_KEY"], os.environ["WATCHED_NOTES"])
