"""Questions to the journal and how their answers are told: runs, decisions, one decision, verification."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, estimate_text, holding_text, money_text, when_text
from console.outcomes import QUIET, STYLE, WORD
from console.sheets import gain_style, sheet, simulated_banner
from console.story import tell
from db import reading
from db.findings import VerifyReport
from db.reading import RecordedRun, RecordedTick
from db.retelling import Decision
from db.store import Store
from domain.errors import BadInput
from domain.instrument import MICROUSD_PER_USD, Instrument
from domain.market import MINUTE_MS
from domain.record import Record
from domain.tick import Outcome

N_HASH_SHOWN: Final = 12
WIDE: Final = 110


class Decisions(Record, frozen=True, kw_only=True):
    """Some decisions of one run, oldest first, with the instruments that run used."""

    run_id: str
    is_simulated: bool
    instruments: Mapping[str, Instrument]
    ticks: tuple[RecordedTick, ...]


def recorded_runs(store: Store) -> tuple[RecordedRun, ...]:
    """Return every run in the journal, oldest first."""
    return reading.runs(store)


def recorded_decisions(store: Store, run: str, outcome: str | None, symbol: str | None, limit: int) -> Decisions:
    """Return the newest `limit` decisions of a run, oldest first.

    outcome: only these, in the journal's words; None = all but waiting and warming up. Raises BadInput for an
    unknown run, outcome or symbol.
    """
    found = reading.find_run(store, run)
    if symbol is not None and symbol not in found.header.symbols:
        raise BadInput(f"run {found.run_id} did not trade {symbol}; it traded {', '.join(found.header.symbols)}")
    wanted = [word for word in Outcome if word not in QUIET] if outcome is None else [_outcome(outcome)]
    ticks = [
        tick
        for word in wanted
        for tick in reading.ticks(store, found.run_id, outcome=word, symbol=symbol, limit=limit, newest_first=True)
    ]
    return Decisions(
        run_id=found.run_id,
        is_simulated=found.header.is_simulated,
        instruments=_instruments_of(found),
        ticks=tuple(sorted(ticks, key=lambda tick: tick.id)[-limit:]),
    )


def recorded_decision(store: Store, name: str) -> Decision:
    """Return one decision by its name RUN:TICK; RUN may be the unambiguous beginning of a run's name."""
    run, colon, tick = name.rpartition(":")
    if not colon or not tick.isdecimal():
        raise BadInput(f"{name} names no decision; write RUN:TICK, as in paper-20250501-120000:17")
    return reading.decision(store, run, int(tick))


def print_runs(console: Console, runs: Sequence[RecordedRun]) -> None:
    """Print one line for every run."""
    if not runs:
        console.print("There is no run in this journal yet.")
        return
    is_wide = console.width >= WIDE
    table = sheet(
        "run", "market", "started UTC", "state", ">trades", ">net USD", *((">rows", "chain hash") if is_wide else ())
    )
    table.columns[0].overflow = "fold"
    for run in runs:
        table.add_row(*_run_cells(run)[: len(table.columns)])
    console.print(table)


def _run_cells(run: RecordedRun) -> tuple[str | Text, ...]:
    summary = _summary(run)
    net = summary.get("net_pnl_usd")
    microusd = round(net * MICROUSD_PER_USD) if isinstance(net, (int, float)) else None
    return (
        run.run_id,
        ", ".join(run.header.symbols) + (" (simulated)" if run.header.is_simulated else ""),
        when_text(run.started_ms - run.started_ms % MINUTE_MS).removesuffix(" UTC"),
        Text("unfinished", "yellow") if run.finished_ms is None else Text("finished", "green"),
        str(summary.get("n_trades", "")),
        "" if microusd is None else Text(money_text(microusd, is_signed=True), style=gain_style(microusd)),
        "" if run.n_rows is None else f"{run.n_rows:,}",
        (run.chain_hash or "")[:N_HASH_SHOWN],
    )


def runs_json(runs: Sequence[RecordedRun]) -> dict[str, Any]:
    """Return the runs for a machine; `summary` is what the run ended with, None while it is unfinished."""
    return {
        "runs": [
            {
                "run_id": run.run_id,
                "command": run.header.command,
                "symbols": list(run.header.symbols),
                "is_simulated": run.header.is_simulated,
                "code_version": run.header.code_version,
                "data_identity": run.header.data_identity,
                "started_ms": run.started_ms,
                "finished_ms": run.finished_ms,
                "n_rows": run.n_rows,
                "chain_hash": run.chain_hash,
                "summary": _summary(run) or None,
            }
            for run in runs
        ]
    }


