"""What a walk-forward came to, for a person: every window, the stitched figures, drift, the odds of luck."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from console.searching import print_figures, print_luck
from console.sheets import heading, sheet, simulated_banner


def print_walked(console: Console, told: Mapping[str, Any]) -> None:
    """Print what a walk-forward told with --json."""
    if told["is_simulated"]:
        console.print(simulated_banner())
    kind = "all days before" if told["is_anchored"] else f"{told['train_days']} days"
    console.print(
        f"{told['n_windows']} choices among {told['n_combinations']:,} combinations on {kind}, each used for "
        f"{told['step_days']} days; {told['embargo_bars']:,} bars between.",
        highlight=False,
    )
    _print_windows(console, told["windows"])
    console.print(heading("Out of sample, stitched"))
    print_figures(console, told["metrics"])
    console.print(Text(told["verdict"]), soft_wrap=True)
    _print_drift(console, told["drift"])
    print_luck(console, told["luck"])
    console.print(Text(f"\nPage: {told['report']}\nTrades: {told['trades'][0]}", style="dim"), soft_wrap=True)


def _print_windows(console: Console, windows: list[Mapping[str, Any]]) -> None:
    table = sheet(">step from", ">until", ">in sample", ">out of sample", ">net USD", ">trades", "note")
    for one in windows:
        table.add_row(
            one["step"]["from"],
            one["step"]["until"],
            _score(one["in_sample_score"]),
            _score(one["out_of_sample_score"]),
            f"{one['net_microusd'] / 1e6:+,.2f}",
            f"{one['n_trades']:,}",
            f"flat: {one['note']}" if one["note"] else "",
        )
    console.print(table)


def _print_drift(console: Console, drift: list[Mapping[str, Any]]) -> None:
    if not drift:
        return
    table = sheet("knob", ">changed", ">mean jump", "chosen, in order", title="How far the settings wandered")
    for one in drift:
        jump = "" if one["mean_jump"] is None else f"{one['mean_jump']:g}"
        table.add_row(one["knob"], str(one["n_changes"]), jump, " ".join(one["chosen"]))
    console.print(table)


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:,.3f}"
