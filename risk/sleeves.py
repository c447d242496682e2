"""The record of each sleeve (one strategy in one symbol), and of the desk as its portfolio judges it."""

from dataclasses import dataclass, field

from domain.account import Trade
from domain.record import Record
from risk.band import Band

Sleeve = tuple[str, str]
"""(strategy, symbol)"""


class SleeveRecord(Record, frozen=True, kw_only=True):
    """What a sleeve's closed trades with a measurable risk came to, in R: net profit over the risk at the stop."""

    n_trades: int = 0
    sum_r: float = 0.0
    sum_squared_r2: float = 0.0

    @property
    def variance_r2(self) -> float:
        """Variance of a trade's result about the sleeve's mean, in R squared; 0 without trades."""
        if self.n_trades == 0:
            return 0.0
        mean = self.sum_r / self.n_trades
        return max(0.0, self.sum_squared_r2 / self.n_trades - mean * mean)

    def with_trade(self, net_r: float) -> "SleeveRecord":
        """Return the record with one more trade."""
        return SleeveRecord(
            n_trades=self.n_trades + 1, sum_r=self.sum_r + net_r, sum_squared_r2=self.sum_squared_r2 + net_r * net_r
        )


NOTHING_YET = SleeveRecord()


class Standing(Record, frozen=True, kw_only=True):
    """The portfolio's memory, frozen at one moment. by_sleeve: only sleeves that have traded.

    deviation_frac, worst_deviation_frac: how far the desk's record stands outside its band, in widths of the band, now
    and at its worst; the worst never heals. worst_n_trades, worst_sum_r: the record at that moment.
    """

    by_sleeve: tuple[tuple[Sleeve, SleeveRecord], ...] = ()
    desk: SleeveRecord = NOTHING_YET
    deviation_frac: float = 0.0
    worst_deviation_frac: float = 0.0
    worst_n_trades: int = 0
    worst_sum_r: float = 0.0

    def record_of(self, sleeve: Sleeve) -> SleeveRecord:
        """Return a sleeve's record, an empty one before its first trade."""
        for name, record in self.by_sleeve:
            if name == sleeve:
                return record
        return NOTHING_YET


UNTRIED = Standing()


@dataclass(slots=True)
class SleeveLedger:
    """Folds closed trades into a `Standing`; two are equal when their memories are. band: what is expected."""

    band: Band | None = None
    records: dict[Sleeve, SleeveRecord] = field(default_factory=dict)
    desk: SleeveRecord = NOTHING_YET
    deviation_frac: float = 0.0
    worst_deviation_frac: float = 0.0
    worst: SleeveRecord = NOTHING_YET
    _view: Standing | None = field(default=None, compare=False, repr=False)

    def on_trade(self, trade: Trade) -> None:
        """Take one closed trade; one without a measurable risk is left out."""
        if trade.risk_microusd <= 0:
            return
        self._view = None
        net_r = trade.net_microusd / trade.risk_microusd
        sleeve = trade.strategy, trade.symbol
        self.records[sleeve] = self.records.get(sleeve, NOTHING_YET).with_trade(net_r)
        self.desk = self.desk.with_trade(net_r)
        if self.band is not None:
            self._judge(self.band)

    def view(self) -> Standing:
        """Return the memory as it is now, frozen; the same record for as long as nothing changes."""
        if self._view is None:
            self._view = Standing(
                by_sleeve=tuple(self.records.items()),
                desk=self.desk,
                deviation_frac=self.deviation_frac,
                worst_deviation_frac=self.worst_deviation_frac,
                worst_n_trades=self.worst.n_trades,
                worst_sum_r=self.worst.sum_r,
            )
        return self._view

    def _judge(self, band: Band) -> None:
        self.deviation_frac = band.deviation_frac(self.desk.n_trades, self.desk.sum_r)
        if self.deviation_frac > self.worst_deviation_frac:
            self.worst_deviation_frac, self.worst = self.deviation_frac, self.desk
