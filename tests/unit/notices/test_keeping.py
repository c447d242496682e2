import stat
from pathlib import Path

import pytest

from db.noted import Reached
from notices.keeping import Keeper, Kept
from notices.outbox import Lane, Waiting
from notices.tail import Position
from notices.watchdog import Memory, Told, Trouble

KEPT = Kept(
    position=Position(newest_run_no=3, newest_seal="ab", unfinished={2: Reached(events=5, fills=7)}),
    summary_day=20_000,
    lanes={"info-1": Lane(carried=Waiting(group="g", text="größer", count=2, first_ms=1, last_ms=2, queued_ms=3))},
    watch=Memory(told={Trouble.DEAD: Told(key="p:1:2", since_ms=4)}),
)


def test_what_was_kept_is_there_again_for_its_owner_alone(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "state" / "notices.json")
    assert keeper.load() is None
    keeper.save(Kept())
    keeper.save(KEPT)
    assert keeper.load() == KEPT
    assert stat.S_IMODE(keeper.path.stat().st_mode) == 0o600
    assert [path.name for path in keeper.path.parent.iterdir()] == ["notices.json"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "notices.json")
    keeper.save(KEPT)
    keeper.path.with_suffix(".draft").mkdir()
    with pytest.raises(OSError, match="directory"):
        keeper.save(Kept())
    assert keeper.load() == KEPT


@pytest.mark.parametrize("text", [b"", b"{", b'{"lanes": 3}', b"\xff"])
def test_a_file_that_says_nothing_is_told_as_such(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "notices.json").write_bytes(text)
    with pytest.raises(ValueError, match=r".+"):
        Keeper(tmp_path / "notices.json").load()
