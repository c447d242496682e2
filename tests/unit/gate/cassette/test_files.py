"""A cassette on disk: one recorder, any number of readers, never both."""

import resource
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from domain.errors import BadInput
from gate.cassette.files import Recorder, read_cassette
from gate.cassette.format import CassetteDamaged, sealed
from tests.unit.gate.cassette.tapes import FIRST, HEAD, SECOND, WHOLE


def test_a_recorder_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(sealed(HEAD) + sealed(FIRST) + sealed(SECOND)[:40])
    recorder = Recorder(path)
    assert (len(recorder.contents.answers), recorder.contents.n_torn_bytes) == (1, 40)
    recorder.write(SECOND)
    recorder.close()
    assert path.read_bytes() == WHOLE


def test_two_recorders_or_a_reader_beside_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    recorder = Recorder(path)
    for other in (Recorder, read_cassette):
        with pytest.raises(BadInput, match="another desk is using the cassette"):
            other(path)
    recorder.close()
    recorder.close()
    assert read_cassette(path).head is None


def test_readers_stand_side_by_side_and_leave_no_handle_behind(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(WHOLE)
    assert read_cassette(path).fingerprint == read_cassette(path).fingerprint == sha256(WHOLE).hexdigest()
    Recorder(path).close()


@pytest.mark.parametrize("place", ["none.jsonl", "none/c.jsonl", "."])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(BadInput, match="cannot be opened|is no file"):
        read_cassette(tmp_path / place)


def test_a_damaged_cassette_is_not_recorded_on_and_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(WHOLE.replace(b'"status":500', b'"status":200'))
    for _ in range(2):
        with pytest.raises(CassetteDamaged, match="line 3"):
            Recorder(path)


def test_a_line_that_cannot_be_written_whole_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """The disk is full in the middle of a line; when there is room again, recording goes on."""
    path = tmp_path / "c.jsonl"
    recorder = Recorder(path)
    recorder.write(HEAD)
    n_bytes = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes + 10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            recorder.write(FIRST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    recorder.write(FIRST)
    recorder.write(SECOND)
    recorder.close()
    assert path.read_bytes() == WHOLE
