"""What was put on record after a given row: for those who tell a human of it while it happens, or later."""

from typing import Any, Final

from sqlalchemy import Row, Select, func, or_, select

from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.reading import of_run
from db.tables import EVENTS, FILLS, RISK_CHECKS, RUNS, TICKS, TRADES
from domain.market import DAY_MS
from domain.record import Record

TOLD_OF: Final = (EVENTS, FILLS, TRADES, RISK_CHECKS)
_MOST_CHARACTERS: Final = 400
_MOST_ROWS: Final = 500


class Reached(Record, frozen=True, kw_only=True):
    """How far a run's record has been read, or reaches: the last number in each table."""

    events: int = 0
    fills: int = 0
    trades: int = 0
    risk_checks: int = 0


class RunHead(Record, frozen=True, kw_only=True):
    """How far a run has come. seal: the first 16 hex digits of its header's hash, which tell it from any other run."""

    run_no: int
    run_id: str
    seal: str
    command: str
    is_finished: bool
    instruments_json: str
    reached: Reached


class NotedEvent(Record, frozen=True, kw_only=True):
    """Something that happened to the desk. detail: its beginning. at_ms: wall clock."""

    seq: int
    at_ms: int
    kind: str
    detail: str


class NotedFill(Record, frozen=True, kw_only=True):
    """An execution, as in `domain.account.Fill`. side: +1 bought, -1 sold. exit_reason: None for an entry."""

    seq: int
    symbol: str
    side: int
    size_lots: int
    price_ticks: int
    fee_microusd: int
    filled_ms: int
    exit_reason: str | None


class NotedTrade(Record, frozen=True, kw_only=True):
    """A closed round trip, as in `domain.account.Trade`."""

    seq: int
    symbol: str
    strategy: str
    side: int
    size_lots: int
    entry_ticks: int
    exit_ticks: int
    fees_microusd: int
    funding_microusd: int
    net_microusd: int
    exit_reason: str
    closed_ms: int


class NotedRefusal(Record, frozen=True, kw_only=True):
    """A no of the risk rules. is_first: of its rule, in this run, on this UTC day of the market."""

    seq: int
    symbol: str
    as_of_ms: int
    rule: str
    reason: str
    is_first: bool


class News(Record, frozen=True, kw_only=True):
    """What came after a point of a run's record, and how far that reaches."""

    reached: Reached
    events: tuple[NotedEvent, ...]
    fills: tuple[NotedFill, ...]
    trades: tuple[NotedTrade, ...]
    refusals: tuple[NotedRefusal, ...]


class LastSeen(Record, frozen=True, kw_only=True):
    """How a run stands. tick_id, as_of_ms: of its last tick, 0 before the first. held: (symbol, signed lots)."""

    is_finished: bool
    newest_kind: str
    tick_id: int
    as_of_ms: int
    held: tuple[tuple[str, int], ...]
    instruments_json: str


def run_heads(store: Readable, after_run_no: int, among: frozenset[int] = frozenset()) -> tuple[RunHead, ...]:
    """Return the runs after a number, and those among the given, oldest first, with how far each has come."""
    first = RUNS.c.run_no * (1 << KEY_BITS)
    lasts = [
        select(func.max(table.c.id)).where(table.c.id.between(first, first + KEY_MASK)).scalar_subquery()
        for table in TOLD_OF
    ]
    query = select(RUNS, *(last.label(f"last_{table.name}") for last, table in zip(lasts, TOLD_OF, strict=True)))
    query = query.where(or_(RUNS.c.run_no > after_run_no, RUNS.c.run_no.in_(sorted(among))))
    with store.read() as connection:
        return tuple(_head_of(row) for row in connection.execute(query.order_by(RUNS.c.run_no)))


def seal_of(store: Readable, run_no: int) -> str | None:
    """Return the seal of a run by its number; None where there is none."""
    with store.read() as connection:
        found = connection.scalar(select(RUNS.c.header_hash).where(RUNS.c.run_no == run_no))
    return None if found is None else bytes(found).hex()[:16]


