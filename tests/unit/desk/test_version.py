"""The code's fingerprint follows what decides, and nothing else."""

from pathlib import Path

import pytest

from desk.version import DECIDING, code_version


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for room in (*DECIDING, "console", "docs"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("x = 1\ny = 2\n")
    return tmp_path


@pytest.mark.parametrize("room", DECIDING)
def test_a_change_in_a_room_that_decides_is_another_version(project: Path, room: str) -> None:
    before = code_version(project)
    (project / room / "a.py").write_text("x = 1\ny = 3\n")
    assert code_version(project) != before


def test_a_new_a_renamed_and_a_removed_file_are_other_versions(project: Path) -> None:
    found = [code_version(project)]
    path = project / "risk" / "b.py"
    path.write_text("")
    found.append(code_version(project))
    path = path.rename(path.with_name("c.py"))
    found.append(code_version(project))
    assert len(set(found)) == 3
    path.unlink()
    assert code_version(project) == found[0]


def test_what_does_not_decide_and_line_ends_do_not_count(project: Path) -> None:
    before = code_version(project)
    (project / "console" / "a.py").write_text("print()")
    (project / "docs" / "a.py").unlink()
    (project / "execution" / "gateway").mkdir()
    (project / "execution" / "gateway" / "a.py").write_text("x = 1\n")
    (project / "risk" / "notes.md").write_text("a remark")
    (project / "agents" / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert code_version(project) == before


def test_every_room_that_is_named_is_there() -> None:
    root = Path(__file__).parents[3]
    assert [room for room in DECIDING if not any((root / room).glob("*.py"))] == []


def test_another_prompt_of_the_gate_is_another_version(project: Path) -> None:
    before = code_version(project)
    (project / "gate" / "prompts").mkdir()
    (project / "gate" / "prompts" / "veto-2.txt").write_text("Say no.")
    assert code_version(project) != before
