"""What a run came to, for a person: the result, what it cost, where it came from, and why nothing happened."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from console.figures import (
    count_text,
    gain_text,
    holding_text,
    money_text,
    percent_text,
    usd_text,
    when_text,
)
from console.gate_news import is_answer
from console.outcomes import meaning
from console.sheets import gain_style, heading, pairs, sheet, simulated_banner
from desk.tally import RunSummary
from domain.breakdown import Breakdown, broken_down, by_exit_reason, by_regime, by_strategy, by_symbol
from domain.decisions import GateMode
from domain.gate_reason import GateReason
from domain.instrument import Instrument

N_REASONS = 8


def print_report(
    console: Console,
    summary: RunSummary,
    instruments: Mapping[str, Instrument],
    next_commands: Sequence[str] = (),
    quiet_reasons: Sequence[tuple[str, int]] = (),
) -> None:
    """Print the report of a run.

    next_commands: printed last, as they are to be typed. quiet_reasons: the strategies' failed tests in words
    with how often each failed, most frequent first, where the journal was asked for them.
    """
    console.print()
    console.rule(Text(f"Run {summary.run_id}", style="bold"), align="left")
    if summary.is_simulated:
        console.print(simulated_banner())
    console.print(_headline(summary))
    if summary.trades:
        _print_breakdowns(console, summary)
    _print_positions(console, summary, instruments)
    _print_reasons(console, summary, quiet_reasons)
    console.print(
        Text(f"\nRun id      {summary.run_id}\nChain hash  {summary.chain_hash}", style="dim"), soft_wrap=True
    )
    if next_commands:
        console.print(heading("Try next"))
        for command in next_commands:
            console.print(Text(f"  {command}", style="cyan"), soft_wrap=True)


def profit_factor_text(part: Breakdown) -> str:
    """Write wins over losses, and say it when there is nothing to divide by."""
    if part.profit_factor is not None:
        return f"{part.profit_factor:.2f}"
    return "no losing trade" if part.n_won else "nothing won or lost"


def _headline(summary: RunSummary) -> Group:
    start, total = summary.starting_equity_microusd, broken_down("all", summary.trades)
    net = summary.net_microusd
    return_frac = net / start if start else 0.0
    result = pairs()
    result.add_row(
        "Net result",
        Text(f"{gain_text(net)}  ({percent_text(return_frac, is_signed=True)})", style=f"bold {gain_style(net)}"),
        Text("after fees and funding, positions at mark", style="dim"),
    )
    result.add_row("Equity", usd_text(summary.equity_microusd), Text(f"from {usd_text(start)}", style="dim"))
    result.add_row("Max drawdown", percent_text(summary.max_drawdown_frac), Text("fall from the highest equity", "dim"))
    result.add_row("Trades", *_trade_cells(summary, total))
    if total.n_trades:
        result.add_row("Profit factor", profit_factor_text(total), Text("sum of wins over sum of losses", "dim"))
        if total.expectancy_r is not None:
            result.add_row(
                "Expectancy", f"{total.expectancy_r:+.2f} R", Text("mean net of a trade per risk taken", "dim")
            )
    if summary.gate_reasons:
        result.add_row("Gate", *_gate_cells(summary))
    result.add_row("Looked at", count_text(summary.n_bars, "bar"), Text(_span_text(summary), style="dim"))
    result.add_row("Took", f"{summary.seconds:,.2f} s", Text(_pace_text(summary), style="dim"))
    return Group(result, Text(), _costs(summary))


def _trade_cells(summary: RunSummary, total: Breakdown) -> tuple[str, Text]:
    asked = f"{count_text(summary.n_signals, 'signal')}, {count_text(summary.n_orders, 'order')}"
    if total.win_rate_frac is None:
        return "none closed", Text(asked, style="dim")
    return f"{total.n_trades:,}, {percent_text(total.win_rate_frac)} won", Text(asked, style="dim")


def _gate_cells(summary: RunSummary) -> tuple[str, Text]:
    n_answers = sum(count for _, count in summary.gate_reasons)
    told = f"{dict(summary.gate_reasons).get(GateReason.OK, 0):,} of {n_answers:,} approved"
    failed = [f"{reason} {count:,}" for reason, count in summary.gate_reasons if not is_answer(reason)]
    notes = ["shadow: nothing depended on it"] if summary.gate_mode == GateMode.SHADOW else []
    notes += [f"no answer: {', '.join(failed)}"] if failed else []
    use = summary.cassette
    notes.append("asked anew in every run" if use is None else use.sentence)
    is_odd = failed or (use is not None and use.mode.is_replay and not use.is_reproducible)
    return told, Text("; ".join(notes), style="yellow" if is_odd else "dim")


def _span_text(summary: RunSummary) -> str:
    if summary.n_bars == 0:
        return "no bar arrived"
    return f"{when_text(summary.first_ms).removesuffix(' UTC')} to {when_text(summary.last_ms)}"


def _pace_text(summary: RunSummary) -> str:
    return f"{summary.n_bars / summary.seconds:,.0f} bars a second" if summary.seconds > 0 else ""


def _costs(summary: RunSummary) -> Table:
    costs = sheet("What it cost", ">USD", "")
    for name, microusd, note in (
        ("fees", -summary.fees_microusd, "paid to the venue, less its rebates"),
        ("funding", summary.funding_microusd, "between longs and shorts; + is received"),
        ("slippage", -summary.slippage_microusd, "spread, slippage and gaps; already inside the fill prices"),
    ):
        costs.add_row(name, money_text(microusd, is_signed=True), Text(note, style="dim"))
    return costs


def _print_breakdowns(console: Console, summary: RunSummary) -> None:
    table = sheet("", ">trades", ">won", ">gross", ">fees", ">funding", ">net", ">mean R")
    table.columns[0].no_wrap = True
    for head, parts in (
        ("regime at entry", by_regime(summary.trades)),
        ("exit reason", by_exit_reason(summary.trades)),
        ("strategy", by_strategy(summary.trades)),
        ("symbol", by_symbol(summary.trades)),
    ):
        table.add_row(Text(head, style="bold"))
        for part in parts:
            table.add_row(*_part_cells(part))
    console.print(heading("Where it came from, in USD"))
    console.print(table)


def _part_cells(part: Breakdown) -> tuple[str | Text, ...]:
    return (
        f"  {part.name.replace('_', ' ')}",
        f"{part.n_trades:,}",
        "" if part.win_rate_frac is None else f"{part.win_rate_frac:.0%}",
        money_text(part.gross_microusd, is_signed=True),
        money_text(-part.fees_microusd, is_signed=True),
        money_text(part.funding_microusd, is_signed=True),
        Text(money_text(part.net_microusd, is_signed=True), style=gain_style(part.net_microusd)),
        "?" if part.expectancy_r is None else f"{part.expectancy_r:+.2f}",
    )


def _print_positions(console: Console, summary: RunSummary, instruments: Mapping[str, Instrument]) -> None:
    if not summary.open_positions:
        return
    console.print(heading("Still open, at its mark in the figures above"))
    for held in summary.open_positions:
        instrument = instruments.get(held.symbol)
        size = f"{held.size_lots:,} lots" if instrument is None else holding_text(instrument, held.size_lots)
        console.print(f"  {held.symbol}: {size}")


def _print_reasons(console: Console, summary: RunSummary, quiet_reasons: Sequence[tuple[str, int]]) -> None:
    if summary.outcomes and not summary.trades:
        word, count = max(summary.outcomes, key=lambda pair: pair[1])
        often = f"Most often, on {count:,} of {count_text(summary.n_bars, 'bar')}: {meaning(word)}."
        console.print(Text(f"\nNo trade was closed. {often}", style="bold"))
    if summary.outcomes:
        table = sheet("How the bars ended", ">bars", ">share")
        for word, count in summary.outcomes:
            table.add_row(meaning(word), f"{count:,}", percent_text(count / summary.n_bars))
        console.print()
        console.print(table)
    _print_counts(console, "Rules that were not met", ">times", summary.refusals)
    _print_counts(console, "Tests that failed most often", ">bars", quiet_reasons[:N_REASONS])


def _print_counts(console: Console, head: str, unit: str, counts: Sequence[tuple[str, int]]) -> None:
    if not counts:
        return
    table = sheet(head, unit)
    for name, count in counts:
        table.add_row(name.replace("_", " "), f"{count:,}")
    console.print()
    console.print(table)
