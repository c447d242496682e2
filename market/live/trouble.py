"""What can go wrong between us and an exchange, in words that fit on one line."""

from typing import Final

from domain.errors import DeskError

MAX_CHARACTERS: Final = 140

MALFORMED: Final = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, OSError)
"""What ccxt lets through when an answer is not what the exchange promised: it reads it without a doubt."""


class Unanswered(DeskError):
    """The exchange gave no usable answer; the message says what was asked and why not."""


def in_words(error: BaseException) -> str:
    """Return an error as one short line: its kind and what it says."""
    said = "".join(one if one.isprintable() else " " for one in str(error)).strip()
    told = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return told if len(told) <= MAX_CHARACTERS else told[: MAX_CHARACTERS - 3] + "..."
