"""A small run of the desk in which every kind of evidence occurs, made without a desk."""

import math

import numpy as np

from db.chain import RunHeader
from db.journal import SqlJournal
from db.opening import open_journal
from domain.account import Fill, FundingPayment, Trade
from domain.decisions import (
    Approved,
    ApprovedOrder,
    Denied,
    ExitPlan,
    ExitReason,
    Proposal,
    Refusal,
    Side,
    Signal,
)
from domain.features import N_FEATURES, Feature, Features, Regime
from domain.market import MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from domain.situation import Counterfactual, Reflection
from domain.tick import GateEvidence, GateExchange, Outcome, RiskCheck, TickRecord, TradingState

START_MS = 1_746_057_600_000
N_TICKS = 24
EVIDENCE = GateEvidence(
    source="live", model="tiny:latest", prompt_version="veto-2", prompt_sha256="ab" * 32, digest="cd" * 32,
    server_version="0.9.1", p_win_frac=0.62, n_prompt_tokens=812, n_reply_tokens=41, load_ms=1.5, prompt_ms=700.25,
    reply_ms=96.0,
)  # fmt: skip
PLAN = ExitPlan(
    stop_frac=0.01, target_frac=0.02, trail_frac=0.005, trail_arm_frac=0.005,
    partial_at_r=0.0, partial_frac=0.0, max_hold_bars=240,
)  # fmt: skip


def header(run_id: str = "first", settings: str = '{"e3":2.0}') -> RunHeader:
    return RunHeader(
        run_id=run_id,
        command="paper",
        settings_json=settings,
        code_version="0.1.0+abc",
        data_identity="sha256:1234",
        symbols=("SOL-PERP",),
        instruments_json='[{"symbol":"SOL-PERP"}]',
        is_simulated=True,
    )


def snapshot(tick_no: int, symbol: str = "SOL-PERP") -> Snapshot:
    at = START_MS + tick_no * MINUTE_MS
    price = 150.0 + math.sin(tick_no) * 1.37
    bar = Bar(
        open_ms=at - MINUTE_MS,
        close_ms=at,
        open_price=price,
        high_price=price + 0.25,
        low_price=price - 0.25,
        close_price=price + 0.1,
        volume_base=100.0 + tick_no,
    )
    return Snapshot(
        symbol=symbol,
        as_of_ms=at,
        bar=None if tick_no == 3 else bar,
        defects=("no bar: the feed said “nothing”",) if tick_no == 3 else (),
        spread_bps=Reading(value=2.0, source="assumed", as_of_ms=at),
        imbalance_frac=-0.0,
        imbalance_source=ImbalanceSource.TAKER_FLOW,
        mark=Reading(value=price, source="recorded", as_of_ms=at),
        funding_settlement=FundingSettlement(rate_quote_per_base_1e9=-1200, settled_ms=at, source="drift"),
        is_simulated=True,
    )


def features(tick_no: int) -> Features:
    vector = np.arange(N_FEATURES, dtype=np.float64) / 3.0 + tick_no
    vector[Feature.OPEN_INTEREST_USD] = np.nan
    vector[Feature.RETURN_BPS] = 0.0
    vector[Feature.REGIME] = tick_no % len(Regime)
    return Features(vector=vector)


def order(tick_no: int, *, reduce_only: bool = False) -> ApprovedOrder:
    return ApprovedOrder(
        client_order_id=f"SOL-PERP-{tick_no}-{'exit' if reduce_only else 'entry'}",
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.SELL if reduce_only else Side.BUY,
        size_lots=250,
        reduce_only=reduce_only,
        reference_ticks=150_000,
        decided_ms=START_MS + tick_no * MINUTE_MS,
        exit_plan=None if reduce_only else PLAN,
        exit_reason=ExitReason.TIME if reduce_only else None,
    )


