from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.tune.journal_file import SystemLock, journal_storage, take_off_cut_line
from backtest.tune.study import open_study
from domain.errors import BadInput


def n_trials(file: Path) -> int:
    study = optuna.load_study(study_name="s", storage=journal_storage(file))
    study.tell(study.ask(), 1.0)
    return len(study.get_trials())


def test_a_line_that_was_cut_off_by_a_kill_does_not_spoil_the_study(tmp_path: Path) -> None:
    file = tmp_path / "s.journal"
    optuna.create_study(storage=journal_storage(file), study_name="s")
    assert n_trials(file) == 1
    with file.open("ab") as handle:
        handle.write(b'{"op_code":4,"worker_')
    assert n_trials(file) == 2
    assert n_trials(file) == 3


def test_a_lock_that_its_owner_left_behind_holds_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "s.journal"
    (tmp_path / "s.journal.lock").touch()
    optuna.create_study(storage=journal_storage(file), study_name="s")
    lock = SystemLock(file)
    assert lock.acquire()
    lock.release()
    assert n_trials(file) == 1


def test_a_file_that_is_no_study_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "s.journal"
    file.write_bytes(b"not a journal\nat all\n")
    with pytest.raises(BadInput, match="the study s is damaged"):
        open_study(file, None, "s", {})


@given(lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=4), rest=st.binary())
def test_whole_lines_stay_to_the_byte(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], rest: bytes):
    file = tmp_path_factory.mktemp("journal") / "file"
    whole = b"".join(line + b"\n" for line in lines)
    file.write_bytes(whole + rest.replace(b"\n", b""))
    take_off_cut_line(file)
    assert file.read_bytes() == whole
