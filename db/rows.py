"""From records to rows: for each table, the chained values of one record in column order.

Values are plain Python numbers and strings: an enum or a numpy scalar would be stored and hashed differently by
different databases. A float is stored as `x + 0.0`, because SQLite does not keep the sign of a zero.
"""

from functools import lru_cache
from typing import Final

import msgspec

from db.chain import Value
from db.clean import clean
from db.figures import written
from db.seen import minute
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import Approved, ApprovedOrder, Proposal, Refusal
from domain.features import REGIME_BY_CODE
from domain.situation import Counterfactual, Reflection
from domain.tick import GateEvidence, GateExchange, Outcome, RiskCheck, TickRecord

Row = tuple[Value, ...]

_json: Final = msgspec.json.Encoder().encode
_REGIMES: Final = tuple(regime.value for regime in REGIME_BY_CODE)
_NO_SIGNAL: Final = Outcome.NO_SIGNAL
_SEPARATOR: Final = "; "


@lru_cache(maxsize=4096)
def joined(reasons: tuple[str, ...]) -> str:
    """Return reasons as one text. The same few come all day: they are remembered."""
    return clean(_SEPARATOR.join(reasons))


def parted(text: str) -> tuple[str, ...]:
    """Return the reasons that `joined` joined."""
    return tuple(text.split(_SEPARATOR)) if text else ()


def tick(record: TickRecord, readings: str | None, *, is_answered: bool) -> Row:
    """Return the row of `ticks`, without its keys.

    readings: those beside the bar, where no earlier tick holds them. is_answered: the tick has an answer, which tells
    why there was no signal.
    """
    snapshot = record.snapshot
    features = record.features
    bar = snapshot.bar
    outcome = record.outcome
    regime = figures = None
    if features is not None:
        numbers: list[float] = features.vector.tolist()
        regime = _REGIMES[int(numbers.pop())]
        figures = written(numbers)
    return (
        record.tick_no,
        snapshot.as_of_ms,
        snapshot.symbol,
        # The plain text beneath the enum: a dictionary would hash the enum in Python.
        record.state._value_,
        outcome._value_,
        None if is_answered and outcome is _NO_SIGNAL else clean(record.why),
        None if bar is None else bar.close_price,
        regime,
        figures,
        record.equity_microusd,
        record.cash_microusd,
        record.position_lots,
        minute(snapshot),
        readings,
    )


def proposal(wanted: Proposal) -> Row:
    """Return the row of `proposals`, without its tick."""
    return (
        wanted.strategy,
        int(wanted.side),
        wanted.conviction_frac + 0.0,
        joined(wanted.reasons),
        _json(wanted.exit_plan).decode(),
        wanted.reference_price + 0.0,
        wanted.as_of_ms,
    )


def gate_request(tick_no: int, request_id: str, backend: str, mode: str, prompt: str) -> Row:
    """Return the row of `gate_requests`."""
    return (tick_no, request_id, backend, mode, clean(prompt))


def gate_outcome(exchange: GateExchange) -> Row:
    """Return the row of `gate_outcomes`, without its tick and the latency."""
    verdict = exchange.verdict
    is_approved = isinstance(verdict, Approved)
    reply = exchange.raw_reply
    return (
        exchange.request_id,
        "approved" if is_approved else "denied",
        clean(verdict.reason_code),
        verdict.keep_frac + 0.0 if isinstance(verdict, Approved) else None,
        verdict.backend,
        verdict.request_id,
        reply,
    )


def gate_reply(request_id: str, told: GateEvidence) -> Row:
    """Return the row of `gate_replies`, without its tick and the timings."""
    return (
        request_id,
        clean(told.source),
        clean(told.model),
        clean(told.prompt_version),
        clean(told.prompt_sha256),
        None if told.digest is None else clean(told.digest),
        None if told.server_version is None else clean(told.server_version),
        None if told.p_win_frac is None else told.p_win_frac + 0.0,
        told.n_prompt_tokens,
        told.n_reply_tokens,
    )


def risk_check(check: RiskCheck) -> Row:
    """Return the row of `risk_checks`, without its tick."""
    ruling = check.ruling
    head: Row = (joined(check.passed), _json(check.sizes_lots).decode())
    if isinstance(ruling, Refusal):
        return ("refused", *head, ruling.rule, clean(ruling.reason), None, None)
    return ("approved", *head, None, None, ruling.client_order_id, _json(ruling).decode())


def order(sent: ApprovedOrder, tick_no: int) -> Row:
    """Return the row of `orders`."""
    return (
        tick_no,
        sent.client_order_id,
        sent.symbol,
        sent.strategy,
        int(sent.side),
        sent.size_lots,
        int(sent.reduce_only),
        sent.reference_ticks,
        sent.decided_ms,
        None if sent.exit_plan is None else _json(sent.exit_plan).decode(),
        None if sent.exit_reason is None else sent.exit_reason.value,
    )


def order_refusal(client_order_id: str, refusal: Refusal) -> Row:
    """Return the row of `order_refusals`, without its tick."""
    return (client_order_id, refusal.rule, clean(refusal.reason))


def fill(done: Fill) -> Row:
    """Return the row of `fills`, without its tick."""
    return (
        done.client_order_id,
        done.symbol,
        int(done.side),
        done.size_lots,
        done.price_ticks,
        done.fee_microusd,
        done.slippage_microusd,
        done.filled_ms,
        None if done.exit_reason is None else done.exit_reason.value,
    )


def funding(payment: FundingPayment) -> Row:
    """Return the row of `funding_payments`, without its tick."""
    return (
        payment.symbol,
        payment.position_lots,
        payment.rate_quote_per_base_1e9,
        payment.amount_microusd,
        payment.settled_ms,
        clean(payment.source),
    )


def trade(closed: Trade) -> Row:
    """Return the row of `trades`, without its tick."""
    return (
        closed.symbol,
        closed.strategy,
        int(closed.side),
        closed.size_lots,
        closed.entry_ticks,
        closed.exit_ticks,
        closed.gross_microusd,
        closed.fees_microusd,
        closed.funding_microusd,
        closed.net_microusd,
        closed.slippage_microusd,
        closed.mae_bps + 0.0,
        closed.mfe_bps + 0.0,
        closed.exit_reason.value,
        closed.regime.value,
        closed.conviction_frac + 0.0,
        closed.risk_microusd,
        closed.opened_ms,
        closed.closed_ms,
        closed.n_bars,
        closed.client_order_id,
    )


def counterfactual(outcome: Counterfactual) -> Row:
    """Return the row of `counterfactuals`, without its tick."""
    return (
        outcome.trigger_id,
        outcome.symbol,
        outcome.strategy,
        int(outcome.side),
        outcome.triggered_ms,
        outcome.resolved_ms,
        outcome.n_bars,
        outcome.exit_reason.value,
        outcome.net_bps + 0.0,
        outcome.gross_bps + 0.0,
        outcome.fees_bps + 0.0,
        outcome.slippage_bps + 0.0,
        outcome.funding_bps + 0.0,
        outcome.mae_bps + 0.0,
        outcome.mfe_bps + 0.0,
    )


def reflection(learnt: Reflection) -> Row:
    """Return the row of `reflections`, without its tick."""
    return (
        learnt.subject,
        learnt.subject_id,
        clean(learnt.expected),
        clean(learnt.happened),
        _json([clean(reason) for reason in learnt.held]).decode(),
        _json([clean(reason) for reason in learnt.failed]).decode(),
        clean(learnt.lesson),
    )