def _signals(tick_no: int, *, fires: bool) -> tuple[Signal, ...]:
    return (
        Signal(
            strategy="e3",
            side=Side.BUY if fires else None,
            failed_mask=0 if fires else 5,
            conviction_frac=0.7 if fires else 0.0,
            reasons=("body 0.8 ATR", "volume z 3.1") if fires else ("body below 0.5 ATR", "volume z below 2"),
        ),
        Signal(strategy="funding_fade", side=None, failed_mask=tick_no % 8, conviction_frac=0.0, reasons=()),
    )


def _fill(tick_no: int, order_id: str, side: Side, reason: ExitReason | None) -> Fill:
    return Fill(
        client_order_id=order_id,
        symbol="SOL-PERP",
        side=side,
        size_lots=250,
        price_ticks=150_120,
        fee_microusd=131_355,
        slippage_microusd=-12,
        filled_ms=START_MS + tick_no * MINUTE_MS,
        exit_reason=reason,
    )


def _trade(tick_no: int, entry: ApprovedOrder) -> Trade:
    return Trade(
        symbol="SOL-PERP", strategy="e3", side=Side.BUY, size_lots=250, entry_ticks=150_120, exit_ticks=150_500,
        gross_microusd=950_000, fees_microusd=262_710, funding_microusd=-300, slippage_microusd=24,
        mae_bps=3.5, mfe_bps=31.25, exit_reason=ExitReason.TIME, regime=Regime.BULL_TREND, conviction_frac=0.7,
        risk_microusd=3_750_000, opened_ms=entry.decided_ms, closed_ms=START_MS + tick_no * MINUTE_MS, n_bars=5,
        client_order_id=entry.client_order_id,
    )  # fmt: skip


def _plain(tick_no: int, **more: object) -> TickRecord:
    fields: dict[str, object] = {
        "tick_no": tick_no,
        "snapshot": snapshot(tick_no),
        "state": TradingState.ACTIVE,
        "outcome": Outcome.UNFIT if tick_no == 3 else Outcome.NO_SIGNAL,
        "why": "no strategy fired",
        "features": None if tick_no < 4 else features(tick_no),
        "signals": () if tick_no < 4 else _signals(tick_no, fires=False),
        "equity_microusd": 10_000_000_000 + 1_000 * tick_no,
        "cash_microusd": 10_000_000_000,
    }
    return TickRecord(**(fields | more))  # type: ignore[arg-type]  # the fields are those of the record


def _proposal(tick_no: int) -> Proposal:
    return Proposal(
        symbol="SOL-PERP",
        strategy="e3",
        side=Side.BUY,
        conviction_frac=0.7,
        reasons=("body 0.8 ATR", "volume z 3.1"),
        exit_plan=PLAN,
        reference_price=150.1,
        as_of_ms=START_MS + tick_no * MINUTE_MS,
    )


def _exchange(tick_no: int, *, approves: bool) -> GateExchange:
    request = f"SOL-PERP-{tick_no}-gate"
    return GateExchange(
        request_id=request,
        backend="model-a",
        mode="veto",
        prompt="Review: BUY 250 lots. <data>größer</data>",
        raw_reply=b'{"stance":"approve","note":"\x00 and \xed\xa0\x80"}',
        verdict=Approved(keep_frac=0.5, reason_code="ok", backend="model-a", request_id=request)
        if approves
        else Denied(reason_code="timeout", backend="model-a", request_id=None),
        latency_ms=812.5,
        evidence=EVIDENCE if approves else None,
    )


def counterfactual(tick_no: int, resolved_no: int) -> Counterfactual:
    """Return what the proposal of one tick came to in another."""
    return Counterfactual(
        trigger_id=f"SOL-PERP-{START_MS + tick_no * MINUTE_MS}", symbol="SOL-PERP", strategy="e3", side=Side.BUY,
        triggered_ms=START_MS + tick_no * MINUTE_MS, resolved_ms=START_MS + resolved_no * MINUTE_MS,
        n_bars=resolved_no - tick_no, exit_reason=ExitReason.TARGET, net_bps=11.25, gross_bps=29.5, fees_bps=17.25,
        slippage_bps=2.0, funding_bps=-1.0, mae_bps=3.5, mfe_bps=31.25,
    )  # fmt: skip


