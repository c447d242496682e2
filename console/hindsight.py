"""What triggers came to by themselves, and what they teach, in a decision's story."""

from rich.console import Console
from rich.text import Text

from console.figures import bps_text, count_text, short_when_text, side_text, when_text
from console.sheets import gain_style, heading, sheet
from db.retelling import Decision
from domain.situation import Counterfactual, Reflection


def print_hindsight(console: Console, decision: Decision) -> None:
    """Tell what this tick's own proposal came to later, which earlier triggers ended in it, and the lessons."""
    record, own = decision.record, decision.later_outcome
    if own is None and not record.counterfactuals and not record.reflections:
        return
    console.print(heading("In hindsight"))
    if own is not None:
        console.print(_ending_text("This proposal by itself", own))
    _print_ended(console, record.counterfactuals)
    for learnt in record.reflections:
        _print_lesson(console, learnt)


def _ending_text(who: str, outcome: Counterfactual) -> Text:
    how = outcome.exit_reason.value.replace("_", " ")
    lasted = count_text(outcome.n_bars, "bar")
    text = Text(f"{who} ended {when_text(outcome.resolved_ms)} by {how}, after {lasted}: ")
    text.append(f"{bps_text(outcome.net_bps, is_signed=True)} net", style=gain_style(outcome.net_bps))
    text.append(f", {bps_text(outcome.gross_bps, is_signed=True)} from the price, {bps_text(outcome.fees_bps)} fees.")
    return text


def _print_ended(console: Console, ended: tuple[Counterfactual, ...]) -> None:
    if not ended:
        return
    table = sheet(
        "proposed", "by", "", "ended by", ">bars", ">net", ">fees", ">funding", ">against", ">for",
        title="Earlier proposals that ended in this tick, as if each had been traded alone",
    )  # fmt: skip
    for one in ended:
        table.add_row(
            short_when_text(one.triggered_ms),
            one.strategy,
            side_text(one.side),
            one.exit_reason.value.replace("_", " "),
            str(one.n_bars),
            Text(bps_text(one.net_bps, is_signed=True), style=gain_style(one.net_bps)),
            bps_text(one.fees_bps),
            bps_text(one.funding_bps, is_signed=True),
            bps_text(one.mae_bps),
            bps_text(one.mfe_bps),
        )
    console.print(table)


def _print_lesson(console: Console, learnt: Reflection) -> None:
    console.print(Text(f"Lesson of the {learnt.subject} {learnt.subject_id}: {learnt.lesson}"))
    for name, text in (
        ("expected", learnt.expected),
        ("happened", learnt.happened),
        ("held", "; ".join(learnt.held)),
        ("failed", "; ".join(learnt.failed)),
    ):
        if text:
            console.print(Text(f"  {name}: {text}", style="dim"))
