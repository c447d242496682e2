"""What a tuning found, for a person: segments, finalists, the winner's figures, the odds, what would change."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from console.searching import SHOWN, print_luck, print_settings_found
from console.sheets import heading, sheet, simulated_banner

_MOST_SHOWN = 5


def print_tuned(console: Console, told: Mapping[str, Any]) -> None:
    """Print what a tuning told with --json."""
    if told["is_simulated"]:
        console.print(simulated_banner())
    _print_split(console, told["split"])
    console.print(
        f"Study {told['study']}: {told['n_trials']:,} trials in all, {told['n_scored']:,} of them met the conditions "
        f"of {told['objective']}; {told['n_impossible']:,} more drew values that do not go together.",
        highlight=False,
    )
    _print_finalists(console, told["finalists"])
    if told["winner"] is None:
        console.print("No finalist met the conditions on validation: nothing is proposed, and the test stays unseen.")
        return
    console.print(heading("Chosen on validation"))
    print_settings_found(console, told["winner"]["settings"])
    _print_figures(console, told)
    _print_odds(console, told)
    _print_proposal(console, told["proposal"])


def _print_split(console: Console, split: Mapping[str, Any]) -> None:
    table = sheet("segment", "from", "until", ">minutes")
    for name in ("train", "validation", "test"):
        table.add_row(name, split[name]["from"], split[name]["until"], f"{split[name]['n_minutes']:,}")
    console.print(table)
    console.print(Text(f"{split['embargo_bars']:,} bars are left out between them.", style="dim"))


def _print_finalists(console: Console, finalists: list[Mapping[str, Any]]) -> None:
    if not finalists:
        return
    table = sheet(
        ">trial", ">on train", ">on validation", title=f"The best {min(len(finalists), _MOST_SHOWN)} on train"
    )
    for one in finalists[:_MOST_SHOWN]:
        table.add_row(str(one["trial"]), _score(one["train_score"]), _score(one["validation_score"]))
    console.print(table)


def _print_figures(console: Console, told: Mapping[str, Any]) -> None:
    columns = dict(told["winner"]["figures"])
    if told["test"] is not None:
        columns["test"] = told["test"]["figures"]
    table = sheet("", *(f">{name}" for name in columns))
    for name, label, form, scale in SHOWN:
        cells = [figures[name] for figures in columns.values()]
        table.add_row(label, *("not defined" if cell is None else form.format(cell * scale) for cell in cells))
    console.print(table)


def _print_odds(console: Console, told: Mapping[str, Any]) -> None:
    print_luck(console, told["luck"])
    test = told["test"]
    if test is None:
        console.print("The test segment was left unseen.")
        return
    if test["warning"] is not None:
        console.print(Text(f"Careful: {test['warning']}.", style="bold yellow"), soft_wrap=True)
    console.print(Text(f"On the test segment: {test['luck']['sentence']}"), soft_wrap=True)


def _print_proposal(console: Console, proposal: Mapping[str, Any]) -> None:
    console.print(heading("Proposed changes"))
    if not proposal["changes"]:
        console.print("None: the settings already stand so.")
    console.print(Text(proposal["diff"], style="cyan"), end="", soft_wrap=True)
    for name in proposal["hidden_by_environment"]:
        console.print(f"{name} stands in the environment too, which wins over the file.", highlight=False)
    if proposal["written_to"] is not None:
        console.print(Text(f"Written to {proposal['written_to']}."), soft_wrap=True)
    elif proposal["changes"]:
        console.print(Text("Nothing was written; --write FILE does.", style="dim"))


def _score(score: float | None) -> str:
    return "no score" if score is None else f"{score:,.3f}"
