"""What the searching commands found, for a person: the best settings, their figures, and whether it could be luck."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from console.sheets import heading, pairs, simulated_banner

SHOWN = (
    ("net_microusd", "Net result", "{:,.2f} USD", 1e-6),
    ("total_return_frac", "Return", "{:+.2%}", 1.0),
    ("sharpe", "Sharpe, a year", "{:.2f}", 1.0),
    ("calmar", "Calmar", "{:.2f}", 1.0),
    ("max_drawdown_frac", "Max drawdown", "{:.2%}", 1.0),
    ("n_trades", "Trades", "{:,.0f}", 1.0),
    ("win_rate_frac", "Won", "{:.1%}", 1.0),
    ("profit_factor", "Profit factor", "{:.2f}", 1.0),
    ("expectancy_r", "Expectancy", "{:+.3f} R a trade", 1.0),
    ("fees_microusd", "Fees", "{:,.2f} USD", 1e-6),
)


def print_sweep(console: Console, told: Mapping[str, Any], knobs: Sequence[str]) -> None:
    """Print what a sweep told with --json, for a person. knobs: the swept ones, in the grid's order."""
    if told["is_simulated"]:
        console.print(simulated_banner())
    rate = told["n_walked_now"] * told["n_bars"] / max(told["seconds"], 1e-9)
    console.print(
        f"{told['n_combinations']:,} combinations over {told['n_bars']:,} minutes; {told['n_walked_now']:,} walked now "
        f"in {told['seconds']:,.1f} s ({rate / 1e6:,.0f} million minutes a second)",
        highlight=False,
    )
    if told["n_impossible"]:
        why = told["why_impossible"]
        console.print(f"{told['n_impossible']:,} left out, their values do not go together: {why}", highlight=False)
    if told["best"] is None:
        console.print(f"No run met the conditions of the objective {told['objective']}.", highlight=False)
    else:
        console.print(heading(f"Best by {told['objective']}"))
        print_settings_found(console, {name: told["best"]["settings"][name] for name in knobs})
        print_figures(console, told["best"]["figures"])
        print_luck(console, told["luck"])
    console.print(Text(f"\nEvery run: {told['results']}", style="dim"), soft_wrap=True)


def print_settings_found(console: Console, settings: Mapping[str, str]) -> None:
    """Print settings as they stand in `.env`."""
    for name, value in settings.items():
        console.print(Text(f"  {name}={value}", style="cyan"))


def print_figures(console: Console, figures: Mapping[str, float | None]) -> None:
    """Print the figures a trader asks for first."""
    table = pairs()
    for name, label, form, scale in SHOWN:
        figure = figures[name]
        table.add_row(label, "not defined" if figure is None else form.format(figure * scale))
    console.print(table)


def print_luck(console: Console, luck: Mapping[str, Any] | None) -> None:
    """Print whether it could be luck, as one sentence."""
    if luck is not None:
        console.print(heading("Could it be luck?"))
        console.print(Text(luck["sentence"]), soft_wrap=True)
