"""What there is to tell, and how gravely."""

from enum import StrEnum
from typing import Final

from domain.record import Record

MOST_CHARACTERS: Final = 300


class Severity(StrEnum):
    """Who should hear of it."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    SUMMARY = "summary"


class Notice(Record, frozen=True, kw_only=True):
    """One thing to tell. group: what makes two of them alike: many alike in a short time become one message.

    text: one or a few plain sentences that name the run. at_ms: when it happened, UTC.
    """

    severity: Severity
    group: str
    text: str
    at_ms: int


class Message(Record, frozen=True, kw_only=True):
    """What a target is sent."""

    title: str
    body: str


def shortened(text: str) -> str:
    """Return text on one line that fits a small screen."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 3] + "..."
