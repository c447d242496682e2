"""What `backtest --prove` prints: the verdict, the first decision that changed in each check, and the warm-up."""

from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from console.figures import count_text, short_when_text, when_text
from console.sheets import heading, sheet, simulated_banner


class FoundRow(NamedTuple):
    """The first decision that changed in one check. cut_ms: None where every minute was a cut."""

    check: str
    future: str
    cut_ms: int | None
    symbol: str
    as_of_ms: int
    tick_no: int
    part: str
    figure: str
    expected: str
    got: str
    culprit: str


class WarmRow(NamedTuple):
    """How one figure forgets where the tape began. *_frac: relative differences; settled_bars: None = not seen."""

    figure: str
    worst_frac: float
    last_frac: float
    settled_bars: int | None


class ProofPage(NamedTuple):
    """Everything printed of one proof. answers: (compared, changed while settling, changed at a threshold).

    n_regimes: ticks after the warm-up in another regime.
    """

    is_clean: bool
    is_simulated: bool
    symbols: tuple[str, ...]
    n_minutes: int
    first_ms: int
    last_ms: int
    seed: int
    n_runs: int
    n_bars_compared: int
    cuts: tuple[tuple[int, str], ...]
    found: tuple[FoundRow, ...]
    warmup_bars: int | None
    answers: tuple[int, int, int] | None
    n_regimes: int
    warm: tuple[WarmRow, ...]
    warnings: tuple[str, ...]


def print_proof(console: Console, page: ProofPage) -> None:
    """Say whether a decision looked ahead, and what was done to find out."""
    if page.is_simulated:
        console.print(simulated_banner())
    if page.is_clean:
        verdict = Text("no decision looked ahead", style="bold green")
    else:
        verdict = Text(f"decisions changed in {count_text(len(page.found), 'check')}", style="bold red")
    console.print(verdict)
    console.print(
        f"{', '.join(page.symbols)}: {count_text(page.n_minutes, 'minute')}, {when_text(page.first_ms)} to "
        f"{when_text(page.last_ms)}, lived through {count_text(page.n_runs, 'time')} with "
        f"{count_text(page.n_bars_compared, 'decision')} compared (seed {page.seed})",
        soft_wrap=True,
    )
    _print_found(console, page)
    _print_cuts(console, page)
    _print_warmth(console, page)
    for warning in page.warnings:
        console.print(Text(f"note: {warning}", style="yellow"), soft_wrap=True)


def _print_found(console: Console, page: ProofPage) -> None:
    """Tell the first finding of each kind of check in full, and count the others."""
    by_check: dict[str, list[FoundRow]] = {}
    for row in page.found:
        by_check.setdefault(row.check, []).append(row)
    for check, (row, *others) in by_check.items():
        console.print(heading(f"{check}{_cut_text(row)}"))
        when = f"{row.symbol} at {when_text(row.as_of_ms)}, tick {row.tick_no:,}"
        console.print(f"  first changed: {when}, {row.part}", soft_wrap=True)
        console.print(Text(f"  {row.figure}: was {row.expected}, became {row.got}"), soft_wrap=True)
        console.print(Text(f"  at fault: {row.culprit}"), soft_wrap=True)
        if others:
            console.print(f"  and in {count_text(len(others), 'further case')} of this check; --json has them all")


def _cut_text(row: FoundRow) -> str:
    if row.cut_ms is None:
        return ""
    future = f", the future {row.future}" if row.future else ""
    return f" from {when_text(row.cut_ms)}{future}"


def _print_cuts(console: Console, page: ProofPage) -> None:
    table = sheet("cut at UTC", "why there", title="Where the future was taken away")
    for as_of_ms, reason in page.cuts:
        table.add_row(short_when_text(as_of_ms), reason)
    console.print(table)


def _print_warmth(console: Console, page: ProofPage) -> None:
    if page.answers is None or page.warmup_bars is None:
        return
    title = f"After a later start, once {page.warmup_bars:,} bars were seen"
    table = sheet("figure", ">worst difference", ">at the end", ">bars until under 1e-9", title=title)
    for row in page.warm:
        settled = "not seen" if row.settled_bars is None else f"{row.settled_bars:,}" if row.settled_bars else "at once"
        table.add_row(row.figure, f"{row.worst_frac:.1e}", f"{row.last_frac:.1e}", settled)
    console.print(table)
    n_answers, n_changed, n_near = page.answers
    console.print(
        f"{count_text(n_answers, 'answer')} of the strategies compared: {n_changed:,} changed while figures settled, "
        f"{n_near:,} within a rounding of a threshold; {count_text(page.n_regimes, 'tick')} in another regime",
        soft_wrap=True,
    )
