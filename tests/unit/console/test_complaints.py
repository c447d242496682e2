"""One sentence and an exit code for what the desk can name; a traceback for what nobody foresaw."""

import pytest

from configuration.problems import Problem, SettingsError
from console.complaints import Interrupted, Stopped, complaining
from domain.errors import BadInput, BooksDisagree, DeskError, JournalUnavailable


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (BadInput("no such file"), 2, "error: no such file\n"),
        (Stopped("the desk halted"), 1, "error: the desk halted\n"),
        (JournalUnavailable("it is locked"), 1, "error: it is locked\n"),
        (BooksDisagree("1 is not 2"), 1, "error: 1 is not 2\n"),
        (Interrupted("not waited for"), 130, "interrupted: not waited for\n"),
    ],
)
def test_what_the_desk_can_name_is_one_sentence_on_stderr(
    error: DeskError, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving, complaining():
        raise error
    assert leaving.value.code == code
    assert capsys.readouterr() == ("", told)


def test_refused_settings_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("SPEED", "warp", "one of auto, max, real", ".env line 3"), Problem("X", "1", "no such", "env")]
    with pytest.raises(SystemExit) as leaving, complaining():
        raise SettingsError(problems)
    assert leaving.value.code == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert told.startswith("error: 2 settings are refused")
    for part in ("SPEED", "warp", "one of auto, max, real", ".env line 3"):
        assert part in told


def test_what_nobody_foresaw_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), complaining():
        _ = 1 / 0


def test_what_goes_well_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with complaining():
        pass
    assert capsys.readouterr() == ("", "")
