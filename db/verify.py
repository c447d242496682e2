"""Does the evidence still hold together? Both chains of a run are recomputed from the rows, row by row."""

import json
import sqlite3
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, literal_column, select

from db.chain import Value, genesis, header_seal, latency_seal, link, timings_seal
from db.evaluations import unsound
from db.findings import Finding, Found, Orphans, VerifyReport
from db.gate_tables import EVALUATIONS, GATE_REPLIES
from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.reading import find_run, of_run
from db.tables import EVENTS, EVIDENCE, GATE_OUTCOMES, KEYED, LEDGER, RUNS, TICKS, chained_columns

_CHUNK: Final = 2_000
_MEASURED: Final = {
    GATE_OUTCOMES.name: "latency_ms or latency_hash",
    GATE_REPLIES.name: "load_ms, prompt_ms, reply_ms or timings_hash",
}
_CLOSING: Final = ("finished_ms", "n_rows", "chain_hash", "summary_json")

Entry = tuple[int, Table, Row[Any]]


def verify(store: Readable, run_id: str) -> VerifyReport:
    """Recompute every link of a run and name what does not fit, the earliest first.

    An unfinished run is no fault; rows missing at its very end cannot be seen, because nothing has sealed them yet.
    Raises BadInput for an unknown run, JournalCorrupt when the file itself is damaged.
    """
    found = find_run(store, run_id)
    with store.read() as connection:
        _read_raw(connection)
        run = connection.execute(_raw(RUNS).where(RUNS.c.run_no == found.run_no)).one()
        problems = Found()
        _check_opening(run, problems)
        ledger = _Walk(connection, found.run_no, LEDGER, run.genesis_hash, problems)
        ledger.walk()
        ledger.orphans.report(problems)
        events = _Walk(connection, found.run_no, (EVENTS,), run.header_hash, problems)
        events.walk()
        _check_closing(run, ledger, events, problems)
        _check_strays(connection, problems)
        _check_evaluations(connection, problems)
    return VerifyReport(
        run_id=found.run_id,
        is_finished=run.finished_ms is not None,
        n_rows=ledger.n_rows,
        n_events=events.n_rows,
        chain_hash=_hex(ledger.previous),
        n_findings=problems.count,
        findings=tuple(problems.kept),
    )


