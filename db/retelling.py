"""From rows back to records: one decision, whole, with what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, and_, case, func, or_, select

from db import answers
from db.answered import recorded_evidence
from db.figures import read
from db.gate_tables import COUNTERFACTUALS, REFLECTIONS
from db.pages import KEY_BITS, KEY_MASK
from db.rows import parted
from db.seen import snapshot_of
from db.tables import (
    ANSWERS,
    FILLS,
    FUNDING,
    GATE_OUTCOMES,
    GATE_REQUESTS,
    ORDER_REFUSALS,
    ORDERS,
    PROPOSALS,
    RISK_CHECKS,
    TICKS,
    TRADES,
)
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import Approved, ApprovedOrder, Denied, ExitPlan, ExitReason, Proposal, Refusal, Side
from domain.errors import BadInput
from domain.features import REGIME_BY_CODE, Features, Regime
from domain.record import Record
from domain.situation import Counterfactual, Reflection
from domain.tick import GateExchange, Outcome, RiskCheck, TickRecord, TradingState

Fields = Mapping[Any, Any]
WHY: Final = func.coalesce(TICKS.c.why, ANSWERS.c.why)
"""The sentence of a tick, in a query that joins its answer."""
_HOLDERS: Final = TICKS.alias("holders")
READINGS: Final = _HOLDERS.c.readings
"""The readings beside a tick's bar, in a query over `TICKS_WITH_READINGS`."""
# Outer: a tick whose readings are gone must be seen to lack them, not be left out.
TICKS_WITH_READINGS: Final = TICKS.outerjoin(_HOLDERS, _HOLDERS.c.id == TICKS.c.readings_id)
WHOLE_SNAPSHOT: Final = func.substr(TICKS.c.snapshot, 1, func.length(TICKS.c.snapshot) - 1) + case(
    (READINGS == "{}", "}"), else_="," + func.substr(READINGS, 2)
)
"""Both texts of what a tick saw as one JSON object, in a query over `TICKS_WITH_READINGS`."""
_CODE: Final = {regime.value: code for code, regime in enumerate(REGIME_BY_CODE)}


class Decision(Record, frozen=True, kw_only=True):
    """One tick as recorded, and what became of its orders later.

    record: equal to the record the desk handed over. later_fills: executions of this tick's orders, the venue's
    protective exits included. later_trades: the round trips that those orders opened or closed.
    later_refusals: noes that arrived in a later tick. later_outcome: what its proposal came to by itself; None while
    that is not known, and always in a run without a gate.
    """

    run_id: str
    tick_id: int
    record: TickRecord
    later_fills: tuple[Fill, ...] = ()
    later_trades: tuple[Trade, ...] = ()
    later_refusals: tuple[tuple[str, Refusal], ...] = ()
    later_outcome: Counterfactual | None = None


def retell(connection: Connection, run_no: int, run_id: str, tick: int, symbol: str | None) -> Decision:
    """Return one decision by its tick number or its key. Raises BadInput when there is none, or more than one."""
    row = _tick_row(connection, run_no, run_id, tick, symbol)
    record = _record(connection, row)
    orders = [order.client_order_id for order in record.orders]
    fills = tuple(fill_of(found) for found in _after(connection, FILLS, row["id"], orders))
    return Decision(
        run_id=run_id,
        tick_id=int(row["id"]),
        record=record,
        later_fills=fills,
        later_trades=_later_trades(connection, row["id"], orders, fills),
        later_refusals=tuple(refusal_of(found) for found in _after(connection, ORDER_REFUSALS, row["id"], orders)),
        later_outcome=None if record.proposal is None else _later_outcome(connection, row["id"], record.proposal),
    )


def _tick_row(connection: Connection, run_no: int, run_id: str, tick: int, symbol: str | None) -> Fields:
    first = run_no << KEY_BITS
    query = (
        select(TICKS, ANSWERS.c.signals, WHY.label("told_why"), READINGS.label("told_readings"))
        .select_from(TICKS_WITH_READINGS.outerjoin(ANSWERS, ANSWERS.c.id == TICKS.c.answer_id))
        .where(TICKS.c.id.between(first, first + KEY_MASK))
    )
    query = query.where(TICKS.c.id == tick if tick > KEY_MASK else TICKS.c.tick_no == tick)
    if symbol is not None:
        query = query.where(TICKS.c.symbol == symbol)
    rows = connection.execute(query.limit(3)).all()
    if not rows:
        raise BadInput(f"run {run_id} has no tick {tick}{'' if symbol is None else f' of {symbol}'}")
    if len(rows) > 1:
        raise BadInput(f"tick {tick} of run {run_id} exists for more than one symbol; name one of them")
    return rows[0]._mapping


