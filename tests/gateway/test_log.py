"""The log: sealed, whole or cut, and closed for good after a failed write."""

import os

import pytest

from execution.gateway.codes import CannotStart, Code, Refused
from execution.gateway.log import Log

ENTRIES = [{"fact": "begun"}, {"fact": "asked", "id": "a"}, {"fact": "moved", "id": "a"}]


@pytest.fixture
def path(tmp_path):
    log = Log(tmp_path / "orders.log")
    for entry in ENTRIES:
        log.append(entry)
    log.close()
    return tmp_path / "orders.log"


def opened(path):
    log = Log(path)
    log.close()
    return log


def test_what_was_appended_is_read_again(path):
    log = opened(path)
    assert (log.entries, log.n_cut_bytes) == (ENTRIES, 0)


def test_every_cut_of_the_last_line_leaves_the_lines_before_it(path):
    content = path.read_bytes()
    start = content[:-1].rfind(b"\n") + 1
    for end in range(start, len(content)):
        path.write_bytes(content[:end])
        log = opened(path)
        assert log.entries == ENTRIES[:2]
        assert log.n_cut_bytes == end - start
        assert path.read_bytes() == content[:start]


def test_a_cut_log_goes_on_where_it_was_whole(path):
    path.write_bytes(path.read_bytes()[:-5])
    log = Log(path)
    log.append({"fact": "resumed"})
    log.close()
    assert opened(path).entries == [*ENTRIES[:2], {"fact": "resumed"}]


def test_any_changed_byte_stops_the_start(path):
    content = path.read_bytes()
    for at in range(0, len(content) - 1, 3):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(CannotStart, match="was altered: line"):
            opened(path)


def test_a_line_taken_out_stops_the_start(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(CannotStart, match="line 2 does not fit its seal"):
        opened(path)


def test_a_log_that_others_may_read_is_refused(path):
    path.chmod(0o644)
    with pytest.raises(CannotStart, match="only 0600"):
        opened(path)


@pytest.mark.parametrize("failing", ["write", "half", "fsync"])
def test_after_a_failed_write_nothing_is_taken_until_the_log_is_opened_again(path, monkeypatch, failing):
    log = Log(path)
    write = os.write

    def no_space(*_):
        raise OSError(28, "No space left on device")

    broken = no_space if failing != "half" else lambda descriptor, line: write(descriptor, line[:20])
    monkeypatch.setattr(os, "write" if failing != "fsync" else "fsync", broken)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            log.append({"fact": "halted"})
        assert refused.value.code is Code.LOG_UNAVAILABLE
        monkeypatch.undo()
    log.close()
    assert opened(path).entries == ENTRIES


def test_a_full_disk_keeps_orders_from_being_signed(stage, monkeypatch):
    stage.records.close()
    stage.open(live=True)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    assert stage.place()["code"] == "log_unavailable"
    monkeypatch.undo()
    assert stage.place()["code"] == "log_unavailable"
    assert "sendTransaction" not in stage.node.calls
    stage.reopen(live=True)
    assert stage.place()["ok"]
