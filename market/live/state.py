"""What a feed knows of one symbol between two minutes."""

from dataclasses import dataclass, field

from domain.record import Record
from market.live.bars import BarBook
from market.live.book import BookView
from market.live.trail import Trail


class FundingShown(Record, frozen=True, kw_only=True):
    """The rate an exchange shows for its next settlement. rate_frac: per interval, positive = longs pay."""

    rate_frac: float
    interval_hours: float
    next_ms: int | None


@dataclass(slots=True)
class SymbolState:
    """One symbol: its bars, the figures beside them as of each minute's end, and what is amiss.

    market: ccxt's name. book_trouble: why there is no book to believe; None while there is one. troubles: what last
    went wrong, by kind of stream or question, until it goes well again. bars_shown: the stream's list of bars
    as last seen. unit_base: base in one unit of the volumes and amounts that the exchange tells. n_without_bar:
    minutes in a row without one.
    """

    symbol: str
    market: str
    bars: BarBook
    book: Trail[BookView] = field(default_factory=Trail)
    mark: Trail[float] = field(default_factory=Trail)
    index: Trail[float] = field(default_factory=Trail)
    funding: Trail[FundingShown] = field(default_factory=Trail)
    interest_usd: Trail[float] = field(default_factory=Trail)
    book_trouble: str | None = "none was seen yet"
    troubles: dict[str, str] = field(default_factory=dict)
    bars_shown: dict[object, tuple[list[object], bool]] = field(default_factory=dict)
    unit_base: float = 1.0
    last_close: float | None = None
    n_without_bar: int = 0
    n_unseen: int = 0
