import os
import subprocess
import sys
from pathlib import Path

import pytest

from desk.held import hold, is_held

HOLDER = """
import sys
from pathlib import Path
from desk.held import hold
assert hold(Path(sys.argv[1])) is not None
print("held", flush=True)
sys.stdin.read()
"""


def test_one_at_a_time_holds_a_file_and_letting_go_lets_the_next_have_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    assert not is_held(path)
    first = hold(path)
    assert first is not None
    assert is_held(path)
    assert hold(path) is None
    first.close()
    assert not is_held(path)
    second = hold(path)
    assert second is not None
    second.close()


def test_a_killed_process_holds_nothing_any_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    command = [sys.executable, "-c", HOLDER, str(path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_held(path)
        holder.kill()
    assert not is_held(path)


def test_a_shorter_word_replaces_a_longer_one_whole(tmp_path: Path) -> None:
    held = hold(tmp_path / "file")
    assert held is not None
    held.write("a long word")
    held.write("short")
    assert (tmp_path / "file").read_text() == "short"
    held.close()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        hold(tmp_path / "file" / "inside")
