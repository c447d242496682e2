import os
from pathlib import Path

import pytest

from desk.presence import Leaving, Presence, enter, seen


def test_nobody_was_there_before_the_first_desk(tmp_path: Path) -> None:
    assert seen(tmp_path / "desk.here") == (None, False)


def test_a_desk_that_is_there_says_who_it_is_and_lives(tmp_path: Path) -> None:
    present = enter(tmp_path / "desk.here", "first", 1_000)
    assert present is not None
    told = Presence(pid=os.getpid(), run_id="first", began_ms=1_000)
    assert seen(tmp_path / "desk.here") == (told, True)
    assert enter(tmp_path / "desk.here", "second", 2_000) is None
    present.leave(Leaving.HALTED, "books and venue disagree")
    presence, lives = seen(tmp_path / "desk.here")
    assert presence is not None
    assert (presence.left, presence.why, lives) == (Leaving.HALTED, "books and venue disagree", False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_file_that_tells_nothing_is_no_desk(tmp_path: Path, text: str) -> None:
    (tmp_path / "desk.here").write_text(text)
    assert seen(tmp_path / "desk.here") == (None, False)


def test_a_desk_started_again_is_another_one(tmp_path: Path) -> None:
    first = Presence(pid=1, run_id="a", began_ms=1)
    assert first.key != Presence(pid=2, run_id="a", began_ms=1).key
    assert first.key != Presence(pid=1, run_id="a", began_ms=2).key
