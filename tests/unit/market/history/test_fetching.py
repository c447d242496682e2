"""Days on disk: whole or not at all, fetched once, and the same bytes however often the work was broken off."""

import asyncio
from datetime import date

import numpy as np
import pytest

from domain.errors import BadInput, FeedLost
from market.drift.counts import FileCounts
from market.history.durable import only_writer
from market.history.fetching import fetch_series
from market.history.manifest import DayState, Gap, read_manifest
from market.history.rows import DayRows
from market.history.series import Kind, Series, days_between, start_ms

SERIES = Series(Kind.BARS, "bybit", "SOL-PERP")
DAYS = days_between(date(2025, 5, 4), date(2025, 5, 6))
FIRST_MS = start_ms(DAYS[0])
DAY_MS, MINUTE_MS = 86_400_000, 60_000
LATER_MS = FIRST_MS + 30 * DAY_MS


class Source:
    """A market by arithmetic. lost: stamps it does not have; fails_on: the day it stops answering."""

    name = "bybit"

    def __init__(self, lost=(), fails_on=None, files=()):
        self.lost, self.fails_on, self.files, self.asked = set(lost), fails_on, files, []

    async def day(self, kind, symbol, first_ms, until_ms):
        self.asked.append((first_ms, until_ms))
        if first_ms == self.fails_on:
            raise FeedLost("gone")
        stamps = [stamp for stamp in range(first_ms, until_ms, MINUTE_MS) if stamp not in self.lost]
        figures = np.array(stamps, dtype=np.float64) / 1e9
        names = ("open", "high", "low", "close", "volume")
        return DayRows(np.array(stamps, dtype=np.int64), dict.fromkeys(names, figures), MINUTE_MS, self.files)

    async def close(self):
        return None


def fetch(root, source, days=DAYS, now_ms=LATER_MS):
    done = []
    manifest = asyncio.run(fetch_series(source, SERIES, days, root, lambda: now_ms, done.append))
    return manifest, done


def on_disk(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_day_is_one_file_and_the_manifest_knows_it(tmp_path):
    manifest, done = fetch(tmp_path, Source())
    assert [entry.state for entry in manifest.days] == [DayState.WHOLE] * 3
    assert [entry.n_rows for entry in manifest.days] == [1440] * 3
    assert [day.was_there for day in done] == [False] * 3
    assert read_manifest(SERIES.folder(tmp_path)) == manifest
    assert manifest.days[0].first_ms == FIRST_MS
    assert manifest.days[0].last_ms == FIRST_MS + DAY_MS - MINUTE_MS


def test_gaps_are_told_and_never_filled(tmp_path):
    lost = [FIRST_MS + place * MINUTE_MS for place in (0, 7, 8, 9, 1439)]
    manifest, _ = fetch(tmp_path, Source(lost), DAYS[:1])
    assert manifest.days[0].gaps == (
        Gap(first_ms=lost[0], n_rows=1),
        Gap(first_ms=lost[1], n_rows=3),
        Gap(first_ms=lost[4], n_rows=1),
    )
    assert manifest.days[0].n_rows == 1435


def test_a_day_its_source_has_nothing_of_is_empty_and_not_asked_for_again(tmp_path):
    nothing = range(FIRST_MS, FIRST_MS + DAY_MS, MINUTE_MS)
    manifest, _ = fetch(tmp_path, Source(nothing), DAYS[:1])
    assert (manifest.days[0].state, manifest.days[0].sha256) == (DayState.EMPTY, None)
    again = Source()
    fetch(tmp_path, again, DAYS[:1])
    assert again.asked == []


def test_whole_days_are_not_fetched_again_and_altered_or_lost_ones_are(tmp_path):
    fetch(tmp_path, Source())
    before = on_disk(tmp_path)
    source = Source()
    _, done = fetch(tmp_path, source)
    assert source.asked == []
    assert [day.was_there for day in done] == [True] * 3
    parts = sorted(SERIES.folder(tmp_path).glob("date=*/part.parquet"))
    parts[0].write_bytes(parts[0].read_bytes()[:-1])
    parts[2].unlink()
    fetch(tmp_path, source)
    assert [first_ms for first_ms, _ in source.asked] == [FIRST_MS, FIRST_MS + 2 * DAY_MS]
    assert on_disk(tmp_path) == before


def test_what_was_fetched_before_the_source_was_gone_stays_and_the_rest_follows_to_the_same_bytes(tmp_path):
    fetch(tmp_path / "undisturbed", Source())
    with pytest.raises(FeedLost):
        fetch(tmp_path / "disturbed", Source(fails_on=FIRST_MS + DAY_MS))
    assert [path.parent.name for path in (tmp_path / "disturbed").rglob("*.parquet")] == ["date=2025-05-04"]
    fetch(tmp_path / "disturbed", Source())
    assert on_disk(tmp_path / "disturbed") == on_disk(tmp_path / "undisturbed")


def test_todays_minutes_are_partial_until_the_day_is_over_and_settled(tmp_path):
    during = FIRST_MS + 600 * MINUTE_MS + 30_000
    manifest, _ = fetch(tmp_path, Source(), DAYS, now_ms=during)
    assert [(entry.state, entry.n_rows) for entry in manifest.days] == [(DayState.PARTIAL, 600)]
    just_over = FIRST_MS + DAY_MS + 30_000
    manifest, _ = fetch(tmp_path, Source(), DAYS[:1], now_ms=just_over)
    assert [(entry.state, entry.n_rows) for entry in manifest.days] == [(DayState.PARTIAL, 1440)]
    manifest, _ = fetch(tmp_path, Source(), DAYS[:1], now_ms=FIRST_MS + DAY_MS + MINUTE_MS)
    assert manifest.days[0].state is DayState.WHOLE


def test_counts_of_the_venues_own_files_are_kept_with_the_day(tmp_path):
    counts = FileCounts(file_name="20250504", n_parsed=1440, n_accepted=1440, n_skipped=0, n_malformed=0, reasons=())
    manifest, _ = fetch(tmp_path, Source(files=(counts,)), DAYS[:1])
    assert manifest.days[0].files == (counts,)


def test_two_fetches_into_one_series_never_meet(tmp_path):
    with (
        only_writer(SERIES.folder(tmp_path)),
        pytest.raises(BadInput, match="another fetch is writing"),
    ):
        fetch(tmp_path, Source())


def test_a_manifest_that_is_not_ours_stops_the_fetch_with_its_place(tmp_path):
    folder = SERIES.folder(tmp_path)
    folder.mkdir(parents=True)
    for text, words in (("{", "damaged"), ('{"format":1}', "damaged")):
        (folder / "_manifest.json").write_text(text)
        with pytest.raises(BadInput, match=words):
            fetch(tmp_path, Source())


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "kind=bars").write_text("a file stands where a folder belongs")
    with pytest.raises(BadInput, match="cannot be written"):
        fetch(tmp_path, Source())
