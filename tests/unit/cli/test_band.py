"""`main.py band`: from a recorded run to the file a desk is held against."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import main
from domain.errors import BadInput
from risk.band import band_of
from settings import deployment_policy, load_settings
from tests.flow.stage import QUICK

BUSY = {
    **QUICK,
    "E3_VOLUME_Z": "-10",
    "E3_BODY_OVER_ATR": "0",
    "EXIT_MAX_HOLD_BARS": "3",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000",
    "SIZING_KELLY_FRACTION": "0",
}
"""A desk that trades all the time, so that an hour or two holds enough trades."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the journal of two finished runs: one of many trades, one of none."""
    folder = tmp_path_factory.mktemp("band")
    for run_id, minutes in (("busy", "400"), ("brief", "20")):
        knobs = {**BUSY, "STATE_DIR": str(folder), "LOG_FILE": str(folder / "log")}
        overrides = [part for name, value in knobs.items() for part in ("--set", f"{name}={value}")]
        asked = ["paper", "--feed", "sim", "--speed", "max", "--minutes", minutes, "--run-id", run_id, "--json"]
        answer = invoked([*asked, *overrides, "--env-file", str(folder / "none")], folder)
        assert answer.exit_code == 0, answer.output
    return folder


def invoked(arguments: list[str], folder: Path):  # type: ignore[no-untyped-def]  # the runner's result has no public type
    return CliRunner().invoke(main.app, [*arguments, "--db", f"sqlite:///{folder / 'journal.db'}"])


def test_the_file_is_a_band_that_the_settings_take(journal: Path) -> None:
    file = journal / "band.json"
    answer = invoked(["band", "busy", "--to", str(file), "--json", "--paths", "200"], journal)
    told = json.loads(answer.stdout)
    band = band_of(file.read_text())
    assert told["n_trades"] == band.n_trades >= 30
    assert (told["run_id"], told["band"], band.n_paths) == ("busy", str(file), 200)
    assert deployment_policy(load_settings(None, {"DEPLOYMENT_BAND_FILE": str(file)})).band == band


def test_a_person_is_told_the_edges_and_what_to_set(journal: Path) -> None:
    answer = invoked(["band", "busy", "--to", str(journal / "band.json"), "--paths", "200"], journal)
    assert "after   10 trades:" in answer.stdout
    assert f"set DEPLOYMENT_BAND_FILE={journal / 'band.json'}" in answer.stdout


def test_a_run_with_too_few_trades_leaves_no_file(journal: Path) -> None:
    answer = invoked(["band", "brief", "--to", str(journal / "absent.json")], journal)
    assert isinstance(answer.exception, BadInput)
    assert "trades; a band needs at least 30" in str(answer.exception)
    assert not (journal / "absent.json").exists()
