from collections.abc import Callable

import pytest
from rich.console import Console

from console.proof import FoundRow, ProofPage, WarmRow, print_proof

START_MS = 1_746_057_600_000
FOUND = FoundRow(
    check="scrambled snapshots",
    future="mirrored",
    cut_ms=START_MS,
    symbol="SOL-PERP",
    as_of_ms=START_MS,
    tick_no=1_234,
    part="signals",
    figure="peeker: the next close is not higher",
    expected="fails",
    got="passes",
    culprit="strategy peeker (Peeker, cheat.py:7): on the same features it answers otherwise",
)
CLEAN = ProofPage(
    is_clean=True,
    is_simulated=False,
    symbols=("SOL-PERP",),
    n_minutes=2_000,
    first_ms=START_MS,
    last_ms=START_MS + 2_000 * 60_000,
    seed=7,
    n_runs=36,
    n_bars_compared=31_000,
    cuts=((START_MS + 60_000, "inside the warm-up"),),
    found=(),
    warmup_bars=241,
    answers=(4_560, 3, 1),
    n_regimes=1,
    warm=(WarmRow("trend_strength", 1.6e-3, 1.3e-13, 657), WarmRow("never", 0.5, 0.5, None), WarmRow("z", 0.0, 0.0, 0)),
    warnings=("the tape is short",),
)


@pytest.fixture
def told(page_of: Callable[[int, int], Console]) -> Callable[[ProofPage], str]:
    def tell(page: ProofPage) -> str:
        console = page_of(140, 60)
        print_proof(console, page)
        return console.export_text()

    return tell


def test_a_clean_proof_says_so_with_what_was_done(told: Callable[[ProofPage], str]) -> None:
    text = told(CLEAN)
    assert text.startswith("no decision looked ahead")
    for part in (
        "2,000 minutes",
        "36 times",
        "31,000 decisions",
        "seed 7",
        "inside the warm-up",
        "4,560 answers",
        "1 tick in another regime",
    ):
        assert part in text
    assert "note: the tape is short" in text


def test_figures_that_settled_never_late_or_at_once_are_told_apart(told: Callable[[ProofPage], str]) -> None:
    lines = {line.split()[0]: line for line in told(CLEAN).splitlines() if line.split()}
    assert lines["trend_strength"].endswith("657")
    assert lines["never"].endswith("not seen")
    assert lines["z"].endswith("at once")


def test_a_finding_names_cut_tick_figure_both_values_and_culprit(told: Callable[[ProofPage], str]) -> None:
    text = told(CLEAN._replace(is_clean=False, found=(FOUND,)))
    assert "decisions changed in 1 check" in text
    assert "no decision looked ahead" not in text
    assert "scrambled snapshots from 2025-05-01 00:00 UTC, the future mirrored" in text
    assert "SOL-PERP at 2025-05-01 00:00 UTC, tick 1,234, signals" in text
    assert "peeker: the next close is not higher: was fails, became passes" in text
    assert "at fault: strategy peeker" in text


def test_further_findings_of_one_check_are_counted_and_every_check_is_told(told: Callable[[ProofPage], str]) -> None:
    found = (FOUND, FOUND, FOUND._replace(check="truncated snapshots", future=""), FOUND)
    text = told(CLEAN._replace(is_clean=False, found=found))
    assert text.count("at fault") == 2
    assert "and in 2 further cases of this check" in text
    assert "truncated snapshots from 2025-05-01 00:00 UTC\n" in text


def test_the_simulated_market_is_marked(told: Callable[[ProofPage], str]) -> None:
    assert "SIMULATED MARKET" in told(CLEAN._replace(is_simulated=True))
