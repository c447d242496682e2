"""What a report is given beside the story of the run: named figures, groups of trades, settings that were changed."""

from domain.record import Record


class Figure(Record, frozen=True, kw_only=True):
    """One figure as the report shows it. value: text with its unit. meaning: one line. group: the box it stands in."""

    name: str
    value: str
    meaning: str
    group: str


class ChangedSetting(Record, frozen=True, kw_only=True):
    """A setting of the run that is not at its default, as text. meaning: one line."""

    name: str
    value: str
    default: str
    meaning: str


class BreakdownRow(Record, frozen=True, kw_only=True):
    """The closed trades of one group. Money in micro-dollars; net = gross - fees + funding.

    slippage_microusd: what half spread, slippage and gaps cost, already inside gross. win_rate_frac: part of the
    trades with a net above zero. sum_r: their results in R; None when no trade's risk is known.
    """

    name: str
    n_trades: int
    win_rate_frac: float
    gross_microusd: int
    fees_microusd: int
    slippage_microusd: int
    funding_microusd: int
    net_microusd: int
    sum_r: float | None

    def __post_init__(self) -> None:
        """Refuse an empty group and a sum that does not add up."""
        if self.n_trades < 1 or not 0.0 <= self.win_rate_frac <= 1.0:
            raise ValueError(f"{self.name}: {self.n_trades} trades, {self.win_rate_frac} of them won, are no group")
        if self.net_microusd != self.gross_microusd - self.fees_microusd + self.funding_microusd:
            raise ValueError(f"{self.name}: net is not gross less fees plus funding")


class Breakdown(Record, frozen=True, kw_only=True):
    """The closed trades of a run, grouped one way. title: what by, e.g. "regime at entry"."""

    title: str
    rows: tuple[BreakdownRow, ...]
