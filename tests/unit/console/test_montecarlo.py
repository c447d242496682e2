from rich.console import Console

from console.montecarlo import OddsRow, SpreadColumn, SpreadSheet, print_montecarlo

SHEET = SpreadSheet(
    title="Its 3 trades drawn again",
    rows=("p5", "mean"),
    columns=(
        SpreadColumn(
            head="return %", is_frac=True, figures=((-0.123, 0.004), (0.01, 0.001)), actual=0.05, rank_frac=0.75
        ),
        SpreadColumn(head="longest", is_frac=False, figures=((1234.0, 0.5), (7.0, 0.25)), actual=3.0, rank_frac=0.5),
    ),
    odds=(
        OddsRow(event="loses money", frac=0.25, standard_error=0.01, at_most_frac=0.27, has_happened=True),
        OddsRow(event="is ruined", frac=0.0, standard_error=0.0, at_most_frac=0.0004, has_happened=False),
    ),
)


def printed(page: Console, *, is_simulated: bool = False) -> list[str]:
    print_montecarlo(page, "Run x", [SHEET], ["Read this."], "It comes to this.", is_simulated=is_simulated)
    return page.export_text().splitlines()


def test_every_figure_stands_beside_its_error_and_the_runs_own_below(page: Console) -> None:
    told = [line.split() for line in printed(page)]
    assert ["p5", "-12.3", "±0.40", "1,234", "±0.5"] in told
    assert ["as", "it", "was", "5.0", "3"] in told
    assert ["paths", "below", "75%", "50%"] in told


def test_an_event_no_path_had_is_bounded_and_not_called_impossible(page: Console) -> None:
    told = "\n".join(printed(page))
    assert "25.00 % ±1.00" in told
    assert "none; at most 0.04 %" in told


def test_notes_and_verdict_come_last_and_a_simulated_run_is_marked(page: Console) -> None:
    told = printed(page, is_simulated=True)
    assert told[-1].strip() == "It comes to this."
    assert any("Read this." in line for line in told)
    assert any("SIMULATED MARKET" in line for line in told)