REFLECTIONS = (
    Reflection(
        subject="trade", subject_id="SOL-PERP-5-entry", expected="up 2 %", happened="up 0.3 % in 5 bars",
        held=("body 0.8 ATR; in one piece",), failed=("volume z 3.1",), lesson="the volume did not last",
    ),
    Reflection(
        subject="counterfactual", subject_id="SOL-PERP-8", expected="größer", happened="down", held=(), failed=(),
        lesson="nothing to be learnt",
    ),
)  # fmt: skip


def _entering(tick_no: int) -> TickRecord:
    entry = order(tick_no)
    check = RiskCheck(passed=("cooldown", "spread"), sizes_lots=(("risk", 250), ("kelly", 400)), ruling=entry)
    return _plain(
        tick_no,
        outcome=Outcome.ENTERED,
        signals=_signals(tick_no, fires=True),
        proposal=_proposal(tick_no),
        gate=_exchange(tick_no, approves=True),
        risk=check,
        orders=(entry,),
    )


def sample(tick_no: int) -> TickRecord:
    """Return one tick; every twelve of them tell of an entry, its fill, funding, an exit and the trade."""
    place, first = tick_no % 12, tick_no - tick_no % 12
    entry = order(first + 5)
    leave = order(first + 9, reduce_only=True)
    if place == 5:
        return _entering(tick_no)
    if place == 6:
        return _plain(tick_no, fills=(_fill(tick_no, entry.client_order_id, Side.BUY, None),), position_lots=250)
    if place == 7:
        payment = FundingPayment(
            symbol="SOL-PERP", position_lots=250, rate_quote_per_base_1e9=-1200,
            amount_microusd=-300, settled_ms=START_MS + tick_no * MINUTE_MS, source="drift",
        )  # fmt: skip
        return _plain(tick_no, funding=(payment,), position_lots=250)
    if place == 8:
        refused = RiskCheck(passed=(), sizes_lots=(), ruling=Refusal(rule="cooldown", reason="300 s after a trade"))
        return _plain(
            tick_no,
            outcome=Outcome.REFUSED,
            proposal=_proposal(tick_no),
            gate=_exchange(tick_no, approves=False),
            risk=refused,
        )
    if place == 9:
        return _plain(tick_no, outcome=Outcome.EXITING, orders=(leave,), position_lots=250)
    if place == 10:
        return _plain(
            tick_no,
            fills=(_fill(tick_no, leave.client_order_id, Side.SELL, ExitReason.TIME),),
            trades=(_trade(tick_no, entry),),
            refusals=((leave.client_order_id, Refusal(rule="venue", reason="it was filled already")),),
            counterfactuals=(counterfactual(first + 5, tick_no), counterfactual(first + 8, tick_no)),
            reflections=REFLECTIONS[:1],
        )
    if place == 11:
        return _plain(tick_no, reflections=REFLECTIONS[1:])
    return _plain(tick_no)


def play(journal: SqlJournal, first: int, last: int) -> None:
    """Do what the desk does: orders before they are sent, then the tick."""
    for tick_no in range(first, last + 1):
        record = sample(tick_no)
        for sent in record.orders:
            journal.record_order(sent, tick_no)
        journal.append(record)


def record(url: str, run_id: str = "first", last: int = N_TICKS, *, finish: bool = True) -> str:
    """Make a run in the journal at `url`; return its chain hash."""
    with open_journal(url, writable=True) as store:
        journal = store.begin(header(run_id), 1_000)
        play(journal, 1, last)
        journal.commit()
        if finish:
            journal.finish('{"n_trades":2}', 9_000)
        return journal.chain_hash
