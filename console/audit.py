"""Lists out of the journal for a person and for a machine: its runs, decisions of one, and a verification."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, estimate_text, holding_text, money_text, when_text
from console.next_steps import program
from console.outcomes import STYLE, WORD
from console.sheets import gain_style, sheet, simulated_banner
from db.findings import Finding, VerifyReport
from db.reading import RecordedRun, RecordedTick
from domain.instrument import MICROUSD_PER_USD, Instrument
from domain.market import MINUTE_MS

N_HASH_SHOWN: Final = 12
WIDE: Final = 110
LAST_MS: Final = 4_102_444_800_000


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


def print_decisions(
    console: Console,
    decisions: Sequence[RecordedTick],
    instruments: Mapping[str, Instrument],
    *,
    run_id: str = "RUN",
    is_simulated: bool = False,
) -> None:
    """Print one line for every decision; a wide terminal also shows the account. run_id: named in the closing hint."""
    if not decisions:
        console.print("No recorded decision matches.")
        return
    if is_simulated:
        console.print(simulated_banner())
    is_wide = console.width >= WIDE
    table = sheet(
        ">tick", "UTC", "market", "decision", *((">close USD", "regime", "held", ">equity USD") if is_wide else ())
    )
    for column in table.columns:
        column.no_wrap = True
    table.add_column("why")
    for tick in decisions:
        account = _account_cells(tick, instruments.get(tick.symbol)) if is_wide else ()
        table.add_row(*_tick_cells(tick), *account, Text(tick.why))
    console.print(table)
    hint = f"{program()} audit show {run_id} {decisions[-1].tick_no}"
    count = count_text(len(decisions), "decision")
    console.print(Text(f"\n{count}. The last as a story: {hint}", style="dim"), soft_wrap=True)


def _tick_cells(tick: RecordedTick) -> tuple[str | Text, ...]:
    when = when_text(tick.as_of_ms).removesuffix(" UTC")
    return str(tick.tick_no), when, tick.symbol, Text(WORD[tick.outcome], style=STYLE[tick.outcome])


def _account_cells(tick: RecordedTick, instrument: Instrument | None) -> tuple[str, ...]:
    return (
        ABSENT if instrument is None or tick.close_price is None else estimate_text(instrument, tick.close_price),
        (tick.regime or "not warm").replace("_", " "),
        f"{tick.position_lots} lots" if instrument is None else holding_text(instrument, tick.position_lots),
        money_text(tick.equity_microusd),
    )


def decisions_json(decisions: Sequence[RecordedTick]) -> dict[str, Any]:
    """Return the decisions for a machine, fields under their recorded names."""
    return {"decisions": msgspec.to_builtins(list(decisions))}


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
        console.print(Text(f"  {finding.sentence}{_finding_time(finding)}", style="red"), soft_wrap=True)
    if report.n_findings > len(report.findings):
        console.print(f"  and {report.n_findings - len(report.findings):,} more")


def verify_json(report: VerifyReport) -> dict[str, Any]:
    """Return a verification for a machine; `first` is the earliest finding in words, None when it is sound."""
    first = report.first
    return {
        "run_id": report.run_id,
        "is_sound": report.is_sound,
        "is_finished": report.is_finished,
        "n_rows": report.n_rows,
        "n_events": report.n_events,
        "chain_hash": report.chain_hash,
        "n_findings": report.n_findings,
        "first": None if first is None else first.sentence,
        "findings": [
            {
                "what": finding.what,
                "table": str(finding.table),
                "id": _plain(finding.id),
                "tick_no": _plain(finding.tick_no),
                "at_ms": _plain(finding.at_ms),
                "detail": finding.detail,
            }
            for finding in report.findings
        ],
    }


def _finding_time(finding: Finding) -> str:
    """Write when a finding is of; an altered time may be anything."""
    at_ms = finding.at_ms
    return f" [{when_text(at_ms)}]" if isinstance(at_ms, int) and 0 <= at_ms < LAST_MS else ""


def _plain(value: object) -> int | str | None:
    """Return a value out of a row that may have been altered, fit for JSON."""
    return value if value is None or isinstance(value, int) else str(value)


def _summary(run: RecordedRun) -> dict[str, Any]:
    """Return what the run ended with; a summary that is not an object (an altered row) shows as none."""
    if run.summary_json is None:
        return {}
    try:
        summary = json.loads(run.summary_json)
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}
