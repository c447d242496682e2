"""Where a value comes from, which one wins, and which names are refused."""

import pytest

from configuration.sources import PREFIXES, RESERVED
from domain.errors import BadInput
from settings import SettingsError, env_example, load_settings


@pytest.fixture
def dotenv(tmp_path):
    """Return a function that writes a `.env` and gives its path."""

    def write(text):
        path = tmp_path / ".env"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems_of(*args):
    with pytest.raises(SettingsError) as caught:
        load_settings(*args)
    return caught.value.problems


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(dotenv):
    path = dotenv("E3_VOLUME_Z=1\nE3_BODY_OVER_ATR=1\nEXIT_STOP_PCT=1.5\n")
    settings = load_settings(path, {"E3_VOLUME_Z": "2.5", "E3_BODY_OVER_ATR": "2"}, {"E3_VOLUME_Z": "3"})
    assert (settings.e3_volume_z, settings.e3_body_over_atr, settings.exit_stop_pct) == (3.0, 2.0, 1.5)
    assert settings.sources["E3_VOLUME_Z"] == "command line"
    assert settings.sources["E3_BODY_OVER_ATR"] == "environment"
    assert settings.sources["EXIT_STOP_PCT"] == ".env"
    assert settings.sources["EXIT_TARGET_PCT"] == "default"


def test_the_process_environment_is_never_read_behind_the_callers_back(monkeypatch, tmp_path):
    monkeypatch.setenv("E3_VOLUME_Z", "9")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("E3_VOLUME_Z=8\n")
    assert load_settings(None, {}).e3_volume_z == 2.0


def test_the_example_file_is_the_defaults(dotenv):
    settings = load_settings(dotenv(env_example()), {})
    assert settings.model_dump() == load_settings(None, {}).model_dump()
    assert set(settings.sources.values()) == {".env"}


def test_quotes_remarks_exports_blank_lines_and_a_byte_order_mark_are_understood(dotenv):
    path = dotenv(b"\xef\xbb\xbf# remark\n\nexport E3_VOLUME_Z='2.5'  # why\r\nEXIT_STOP_PCT = \"1.5\"\r\n")
    settings = load_settings(path, {})
    assert (settings.e3_volume_z, settings.exit_stop_pct) == (2.5, 1.5)


def test_a_file_that_is_absent_is_no_settings_at_all(tmp_path):
    assert load_settings(tmp_path / "absent", {}).e3_volume_z == 2.0


def test_an_unknown_name_in_the_file_is_refused_with_its_line_and_the_nearest_name(dotenv):
    (problem,) = problems_of(dotenv("\n# x\n\nE3_VOLUM_Z=2\n"), {})
    assert problem.name == "E3_VOLUM_Z"
    assert problem.source == ".env line 4"
    assert "E3_VOLUME_Z" in problem.allowed


def test_a_name_in_lower_case_is_refused_and_the_right_one_named(dotenv):
    (problem,) = problems_of(dotenv("e3_volume_z=2\n"), {})
    assert "E3_VOLUME_Z" in problem.allowed


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_unknown_name_with_our_prefix_in_the_environment_is_refused(prefix):
    (problem,) = problems_of(None, {f"{prefix}NO_SUCH_THING": "1"})
    assert problem.name == f"{prefix}NO_SUCH_THING"
    assert problem.source == "environment"


def test_other_peoples_environment_is_left_alone():
    assert load_settings(None, {"PATH": "/bin", "LOGNAME": "x", "DATA_HOME": "y", "HOME": "/"}).e3_volume_z == 2.0


def test_the_reserved_names_of_the_test_run_are_no_settings():
    assert load_settings(None, dict.fromkeys(RESERVED, "1")).e3_volume_z == 2.0


def test_an_unknown_name_on_the_command_line_is_refused():
    (problem,) = problems_of(None, {}, {"VOLUME_Z": "2"})
    assert (problem.name, problem.source) == ("VOLUME_Z", "command line")


def test_a_line_that_is_no_setting_is_named_by_its_number_and_not_shown(dotenv):
    path = dotenv("E3_VOLUME_Z=2\nhunter2-is-my-password\n=5\nEXIT_STOP_PCT='1\n")
    problems = problems_of(path, {})
    assert [problem.source for problem in problems] == [".env line 2", ".env line 3", ".env line 4"]
    assert "hunter2" not in repr(problems[1:])


def test_a_name_given_twice_is_refused(dotenv):
    (problem,) = problems_of(dotenv("E3_VOLUME_Z=2\nE3_VOLUME_Z=3\n"), {})
    assert (problem.name, problem.source) == ("E3_VOLUME_Z", ".env line 2")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00E", b"E3_VOLUME_Z=\xff"])
def test_a_file_that_is_not_text_is_one_clear_sentence(dotenv, content):
    with pytest.raises(BadInput, match="not UTF-8 text"):
        load_settings(dotenv(content), {})


def test_a_folder_instead_of_a_file_is_one_clear_sentence(tmp_path):
    with pytest.raises(BadInput, match="cannot be read as settings: Is a directory"):
        load_settings(tmp_path, {})


def test_the_value_of_an_unknown_name_is_not_shown_for_it_may_be_a_misspelt_secret(dotenv):
    problems = problems_of(dotenv("DATABASE_URLL=postgresql://me:hunter2@h/d\n"), {"GATE_TOKEN": "hunter2"})
    assert len(problems) == 2
    assert "hunter2" not in repr(problems)
