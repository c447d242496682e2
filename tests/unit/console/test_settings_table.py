"""The settings in print: what was changed stands out, a secret does not appear."""

from rich.console import Console

from configuration.problems import Problem
from console.settings_table import print_problems, print_settings
from settings import effective, load_settings


def test_every_setting_is_there_with_value_source_and_meaning(page: Console) -> None:
    rows = effective(load_settings(None, {"E3_VOLUME_Z": "2.5"}, {"SPEED": "max"}))
    print_settings(page, rows)
    lines = page.export_text().splitlines()
    assert all(any(row.name in line for line in lines) for row in rows)
    assert next(line for line in lines if "E3_VOLUME_Z" in line).split()[1:3] == ["2.5", "environment"]
    assert next(line for line in lines if line.strip().startswith("SPEED ")).split()[1:4] == ["max", "command", "line"]
    assert next(line for line in lines if "ON_STOP" in line).split()[1:3] == ["keep", "default"]


def test_a_password_is_not_printed(page: Console) -> None:
    url = "postgresql://desk:hunter2@host/journal"
    print_settings(page, effective(load_settings(None, {"DATABASE_URL": url}, {})))
    assert "hunter2" not in page.export_text()


def test_markup_in_what_was_given_is_shown_as_it_is(page: Console) -> None:
    print_problems(page, [Problem("SYMBOLS", "[red]X[/red]", "a list", "environment")])
    told = page.export_text()
    assert "error: 1 setting is refused" in told
    assert "[red]X[/red]" in told
