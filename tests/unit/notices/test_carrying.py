"""One message, a process of its own, and a real server."""

import subprocess
import sys
from pathlib import Path

import pytest

from notices import carrying
from notices.carrying import Delivery, by_process
from notices.notice import Message, Severity
from notices.targets import targets
from notices.trying import try_out
from tests.doubles.mailbox import a_mailbox

MESSAGE = Message(title="Tidegate critical", body="the desk halted: *not* <b>bold</b> \\n größer")


def test_a_target_that_takes_a_message_has_it_word_for_word() -> None:
    with a_mailbox() as mailbox:
        assert by_process(mailbox.url(), MESSAGE) is Delivery.TOLD
        assert mailbox.letters == [(MESSAGE.title, MESSAGE.body)]


def test_whatever_a_target_does_the_answer_comes_and_tells_them_apart() -> None:
    with a_mailbox() as broken, a_mailbox() as hanging, a_mailbox() as well:
        broken.status, hanging.is_hanging = 500, True
        with a_mailbox() as gone:
            gone_url = gone.url()
        urls = ",".join((broken.url(), hanging.url("?rto=0.3"), gone_url, well.url()))
        tried = try_out(targets({Severity.INFO: urls}))
    assert [delivery for _, delivery in tried] == [Delivery.REFUSED] * 3 + [Delivery.TOLD]


@pytest.mark.parametrize(
    ("program", "delivery"),
    [("#!/bin/sh\nexit 1", Delivery.UNKNOWN), ("#!/bin/sh\nkill -9 $$", Delivery.UNKNOWN), (None, Delivery.REFUSED)],
)
def test_a_courier_that_crashes_leaves_doubt_and_one_that_never_ran_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, delivery: Delivery
) -> None:
    path = tmp_path / "python"
    if program is not None:
        path.write_text(program)
        path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    assert by_process("json://127.0.0.1", MESSAGE) is delivery


def test_a_courier_that_never_ends_is_ended_and_leaves_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: object, **given: object) -> None:
        raise subprocess.TimeoutExpired("courier", 1.0)

    monkeypatch.setattr(carrying.subprocess, "run", late)
    assert by_process("json://127.0.0.1", MESSAGE) is Delivery.UNKNOWN
