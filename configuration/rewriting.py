"""An `.env` file with some values changed and everything else as it was, to the byte."""

import difflib
import io
import re
from collections.abc import Mapping
from typing import Final

from dotenv.parser import parse_stream

# A value ends where dotenv ends it: at its closing quote, or before a remark that a blank sets off.
_ENTRY: Final = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?[^=\s]+[^\S\r\n]*=[^\S\r\n]*)
        (?P<value>'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^\r\n]*?)
        (?P<tail>(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r)?)\Z""",
    re.VERBOSE,
)


def rewritten(text: str, changes: Mapping[str, str]) -> str:
    """Return the text of an `.env` file with these values. A name that it lacks is added at its end.

    Order, remarks, blank lines, line ends and all other entries stay. changes: values without blanks, quotes or `#`.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    parts, seen = [], set()
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        entry = _ENTRY.match(original) if binding.key in changes and not binding.error else None
        if entry is not None and binding.key is not None:
            seen.add(binding.key)
            original = f"{entry['head']}{changes[binding.key]}{entry['tail']}"
        parts.append(original)
    whole = "".join(parts)
    added = [f"{name}={value}{end}" for name, value in changes.items() if name not in seen]
    if added and whole and not whole.endswith(("\n", "\r")):
        whole += end
    return whole + "".join(added)


def difference(before: str, after: str, name: str) -> str:
    """Return what changes as a unified diff without neighbouring lines, which may hold secrets. Empty: nothing does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (proposed)", "", "", 0, "")
    return "".join(f"{line}\n" for line in lines)
