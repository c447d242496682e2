"""What became of the lines of one file: how many were taken, and why the others were not."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from domain.record import Record


class Why(StrEnum):
    """Why a line was left out. The first five are malformed lines, the others whole ones that are of no use."""

    NOT_TEXT = "not text"
    NOT_JSON = "not JSON"
    NOT_A_RECORD = "not a record"
    WRONG_FIELDS = "other number of fields than the header"
    CUT_SHORT = "cut short where the file ends"
    NO_TIME = "no time"
    NO_PRICE = "no price"
    NO_RATE = "no funding rate"
    NO_FILLS = "no trade in it"
    UNFINISHED = "not over yet"
    DUPLICATE = "seen before"
    OTHER_MARKET = "another market"
    NOT_TOLD_APART = "raw or decimal cannot be told"


MALFORMED = frozenset({Why.NOT_TEXT, Why.NOT_JSON, Why.NOT_A_RECORD, Why.WRONG_FIELDS, Why.CUT_SHORT})


class FileCounts(Record, frozen=True, kw_only=True):
    """Lines of one file. n_parsed = n_accepted + n_skipped; with n_malformed that is every line but the header.

    reasons: why lines were skipped or malformed, the most frequent first. is_cut: the file ends before its data do.
    """

    file_name: str
    n_parsed: int
    n_accepted: int
    n_skipped: int
    n_malformed: int
    reasons: tuple[tuple[Why, int], ...]
    is_cut: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that do not add up."""
        told = sum(n for _, n in self.reasons)
        if self.n_parsed != self.n_accepted + self.n_skipped or told != self.n_skipped + self.n_malformed:
            raise ValueError(f"{self.file_name}: the counts of its lines do not add up")


@dataclass(slots=True)
class Tally:
    """Counts while a file is read."""

    n_accepted: int = 0
    left_out: Counter[Why] = field(default_factory=Counter)
    is_cut: bool = False

    def of(self, file_name: str) -> FileCounts:
        """Return what was counted."""
        n_malformed = sum(n for why, n in self.left_out.items() if why in MALFORMED)
        n_skipped = self.left_out.total() - n_malformed
        return FileCounts(
            file_name=file_name,
            n_parsed=self.n_accepted + n_skipped,
            n_accepted=self.n_accepted,
            n_skipped=n_skipped,
            n_malformed=n_malformed,
            reasons=tuple(sorted((+self.left_out).items(), key=lambda one: (-one[1], one[0]))),
            is_cut=self.is_cut,
        )
