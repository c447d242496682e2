"""What a run came to: counted tick by tick, told once at the end."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from domain.account import Trade
from domain.cassette import NOBODY, CassetteMode, CassetteUse, cassette_use
from domain.decisions import Refusal
from domain.gate_reason import GateReason
from domain.record import Record
from domain.tick import Outcome, TickRecord

# Held here because looking a member up on its enum costs more than counting it.
QUIET: Final = Outcome.NO_SIGNAL
REFUSED: Final = Outcome.REFUSED
GATE_OFF: Final = GateReason.GATE_OFF.value


class OpenPosition(Record, frozen=True, kw_only=True):
    """A position that outlived the run. size_lots: signed."""

    symbol: str
    size_lots: int


class RunSummary(Record, frozen=True, kw_only=True):
    """The figures of one run. Money in micro-dollars; net = final equity - starting equity.

    n_bars: ticks taken, one per symbol and minute. n_signals: strategy answers that named a side.
    refusals: (rule, how often), most frequent first. outcomes: (outcome, ticks). gate_reasons: (reason of the gate, how
    often), without those of a desk that has no gate. gate_mode: how much its answers counted, empty without any.
    cassette: None where the answers came from none.
    """

    run_id: str
    is_simulated: bool
    n_bars: int
    n_signals: int
    n_orders: int
    outcomes: tuple[tuple[str, int], ...]
    refusals: tuple[tuple[str, int], ...]
    trades: tuple[Trade, ...]
    open_positions: tuple[OpenPosition, ...]
    starting_equity_microusd: int
    equity_microusd: int
    fees_microusd: int
    funding_microusd: int
    slippage_microusd: int
    max_drawdown_frac: float
    first_ms: int
    last_ms: int
    chain_hash: str
    seconds: float
    gate_reasons: tuple[tuple[str, int], ...] = ()
    gate_mode: str = ""
    cassette: CassetteUse | None = None

    @property
    def net_microusd(self) -> int:
        """Profit of the run after fees and funding, open positions at their mark."""
        return self.equity_microusd - self.starting_equity_microusd


@dataclass(slots=True)
class Tally:
    """Counts a run while it goes. `add` is on the hot path: it adds up integers and keeps the last tick.

    cassette: where the gate's answers come from. gate_answers: how often it gave which reason, by who was heard.
    gate_mode: how much the last of them counted.
    """

    starting_equity_microusd: int
    cassette: CassetteMode = CassetteMode.OFF
    n_quiet: int = 0
    n_signals: int = 0
    n_orders: int = 0
    fees_microusd: int = 0
    funding_microusd: int = 0
    slippage_microusd: int = 0
    peak_microusd: int = 0
    equity_microusd: int = 0
    max_drawdown_frac: float = 0.0
    first_ms: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    gate_answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    gate_mode: str = ""
    trades: list[Trade] = field(default_factory=list)
    held_lots: dict[str, int] = field(default_factory=dict)
    _last: TickRecord | None = None

    @property
    def n_bars(self) -> int:
        """Ticks counted so far."""
        return self.n_quiet + self.outcomes.total()

    @property
    def last_ms(self) -> int:
        """The time of the last tick; 0 before the first."""
        return 0 if self._last is None else self._last.snapshot.as_of_ms

    def __post_init__(self) -> None:
        """Start flat at the peak."""
        self.peak_microusd = self.equity_microusd = self.starting_equity_microusd

    def add(self, record: TickRecord) -> None:
        """Count one tick."""
        if self._last is None:
            self.first_ms = record.snapshot.as_of_ms
        self._last = record
        if record.equity_microusd != self.equity_microusd:
            self._mark(record.equity_microusd)
        if record.outcome is QUIET and not record.fills and not record.funding:
            self.n_quiet += 1
        else:
            self._count(record)

    def _mark(self, equity: int) -> None:
        self.equity_microusd = equity
        if equity > self.peak_microusd:
            self.peak_microusd = equity
        elif self.peak_microusd > 0:
            self.max_drawdown_frac = max(self.max_drawdown_frac, (self.peak_microusd - equity) / self.peak_microusd)

    def _count(self, record: TickRecord) -> None:
        # The plain text beneath the enum: a dictionary would hash the enum in Python.
        self.outcomes[record.outcome._value_] += 1
        for signal in record.signals:
            if signal.side is not None:
                self.n_signals += 1
        if record.risk is not None and record.outcome is REFUSED:
            ruling = record.risk.ruling
            self.refusals[ruling.rule if isinstance(ruling, Refusal) else "order"] += 1
        gate = record.gate
        if gate is not None and gate.verdict.reason_code != GATE_OFF:
            source = NOBODY if gate.evidence is None else gate.evidence.source
            self.gate_answers[source, gate.verdict.reason_code] += 1
            self.gate_mode = gate.mode
        self.held_lots[record.snapshot.symbol] = record.position_lots
        if record.orders or record.refusals or record.fills or record.funding or record.trades:
            self._count_deeds(record)

    def _count_deeds(self, record: TickRecord) -> None:
        self.n_orders += len(record.orders)
        for _, refusal in record.refusals:
            self.refusals[refusal.rule] += 1
        for fill in record.fills:
            self.fees_microusd += fill.fee_microusd
            self.slippage_microusd += fill.slippage_microusd
        self.funding_microusd += sum(payment.amount_microusd for payment in record.funding)
        self.trades.extend(record.trades)

    def summary(self, run_id: str, chain_hash: str, seconds: float, *, is_simulated: bool) -> RunSummary:
        """Return the figures so far."""
        outcomes = self.outcomes + Counter({QUIET.value: self.n_quiet})
        return RunSummary(
            run_id=run_id,
            is_simulated=is_simulated,
            n_bars=self.n_bars,
            n_signals=self.n_signals,
            n_orders=self.n_orders,
            outcomes=tuple(outcomes.most_common()),
            refusals=tuple(self.refusals.most_common()),
            trades=tuple(self.trades),
            open_positions=tuple(
                OpenPosition(symbol=symbol, size_lots=lots) for symbol, lots in sorted(self.held_lots.items()) if lots
            ),
            starting_equity_microusd=self.starting_equity_microusd,
            equity_microusd=self.equity_microusd,
            fees_microusd=self.fees_microusd,
            funding_microusd=self.funding_microusd,
            slippage_microusd=self.slippage_microusd,
            max_drawdown_frac=self.max_drawdown_frac,
            first_ms=self.first_ms,
            last_ms=self.last_ms,
            chain_hash=chain_hash,
            seconds=seconds,
            gate_reasons=_by_reason(self.gate_answers),
            gate_mode=self.gate_mode,
            cassette=cassette_use(self.cassette, self.gate_answers),
        )


def _by_reason(answers: Counter[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    reasons: Counter[str] = Counter()
    for (_, reason), count in answers.items():
        reasons[reason] += count
    return tuple(reasons.most_common())
