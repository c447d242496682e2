"""What commands share: overrides, flags, and where things are looked for."""

import json
from pathlib import Path

import pytest

from cli.options import flags, load, print_json, reading, switch
from domain.errors import BadInput
from domain.tick import TradingState


def test_what_was_typed_wins_over_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / "x.env"
    env_file.write_text("E3_VOLUME_Z=2\nSPEED=real\nFEED=replay\n")
    monkeypatch.setenv("E3_VOLUME_Z", "3")
    settings = load(env_file, ["e3_volume_z=4"], {"SPEED": "max"})
    assert (settings.e3_volume_z, settings.speed, settings.feed) == (4.0, "max", "replay")
    assert load(env_file, [], {}).e3_volume_z == 3.0


@pytest.mark.parametrize("override", ["E3_VOLUME_Z", "=3", ""])
def test_an_override_that_is_no_pair_is_refused(override: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="NAME=VALUE"):
        load(tmp_path / "none", [override], {})


def test_an_override_may_hold_further_equal_signs(tmp_path: Path) -> None:
    settings = load(tmp_path / "none", ["DATABASE_URL=postgresql://u:p=w@h/j"], {})
    assert settings.database_url.get_secret_value() == "postgresql://u:p=w@h/j"


def test_only_options_that_were_given_count() -> None:
    assert flags(SPEED=None, SYMBOLS="", FEED="sim") == {"FEED": "sim"}


def test_the_switch_lies_in_the_state_folder(tmp_path: Path) -> None:
    found = switch(tmp_path / "none", [f"STATE_DIR={tmp_path}/s"])
    found.ask(TradingState.REDUCING)
    assert (tmp_path / "s" / "switch").read_text() == "reducing\n"


def test_reading_a_journal_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no journal"):
        reading(f"sqlite:///{tmp_path}/none.db", tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_for_a_machine_is_one_line_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        print_json(float("nan"))


ALL_THAT_LIVE_ASKS = "MODE=live\nFEED=live\nLIVE_TRADING=I_ACCEPT_THE_RISK\n"


def test_no_command_reaches_a_venue_because_of_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / "x.env"
    env_file.write_text(ALL_THAT_LIVE_ASKS)
    assert load(env_file, [], {}).mode == "paper"
    monkeypatch.setenv("MODE", "live")
    assert load(env_file, [], {}).mode == "paper"
    assert load(env_file, [], {}, mode=None).mode == "live"


def test_a_command_that_names_its_mode_has_it_whatever_the_file_says(tmp_path: Path) -> None:
    env_file = tmp_path / "x.env"
    env_file.write_text("MODE=paper\nFEED=live\n")
    assert load(env_file, [], {}, mode="dry_run").mode == "dry_run"


@pytest.mark.parametrize(
    ("mode", "overrides", "given"),
    [
        ("paper", ["MODE=live"], {}),
        ("paper", [], {"MODE": "live"}),
        ("live", ["mode=paper"], {}),
        ("dry_run", ["MODE=live"], {}),
    ],
)
def test_a_mode_that_is_typed_beside_a_command_of_another_is_refused_in_one_sentence(
    mode: str, overrides: list[str], given: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=f"MODE of this command is {mode}; what MODE stands for is typed"):
        load(tmp_path / "none", overrides, given, mode=mode)
    assert load(tmp_path / "none", [f"MODE={mode}", "FEED=live", "LIVE_TRADING=I_ACCEPT_THE_RISK"], {}, mode=mode)