def print_decisions(console: Console, decisions: Decisions) -> None:
    """Print one line for every decision."""
    if not decisions.ticks:
        console.print(f"No decision of run {decisions.run_id} matches.")
        return
    if decisions.is_simulated:
        console.print(simulated_banner())
    is_wide = console.width >= WIDE
    table = sheet(
        ">tick", "UTC", "market", "decision", *((">close USD", "regime", "held", ">equity USD") if is_wide else ())
    )
    for column in table.columns:
        column.no_wrap = True
    table.add_column("why")
    for tick in decisions.ticks:
        table.add_row(*_tick_cells(tick), *(_account_cells(tick, decisions) if is_wide else ()), Text(tick.why))
    console.print(table)
    example = f"python main.py audit show {decisions.run_id}:{decisions.ticks[-1].tick_no}"
    console.print(
        Text(f"\n{count_text(len(decisions.ticks), 'decision')}. The last as a story: {example}"), soft_wrap=True
    )


def _tick_cells(tick: RecordedTick) -> tuple[str | Text, ...]:
    when = when_text(tick.as_of_ms).removesuffix(" UTC")
    return str(tick.tick_no), when, tick.symbol, Text(WORD[tick.outcome], style=STYLE[tick.outcome])


def _account_cells(tick: RecordedTick, decisions: Decisions) -> tuple[str, ...]:
    instrument = decisions.instruments.get(tick.symbol)
    return (
        ABSENT if instrument is None or tick.close_price is None else estimate_text(instrument, tick.close_price),
        (tick.regime or "not warm").replace("_", " "),
        f"{tick.position_lots} lots" if instrument is None else holding_text(instrument, tick.position_lots),
        money_text(tick.equity_microusd),
    )


def decisions_json(decisions: Decisions) -> dict[str, Any]:
    """Return the decisions for a machine, fields under their recorded names."""
    return {"run_id": decisions.run_id, "decisions": msgspec.to_builtins(decisions.ticks)}


def tell_decision(console: Console, decision: Decision, instruments: Mapping[str, Instrument]) -> None:
    """Tell one decision as a story. Raises BadInput when its instrument is not among those given."""
    symbol = decision.record.snapshot.symbol
    instrument = instruments.get(symbol)
    if instrument is None:
        raise BadInput(f"the decision is on {symbol}, whose instrument is not among {', '.join(instruments)}")
    tell(console, decision, instrument)


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
    }


def print_verify(console: Console, report: VerifyReport) -> None:
    """Print whether a run's evidence holds together, and otherwise what was found, the earliest first."""
    state = "" if report.is_finished else " The run is unfinished: rows cut off at its very end would not show."
    seen = f"{count_text(report.n_rows, 'ledger row')} and {count_text(report.n_events, 'event')} recomputed."
    if report.is_sound:
        console.print(Text(f"Run {report.run_id} is unaltered: {seen}{state}", style="green"))
        console.print(Text(f"Chain hash {report.chain_hash}", style="dim"), soft_wrap=True)
        return
    found = count_text(report.n_findings, "thing does", "things do")
    console.print(Text(f"Run {report.run_id} was tampered with or damaged: {found} not fit. {seen}{state}", "bold red"))
    for finding in report.findings:
        when = "" if finding.at_ms is None else f" [{when_text(finding.at_ms)}]"
        console.print(Text(f"  {finding.sentence}{when}", style="red"), soft_wrap=True)
    if report.n_findings > len(report.findings):
        console.print(f"  and {report.n_findings - len(report.findings):,} more")


def verify_json(report: VerifyReport) -> dict[str, Any]:
    """Return a verification for a machine; `first` is the earliest finding in words, None when it is sound."""
    told: dict[str, Any] = msgspec.to_builtins(report)
    first = report.first
    return {**told, "is_sound": report.is_sound, "first": None if first is None else first.sentence}


def _outcome(word: str) -> Outcome:
    name = word.strip().lower().replace(" ", "_").replace("-", "_")
    if name not in set(Outcome):
        raise BadInput(f"{word} is no outcome; allowed are {', '.join(outcome.value for outcome in Outcome)}")
    return Outcome(name)


def _instruments_of(run: RecordedRun) -> dict[str, Instrument]:
    try:
        listed = msgspec.json.decode(run.header.instruments_json, type=tuple[Instrument, ...])
    except msgspec.DecodeError:
        return {}
    return {instrument.symbol: instrument for instrument in listed}


def _summary(run: RecordedRun) -> dict[str, Any]:
    """Return what the run ended with; a summary that is not an object (an altered row) shows as none."""
    if run.summary_json is None:
        return {}
    try:
        summary = json.loads(run.summary_json)
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}
