"""What one day of a run came to, from its record."""

from typing import Final

from sqlalchemy import Connection, func, select

from db.pages import KEY_BITS, KEY_MASK
from db.readable import Readable
from db.tables import FILLS, ORDER_REFUSALS, RISK_CHECKS, RUNS, TICKS, TRADES
from domain.record import Record

_NOT_DESKS: Final = ("backtest",)


class DayFigures(Record, frozen=True, kw_only=True):
    """A run between two instants. Money in micro-dollars; net = equity at the end - equity before the first tick.

    max_drawdown_frac: deepest fall from a peak within the span. refusals: (rule, how often), most frequent first.
    """

    run_id: str
    is_simulated: bool
    n_ticks: int
    equity_microusd: int
    net_microusd: int
    n_trades: int
    n_won: int
    n_fills: int
    fees_microusd: int
    max_drawdown_frac: float
    refusals: tuple[tuple[str, int], ...]


def day_figures(store: Readable, start_ms: int, end_ms: int) -> tuple[DayFigures, ...]:
    """Return the figures of every desk's run that has a tick in [start_ms, end_ms), oldest run first."""
    with store.read() as connection:
        runs = connection.execute(
            select(RUNS.c.run_no, RUNS.c.run_id, RUNS.c.is_simulated)
            .where(RUNS.c.command.not_in(_NOT_DESKS), RUNS.c.started_ms < end_ms)
            .where(func.coalesce(RUNS.c.finished_ms, end_ms) >= start_ms)
            .order_by(RUNS.c.run_no)
        ).all()
        found = [_of_run(connection, *run, start_ms, end_ms) for run in runs]
    return tuple(figures for figures in found if figures is not None)


def _of_run(
    connection: Connection, run_no: int, run_id: str, is_simulated: int, start_ms: int, end_ms: int
) -> DayFigures | None:
    first, end = (_first_from(connection, run_no, at_ms) for at_ms in (start_ms, end_ms))
    inside = TICKS.c.id.between(first, end - 1)
    equities = list(connection.scalars(select(TICKS.c.equity_microusd).where(inside).order_by(TICKS.c.id)))
    if not equities:
        return None
    before = connection.scalar(
        select(TICKS.c.equity_microusd)
        .where(TICKS.c.id.between(run_no << KEY_BITS, first - 1))
        .order_by(TICKS.c.id.desc())
        .limit(1)
    )
    n_trades, n_won = connection.execute(
        select(func.count(), func.count().filter(TRADES.c.net_microusd > 0)).where(
            TRADES.c.tick_id.between(first, end - 1)
        )
    ).one()
    n_fills, fees = connection.execute(
        select(func.count(), func.coalesce(func.sum(FILLS.c.fee_microusd), 0)).where(
            FILLS.c.tick_id.between(first, end - 1)
        )
    ).one()
    start = equities[0] if before is None else before
    return DayFigures(
        run_id=run_id,
        is_simulated=is_simulated == 1,
        n_ticks=len(equities),
        equity_microusd=equities[-1],
        net_microusd=equities[-1] - start,
        n_trades=n_trades,
        n_won=n_won,
        n_fills=n_fills,
        fees_microusd=int(fees),
        max_drawdown_frac=_drawdown(start, equities),
        refusals=_refusals(connection, first, end),
    )


def _first_from(connection: Connection, run_no: int, at_ms: int) -> int:
    """Return the key of the run's first tick at or after an instant; one past its last where there is none.

    Times never fall within a run, so the place is found by halving: a long run's ticks are not all read.
    """
    low, high = run_no << KEY_BITS, (run_no << KEY_BITS) + KEY_MASK
    last = connection.scalar(select(func.max(TICKS.c.id)).where(TICKS.c.id.between(low, high)))
    if last is None:
        return low
    high = int(last) + 1
    while low < high:
        middle = (low + high) // 2
        later = select(TICKS.c.id, TICKS.c.as_of_ms).where(TICKS.c.id.between(middle, high)).order_by(TICKS.c.id)
        found = connection.execute(later.limit(1)).one_or_none()
        if found is None or found.as_of_ms >= at_ms:
            high = middle
        else:
            low = int(found.id) + 1
    return low


def _drawdown(start: int, equities: list[int]) -> float:
    peak, deepest = start, 0.0
    for equity in equities:
        peak = max(peak, equity)
        if peak > 0:
            deepest = max(deepest, (peak - equity) / peak)
    return deepest


def _refusals(connection: Connection, first: int, end: int) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for table in (RISK_CHECKS, ORDER_REFUSALS):
        query = select(table.c.rule, func.count()).where(table.c.tick_id.between(first, end - 1))
        for rule, count in connection.execute(query.where(table.c.rule.is_not(None)).group_by(table.c.rule)):
            counts[rule] = counts.get(rule, 0) + count
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