def news(store: Readable, run_no: int, after: Reached, breakers: frozenset[str]) -> News:
    """Return what came after a point, at most a few hundred rows of each kind. breakers: rules whose no is told of."""
    detail = func.substr(EVENTS.c.detail, 1, _MOST_CHARACTERS).label("detail")
    with store.read() as connection:

        def rows(query: Select[Any], table: Any, seq: int) -> list[Row[Any]]:
            key = (run_no << KEY_BITS) + seq
            later = of_run(query.add_columns((table.c.id - (run_no << KEY_BITS)).label("seq")), table, run_no)
            return list(connection.execute(later.where(table.c.id > key).order_by(table.c.id).limit(_MOST_ROWS)))

        events = rows(select(EVENTS.c.at_ms, EVENTS.c.kind, detail), EVENTS, after.events)
        fills = rows(select(*_columns(FILLS, NotedFill)), FILLS, after.fills)
        trades = rows(select(*_columns(TRADES, NotedTrade)), TRADES, after.trades)
        checks = rows(
            select(RISK_CHECKS.c.rule, RISK_CHECKS.c.reason, RISK_CHECKS.c.id, TICKS.c.symbol, TICKS.c.as_of_ms).join(
                TICKS, TICKS.c.id == RISK_CHECKS.c.tick_id
            ),
            RISK_CHECKS,
            after.risk_checks,
        )
        refusals = tuple(
            NotedRefusal(
                seq=row.seq,
                symbol=row.symbol,
                as_of_ms=row.as_of_ms,
                rule=row.rule,
                reason=row.reason or "",
                is_first=connection.scalar(_earlier_that_day(row, run_no)) == 0,
            )
            for row in checks
            if row.rule in breakers
        )
    return News(
        reached=Reached(
            events=_last(events, after.events),
            fills=_last(fills, after.fills),
            trades=_last(trades, after.trades),
            risk_checks=_last(checks, after.risk_checks),
        ),
        events=tuple(NotedEvent(**row._mapping) for row in events),
        fills=tuple(NotedFill(**row._mapping) for row in fills),
        trades=tuple(NotedTrade(**row._mapping) for row in trades),
        refusals=refusals,
    )


def last_seen(store: Readable, run_id: str) -> LastSeen | None:
    """Return how a run stands; None where the journal has no such run."""
    with store.read() as connection:
        run = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
        if run is None:
            return None
        newest = of_run(select(EVENTS.c.kind), EVENTS, run.run_no).order_by(EVENTS.c.id.desc()).limit(1)
        n_symbols = len(run.symbols.split(","))
        query = of_run(select(TICKS.c.id, TICKS.c.as_of_ms, TICKS.c.symbol, TICKS.c.position_lots), TICKS, run.run_no)
        ticks = connection.execute(query.order_by(TICKS.c.id.desc()).limit(n_symbols)).all()
        return LastSeen(
            is_finished=run.finished_ms is not None,
            newest_kind=connection.scalar(newest) or "",
            tick_id=ticks[0].id if ticks else 0,
            as_of_ms=ticks[0].as_of_ms if ticks else 0,
            held=tuple(sorted({(tick.symbol, tick.position_lots) for tick in ticks if tick.position_lots})),
            instruments_json=run.instruments_json,
        )


def _columns(table: Any, record: type[Record]) -> list[Any]:
    return [table.c[name] for name in record.__struct_fields__ if name != "seq"]


def _last(rows: list[Row[Any]], before: int) -> int:
    return int(rows[-1].seq) if rows else before


def _earlier_that_day(row: Row[Any], run_no: int) -> Select[Any]:
    day_ms = row.as_of_ms // DAY_MS * DAY_MS
    query = select(func.count()).select_from(RISK_CHECKS.join(TICKS, TICKS.c.id == RISK_CHECKS.c.tick_id))
    same = of_run(query, RISK_CHECKS, run_no).where(RISK_CHECKS.c.rule == row.rule, RISK_CHECKS.c.id < row.id)
    return same.where(TICKS.c.as_of_ms >= day_ms)


def _head_of(row: Row[Any]) -> RunHead:
    lasts = {table.name: (getattr(row, f"last_{table.name}") or 0) & KEY_MASK for table in TOLD_OF}
    return RunHead(
        run_no=row.run_no,
        run_id=row.run_id,
        seal=bytes(row.header_hash).hex()[:16],
        command=row.command,
        is_finished=row.finished_ms is not None,
        instruments_json=row.instruments_json,
        reached=Reached(**lasts),
    )
