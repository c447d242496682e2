"""Bad input and trouble: one clear sentence, exit code 2 or 1, no traceback, nothing lost, nothing half-written."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.real.program import Program, complaint, with_files_up_to, without_roots_power

N_MINUTES = 3_000
GIANT_BYTES = 1 << 36
HEAD = "ts,open,high,low,close,volume"
ROW = "{},148.0,148.2,147.9,148.1,100.5"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return a program whose journal holds one finished run that nothing may touch."""
    program = Program(tmp_path_factory.mktemp("kept"))
    program.answer("paper", "--speed", "max", "--minutes", str(N_MINUTES), "--run-id", "kept")
    return program


def job(run_id: str) -> tuple[str, ...]:
    return ("paper", "--speed", "max", "--minutes", str(N_MINUTES), "--run-id", run_id, "--json")


def check_kept(program: Program) -> None:
    assert program.answer("audit", "verify", "kept")["is_sound"]


def rows(n: int) -> list[str]:
    return [HEAD, *(ROW.format(1_746_372_780_000 + 60_000 * number) for number in range(n))]


def write_bad_file(folder: Path, kind: str) -> Path:
    path = folder / f"solusdt_1m_{kind}.{'parquet' if 'parquet' in kind else 'csv'}"
    if kind == "giant":
        with path.open("wb") as sparse:
            sparse.truncate(GIANT_BYTES)
    elif kind.startswith("empty"):
        path.touch()
    elif kind == "cut_parquet":
        path.write_bytes(b"PAR1" + bytes(5_000))
    elif kind == "wrong_columns":
        path.write_text("date,price\n2025-05-01,148.0\n")
    elif kind == "cut":
        path.write_text("\n".join(rows(50))[:-20])
    elif kind == "words":
        path.write_text("\n".join([*rows(50), "1746375780000,high,low,far,near,none"]))
    return path


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("missing", "is not there"),
        ("empty", "is empty"),
        ("empty_parquet", "is empty"),
        ("cut_parquet", "truncated or damaged"),
        ("wrong_columns", "its columns are date, price"),
        ("cut", "line 51"),
        ("words", "line 52"),
        ("giant", "at most"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_in_one_sentence_that_names_it(
    program: Program, kind: str, hint: str
) -> None:
    path = write_bad_file(program.folder, kind)
    told = complaint(program.call("backtest", "--data", str(path)), 2)
    assert path.name in told
    assert hint in told
    assert program.n_ticks() == 0
    assert complaint(program.call("data", "check", str(path)), 2) == told


@pytest.mark.parametrize(
    ("given", "env", "dotenv", "named"),
    [
        (("--symbol", "DOGE-PERP"), {}, "", "DOGE-PERP"),
        (("--set", "E3_VOLUM_Z=3"), {}, "", "did you mean"),
        (("--set", "E3_VOLUME_Z=plenty"), {}, "", "plenty"),
        ((), {"RISK_DAILY_LOS_CAP": "3"}, "", "RISK_DAILY_LOS_CAP"),
        ((), {"TIDEGATE_SPEED": "3"}, "", "TIDEGATE_SPEED"),
        ((), {}, "FEED=sim\nSPED=max\n", ".env line 2"),
        ((), {}, "SPEED=warp\n", "warp"),
    ],
)
def test_a_wrong_or_unknown_setting_refuses_the_start_with_a_table(
    program: Program, given: tuple[str, ...], env: dict[str, str], dotenv: str, named: str
) -> None:
    program.env_file.write_text(dotenv)
    done = program.call("paper", "--minutes", "5", *given, env=env)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: 1 setting is refused")
    assert "allowed" in done.stderr
    assert "Traceback" not in done.stderr
    assert named in " ".join(done.stderr.replace("│", " ").split())
    assert not program.journal.exists()


def test_a_set_that_is_no_pair_is_one_sentence(program: Program) -> None:
    assert "NAME=VALUE" in complaint(program.call("paper", "--set", "E3_VOLUME_Z"), 2)


def test_a_locked_journal_is_left_alone_and_can_still_be_read(kept: Program) -> None:
    with closing(sqlite3.connect(kept.journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = complaint(kept.run(*job("locked-out")), 1)
        check_kept(kept)
    assert "locked by another program" in told
    assert [run["run_id"] for run in kept.answer("audit", "runs")["runs"]] == ["kept"]


def test_a_read_only_journal_is_refused_and_can_still_be_read(kept: Program) -> None:
    kept.journal.chmod(0o444)
    try:
        done = kept.run(*job("read-only"), before=without_roots_power)
        check_kept(kept)
    finally:
        kept.journal.chmod(0o644)
    assert "read-only" in complaint(done, 1)


def test_a_full_disk_halts_the_desk_and_the_run_goes_on_when_there_is_room(program: Program) -> None:
    whole = program.answer(*job("whole")[:-1])
    n_before, size = program.n_ticks(), program.journal.stat().st_size
    done = program.run(*job("cramped"), before=with_files_up_to(size + size // 2))
    told = complaint(done, 1)
    assert "the desk halted" in told
    assert "--run-id cramped" in told
    n_cramped = program.n_ticks() - n_before
    assert 0 < n_cramped < N_MINUTES
    assert program.answer("audit", "verify", "cramped")["is_sound"]
    assert program.answer(*job("cramped")[:-1])["chain_hash"] == whole["chain_hash"]
    assert program.n_ticks() == n_before + N_MINUTES
    assert program.answer("audit", "verify", "whole")["is_sound"]


def test_a_journal_of_a_newer_version_is_not_touched(program: Program) -> None:
    program.call("paper", "--speed", "max", "--minutes", "1")
    with closing(sqlite3.connect(program.journal)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = program.journal.read_bytes()
    for words in (("paper", "--minutes", "1"), ("audit", "runs")):
        assert "newer Tidegate" in complaint(program.call(*words), 2)
    doctor = program.call("doctor")
    assert doctor.returncode == 1
    assert "newer Tidegate" in " ".join(doctor.stdout.split())
    assert program.journal.read_bytes() == before


def test_a_file_that_is_no_database_is_not_touched(program: Program) -> None:
    program.journal.write_text("my diary\n" * 100)
    for words in (("paper", "--minutes", "1"), ("audit", "runs"), ("audit", "verify", "x")):
        assert "not a database" in complaint(program.call(*words), 2)
    assert program.journal.read_text() == "my diary\n" * 100


def test_a_damaged_journal_is_one_sentence(kept: Program, program: Program) -> None:
    whole = kept.journal.read_bytes()
    program.journal.write_bytes(whole[: len(whole) // 2])
    assert "cut off" in complaint(program.call("audit", "runs"), 2)
    program.journal.write_bytes(whole[:20_000] + bytes(range(256)) * 400 + whole[122_400:])
    done = program.call("audit", "verify", "kept")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


def test_two_desks_on_one_journal_the_second_is_refused_and_the_first_goes_on(program: Program) -> None:
    first = program.start("paper", "--speed", "real", "--run-id", "first")
    try:
        program.wait_for("active")
        told = complaint(program.run(*job("second")), 2)
        assert f"pid {first.pid}" in told
        doctor = program.call("doctor")
        assert doctor.returncode == 0, doctor.stdout
        assert "another desk" in " ".join(doctor.stdout.split())
    finally:
        first.send_signal(signal.SIGTERM)
        _, errors = first.communicate(timeout=30)
    assert first.returncode == 0, errors
    assert [run["run_id"] for run in program.answer("audit", "runs")["runs"]] == ["first"]


def test_a_finished_run_takes_nothing_more_and_an_unknown_run_names_the_nearest(kept: Program) -> None:
    assert "run kept is finished" in complaint(kept.call(*job("kept")), 2)
    assert "kept" in complaint(kept.call("audit", "verify", "kepp"), 2)
    check_kept(kept)


@pytest.mark.parametrize("word", ["halt", "resume"])
def test_a_switch_that_cannot_be_written_says_so(program: Program, word: str) -> None:
    (program.folder / "state").write_text("a file where a folder belongs")
    assert "switch" in complaint(program.call(word), 2)


def test_a_log_that_cannot_be_written_refuses_the_start(program: Program) -> None:
    assert "log file" in complaint(program.call("paper", "--minutes", "5", env={"LOG_FILE": str(program.folder)}), 2)


def test_the_password_of_a_journal_that_cannot_be_reached_is_never_shown(program: Program) -> None:
    url = "postgresql://desk:hunter2@127.0.0.1:1/none"
    told = complaint(program.call("paper", "--minutes", "5", env={"DATABASE_URL": url}), 1)
    shown = program.call("config", env={"DATABASE_URL": url})
    doctor = program.call("doctor", env={"DATABASE_URL": url})
    assert "hunter2" not in told + shown.stdout + doctor.stdout + doctor.stderr
    assert doctor.returncode == 1
