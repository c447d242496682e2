"""The fingerprint of the code that decides: two runs with the same one, settings and data must come out alike."""

import hashlib
from pathlib import Path
from typing import Final

DECIDING: Final = (
    "agents",
    "desk",
    "domain",
    "execution",
    "gate",
    "indicators",
    "market",
    "risk",
    "strategy",
    "wiring",
)

# A process of its own, which shares no code with the desk.
APART: Final = "execution/gateway"


def code_version(root: Path) -> str:
    """Return the SHA-256 over the sources of every room that can change a decision, in hex, 16 digits.

    root: the project's folder. The gate's prompts count too. The order gateway, documents, console, tests and line
    ends do not.
    """
    digest = hashlib.sha256()
    for room in DECIDING:
        for path in sorted([*(root / room).rglob("*.py"), *(root / room / "prompts").glob("*.txt")]):
            name = path.relative_to(root).as_posix()
            if name.startswith(f"{APART}/"):
                continue
            digest.update(name.encode() + b"\0")
            digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