def _record(connection: Connection, row: Fields) -> TickRecord:
    def of_tick(table: Table) -> Sequence[Fields]:
        return _of_tick(connection, table, row["id"])

    return TickRecord(
        tick_no=row["tick_no"],
        snapshot=snapshot_of(row["symbol"], row["as_of_ms"], row["snapshot"], row["told_readings"]),
        state=TradingState(row["state"]),
        outcome=Outcome(row["outcome"]),
        why=row["told_why"],
        features=features_of(row),
        signals=() if row["signals"] is None else answers.read(row["signals"]),
        proposal=next((_proposal_of(found, row["symbol"]) for found in of_tick(PROPOSALS)), None),
        gate=next((_gate_of(connection, found) for found in of_tick(GATE_OUTCOMES)), None),
        risk=next((_risk_of(found) for found in of_tick(RISK_CHECKS)), None),
        orders=tuple(order_of(found) for found in _orders(connection, row)),
        refusals=tuple(refusal_of(found) for found in of_tick(ORDER_REFUSALS)),
        fills=tuple(fill_of(found) for found in of_tick(FILLS)),
        funding=tuple(funding_of(found) for found in of_tick(FUNDING)),
        trades=tuple(trade_of(found) for found in of_tick(TRADES)),
        counterfactuals=tuple(counterfactual_of(found) for found in of_tick(COUNTERFACTUALS)),
        reflections=tuple(_reflection_of(found) for found in of_tick(REFLECTIONS)),
        equity_microusd=row["equity_microusd"],
        cash_microusd=row["cash_microusd"],
        position_lots=row["position_lots"],
    )


def _of_tick(connection: Connection, table: Table, tick_id: int) -> Sequence[Fields]:
    """Return the rows of one tick: they follow it at once, so the key narrows the search."""
    upper = connection.scalar(select(TICKS.c.id).where(TICKS.c.id > tick_id).order_by(TICKS.c.id).limit(1))
    query = select(table).where(table.c.id.between(tick_id, upper or tick_id | KEY_MASK), table.c.tick_id == tick_id)
    return [found._mapping for found in connection.execute(query.order_by(table.c.id))]


def _orders(connection: Connection, row: Fields) -> Sequence[Fields]:
    """Return the orders recorded for a tick: they stand before it."""
    first = row["id"] & ~KEY_MASK
    query = select(ORDERS).where(
        and_(ORDERS.c.id.between(first, row["id"]), ORDERS.c.tick_no == row["tick_no"]),
        ORDERS.c.symbol == row["symbol"],
    )
    return [found._mapping for found in connection.execute(query.order_by(ORDERS.c.id))]


def _after(connection: Connection, table: Table, tick_id: int, orders: list[str]) -> Sequence[Fields]:
    """Return what later ticks recorded of these orders, and of the exits the venue derives from them."""
    return _later(connection, table, tick_id, [_is_of(table, order) for order in orders])


def _later_trades(connection: Connection, tick_id: int, orders: list[str], fills: Sequence[Fill]) -> tuple[Trade, ...]:
    """Return the round trips of these orders.

    A trade is named after the order that opened it: that an exit ended it shows in symbol and time of the exit's fill.
    """
    own = [_is_of(TRADES, order) for order in orders]
    own += [
        and_(TRADES.c.symbol == fill.symbol, TRADES.c.closed_ms == fill.filled_ms)
        for fill in fills
        if fill.exit_reason is not None
    ]
    return tuple(trade_of(found) for found in _later(connection, TRADES, tick_id, own))


def _later_outcome(connection: Connection, tick_id: int, proposal: Proposal) -> Counterfactual | None:
    trigger_id = trigger_id_of(proposal.symbol, proposal.as_of_ms)
    found = _later(connection, COUNTERFACTUALS, tick_id, [COUNTERFACTUALS.c.trigger_id == trigger_id])
    return counterfactual_of(found[0]) if found else None


def _is_of(table: Table, order: str) -> ColumnElement[bool]:
    named = table.c.client_order_id
    return or_(named == order, named.startswith(f"{order}-", autoescape=True))


def _later(
    connection: Connection, table: Table, tick_id: int, any_of: Sequence[ColumnElement[bool]]
) -> Sequence[Fields]:
    if not any_of:
        return []
    query = select(table).where(table.c.id > tick_id, table.c.id <= (tick_id | KEY_MASK), table.c.tick_id > tick_id)
    return [found._mapping for found in connection.execute(query.where(or_(*any_of)).order_by(table.c.id))]


