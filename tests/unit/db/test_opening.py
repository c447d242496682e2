import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.opening import open_journal
from db.reading import runs
from domain.errors import BadInput, JournalUnavailable
from tests.contract.journal_samples import header, play


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def a_journal(path: Path) -> Path:
    with open_journal(url_of(path), writable=True) as store:
        journal = store.begin(header(), 1)
        play(journal, 1, 12)
        journal.finish("{}", 2)
    return path


def test_a_missing_folder_is_made_for_a_writer_and_a_missing_file_refused_to_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "journal.db"
    with pytest.raises(BadInput, match="there is no journal at"):
        open_journal(url_of(path), writable=False)
    assert not path.parent.exists()
    a_journal(path)
    with open_journal(url_of(path), writable=False) as store:
        assert len(runs(store)) == 1


@pytest.mark.parametrize("content", [b"ts,open,high,low,close\n" * 50, b"SQLite format 3\0" + b"\xff" * 4096])
@pytest.mark.parametrize("writable", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, *, writable: bool
) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="is not a journal: the file is not a database"):
        open_journal(url_of(path), writable=writable)
    assert path.read_bytes() == content


@pytest.mark.parametrize("writable", [True, False])
def test_a_truncated_journal_is_refused_with_both_lengths(tmp_path: Path, *, writable: bool) -> None:
    path = a_journal(tmp_path / "journal.db")
    whole = path.stat().st_size
    with path.open("r+b") as handle:
        handle.truncate(whole // 2)
    with pytest.raises(BadInput, match=f"cut off at {whole // 2} of {whole} bytes"):
        open_journal(url_of(path), writable=writable)


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    other.close()
    with pytest.raises(BadInput, match="database of another program"):
        open_journal(url_of(path), writable=True)
    with pytest.raises(BadInput, match="holds no journal"):
        open_journal(url_of(path), writable=False)
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    other.close()


def test_an_empty_file_becomes_a_journal_for_a_writer_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    with pytest.raises(BadInput, match="the file is empty"):
        open_journal(url_of(path), writable=False)
    a_journal(path)


@contextmanager
def held_by_another_program(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def test_a_journal_locked_by_another_program_is_named_as_such(tmp_path: Path) -> None:
    path = a_journal(tmp_path / "journal.db")
    with held_by_another_program(path), pytest.raises(JournalUnavailable, match="it is locked by another program"):
        open_journal(url_of(path), writable=True)
    open_journal(url_of(path), writable=True).close()


def test_a_failed_start_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    for _ in range(2):
        with pytest.raises(BadInput, match="not a database"):
            open_journal(url_of(path), writable=True)


READER = """
import sys
from db.opening import open_journal
from db.reading import runs
from domain.errors import DeskError
for writable in (False, True):
    try:
        with open_journal(sys.argv[1], writable=writable) as store:
            print(len(runs(store)), "runs")
    except DeskError as error:
        print(type(error).__name__, error)
"""


def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    """The superuser may write anywhere, so the test steps down where it must."""
    path = a_journal(tmp_path / "journal.db")
    # One folder more when the suite runs in several processes.
    for part in (tmp_path, *tmp_path.parents[:3]):
        if part.name.startswith(("test_", "popen-", "pytest-")):
            part.chmod(0o755)
    (tmp_path / "journal.db.lock").chmod(0o444)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    step_down = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    try:
        told = subprocess.run(
            [*step_down, sys.executable, "-c", READER, url_of(path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    finally:
        tmp_path.chmod(0o755)
    if "Permission denied" in told.stderr and "journal" not in told.stderr:
        pytest.skip("another user cannot run this interpreter here")
    reading, writing = told.stdout.splitlines()
    assert reading == "1 runs"
    assert writing.startswith("JournalUnavailable the journal")
    assert writing.endswith("Permission denied")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://me:hidden@host/db", "unknown database kind"),
        ("just words", "is no database URL"),
    ],
)
def test_a_wrong_address_is_refused_with_what_is_allowed_and_without_the_password(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as refused:
        open_journal(url, writable=True)
    assert "sqlite:///FILE" in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        open_journal(url_of(tmp_path), writable=True)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be made"):
        open_journal(url_of(tmp_path / "file" / "journal.db"), writable=True)


def test_a_server_that_is_not_there_is_said_to_be_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="the server cannot be reached") as refused:
        open_journal(f"postgresql://me:hidden@/desk?host={tmp_path}", writable=True)
    assert "hidden" not in str(refused.value)
