from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from market.history.series import Kind, Series, day_at, day_of, days_between, find_series, series_of, start_ms


def test_a_series_folder_says_what_it_holds_and_nothing_else_does(tmp_path):
    series = Series(Kind.BARS, "bybit", "SOL-PERP")
    assert series.folder(Path("data")) == Path("data/kind=bars/exchange=bybit/symbol=SOL-PERP")
    assert series_of(series.folder(tmp_path)) == series
    for other in ("kind=moon/exchange=bybit/symbol=SOL-PERP", "kind=bars/exchange=/symbol=SOL-PERP", "a/b/c"):
        assert series_of(tmp_path / other) is None


def test_only_folders_with_a_manifest_are_found(tmp_path):
    folder = Series(Kind.MARK, "bybit", "SOL-PERP").folder(tmp_path / "deep")
    folder.mkdir(parents=True)
    assert find_series(tmp_path) == []
    (folder / "_manifest.json").write_text("{}")
    assert find_series(tmp_path) == [folder]


@given(st.dates(date(2009, 1, 1), date(2099, 12, 31)))
def test_a_day_begins_at_midnight_utc_and_every_instant_of_it_belongs_to_it(day):
    first_ms = start_ms(day)
    assert first_ms % 86_400_000 == 0
    assert {day_at(first_ms), day_at(first_ms + 86_399_999)} == {day}
    assert day_of(str(day)) == day


@pytest.mark.parametrize("text", ["2025-5-4", "2025-02-30", "20250504", "1999-01-01", "yesterday", ""])
def test_what_is_no_day_is_refused_with_an_example(text):
    with pytest.raises(BadInput, match="2025-05-04"):
        day_of(text)


def test_both_ends_of_a_span_are_in_it():
    assert days_between(date(2024, 2, 28), date(2024, 3, 1)) == (
        date(2024, 2, 28),
        date(2024, 2, 29),
        date(2024, 3, 1),
    )
