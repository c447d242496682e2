"""One decision told as a story: what was seen, what it meant, who said what, what was done, how it ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from console.deeds import print_deeds
from console.figures import (
    ABSENT,
    age_text,
    base_name,
    bps_text,
    count_text,
    estimate_text,
    percent_text,
    side_text,
    when_text,
)
from console.hindsight import print_hindsight
from console.outcomes import MEANING, STYLE, WORD
from console.readings import LABEL, feature_text, figures_behind, funding_text
from console.rulings import print_gate, print_risk
from console.sheets import heading, sheet, simulated_banner
from db.retelling import Decision
from domain.decisions import Proposal, Signal
from domain.errors import BadInput
from domain.features import Feature, Features
from domain.instrument import Instrument
from domain.market import Bar, ImbalanceSource, Reading, Snapshot
from domain.tick import TickRecord

ASSUMED = "assumed"


def tell_decision(console: Console, decision: Decision, instruments: Mapping[str, Instrument]) -> None:
    """Print everything recorded of one decision, in the order it happened.

    Raises BadInput when the instrument of its market is not among those given.
    """
    record = decision.record
    snapshot = record.snapshot
    instrument = instruments.get(snapshot.symbol)
    if instrument is None:
        raise BadInput(f"the decision is on {snapshot.symbol}, whose instrument is not among {', '.join(instruments)}")
    console.print(_title(decision))
    if snapshot.is_simulated:
        console.print(simulated_banner())
    _print_seen(console, snapshot, instrument)
    _print_features(console, record.features)
    _print_signals(console, record)
    if record.proposal is not None:
        console.print(heading("What was proposed"))
        console.print(Text(_proposal_text(record.proposal, instrument)))
    print_gate(console, record)
    print_risk(console, record, instrument)
    print_deeds(console, decision, instrument)
    print_hindsight(console, decision)


def decision_json(decision: Decision) -> dict[str, Any]:
    """Return one decision for a machine: the recorded fields under their own names, features by name."""
    record = decision.record
    told: dict[str, Any] = msgspec.to_builtins(replace(record, features=None))
    if record.features is not None:
        told["features"] = {**record.features.as_dict(), "regime": record.features.regime.value}
    return {
        "run_id": decision.run_id,
        "tick_id": decision.tick_id,
        **told,
        "later_fills": msgspec.to_builtins(decision.later_fills),
        "later_trades": msgspec.to_builtins(decision.later_trades),
        "later_refusals": msgspec.to_builtins(decision.later_refusals),
        "later_outcome": msgspec.to_builtins(decision.later_outcome),
    }


def _title(decision: Decision) -> Text:
    record = decision.record
    where = f"{record.snapshot.symbol}, {when_text(record.snapshot.as_of_ms)}"
    title = Text(f"\n{where}: ", style="bold")
    title.append(WORD[record.outcome], style=STYLE[record.outcome])
    title.append(f" ({MEANING[record.outcome]})\n")
    title.append(record.why)
    title.append(f"\nRun {decision.run_id}, tick {record.tick_no}, desk {record.state.value}", style="dim")
    return title


def _print_seen(console: Console, snapshot: Snapshot, instrument: Instrument) -> None:
    console.print(heading("What was seen"))
    if snapshot.bar is not None:
        console.print(Text(_bar_text(snapshot.bar, instrument)))
    if snapshot.n_missing_bars:
        console.print(Text(f"{count_text(snapshot.n_missing_bars, 'minute')} missing before it", style="red"))
    for defect in snapshot.defects:
        console.print(Text(f"Unfit to trade on: {defect}", style="red"))
    table = sheet("reading", ">figure", "source", "age")
    for name, text, reading in _readings(snapshot, instrument):
        if reading is None:
            table.add_row(name, Text(text, style="dim"))
        else:
            age = "" if reading.source == ASSUMED else age_text(reading.as_of_ms, snapshot.as_of_ms)
            table.add_row(name, text, reading.source, age)
    if snapshot.imbalance_frac is not None:
        source = "order book" if snapshot.imbalance_source is ImbalanceSource.BOOK else "taker flow, no book"
        table.add_row("imbalance", f"{snapshot.imbalance_frac:+.2f}", source, "just now")
    console.print(table)
    settled = snapshot.funding_settlement
    if settled is not None:
        paid = settled.rate_quote_per_base_1e9 / 1e9
        when = f"settled {when_text(settled.settled_ms)} by {settled.source}"
        console.print(Text(f"Funding {when}: a long pays {paid:+.9f} USD per {base_name(snapshot.symbol)}"))


def _bar_text(bar: Bar, instrument: Instrument) -> str:
    opened, high, low, close = (
        estimate_text(instrument, price) for price in (bar.open_price, bar.high_price, bar.low_price, bar.close_price)
    )
    move_bps = (bar.close_price / bar.open_price - 1.0) * 1e4
    prices = f"open {opened}, high {high}, low {low}, close {close} USD ({bps_text(move_bps, is_signed=True)})"
    volume = f"{bar.volume_base:,.2f} {base_name(instrument.symbol)} traded"
    if bar.taker_buy_base is not None and bar.volume_base > 0.0:
        volume += f", takers bought {percent_text(bar.taker_buy_base / bar.volume_base)} of it"
    return f"The minute: {prices}; {volume}"


def _readings(snapshot: Snapshot, instrument: Instrument) -> list[tuple[str, str, Reading | None]]:
    def text(reading: Reading | None, written: str) -> str:
        return ABSENT if reading is None else written.format(reading.value)

    oracle, mark, funding = snapshot.oracle, snapshot.mark, snapshot.funding_rate_hourly_frac
    return [
        ("spread", text(snapshot.spread_bps, "{:,.1f} bps"), snapshot.spread_bps),
        ("premium", text(snapshot.premium_bps, "{:+,.1f} bps"), snapshot.premium_bps),
        ("funding", ABSENT if funding is None else funding_text(funding.value), funding),
        ("mark", ABSENT if mark is None else f"{estimate_text(instrument, mark.value)} USD", mark),
        ("oracle", ABSENT if oracle is None else f"{estimate_text(instrument, oracle.value)} USD", oracle),
        ("open interest", text(snapshot.open_interest_usd, "{:,.0f} USD"), snapshot.open_interest_usd),
    ]


def _print_features(console: Console, features: Features | None) -> None:
    console.print(heading("What it meant"))
    if features is None:
        console.print("The indicators had no figures yet, or the minute had no usable bar.")
        return
    console.print(Text(f"Regime: {features.regime.value.replace('_', ' ')}"))
    table = sheet("feature", "figure")
    for place in Feature:
        if place is not Feature.REGIME:
            table.add_row(LABEL[place], feature_text(features, place))
    console.print(table)


def _print_signals(console: Console, record: TickRecord) -> None:
    console.print(heading("What the strategies said"))
    if not record.signals:
        console.print("None was asked.")
    for signal in record.signals:
        console.print(_signal_text(signal))
        _print_tests(console, signal.reasons if signal.side is None else (), record.features)


def _signal_text(signal: Signal) -> Text:
    if signal.side is None:
        return Text(f"{signal.strategy}: no, {count_text(len(signal.reasons), 'test')} failed")
    why = ", ".join(signal.reasons)
    return Text(
        f"{signal.strategy}: go {side_text(signal.side)}, conviction {signal.conviction_frac:.2f} of 1, because {why}",
        style="green",
    )


def _print_tests(console: Console, reasons: Sequence[str], features: Features | None) -> None:
    if not reasons:
        return
    table = sheet("  failed test", "it was")
    for reason in reasons:
        table.add_row(f"  {reason}", figures_behind(reason, features))
    console.print(table)


def _proposal_text(proposal: Proposal, instrument: Instrument) -> str:
    plan = proposal.exit_plan
    exits = [f"stop {percent_text(plan.stop_frac)} away", f"target {percent_text(plan.target_frac)} away"]
    if plan.trail_frac > 0.0:
        armed = f"once {percent_text(plan.trail_arm_frac)} is gained"
        exits.append(f"a stop trailing {percent_text(plan.trail_frac)} behind the best price {armed}")
    if plan.partial_frac > 0.0:
        exits.append(f"{percent_text(plan.partial_frac)} sold at {plan.partial_at_r:g} R")
    exits.append(f"out after {count_text(plan.max_hold_bars, 'minute')}")
    price = estimate_text(instrument, proposal.reference_price)
    what = f"{proposal.strategy} proposed to go {side_text(proposal.side)} at about {price} USD"
    return f"{what}, conviction {proposal.conviction_frac:.2f} of 1.\nExits: {', '.join(exits)}."
