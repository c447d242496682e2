"""Which desk symbol a file belongs to, told from its name or said outright as SYMBOL=path."""

import re
from pathlib import Path
from typing import Final

_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}-PERP")
_FILE_PREFIX: Final = re.compile(r"([a-z0-9]{1,20}?)[-_]?(usdt|usdc|usd|perp)(?![a-z])")
_PERPETUAL_WORDS: Final = ("usdm", "perp", "swap", "futures")


def is_symbol(text: str) -> bool:
    """Say whether a text is a desk symbol, such as SOL-PERP."""
    return _SYMBOL.fullmatch(text) is not None


def split_argument(argument: str) -> tuple[str | None, Path]:
    """Return the symbol a user named outright (None when not) and the path of `SYMBOL=path` or `path`."""
    symbol, separator, rest = argument.partition("=")
    if separator and is_symbol(symbol):
        return symbol, Path(rest)
    return None, Path(argument)


def symbol_of_file(path: Path) -> str | None:
    """Guess the desk symbol from a file name: solusdt_1m.parquet, SOLUSDT-1m-2025-05.csv, sol-perp_funding.parquet.

    A folder called symbol=SOL-PERP says it outright. Returns None when the name begins with no pair we know.
    """
    _, _, told = path.name.partition("symbol=")
    if is_symbol(told) and path.name == f"symbol={told}":
        return told
    prefix = _FILE_PREFIX.match(path.name.lower())
    return None if prefix is None else f"{prefix.group(1).upper()}-PERP"


def is_perpetual_file(path: Path) -> bool:
    """Say whether the file name tells of a perpetual rather than a spot market."""
    return any(word in path.name.lower() for word in _PERPETUAL_WORDS)
