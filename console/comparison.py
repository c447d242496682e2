"""Two runs side by side for a person: what they were begun with, where they part, and what each difference cost."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.figures import count_text, money_text, percent_text, when_text
from console.next_steps import program
from console.sheets import gain_style, heading, sheet, simulated_banner

Told = Mapping[str, Any]
MICROUSD_PER_CENT: Final = 10_000
N_SETTINGS: Final = 20
SHORT_IDENTITY: Final = 24


def print_comparison(console: Console, told: Told) -> None:
    """Print what the comparison's JSON tells. told: as `main.py compare --json` answers."""
    if told["a"]["is_simulated"] or told["b"]["is_simulated"]:
        console.print(simulated_banner())
    console.print(_sides(told["a"], told["b"]))
    _print_headers(console, told)
    _print_minutes(console, told)
    if told["is_identical"]:
        console.print(Text("\nThe runs are identical: every minute was seen and decided alike, and so was the result."))
        return
    _print_first(console, told["first_difference"])
    _print_causes(console, told)


def _sides(a: Told, b: Told) -> Table:
    table = sheet("", "A", "B")
    for column in table.columns[1:]:
        column.overflow = "fold"
    for name, field in (("run", "run_id"), ("command", "command"), ("code", "code_version")):
        table.add_row(name, a[field], b[field])
    table.add_row("data", _short(a["data_identity"]), _short(b["data_identity"]))
    for name, field in (("first minute", "first_ms"), ("last minute", "last_ms")):
        table.add_row(name, when_text(a[field]), when_text(b[field]))
    table.add_row("ticks", *(f"{side['n_ticks']:,}{'' if side['is_finished'] else ', unfinished'}" for side in (a, b)))
    table.add_row("trades", *(f"{side['n_trades']:,} closed, {side['n_open']} open" for side in (a, b)))
    table.add_row("began with USD", *(money_text(side["starting_microusd"]) for side in (a, b)))
    nets = [side["net_microusd"] for side in (a, b)]
    table.add_row("net USD", *(Text(money_text(net, is_signed=True), style=gain_style(net)) for net in nets))
    return table


def _print_headers(console: Console, told: Told) -> None:
    settings: Sequence[Told] = told["settings"]
    notes = [] if told["is_same_code"] else ["They were made by different versions of the code."]
    notes += [] if told["is_same_data"] else ["Their data differ by fingerprint."]
    notes += (
        []
        if told["is_same_start"]
        else ["They began with different equity; the difference below is of what each gained."]
    )
    for side in ("a", "b"):
        if not told[side]["is_finished"]:
            notes.append(f"Run {side.upper()} is unfinished: what is on record was compared.")
    notes += [] if settings else ["All settings are the same."]
    if settings:
        table = sheet("setting", "A", "B", title="Settings that differ")
        for one in settings[:N_SETTINGS]:
            table.add_row(one["name"], _value(one["a"]), _value(one["b"]))
        console.print(table)
        if len(settings) > N_SETTINGS:
            console.print(Text(f"and {len(settings) - N_SETTINGS} more; --json has all", style="dim"))
    for note in notes:
        console.print(Text(note, style="yellow" if note != "All settings are the same." else "dim"), soft_wrap=True)


def _print_minutes(console: Console, told: Told) -> None:
    minutes = told["minutes"]
    n_all = minutes["n_common"] + minutes["n_only_a"] + minutes["n_only_b"]
    console.print(heading("Minute by minute"))
    alike = f"{minutes['n_alike']:,} of {count_text(n_all, 'minute')} decided alike: parity"
    # 100.00 % is said of all only.
    parity = min(minutes["parity_frac"], 0.9999) if minutes["n_alike"] < n_all else minutes["parity_frac"]
    console.print(f"{alike} {percent_text(parity)}; {minutes['n_equal']:,} equal in every respect")
    differing = ", ".join(f"{kind} {count:,}" for kind, count in minutes["by_kind"].items())
    if differing:
        console.print(f"differing in: {differing}", soft_wrap=True)
    if minutes["n_outside"]:
        console.print(f"{count_text(minutes['n_outside'], 'minute')} of one run lie beyond the other's span")


def _print_first(console: Console, first: Told | None) -> None:
    if first is None:
        return
    kinds = ", ".join(first["kinds"])
    console.print(heading(f"First decided otherwise: {when_text(first['as_of_ms'])}, {first['symbol']} ({kinds})"))
    for name in ("a", "b"):
        one = first[name]
        said = "no row" if one is None else f"tick {one['tick_no']}: {one['outcome'].replace('_', ' ')}: {one['why']}"
        console.print(Text(f"{name.upper()}  {said}"), soft_wrap=True)


def _print_causes(console: Console, told: Told) -> None:
    console.print(heading("What net(B) - net(A) comes from"))
    table = sheet("cause", ">USD", ">trades")
    for row in told["causes"]:
        table.add_row(_cause(row), _money(row["usd"]), f"{row['n_trades']:,}")
    style = "bold red" if told["unexplained_microusd"] else "dim"
    table.add_row(Text("unexplained", style=style), _money(told["unexplained_usd"]), "")
    table.add_row(Text("net(B) - net(A)", style="bold"), _money(told["difference_usd"]), "")
    console.print(table)
    if told["causes"]:
        _print_examples(console, told)


def _print_examples(console: Console, told: Told) -> None:
    console.print(heading("The most expensive of each, in USD"))
    for row in told["causes"]:
        console.print(Text(_cause(row), style="underline"))
        for one in row["examples"]:
            where = f"{when_text(one['decided_ms'])} {one['symbol']} {one['side']}, {_ticks(one)}"
            amount = Text(f"{money_text(one['microusd'], is_signed=True):>12}", style=gain_style(one["microusd"]))
            console.print(amount, Text(f" {where}; {one['part']}: {one['why']}"), soft_wrap=True)
    hint = f"One decision as a story: {program()} audit show {told['a']['run_id']} TICK"
    console.print(Text(f"\n{hint}", style="dim"), soft_wrap=True)


def _ticks(one: Told) -> str:
    a, b = one["tick_a"], one["tick_b"]
    if a == b:
        return f"tick {a}"
    return " and ".join(f"tick {tick} of {name}" for name, tick in (("A", a), ("B", b)) if tick is not None)


def _cause(row: Told) -> str:
    rule = f" ({row['rule']})" if row["rule"] else ""
    return f"{'knock-on of ' if row['is_knock_on'] else ''}{row['cause']}{rule}"


def _money(usd: float) -> Text:
    microusd = round(usd * 100) * MICROUSD_PER_CENT
    return Text(money_text(microusd, is_signed=True), style=gain_style(microusd))


def _value(value: object) -> str:
    return "unknown" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _short(identity: str) -> str:
    return identity if len(identity) <= SHORT_IDENTITY else f"{identity[: SHORT_IDENTITY - 1]}…"