def features_of(row: Fields) -> Features | None:
    """Return the feature vector of a tick; None before it was warm."""
    if row["regime"] is None:
        return None
    figures = (np.nan if figure is None else figure for figure in read(row["figures"]))
    return Features(vector=np.array([*figures, _CODE[row["regime"]]], dtype=np.float64))


def _proposal_of(row: Fields, symbol: str) -> Proposal:
    return Proposal(
        symbol=symbol,
        strategy=row["strategy"],
        side=Side(row["side"]),
        conviction_frac=row["conviction_frac"],
        reasons=parted(row["reasons"]),
        exit_plan=msgspec.json.decode(row["exit_plan"], type=ExitPlan),
        reference_price=row["reference_price"],
        as_of_ms=row["as_of_ms"],
    )


def _gate_of(connection: Connection, row: Fields) -> GateExchange:
    first = row["id"] & ~KEY_MASK
    asked_in_run = GATE_REQUESTS.c.id.between(first, first | KEY_MASK)
    query = select(GATE_REQUESTS).where(asked_in_run, GATE_REQUESTS.c.request_id == row["request_id"])
    asked = connection.execute(query).one()._mapping
    by = {"backend": row["answered_by"], "request_id": row["answers_request_id"], "reason_code": row["reason_code"]}
    reply = row["raw_reply"]
    return GateExchange(
        request_id=row["request_id"],
        backend=asked["backend"],
        mode=asked["mode"],
        prompt=asked["prompt"],
        raw_reply=None if reply is None else bytes(reply),
        verdict=Approved(keep_frac=row["keep_frac"], **by) if row["verdict"] == "approved" else Denied(**by),
        latency_ms=row["latency_ms"],
        evidence=recorded_evidence(connection, row["id"], row["id"] + 1).get(row["request_id"]),
    )


def _risk_of(row: Fields) -> RiskCheck:
    return RiskCheck(
        passed=parted(row["passed"]),
        sizes_lots=msgspec.json.decode(row["sizes_lots"], type=tuple[tuple[str, int], ...]),
        ruling=Refusal(rule=row["rule"], reason=row["reason"])
        if row["ruling"] == "refused"
        else msgspec.json.decode(row["approved"], type=ApprovedOrder),
    )


def order_of(row: Fields) -> ApprovedOrder:
    """Return an order as it was recorded."""
    plan, reason = row["exit_plan"], row["exit_reason"]
    fields = {name: row[name] for name in ApprovedOrder.__struct_fields__} | {
        "side": Side(row["side"]),
        "reduce_only": row["reduce_only"] == 1,
        "exit_plan": None if plan is None else msgspec.json.decode(plan, type=ExitPlan),
        "exit_reason": None if reason is None else ExitReason(reason),
    }
    return ApprovedOrder(**fields)


def refusal_of(row: Fields) -> tuple[str, Refusal]:
    """Return a no to an order, with the order's id."""
    return row["client_order_id"], Refusal(rule=row["rule"], reason=row["reason"])


def fill_of(row: Fields) -> Fill:
    """Return an execution."""
    reason = row["exit_reason"]
    fields = {name: row[name] for name in Fill.__struct_fields__} | {
        "side": Side(row["side"]),
        "exit_reason": None if reason is None else ExitReason(reason),
    }
    return Fill(**fields)


def funding_of(row: Fields) -> FundingPayment:
    """Return a funding payment."""
    return FundingPayment(**{name: row[name] for name in FundingPayment.__struct_fields__})


def trigger_id_of(symbol: str, as_of_ms: int) -> str:
    """Return the name under which a proposal's outcome is on record."""
    return f"{symbol}-{as_of_ms}"


def counterfactual_of(row: Fields) -> Counterfactual:
    """Return what a trigger came to."""
    fields = {name: row[name] for name in Counterfactual.__struct_fields__} | {
        "side": Side(row["side"]),
        "exit_reason": ExitReason(row["exit_reason"]),
    }
    return Counterfactual(**fields)


def _reflection_of(row: Fields) -> Reflection:
    fields = {name: row[name] for name in Reflection.__struct_fields__} | {
        name: msgspec.json.decode(row[name], type=tuple[str, ...]) for name in ("held", "failed")
    }
    return Reflection(**fields)


def trade_of(row: Fields) -> Trade:
    """Return a closed round trip."""
    fields = {name: row[name] for name in Trade.__struct_fields__} | {
        "side": Side(row["side"]),
        "exit_reason": ExitReason(row["exit_reason"]),
        "regime": Regime(row["regime"]),
    }
    return Trade(**fields)
