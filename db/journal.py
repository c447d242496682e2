"""The journal of one run: it writes evidence, or compares what it is told with what is on record.

A fresh run writes. A resumed run first catches up: each row that comes out again is compared, by hash, with the row an
earlier process recorded, and only what is new is written. A replay (`Store.compare`) compares and never writes.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, update

from db import rows
from db.answered import ANSWERED, told
from db.approvals import is_kept
from db.chain import encode, latency_seal, link, timings_seal
from db.clean import clean
from db.heard import Heard
from db.pages import KEY_BITS
from db.recorded import RecordedLedger
from db.rows import Row
from db.shown import Shown
from db.tables import LEDGER, RUNS
from db.writing import Pen
from domain.decisions import ApprovedOrder
from domain.errors import JournalCorrupt, JournalUnavailable
from domain.tick import GateAnswer, GateEvidence, GateExchange, TickRecord

_TABLES: Final = {table.name: table for table in LEDGER}


class SqlJournal:
    """One run's evidence. `pen` None: compare only. `recorded` None: there is nothing to compare with."""

    __slots__ = (
        "_asked_backends",
        "_base",
        "_digest",
        "_event_digest",
        "_event_seq",
        "_heard",
        "_order_keys",
        "_pen",
        "_recorded",
        "_rows",
        "_seq",
        "_shown",
        "_tick_no",
        "n_compared",
        "run_id",
    )

    def __init__(
        self,
        *,
        run_no: int,
        run_id: str,
        first_link: bytes,
        pen: Pen | None,
        recorded: RecordedLedger | None = None,
        last_event: tuple[int, bytes] = (0, b""),
    ) -> None:
        """Start at the first row. first_link: the genesis. last_event: number and link of the last event on record."""
        self.run_id: Final = run_id
        self.n_compared = 0
        self._base: Final = run_no << KEY_BITS
        self._seq = 0
        self._digest = first_link
        self._event_seq, self._event_digest = last_event
        self._pen: Final = pen
        self._rows: Final[dict[str, list[Row]]] = {} if pen is None else pen.rows
        self._recorded = recorded
        self._tick_no = 0
        self._heard: Final = Heard()
        self._shown: Final = Shown()
        self._order_keys: Final[dict[str, Row]] = {}
        self._asked_backends: Final[dict[str, str]] = {}
        if pen is not None and recorded is not None and recorded.last_seq == 0:
            self._recorded = None

    @property
    def chain_hash(self) -> str:
        """The last link, in hex: the same for every run that decided the same on the same inputs."""
        return self._digest.hex()

    @property
    def n_rows(self) -> int:
        """How many ledger rows this run has so far."""
        return self._seq

    @property
    def n_left(self) -> int:
        """How many recorded rows have not come out again yet."""
        return 0 if self._recorded is None else self._recorded.last_seq - self._seq

    @property
    def is_catching_up(self) -> bool:
        """Say whether rows are still being compared with a record that goes on."""
        return self._recorded is not None

    def record_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Put an order on record, durably, before it is sent.

        Raises JournalUnavailable; the order then stays with the waiting rows, because an exit leaves all the same and
        a refused entry is told by its refusal. A failure on record recurs when the run is computed again: the desk
        decided on it. Raises JournalCorrupt when another order has its id.
        """
        self.take_order(order, tick_no)
        self.commit()

    def take_order(self, order: ApprovedOrder, tick_no: int) -> None:
        """Take an order that is not sent before the next `commit`. Raises as `record_order`, but for that commit."""
        self._tick_no = tick_no
        failure = None if self._recorded is None else self._recorded.failure_of(order.client_order_id)
        self._take_order(rows.order(order, tick_no))
        if failure is not None:
            raise JournalUnavailable(failure)

    def record_request(
        self, tick_no: int, request_id: str, backend: str, mode: str, prompt: str, *, is_sent: bool = True
    ) -> None:
        """Put a question to the gate on record, durably, before it is asked. Raises JournalUnavailable.

        is_sent: False where nobody outside hears it; then it is durable with the next commit.
        """
        self._tick_no = tick_no
        self._take_request(rows.gate_request(tick_no, request_id, backend, mode, prompt))
        if is_sent:
            self.commit()

    def record_answer(self, request_id: str, answer: GateAnswer, wall_ms: int) -> None:
        """Take what a question brought; the order that it allows makes it durable together with itself.

        Raises JournalUnavailable for an approval that the database would refuse with its tick, when the order was sent.
        """
        backend = self._asked_backends.get(request_id)
        if self._pen is not None and not is_kept(self._pen, backend, request_id, answer):
            raise JournalUnavailable(f"the journal {self._pen.name} does not take the approval of {request_id}")
        self.event(ANSWERED, told(request_id, answer), wall_ms)

    def recorded_answer(self, request_id: str) -> GateAnswer | None:
        """Return what this question brought when the run was first lived; None where it is new."""
        return None if self._recorded is None else self._recorded.answer_of(request_id)

    def append(self, record: TickRecord) -> None:
        """Take one tick whole; it is durable after the next `commit`.

        Raises JournalCorrupt when the recorded tick was another one.
        """
        seq, digest, memory = self._seq, self._digest, self._heard.memory()
        try:
            self._append(record)
        except BaseException:
            self._seq, self._digest = seq, digest
            self._heard.forget_after(memory, seq)
            self._shown.forget_after(seq)
            if self._pen is not None:
                self._pen.forget_after(self._base + seq)
            raise

    def commit(self) -> None:
        """Make everything taken so far durable. Raises JournalUnavailable; then everything waits for the next."""
        if self._pen is not None:
            self._pen.flush()

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        """Put something that happened to the desk itself on record; durable after the next `commit`.

        A journal that only compares takes no events: they are what happened then, not what was decided.
        """
        if self._pen is None:
            return
        seq = self._event_seq + 1
        values = (wall_ms, clean(kind), clean(detail))
        self._event_digest = link(self._event_digest, "events", seq, values)
        self._event_seq = seq
        self._rows["events"].append((self._base + seq, *values, self._event_digest))

    def finish(self, summary_json: str, wall_ms: int) -> None:
        """Close the run: its summary, its last link and an event that seals both. Nothing can be added after it.

        Raises JournalCorrupt when recorded rows are left that did not come out again.
        """
        if self._recorded is not None and self.n_left > 0:
            raise JournalCorrupt(f"{self.n_left} recorded rows after row {self._seq} did not come out again")
        if self._pen is None:
            return
        closing: dict[str, str | int] = {
            "finished_ms": wall_ms,
            "n_rows": self._seq,
            "chain_hash": self.chain_hash,
            "summary_json": clean(summary_json),
        }
        mark = self._event_seq, self._event_digest
        self.event("finished", json.dumps(closing, sort_keys=True), wall_ms)
        try:
            self._pen.flush(_closing(self._base >> KEY_BITS, closing))
        except BaseException:
            self._rows["events"].pop()
            self._event_seq, self._event_digest = mark
            raise

    def _append(self, record: TickRecord) -> None:
        self._tick_no = record.tick_no
        if record.gate is not None or record.orders:
            self._take_asked(record)
        answer_seq = self._heard.number_of(record)
        if answer_seq is None and record.signals:
            answer_seq = self._answer(record)
        # From here to the row as `_take_keyed`, without the calls: every tick comes this way.
        seq = self._seq + 1
        readings_seq, readings = self._shown.number_of(record.snapshot), None
        if readings_seq is None:
            readings_seq, readings = self._shown.keep(record.snapshot, seq)
        values = rows.tick(record, readings, is_answered=answer_seq is not None)
        digest = sha256(self._digest + encode(("ticks", seq, answer_seq, readings_seq, *values))).digest()
        if self._recorded is None or not self._is_on_record(seq, digest, "ticks", (answer_seq, readings_seq, *values)):
            base = self._base
            answer_key = None if answer_seq is None else base + answer_seq
            self._rows["ticks"].append((base + seq, answer_key, base + readings_seq, *values, digest))
        self._seq = seq
        self._digest = digest
        if record.proposal is not None or record.gate is not None or record.risk is not None:
            self._append_decision(record, seq)
        if record.fills or record.funding or record.trades or record.refusals:
            self._append_deeds(record, seq)
        if record.counterfactuals or record.reflections:
            self._append_lessons(record, seq)

    def _take_asked(self, record: TickRecord) -> None:
        """Take what stands before the tick: the question to the gate and the orders, where they are not on record."""
        if record.gate is not None:
            self._take_exchange_request(record.gate, record.tick_no)
        for order in record.orders:
            if order.client_order_id not in self._order_keys:
                self._take_order(rows.order(order, record.tick_no))

    def _answer(self, record: TickRecord) -> int:
        """Return the number of the row that holds this tick's answer; take the row first when there is none yet."""
        answer, seq = self._heard.answer_of(record)
        if seq is None:
            seq = self._take("answers", answer)
        self._heard.keep(record, answer, seq)
        return seq

    def _append_decision(self, record: TickRecord, tick_seq: int) -> None:
        if record.proposal is not None:
            self._take_keyed("proposals", tick_seq, rows.proposal(record.proposal))
        if record.gate is not None:
            seal = latency_seal(record.gate.request_id, record.gate.latency_ms)
            self._take_keyed("gate_outcomes", tick_seq, rows.gate_outcome(record.gate), (record.gate.latency_ms, seal))
            if record.gate.evidence is not None:
                self._take_reply(tick_seq, record.gate.request_id, record.gate.evidence)
        if record.risk is not None:
            self._take_keyed("risk_checks", tick_seq, rows.risk_check(record.risk))

    def _append_deeds(self, record: TickRecord, tick_seq: int) -> None:
        for client_order_id, refusal in record.refusals:
            self._take_keyed("order_refusals", tick_seq, rows.order_refusal(client_order_id, refusal))
        for fill in record.fills:
            self._take_keyed("fills", tick_seq, rows.fill(fill))
        for payment in record.funding:
            self._take_keyed("funding_payments", tick_seq, rows.funding(payment))
        for trade in record.trades:
            self._take_keyed("trades", tick_seq, rows.trade(trade))

    def _append_lessons(self, record: TickRecord, tick_seq: int) -> None:
        for outcome in record.counterfactuals:
            self._take_keyed("counterfactuals", tick_seq, rows.counterfactual(outcome))
        for learnt in record.reflections:
            self._take_keyed("reflections", tick_seq, rows.reflection(learnt))

    def _take_reply(self, tick_seq: int, request_id: str, told: GateEvidence) -> None:
        timings = told.load_ms, told.prompt_ms, told.reply_ms
        unchained = (*timings, timings_seal(request_id, timings))
        self._take_keyed("gate_replies", tick_seq, rows.gate_reply(request_id, told), unchained)

    def _take_order(self, values: Row) -> None:
        client_order_id = str(values[1])
        known = self._order_keys.get(client_order_id)
        if known is None:
            self._take("orders", values)
            self._order_keys[client_order_id] = values
        elif known != values:
            raise JournalCorrupt(f"order {client_order_id} is already on record with other terms")

    def _take_exchange_request(self, exchange: GateExchange, tick_no: int) -> None:
        self._take_request(
            rows.gate_request(tick_no, exchange.request_id, exchange.backend, exchange.mode, exchange.prompt)
        )

    def _take_request(self, values: Row) -> None:
        request_id = str(values[1])
        if request_id not in self._asked_backends:
            self._take("gate_requests", values)
            self._asked_backends[request_id] = str(values[2])

    def _take(self, table: str, values: Row) -> int:
        """Chain one row that stands for itself; return its number."""
        seq = self._seq + 1
        digest = sha256(self._digest + encode((table, seq, *values))).digest()
        if self._recorded is None or not self._is_on_record(seq, digest, table, values):
            self._rows[table].append((self._base + seq, *values, digest))
        self._seq = seq
        self._digest = digest
        return seq

    def _take_keyed(self, table: str, tick_seq: int, values: Row, unchained: Row = ()) -> int:
        """Chain one row of a tick, which begins with the tick's key; return its number.

        unchained: what is stored after the hash, outside the chain.
        """
        seq = self._seq + 1
        digest = sha256(self._digest + encode((table, seq, tick_seq, *values))).digest()
        if self._recorded is None or not self._is_on_record(seq, digest, table, (tick_seq, *values)):
            self._rows[table].append((self._base + seq, self._base + tick_seq, *values, digest, *unchained))
        self._seq = seq
        self._digest = digest
        return seq

    def _is_on_record(self, seq: int, digest: bytes, table: str, values: Row) -> bool:
        recorded = self._recorded
        if recorded is None:
            return False
        if seq > recorded.last_seq:
            raise JournalCorrupt(f"tick {self._tick_no} gives row {seq} in {table}, but the record ends before it")
        if recorded.digest(seq) != digest:
            raise recorded.difference(seq, _TABLES[table], values, self._tick_no)
        self.n_compared += 1
        if seq == recorded.last_seq and self._pen is not None:
            self._recorded = None
        return True


def _closing(run_no: int, closing: dict[str, str | int]) -> Callable[[Connection], None]:
    """Return the statement that closes the run's row."""

    def close(connection: Connection) -> None:
        connection.execute(update(RUNS).where(RUNS.c.run_no == run_no).values(closing))

    return close
