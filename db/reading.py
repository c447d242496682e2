"""Questions to the journal: which runs there are, and what happened in one of them, in order."""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Table, func, or_, select, union

from db import answers
from db.chain import RunHeader
from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.retelling import READINGS, TICKS_WITH_READINGS, WHY, Decision, retell, trade_of
from db.seen import snapshot_of
from db.tables import ANSWERS, EVENTS, FILLS, ORDER_REFUSALS, RUNS, TICKS, TRADES
from domain.account import Trade
from domain.errors import BadInput
from domain.market import Snapshot
from domain.record import Record
from domain.tick import Outcome, TradingState

_CHUNK: Final = 4096
_N_NAMED: Final = 5
_DULL: Final = (Outcome.NO_SIGNAL.value, Outcome.WARMING_UP.value)


class RecordedRun(Record, frozen=True, kw_only=True):
    """A run as recorded. finished_ms and what follows: None while it is unfinished (running, or cut off)."""

    run_no: int
    header: RunHeader
    started_ms: int
    finished_ms: int | None
    n_rows: int | None
    chain_hash: str | None
    summary_json: str | None

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.header.run_id


class RecordedTick(Record, frozen=True, kw_only=True):
    """One line of the list of decisions. id: the key of the tick in this journal."""

    id: int
    tick_no: int
    as_of_ms: int
    symbol: str
    state: TradingState
    outcome: Outcome
    why: str
    close_price: float | None
    regime: str | None
    equity_microusd: int
    cash_microusd: int
    position_lots: int


class EquityPoint(Record, frozen=True, kw_only=True):
    """The account after the last tick of a minute."""

    as_of_ms: int
    equity_microusd: int
    cash_microusd: int


class RecordedEvent(Record, frozen=True, kw_only=True):
    """Something that happened to the desk itself. at_ms: wall clock."""

    at_ms: int
    kind: str
    detail: str


def runs(store: Readable) -> tuple[RecordedRun, ...]:
    """Return every run, oldest first."""
    with store.read() as connection:
        return tuple(_run_of(row) for row in connection.execute(select(RUNS).order_by(RUNS.c.run_no)))


def run_ids(store: Readable) -> tuple[str, ...]:
    """Return the names of all runs, oldest first."""
    with store.read() as connection:
        return tuple(connection.scalars(select(RUNS.c.run_id).order_by(RUNS.c.run_no)))


def find_run(store: Readable, run_id: str) -> RecordedRun:
    """Return the run with this name, or the only one whose name begins so. Raises BadInput naming the nearest."""
    names = run_ids(store)
    matches = [name for name in names if name == run_id] or [name for name in names if name.startswith(run_id)]
    if len(matches) != 1:
        raise BadInput(_no_such_run(store.name, run_id, matches, names))
    with store.read() as connection:
        return _run_of(connection.execute(select(RUNS).where(RUNS.c.run_id == matches[0])).one())


