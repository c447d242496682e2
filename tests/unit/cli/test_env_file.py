import os
from pathlib import Path

import pytest

from cli.env_file import changed_knobs, hidden_by_environment, read_env, write_env
from domain.errors import BadInput
from settings import load_settings


def test_only_knobs_that_differ_are_proposed_as_env_writes_them() -> None:
    now = load_settings(None, {}, {"E3_VOLUME_Z": "2.5", "STRATEGIES": "e3"})
    wanted = {"E3_VOLUME_Z": "2.50", "EXIT_STOP_PCT": "0.8", "STRATEGIES": "e3,funding_fade"}
    then = load_settings(None, {}, wanted)
    assert changed_knobs(now, then, wanted) == {"EXIT_STOP_PCT": "0.8", "STRATEGIES": "e3,funding_fade"}


def test_a_knob_that_stands_in_the_environment_is_named() -> None:
    now = load_settings(None, {"EXIT_STOP_PCT": "2"}, {})
    assert hidden_by_environment(now, {"EXIT_STOP_PCT": "1", "E3_VOLUME_Z": "1"}) == ["EXIT_STOP_PCT"]


def test_a_file_keeps_its_permissions_and_a_new_one_is_its_owner_s_alone(tmp_path: Path) -> None:
    shared, new = tmp_path / "shared.env", tmp_path / "new.env"
    shared.write_text("E3_VOLUME_Z=2\n")
    shared.chmod(0o640)
    for file in (shared, new):
        write_env(file, "E3_VOLUME_Z=3\r\n")
        assert file.read_bytes() == b"E3_VOLUME_Z=3\r\n"
    assert [oct(os.stat(file).st_mode & 0o777) for file in (shared, new)] == ["0o640", "0o600"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.env", "shared.env"]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.env").write_text("A=1\n")
    (tmp_path / ".env").symlink_to("real.env")
    write_env(tmp_path / ".env", "A=2\n")
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real.env").read_text() == "A=2\n"


def test_a_file_that_is_no_text_is_refused_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    assert read_env(tmp_path / "absent") == ""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="it is not UTF-8 text"):
        read_env(tmp_path / "bytes")
    with pytest.raises(BadInput, match="it is a folder"):
        write_env(tmp_path, "")
