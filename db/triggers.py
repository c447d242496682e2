"""Every proposal of a run, with what the gate said of it and what became of it: what a gate is measured on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from db.answered import evidence_of
from db.gate_tables import COUNTERFACTUALS, GATE_REPLIES
from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.reading import find_run
from db.retelling import counterfactual_of, features_of, trigger_id_of
from db.tables import GATE_OUTCOMES, GATE_REQUESTS, ORDERS, PROPOSALS, TICKS, TRADES
from domain.decisions import ExitPlan, Side
from domain.errors import JournalCorrupt
from domain.features import Features
from domain.instrument import Instrument
from domain.record import Record
from domain.situation import Counterfactual
from domain.tick import GateEvidence

_CHUNK: Final = 2_048
_BPS: Final = 1e4


class Asked(Record, frozen=True, kw_only=True):
    """The gate's answer to one proposal. evidence: None where nobody was reached or the backend tells nothing."""

    backend: str
    mode: str
    reason_code: str
    is_approved: bool
    latency_ms: float | None
    evidence: GateEvidence | None


class TriggerStory(Record, frozen=True, kw_only=True):
    """One proposal as it was made and how it ended.

    asked: None when risk had refused it before. outcome: None while, or where never, resolved.
    executed_net_bps: net result of the trade that was really made of it, in bps of its notional at entry; else None.
    """

    trigger_id: str
    tick_no: int
    symbol: str
    strategy: str
    side: Side
    triggered_ms: int
    conviction_frac: float
    exit_plan: ExitPlan
    reference_price: float
    features: Features
    asked: Asked | None
    outcome: Counterfactual | None
    executed_net_bps: float | None


def trigger_stories(store: Readable, run_id: str) -> Iterator[TriggerStory]:
    """Yield every proposal of a run in order of time, a chunk at a time.

    Raises BadInput for an unknown run, JournalCorrupt for a proposal that no desk can have made.
    """
    found = find_run(store, run_id)
    grids = {one.symbol: one for one in msgspec.json.decode(found.header.instruments_json, type=list[Instrument])}
    first = last = found.run_no << KEY_BITS
    while True:
        with store.read() as connection:
            proposals = connection.execute(_proposals(last, first | KEY_MASK)).all()
            chunk = None if not proposals else _Chunk(connection, proposals, last, grids)
        if chunk is None:
            return
        yield from map(chunk.story, proposals)
        last = proposals[-1].id


class _Chunk:
    """What is on record beside a stretch of proposals, each part read at once.

    Orders and questions stand before the tick of their proposal, the gate's answer right after it; the end of a
    trigger and of a trade may stand anywhere later in the run.
    """

    def __init__(
        self, connection: Connection, proposals: Sequence[Row[Any]], after: int, grids: Mapping[str, Instrument]
    ) -> None:
        self._grids = grids
        # A proposal follows its tick, and the gate's rows follow the proposal, before anything of the next tick.
        upto = _next_tick(connection, proposals[-1].id)
        between = (after, upto)
        self._asked = {row.request_id: row for row in _rows(connection, GATE_REQUESTS, between)}
        self._outcomes = {row.tick_id: row for row in _rows(connection, GATE_OUTCOMES, between)}
        self._replies = {row.tick_id: row for row in _rows(connection, GATE_REPLIES, between)}
        entries = _rows(connection, ORDERS, between, ORDERS.c.reduce_only == 0)
        self._entries = {(row.tick_no, row.symbol): row.client_order_id for row in entries}
        later = after, after | KEY_MASK
        triggers = [trigger_id_of(row.symbol, row.as_of_ms) for row in proposals]
        ends = _rows(connection, COUNTERFACTUALS, later, COUNTERFACTUALS.c.trigger_id.in_(triggers))
        self._ends = {row.trigger_id: row for row in ends}
        closed = TRADES.c.client_order_id.in_(list(self._entries.values()))
        self._trades = {row.client_order_id: row for row in _rows(connection, TRADES, later, closed)}

    def story(self, row: Row[Any]) -> TriggerStory:
        """Return what is on record of one proposal."""
        features = features_of(row._mapping)
        if features is None:
            raise JournalCorrupt(f"the proposal {row.id} was made without features; run `audit verify`")
        trigger_id = trigger_id_of(row.symbol, row.as_of_ms)
        end = self._ends.get(trigger_id)
        return TriggerStory(
            trigger_id=trigger_id,
            tick_no=row.tick_no,
            symbol=row.symbol,
            strategy=row.strategy,
            side=Side(row.side),
            triggered_ms=row.as_of_ms,
            conviction_frac=row.conviction_frac,
            exit_plan=msgspec.json.decode(row.exit_plan, type=ExitPlan),
            reference_price=row.reference_price,
            features=features,
            asked=self._answer(row.tick_id),
            outcome=None if end is None else counterfactual_of(end._mapping),
            executed_net_bps=self._net_bps(row),
        )

    def _answer(self, tick_id: int) -> Asked | None:
        row, reply = self._outcomes.get(tick_id), self._replies.get(tick_id)
        if row is None:
            return None
        asked = self._asked.get(row.request_id)
        if asked is None:
            raise JournalCorrupt(f"the answer {row.id} has no question on record; run `audit verify`")
        return Asked(
            backend=asked.backend,
            mode=asked.mode,
            reason_code=row.reason_code,
            is_approved=row.verdict == "approved",
            latency_ms=row.latency_ms,
            evidence=None if reply is None else evidence_of(reply._mapping),
        )

    def _net_bps(self, row: Row[Any]) -> float | None:
        """Return the net result over the notional at entry. The trade is named after the order that opened it."""
        trade = self._trades.get(self._entries.get((row.tick_no, row.symbol), ""))
        if trade is None:
            return None
        instrument = self._grids.get(row.symbol)
        if instrument is None:
            raise JournalCorrupt(f"the run traded {row.symbol}, whose instrument is not on record")
        return float(trade.net_microusd / instrument.notional_microusd(trade.size_lots, trade.entry_ticks) * _BPS)


def _proposals(after: int, upto: int) -> Select[Any]:
    """Return the next proposals with the ticks that made them."""
    of_tick = (TICKS.c[name] for name in ("tick_no", "symbol", "regime", "figures"))
    query = select(PROPOSALS, *of_tick).join(TICKS, TICKS.c.id == PROPOSALS.c.tick_id)
    return query.where(PROPOSALS.c.id > after, PROPOSALS.c.id <= upto).order_by(PROPOSALS.c.id).limit(_CHUNK)


def _rows(
    connection: Connection, table: Table, between: tuple[int, int], *more: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    after, upto = between
    return connection.execute(select(table).where(table.c.id > after, table.c.id <= upto, *more)).all()


def _next_tick(connection: Connection, row_id: int) -> int:
    """Return the key of the tick after a row, or the last key of its run."""
    later = select(TICKS.c.id).where(TICKS.c.id > row_id, TICKS.c.id <= (row_id | KEY_MASK))
    found = connection.scalar(later.order_by(TICKS.c.id).limit(1))
    return row_id | KEY_MASK if found is None else int(found)
