"""What a run did and would not do, for its report: executions with their reasons, refusals by rule, how ticks ended."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, true

from db.columns import IntArray
from db.readable import Readable
from db.reading import of_run
from db.retelling import WHY, fill_of, funding_of, order_of
from db.rows import parted
from db.tables import ANSWERS, FILLS, FUNDING, GATE_OUTCOMES, ORDER_REFUSALS, ORDERS, PROPOSALS, RISK_CHECKS, TICKS
from domain.account import Fill, FundingPayment
from domain.decisions import ApprovedOrder
from domain.record import Record

_AT_ONCE: Final = 500


class SentOrder(Record, frozen=True, kw_only=True):
    """An order on record with the tick that decided it.

    tick_no, why: the number and sentence of that tick. reasons: what the strategy said, in words; empty for an exit.
    """

    order: ApprovedOrder
    tick_no: int
    why: str
    reasons: tuple[str, ...]


class RefusalCount(Record, frozen=True, kw_only=True):
    """How often one rule said no. asked: who said it. example: its latest sentence."""

    asked: str
    rule: str
    n_times: int
    example: str


def sent_orders(store: Readable, run_no: int, tick_ids: IntArray) -> tuple[SentOrder, ...]:
    """Return every order of a run in the order sent. tick_ids: keys of all ticks of the run, rising.

    An order stands before the tick that decided it, so that tick is the first with a greater key. An order that was
    cut off before its tick has no sentence.
    """
    with store.read() as connection:
        rows = connection.execute(of_run(select(ORDERS), ORDERS, run_no).order_by(ORDERS.c.id)).all()
        places = np.searchsorted(tick_ids, np.array([row.id for row in rows], dtype=np.int64))
        keys = [int(tick_ids[place]) if place < len(tick_ids) else 0 for place in places]
        whys, reasons = _whys(connection, keys), _reasons(connection, run_no, keys)
    return tuple(
        SentOrder(
            order=order_of(row._mapping),
            tick_no=row.tick_no,
            why=whys.get(key, ""),
            reasons=() if row.reduce_only else reasons.get(key, ()),
        )
        for row, key in zip(rows, keys, strict=True)
    )


def fills(store: Readable, run_no: int) -> tuple[Fill, ...]:
    """Return every execution of a run in the order learnt."""
    with store.read() as connection:
        rows = connection.execute(of_run(select(FILLS), FILLS, run_no).order_by(FILLS.c.id))
        return tuple(fill_of(row._mapping) for row in rows)


def funding_payments(store: Readable, run_no: int) -> tuple[FundingPayment, ...]:
    """Return every funding payment of a run in the order learnt."""
    with store.read() as connection:
        rows = connection.execute(of_run(select(FUNDING), FUNDING, run_no).order_by(FUNDING.c.id))
        return tuple(funding_of(row._mapping) for row in rows)


def refusals(store: Readable, run_no: int) -> tuple[RefusalCount, ...]:
    """Return who refused what how often, the most frequent first."""
    by_risk = _Asked("risk", RISK_CHECKS, "rule", "reason", RISK_CHECKS.c.ruling == "refused")
    by_gate = _Asked("gate", GATE_OUTCOMES, "reason_code", "reason_code", GATE_OUTCOMES.c.verdict == "denied")
    by_venue = _Asked("venue or journal", ORDER_REFUSALS, "rule", "reason", true())
    with store.read() as connection:
        found = [count for asked in (by_risk, by_gate, by_venue) for count in _counted(connection, run_no, asked)]
    return tuple(sorted(found, key=lambda count: (-count.n_times, count.asked, count.rule)))


def outcome_counts(store: Readable, run_no: int) -> Mapping[str, int]:
    """Return how many ticks of a run ended in each outcome."""
    query = of_run(select(TICKS.c.outcome, func.count()), TICKS, run_no).group_by(TICKS.c.outcome)
    with store.read() as connection:
        return {outcome: int(n_ticks) for outcome, n_ticks in connection.execute(query)}


class _Asked(NamedTuple):
    """Where the noes of one who is asked are on record."""

    name: str
    table: Table
    rule: str
    reason: str
    is_no: ColumnElement[bool]


def _counted(connection: Connection, run_no: int, asked: _Asked) -> Iterator[RefusalCount]:
    table, rule = asked.table, asked.table.c[asked.rule]
    query = of_run(select(rule, func.count(), func.max(table.c.id)), table, run_no).where(asked.is_no).group_by(rule)
    for name, n_times, latest in connection.execute(query).all():
        example = connection.scalar(select(table.c[asked.reason]).where(table.c.id == latest))
        yield RefusalCount(asked=asked.name, rule=name, n_times=n_times, example=example or "")


def _whys(connection: Connection, tick_ids: Sequence[int]) -> dict[int, str]:
    told = select(TICKS.c.id, WHY).outerjoin(ANSWERS, ANSWERS.c.id == TICKS.c.answer_id)
    return dict(_by_tick(connection, told, TICKS.c.id, tick_ids))


def _reasons(connection: Connection, run_no: int, tick_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return what was proposed on these ticks. The rows of a run are read whole: tick_id has no index."""
    wanted = set(tick_ids)
    query = of_run(select(PROPOSALS.c.tick_id, PROPOSALS.c.reasons), PROPOSALS, run_no)
    return {key: parted(text) for key, text in connection.execute(query) if key in wanted}


def _by_tick(
    connection: Connection, query: Select[Any], key: ColumnElement[int], tick_ids: Sequence[int]
) -> Iterator[tuple[int, str]]:
    for first in range(0, len(tick_ids), _AT_ONCE):
        for tick_id, text in connection.execute(query.where(key.in_(tick_ids[first : first + _AT_ONCE]))):
            yield int(tick_id), text
