"""The journal's tables. The schema itself is made by the migrations; a test holds the two equal.

What becomes of a trigger, who answered and how gates were measured stand in `db/gate_tables.py`.
"""

from typing import Any, Final

from sqlalchemy import Column, Index, Table, Text, text
from sqlmodel import Field

from db.gate_tables import COUNTERFACTUALS, GATE_REPLIES, REFLECTIONS
from db.pages import BIG, BYTES, REAL, SMALL, Page, row_key, table_of, tick_key


class RunRow(Page, table=True):
    """One run of the desk. Written once; the columns from `finished_ms` on are filled when it closes.

    genesis_hash: first link of the ledger chain, over settings, code, data and instruments.
    header_hash: first link of the lifecycle chain, over the genesis and every other opening column.
    """

    __tablename__ = "runs"
    run_no: int = row_key()
    run_id: str = Field(sa_type=Text, unique=True)
    command: str = Field(sa_type=Text)
    settings_json: str = Field(sa_type=Text)
    code_version: str = Field(sa_type=Text)
    data_identity: str = Field(sa_type=Text)
    symbols: str = Field(sa_type=Text)
    instruments_json: str = Field(sa_type=Text)
    is_simulated: int = Field(sa_type=SMALL)
    started_ms: int = Field(sa_type=BIG)
    genesis_hash: bytes = Field(sa_type=BYTES)
    header_hash: bytes = Field(sa_type=BYTES)
    finished_ms: int | None = Field(sa_type=BIG, default=None)
    n_rows: int | None = Field(sa_type=BIG, default=None)
    chain_hash: str | None = Field(sa_type=Text, default=None)
    summary_json: str | None = Field(sa_type=Text, default=None)


class AnswerRow(Page, table=True):
    """What the strategies answered, once for all ticks of a run on which they said the same.

    signals: every strategy's answer, as the JSON that `db/answers.py` writes; the view `signals` spreads it into rows.
    why: the sentence of the ticks that ended in `no_signal`; NULL for ticks that have one of their own.
    """

    __tablename__ = "answers"
    id: int = row_key()
    signals: str = Field(sa_type=Text)
    why: str | None = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class TickRow(Page, table=True):
    """One tick of one symbol: what was seen, how it ended, and what was held after it. NULL = absent.

    answer_id: what the strategies answered; NULL when none was asked. why: NULL where the answer tells it.
    readings_id: the tick that holds the readings beside this bar: itself where they changed, else an earlier one.
    figures: JSON, as `db/figures.py` writes it; NULL before the features were warm.
    snapshot, readings: JSON, as `db/seen.py` writes it; readings are NULL where another tick holds them.
    """

    __tablename__ = "ticks"
    id: int = row_key()
    answer_id: int | None = Field(sa_type=BIG)
    readings_id: int = Field(sa_type=BIG)
    tick_no: int = Field(sa_type=BIG)
    as_of_ms: int = Field(sa_type=BIG)
    symbol: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    why: str | None = Field(sa_type=Text)
    close_price: float | None = Field(sa_type=REAL)
    regime: str | None = Field(sa_type=Text)
    figures: str | None = Field(sa_type=Text)
    equity_microusd: int = Field(sa_type=BIG)
    cash_microusd: int = Field(sa_type=BIG)
    position_lots: int = Field(sa_type=BIG)
    snapshot: str = Field(sa_type=Text)
    readings: str | None = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class ProposalRow(Page, table=True):
    """What a strategy wanted. exit_plan: JSON."""

    __tablename__ = "proposals"
    id: int = row_key()
    tick_id: int = tick_key()
    strategy: str = Field(sa_type=Text)
    side: int = Field(sa_type=SMALL)
    conviction_frac: float = Field(sa_type=REAL)
    reasons: str = Field(sa_type=Text)
    exit_plan: str = Field(sa_type=Text)
    reference_price: float = Field(sa_type=REAL)
    as_of_ms: int = Field(sa_type=BIG)
    hash: bytes = Field(sa_type=BYTES)


class GateRequestRow(Page, table=True):
    """What the gate was asked, on record before it was asked."""

    __tablename__ = "gate_requests"
    id: int = row_key()
    tick_no: int = Field(sa_type=BIG)
    request_id: str = Field(sa_type=Text)
    backend: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    prompt: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class GateOutcomeRow(Page, table=True):
    """What the gate answered. keep_frac: NULL when denied. raw_reply: the bytes that arrived.

    latency_ms is a measurement of the machine, not of the decision: it stays out of the chain and is sealed by
    `latency_hash`, so that two runs of the same command still chain to the same hash.
    """

    __tablename__ = "gate_outcomes"
    id: int = row_key()
    tick_id: int = tick_key()
    request_id: str = Field(sa_type=Text)
    verdict: str = Field(sa_type=Text)
    reason_code: str = Field(sa_type=Text)
    keep_frac: float | None = Field(sa_type=REAL)
    answered_by: str = Field(sa_type=Text)
    answers_request_id: str | None = Field(sa_type=Text)
    raw_reply: bytes | None = Field(sa_type=BYTES)
    hash: bytes = Field(sa_type=BYTES)
    latency_ms: float | None = Field(sa_type=REAL)
    latency_hash: bytes = Field(sa_type=BYTES)


