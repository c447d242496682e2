"""What can go wrong, as a tree.

DeskError
├── BadInput              the user's file, setting or argument is wrong: one sentence, exit code 2
├── FeedLost              market data stopped coming
├── JournalUnavailable    the journal cannot be written or read now: no order may leave
├── JournalCorrupt        the journal's evidence does not hold together
├── VenueUnreachable      an order's fate may be unknown
├── CassetteMiss          a strict replay was asked for an answer that was never recorded
└── BooksDisagree         our books and the venue's differ: never caught below the runner

An ordinary "no" is not here: it is a value, `domain.decisions.Refusal` or `Denied`.
"""


class DeskError(Exception):
    """Base of all failures the desk can name."""


class BadInput(DeskError):
    """Something a user gave is wrong; the message says what, where and what is allowed."""


class FeedLost(DeskError):
    """The market data source stopped answering."""


class JournalUnavailable(DeskError):
    """The journal cannot take or give rows at the moment (locked, full, read-only, gone)."""


class JournalCorrupt(DeskError):
    """The journal's rows contradict its own chain or schema."""


class VenueUnreachable(DeskError):
    """The venue did not answer; the fate of an order may be unknown."""


class CassetteMiss(DeskError):
    """A run that may hear nothing but its cassette asked for what is not on it."""


class BooksDisagree(DeskError):
    """What we hold by our books is not what the venue says we hold."""
