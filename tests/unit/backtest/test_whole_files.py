import pytest

from backtest.whole_files import file_name, written_whole
from domain.errors import BadInput


def write_half(target):
    with written_whole(target, "the report") as passing:
        passing.write_text("half")
        raise KeyError


def test_a_file_that_was_not_finished_leaves_the_old_one_and_no_rest(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(KeyError):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_finished_file_replaces_the_old_one(tmp_path):
    target = tmp_path / "deep" / "report.html"
    for text in ("old", "new"):
        with written_whole(target, "the report") as passing:
            passing.write_text(text)
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_in_the_place_of_the_file_is_refused_before_anything_is_written(tmp_path):
    with (
        pytest.raises(BadInput, match="the report cannot be written to .*: it is a folder; name a file"),
        written_whole(tmp_path, "the report"),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("run_id", "name"),
    [("paper-20250501", "paper-20250501"), ("../../etc/x", "_.._etc_x"), ("a b\n<c>", "a_b__c_"), ("..", "run")],
)
def test_no_name_of_a_run_leads_out_of_the_folder(run_id, name):
    assert file_name(run_id) == name