class RiskCheckRow(Page, table=True):
    """One ruling. passed: rule names joined by "; ". sizes_lots: JSON [[method, lots], ...]. approved: JSON order."""

    __tablename__ = "risk_checks"
    id: int = row_key()
    tick_id: int = tick_key()
    ruling: str = Field(sa_type=Text)
    passed: str = Field(sa_type=Text)
    sizes_lots: str = Field(sa_type=Text)
    rule: str | None = Field(sa_type=Text)
    reason: str | None = Field(sa_type=Text)
    client_order_id: str | None = Field(sa_type=Text)
    approved: str | None = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class OrderRow(Page, table=True):
    """One order, on record before it was sent. exit_plan: JSON for an entry; exit_reason for an exit."""

    __tablename__ = "orders"
    __table_args__ = (Index("uq_orders_client_order_id", text("(id >> 40)"), "client_order_id", unique=True),)
    id: int = row_key()
    tick_no: int = Field(sa_type=BIG)
    client_order_id: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    strategy: str = Field(sa_type=Text)
    side: int = Field(sa_type=SMALL)
    size_lots: int = Field(sa_type=BIG)
    reduce_only: int = Field(sa_type=SMALL)
    reference_ticks: int = Field(sa_type=BIG)
    decided_ms: int = Field(sa_type=BIG)
    exit_plan: str | None = Field(sa_type=Text)
    exit_reason: str | None = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class OrderRefusalRow(Page, table=True):
    """A no of the venue or the journal to an order, learnt in this tick."""

    __tablename__ = "order_refusals"
    id: int = row_key()
    tick_id: int = tick_key()
    client_order_id: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class FillRow(Page, table=True):
    """One execution, in the tick that learnt of it. fee_microusd: positive = we paid."""

    __tablename__ = "fills"
    id: int = row_key()
    tick_id: int = tick_key()
    client_order_id: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    side: int = Field(sa_type=SMALL)
    size_lots: int = Field(sa_type=BIG)
    price_ticks: int = Field(sa_type=BIG)
    fee_microusd: int = Field(sa_type=BIG)
    slippage_microusd: int = Field(sa_type=BIG)
    filled_ms: int = Field(sa_type=BIG)
    exit_reason: str | None = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class FundingRow(Page, table=True):
    """Funding settled on a held position. amount_microusd: positive = we received."""

    __tablename__ = "funding_payments"
    id: int = row_key()
    tick_id: int = tick_key()
    symbol: str = Field(sa_type=Text)
    position_lots: int = Field(sa_type=BIG)
    rate_quote_per_base_1e9: int = Field(sa_type=BIG)
    amount_microusd: int = Field(sa_type=BIG)
    settled_ms: int = Field(sa_type=BIG)
    source: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class TradeRow(Page, table=True):
    """A closed round trip. net_microusd = gross - fees + funding."""

    __tablename__ = "trades"
    id: int = row_key()
    tick_id: int = tick_key()
    symbol: str = Field(sa_type=Text)
    strategy: str = Field(sa_type=Text)
    side: int = Field(sa_type=SMALL)
    size_lots: int = Field(sa_type=BIG)
    entry_ticks: int = Field(sa_type=BIG)
    exit_ticks: int = Field(sa_type=BIG)
    gross_microusd: int = Field(sa_type=BIG)
    fees_microusd: int = Field(sa_type=BIG)
    funding_microusd: int = Field(sa_type=BIG)
    net_microusd: int = Field(sa_type=BIG)
    slippage_microusd: int = Field(sa_type=BIG)
    mae_bps: float = Field(sa_type=REAL)
    mfe_bps: float = Field(sa_type=REAL)
    exit_reason: str = Field(sa_type=Text)
    regime: str = Field(sa_type=Text)
    conviction_frac: float = Field(sa_type=REAL)
    risk_microusd: int = Field(sa_type=BIG)
    opened_ms: int = Field(sa_type=BIG)
    closed_ms: int = Field(sa_type=BIG)
    n_bars: int = Field(sa_type=BIG)
    client_order_id: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class EventRow(Page, table=True):
    """Something that happened to the desk itself: started, halted, tick missed, ... at_ms: the wall clock."""

    __tablename__ = "events"
    id: int = row_key()
    at_ms: int = Field(sa_type=BIG)
    kind: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


RUNS: Final = table_of(RunRow)
ANSWERS: Final = table_of(AnswerRow)
TICKS: Final = table_of(TickRow)
PROPOSALS: Final = table_of(ProposalRow)
GATE_REQUESTS: Final = table_of(GateRequestRow)
GATE_OUTCOMES: Final = table_of(GateOutcomeRow)
RISK_CHECKS: Final = table_of(RiskCheckRow)
ORDERS: Final = table_of(OrderRow)
ORDER_REFUSALS: Final = table_of(OrderRefusalRow)
FILLS: Final = table_of(FillRow)
FUNDING: Final = table_of(FundingRow)
TRADES: Final = table_of(TradeRow)
EVENTS: Final = table_of(EventRow)
# Parents first: within one transaction a row never precedes what it refers to.
LEDGER: Final = (
    ANSWERS,
    TICKS,
    PROPOSALS,
    GATE_REQUESTS,
    GATE_OUTCOMES,
    GATE_REPLIES,
    RISK_CHECKS,
    ORDERS,
    ORDER_REFUSALS,
    FILLS,
    FUNDING,
    TRADES,
    COUNTERFACTUALS,
    REFLECTIONS,
)
EVIDENCE: Final = (*LEDGER, EVENTS)
# Columns that hold the key of another row; the chain takes it without its run number. They stand next to `id`.
KEYED: Final = frozenset({"tick_id", "answer_id", "readings_id"})
# Measurements differ each time; each row seals its own in a hash of their own.
_UNCHAINED: Final = frozenset(
    {"id", "hash", "latency_ms", "latency_hash", "load_ms", "prompt_ms", "reply_ms", "timings_hash"}
)


def chained_columns(table: Table) -> list[Column[Any]]:
    """Return the columns whose values enter the row's hash, in order (its `seq` goes before them)."""
    return [column for column in table.columns if column.name not in _UNCHAINED]