def ticks(
    store: Readable,
    run_id: str,
    *,
    outcome: Outcome | None = None,
    symbol: str | None = None,
    since_ms: int | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> tuple[RecordedTick, ...]:
    """Return the decisions of a run, oldest first unless asked otherwise, filtered as asked."""
    query = _tick_lines(find_run(store, run_id).run_no)
    if outcome is not None:
        query = query.where(TICKS.c.outcome == outcome.value)
    if symbol is not None:
        query = query.where(TICKS.c.symbol == symbol)
    if since_ms is not None:
        query = query.where(TICKS.c.as_of_ms >= since_ms)
    order: ColumnElement[Any] = TICKS.c.id.desc() if newest_first else TICKS.c.id.asc()
    return _recorded_ticks(store, query.order_by(order).limit(limit))


def notable_ticks(store: Readable, run_id: str, symbol: str | None, limit: int) -> tuple[RecordedTick, ...]:
    """Return the newest ticks in which something happened, oldest first.

    Something: any outcome but "no signal" and "warming up", or a fill, a closed trade or an order's refusal. Funding
    alone is nothing to tell.
    """
    run_no = find_run(store, run_id).run_no
    eventful = union(*(of_run(select(table.c.tick_id), table, run_no) for table in (FILLS, TRADES, ORDER_REFUSALS)))
    query = _tick_lines(run_no).where(or_(TICKS.c.outcome.not_in(_DULL), TICKS.c.id.in_(eventful)))
    if symbol is not None:
        query = query.where(TICKS.c.symbol == symbol)
    return _recorded_ticks(store, query.order_by(TICKS.c.id.desc()).limit(limit))[::-1]


def failed_tests(store: Readable, run_id: str, limit: int) -> tuple[tuple[str, int], ...]:
    """Return the tests that kept the strategies from trading, in words, each with how often it failed.

    The most frequent comes first. An answer that named a side failed no test and is not counted.
    """
    told = of_run(select(TICKS.c.answer_id, func.count().label("n_ticks")), TICKS, find_run(store, run_id).run_no)
    per_answer = told.group_by(TICKS.c.answer_id).subquery()
    query = select(ANSWERS.c.signals, per_answer.c.n_ticks).join(per_answer, per_answer.c.answer_id == ANSWERS.c.id)
    counts: Counter[str] = Counter()
    with store.read() as connection:
        for text, n_ticks in connection.execute(query):
            for answer in answers.answers(text):
                if answer.side is None:
                    for reason in answer.reasons:
                        counts[f"{answer.strategy}: {reason}"] += n_ticks
    return tuple(sorted(counts.items(), key=lambda failed: (-failed[1], failed[0]))[:limit])


def inputs(store: Readable, run_id: str) -> Iterator[tuple[Snapshot, TradingState]]:
    """Yield what each tick of the run saw and the state it was taken in, in order, a chunk at a time."""
    first = find_run(store, run_id).run_no << KEY_BITS
    last = first
    while True:
        query = (
            select(TICKS.c.id, TICKS.c.symbol, TICKS.c.as_of_ms, TICKS.c.snapshot, READINGS, TICKS.c.state)
            .select_from(TICKS_WITH_READINGS)
            .where(TICKS.c.id > last, TICKS.c.id <= first + KEY_MASK)
            .order_by(TICKS.c.id)
            .limit(_CHUNK)
        )
        with store.read() as connection:
            chunk = connection.execute(query).all()
        if not chunk:
            return
        for _, *seen, state in chunk:
            yield snapshot_of(*seen), TradingState(state)
        last = chunk[-1][0]


def snapshots(store: Readable, run_id: str) -> Iterator[Snapshot]:
    """Yield the recorded snapshots of a run in order."""
    return (snapshot for snapshot, _ in inputs(store, run_id))


def last_as_of_ms(store: Readable, run_id: str) -> dict[str, int]:
    """Return, per symbol, the time of the last tick on record."""
    found = find_run(store, run_id)
    query = of_run(select(TICKS.c.symbol, func.max(TICKS.c.as_of_ms)), TICKS, found.run_no).group_by(TICKS.c.symbol)
    with store.read() as connection:
        return {symbol: int(last) for symbol, last in connection.execute(query)}


def trades(store: Readable, run_id: str) -> tuple[Trade, ...]:
    """Return the closed round trips of a run in the order they closed."""
    found = find_run(store, run_id)
    with store.read() as connection:
        rows = connection.execute(of_run(select(TRADES), TRADES, found.run_no).order_by(TRADES.c.id))
        return tuple(trade_of(row._mapping) for row in rows)


def equity(store: Readable, run_id: str) -> tuple[EquityPoint, ...]:
    """Return the account after each minute of a run."""
    found = find_run(store, run_id)
    lasts = of_run(select(func.max(TICKS.c.id).label("id")), TICKS, found.run_no).group_by(TICKS.c.as_of_ms).subquery()
    query = (
        select(TICKS.c.as_of_ms, TICKS.c.equity_microusd, TICKS.c.cash_microusd)
        .join(lasts, lasts.c.id == TICKS.c.id)
        .order_by(TICKS.c.id)
    )
    with store.read() as connection:
        return tuple(
            EquityPoint(as_of_ms=at, equity_microusd=whole, cash_microusd=cash)
            for at, whole, cash in connection.execute(query)
        )


def events(store: Readable, run_id: str) -> tuple[RecordedEvent, ...]:
    """Return what happened to the desk itself during a run."""
    found = find_run(store, run_id)
    query = of_run(select(EVENTS.c.at_ms, EVENTS.c.kind, EVENTS.c.detail), EVENTS, found.run_no)
    with store.read() as connection:
        return tuple(
            RecordedEvent(at_ms=at, kind=kind, detail=detail)
            for at, kind, detail in connection.execute(query.order_by(EVENTS.c.id))
        )


def newest_event(store: Readable, run_id: str, kind: str) -> str | None:
    """Return what the newest event of one kind says; None where there is none."""
    query = of_run(select(EVENTS.c.detail), EVENTS, find_run(store, run_id).run_no).where(EVENTS.c.kind == kind)
    with store.read() as connection:
        found: str | None = connection.scalar(query.order_by(EVENTS.c.id.desc()).limit(1))
    return found


def latest_events(store: Readable, run_id: str, kind: str, limit: int) -> tuple[str, ...]:
    """Return what the newest events of one kind say, oldest first."""
    query = of_run(select(EVENTS.c.detail), EVENTS, find_run(store, run_id).run_no).where(EVENTS.c.kind == kind)
    with store.read() as connection:
        return tuple(connection.scalars(query.order_by(EVENTS.c.id.desc()).limit(limit)))[::-1]


def decision(store: Readable, run_id: str, tick: int, symbol: str | None = None) -> Decision:
    """Return everything recorded of one tick, by its number or its key, and what became of its orders.

    Raises BadInput when there is no such tick, or one for several symbols and none was named.
    """
    found = find_run(store, run_id)
    with store.read() as connection:
        return retell(connection, found.run_no, found.run_id, tick, symbol)


def last_event(store: Readable, found: RecordedRun) -> tuple[int, bytes]:
    """Return number and link of the last event of a run; the header's seal when there is none."""
    query = of_run(select(EVENTS.c.id, EVENTS.c.hash), EVENTS, found.run_no).order_by(EVENTS.c.id.desc()).limit(1)
    with store.read() as connection:
        last = connection.execute(query).one_or_none()
        if last is not None:
            return int(last[0]) & KEY_MASK, bytes(last[1])
        return 0, bytes(
            connection.execute(select(RUNS.c.header_hash).where(RUNS.c.run_no == found.run_no)).scalar_one()
        )


def of_run(query: Select[Any], table: Table, run_no: int) -> Select[Any]:
    """Limit a query to one run: a range of the table's key."""
    first = run_no << KEY_BITS
    return query.where(table.c.id.between(first, first + KEY_MASK))


def _tick_lines(run_no: int) -> Select[Any]:
    columns = (WHY.label(name) if name == "why" else TICKS.c[name] for name in RecordedTick.__struct_fields__)
    return of_run(select(*columns).outerjoin(ANSWERS, ANSWERS.c.id == TICKS.c.answer_id), TICKS, run_no)


def _recorded_ticks(store: Readable, query: Select[Any]) -> tuple[RecordedTick, ...]:
    with store.read() as connection:
        lines = connection.execute(query).all()
    return tuple(msgspec.convert(line._asdict(), RecordedTick) for line in lines)


def _run_of(row: Row[Any]) -> RecordedRun:
    return RecordedRun(
        run_no=row.run_no,
        header=_header_of(row),
        started_ms=row.started_ms,
        finished_ms=row.finished_ms,
        n_rows=row.n_rows,
        chain_hash=row.chain_hash,
        summary_json=row.summary_json,
    )


def _header_of(row: Row[Any]) -> RunHeader:
    """Return the header a runs row was written from."""
    return RunHeader(
        run_id=row.run_id,
        command=row.command,
        settings_json=row.settings_json,
        code_version=row.code_version,
        data_identity=row.data_identity,
        symbols=tuple(row.symbols.split(",")),
        instruments_json=row.instruments_json,
        is_simulated=row.is_simulated == 1,
    )


def _no_such_run(journal: str, run_id: str, matches: list[str], names: tuple[str, ...]) -> str:
    if matches:
        return f"{run_id} is the beginning of {len(matches)} runs in {journal}: {', '.join(matches[:_N_NAMED])}"
    if not names:
        return f"there is no run in the journal {journal} yet"
    nearest = get_close_matches(run_id, names, n=_N_NAMED, cutoff=0.5) or list(names[-_N_NAMED:])
    return f"there is no run {run_id} in the journal {journal}; the nearest are {', '.join(nearest)}"