class _Walk:
    """One chain, followed from its first link.

    A row is judged by the link recorded before it, so that one altered row is one finding and not the end of all.
    """

    def __init__(
        self, connection: Connection, run_no: int, tables: tuple[Table, ...], first: Value, problems: Found
    ) -> None:
        self._connection = connection
        self._run_no = run_no
        self._tables = tables
        self._problems = problems
        self._tick: tuple[Value, Value] = (None, None)
        self._is_broken = False
        self._shapes = {table.name: _shape(table) for table in tables}
        self.previous: Value = first
        self.n_rows = 0
        self.last_row: Row[Any] | None = None
        self.orphans = Orphans()

    def walk(self) -> None:
        """Follow the chain to its end."""
        due = 1
        streams = [_stream(self._connection, table, self._run_no) for table in self._tables]
        for key, entries in groupby(merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
            seq = key & KEY_MASK
            if seq == 0:
                for _, table, row in entries:
                    self._tell("inserted", table.name, row, "its number is not one the desk gives")
                continue
            if seq > due:
                self._missing(due, seq - 1)
            self._judge(seq, list(entries))
            due = seq + 1

    def _judge(self, seq: int, entries: list[Entry]) -> None:
        """Tell which of the rows with one number is genuine, and whether it is unaltered."""
        fitting = [entry for entry in entries if self._fits(seq, entry)]
        _, table, row = (fitting or entries)[0]
        if table is TICKS:
            self._tick = (row.tick_no, row.as_of_ms)
        if not fitting and not self._is_broken:
            self._tell("altered", table.name, row, "its columns, its hash or the hash before it are not as written")
        elif table.name in _MEASURED and not _is_sealed(table.name, row):
            self._tell("altered", table.name, row, f"{_MEASURED[table.name]} is not as written")
        for _, other, extra in entries:
            if extra is not row:
                self._tell("inserted", other.name, extra, "another row has its number")
        self.orphans.see(table.name, row)
        self._is_broken = False
        self.previous = row.hash
        self.last_row = row
        self.n_rows += 1

    def _fits(self, seq: int, entry: Entry) -> bool:
        _, table, row = entry
        n_keys, ends = self._shapes[table.name]
        keys = (value & KEY_MASK if isinstance(value, int) else value for value in row[1:n_keys])
        values = (*keys, *row[n_keys:ends])
        try:
            return isinstance(self.previous, bytes) and bool(
                row.hash == link(self.previous, str(table.name), seq, values)
            )
        except UnicodeEncodeError:
            return False

    def _missing(self, first: int, last: int) -> None:
        which = f"row {first} is" if first == last else f"rows {first} to {last} are"
        chain = "events" if self._tables == (EVENTS,) else "ledger"
        tick_no, at_ms = self._tick
        key = (self._run_no << KEY_BITS) + first
        text = f"{which} missing from the {chain}"
        self._problems.add(Finding(what="missing", table=chain, id=key, tick_no=tick_no, at_ms=at_ms, detail=text))
        self._is_broken = True

    def _tell(self, what: str, table: str, row: Row[Any], why: str) -> None:
        fields = row._mapping
        tick_no, at_ms = fields.get("tick_no", self._tick[0]), fields.get("at_ms", self._tick[1])
        self._problems.add(Finding(what=what, table=table, id=row.id, tick_no=tick_no, at_ms=at_ms, detail=why))


def _check_opening(run: Row[Any], problems: Found) -> None:
    first = genesis(run.settings_json, run.code_version, run.data_identity, run.instruments_json)
    if first != run.genesis_hash:
        _tell_run(run, "settings_json, code_version, data_identity, instruments_json or genesis_hash", problems)
    own = (run.run_no, run.run_id, run.command, run.symbols, run.is_simulated, run.started_ms)
    if header_seal(first, own) != run.header_hash:
        _tell_run(
            run, "run_id, command, symbols, is_simulated, started_ms, header_hash or what the genesis covers", problems
        )


def _check_closing(run: Row[Any], ledger: _Walk, events: _Walk, problems: Found) -> None:
    """Compare the closing columns with the event that sealed them, and with the rows."""
    last = events.last_row
    is_sealed = last is not None and last.kind == "finished"
    closing = {name: run._mapping[name] for name in _CLOSING}
    if not is_sealed:
        if any(value is not None for value in closing.values()):
            _tell_run(run, "the closing columns: the event that sealed them is missing", problems)
        return
    sealed = _json_object(last.detail if last is not None else "")
    changed = [name for name in _CLOSING if sealed.get(name) != closing[name]]
    if changed:
        _tell_run(run, " and ".join(changed), problems)
    n_rows = sealed.get("n_rows")
    if isinstance(n_rows, int) and ledger.n_rows != n_rows and not problems.count:
        what = "missing" if ledger.n_rows < n_rows else "inserted"
        text = f"the run was closed with {n_rows} rows, there are {ledger.n_rows}"
        key = (run.run_no << KEY_BITS) + min(ledger.n_rows, n_rows) + 1
        problems.add(Finding(what=what, table="ledger", id=key, tick_no=None, at_ms=None, detail=text))
    elif sealed.get("chain_hash") != _hex(ledger.previous) and not problems.count:
        _tell_run(run, "chain_hash: the last row has another one", problems)


def _check_strays(connection: Connection, problems: Found) -> None:
    """Look for evidence that belongs to no run, and for runs cut out of the list."""
    last, count = connection.execute(select(func.max(RUNS.c.run_no), func.count(RUNS.c.run_no))).one()
    if last != count:
        text = f"{last} runs were begun, {count} are in the table runs"
        problems.add(Finding(what="missing", table="runs", id=None, tick_no=None, at_ms=None, detail=text))
    for table in EVIDENCE:
        low, high = connection.execute(select(func.min(table.c.id), func.max(table.c.id))).one()
        for key in (low, high):
            if key is not None and not 1 <= key >> KEY_BITS <= last:
                text = "it belongs to no run"
                problems.add(Finding(what="inserted", table=table.name, id=key, tick_no=None, at_ms=None, detail=text))


def _check_evaluations(connection: Connection, problems: Found) -> None:
    """Follow the chain of the evaluations, which belong to no run and to every one that a promotion rests on."""
    rows = connection.execute(_raw(EVALUATIONS).order_by(EVALUATIONS.c.id))
    for row, what in unsound(iter(rows)):
        problems.add(
            Finding(what="altered", table=EVALUATIONS.name, id=row.id, tick_no=None, at_ms=row.created_ms, detail=what)
        )


def _tell_run(run: Row[Any], columns: str, problems: Found) -> None:
    text = f"in run {run.run_id}: {columns}"
    problems.add(Finding(what="runs row altered", table="runs", id=run.run_no, tick_no=None, at_ms=None, detail=text))


def _stream(connection: Connection, table: Table, run_no: int) -> Iterator[Entry]:
    query = of_run(_raw(table), table, run_no).order_by(table.c.id)
    for row in connection.execution_options(yield_per=_CHUNK).execute(query):
        yield row.id, table, row


def _shape(table: Table) -> tuple[int, int]:
    """Return where the keys of other rows end that a row begins with, and where its chained values end."""
    names = [column.name for column in chained_columns(table)]
    return 1 + sum(name in KEYED for name in names), 1 + len(names)


def _raw(table: Table) -> Any:
    """Select a table's values as they lie there: a type's own reading could hide an alteration, or fail on it."""
    return select(*(literal_column(column.name).label(column.name) for column in table.columns)).select_from(table)


def _read_raw(connection: Connection) -> None:
    driver = connection.connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection):
        driver.text_factory = _undecoded


def _undecoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _is_sealed(table: str, row: Row[Any]) -> bool:
    """Say whether the measurements of a row, which stand outside the chain, are those that were sealed."""
    try:
        if table == GATE_OUTCOMES.name:
            return bool(row.latency_hash == latency_seal(row.request_id, row.latency_ms))
        timings = row.load_ms, row.prompt_ms, row.reply_ms
        return bool(row.timings_hash == timings_seal(row.request_id, timings))
    except UnicodeEncodeError:
        return False


def _json_object(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _hex(digest: Value) -> str:
    return digest.hex() if isinstance(digest, bytes) else ""
