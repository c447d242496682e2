"""Lists out of the journal: its runs, and the decisions of one of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from console.figures import ABSENT, count_text, estimate_text, holding_text, money_text, when_text
from console.outcomes import STYLE, WORD
from console.sheets import gain_style, sheet
from db.reading import RecordedRun, RecordedTick
from domain.instrument import MICROUSD_PER_USD, Instrument

N_HASH_SHOWN = 12


def print_runs(console: Console, runs: Sequence[RecordedRun]) -> None:
    """Print one line for every run."""
    if not runs:
        console.print("There is no run in this journal yet.")
        return
    table = sheet("run", "command", "market", "started UTC", "state", ">rows", ">trades", ">net USD", "chain hash")
    for run in runs:
        summary = _summary(run)
        net = summary.get("net_pnl_usd")
        microusd = None if net is None else round(net * MICROUSD_PER_USD)
        market = ", ".join(run.header.symbols) + (" (simulated)" if run.header.is_simulated else "")
        table.add_row(
            run.run_id,
            run.header.command,
            market,
            when_text(run.started_ms - run.started_ms % 1_000).removesuffix(" UTC"),
            Text("finished", "green") if run.finished_ms is not None else Text("unfinished", "yellow"),
            "" if run.n_rows is None else f"{run.n_rows:,}",
            str(summary.get("n_trades", "")),
            "" if microusd is None else Text(money_text(microusd, is_signed=True), style=gain_style(microusd)),
            (run.chain_hash or "")[:N_HASH_SHOWN],
        )
    console.print(table)


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


def print_decisions(console: Console, decisions: Sequence[RecordedTick], instruments: Mapping[str, Instrument]) -> None:
    """Print one line for every decision, as filtered by the journal."""
    if not decisions:
        console.print("No recorded decision matches.")
        return
    table = sheet("tick", "UTC", "market", "decision", ">close USD", "regime", "held", ">equity USD", "why")
    table.columns[-1].overflow = "fold"
    for tick in decisions:
        instrument = instruments.get(tick.symbol)
        known = instrument is not None and tick.close_price is not None
        table.add_row(
            str(tick.tick_no),
            when_text(tick.as_of_ms).removesuffix(" UTC"),
            tick.symbol,
            Text(WORD[tick.outcome], style=STYLE[tick.outcome]),
            estimate_text(instrument, tick.close_price) if instrument and tick.close_price is not None else ABSENT,
            (tick.regime or "not warm").replace("_", " "),
            holding_text(instrument, tick.position_lots) if known and instrument else f"{tick.position_lots} lots",
            money_text(tick.equity_microusd),
            tick.why,
        )
    console.print(table)
    console.print(
        Text(f"{count_text(len(decisions), 'decision')}; `audit show TICK` tells one as a story", style="dim")
    )


def decisions_json(decisions: Sequence[RecordedTick]) -> dict[str, Any]:
    """Return the decisions for a machine, fields under their recorded names."""
    return {"decisions": msgspec.to_builtins(list(decisions))}


def _summary(run: RecordedRun) -> dict[str, Any]:
    """Return what the run ended with; a summary that is not an object (an altered row) shows as none."""
    if run.summary_json is None:
        return {}
    try:
        summary = json.loads(run.summary_json)
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}
