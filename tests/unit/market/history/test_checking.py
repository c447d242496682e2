"""A fetched series read back: as one recording, by a catalog, by `data check`, and held against its manifest."""

import asyncio
import shutil
from datetime import date

import numpy as np
import pytest

from domain.errors import BadInput
from market.catalog import find_recordings
from market.check import Verdict
from market.drift.counts import FileCounts, Why
from market.gather import gather
from market.history.checking import DayFlaw, check_series
from market.history.fetching import fetch_series
from market.history.rows import DayRows
from market.history.series import Kind, Series, days_between, part_path, start_ms
from market.quality import QualityLimits
from market.readers import read_recording
from market.recording import RecordingKind

DAYS = days_between(date(2025, 5, 4), date(2025, 5, 6))
FIRST_MS = start_ms(DAYS[0])
LATER_MS = FIRST_MS + 9 * 86_400_000
LIMITS = QualityLimits()


class Source:
    name = "bybit"

    def __init__(self, kind, step_ms, lost=(), files=()):
        self.kind, self.step_ms, self.lost, self.files = kind, step_ms, lost, files

    async def day(self, kind, symbol, first_ms, until_ms):
        stamps = [stamp for stamp in range(first_ms, until_ms, self.step_ms) if stamp not in self.lost]
        price = np.full(len(stamps), 100.0)
        columns = {
            Kind.BARS: dict.fromkeys(("open", "high", "low", "close", "volume"), price),
            Kind.FUNDING: {"funding_rate": price / 1e6},
            Kind.MARK: dict.fromkeys(("open", "high", "low", "close"), price),
        }
        return DayRows(np.array(stamps, dtype=np.int64), columns[self.kind], self.step_ms, self.files)

    async def close(self):
        return None


@pytest.fixture
def put(tmp_path):
    """Return a way to put days of a series on disk; it returns the folder of the series."""

    def fetched(kind=Kind.BARS, exchange="bybit", days=DAYS, step_ms=60_000, lost=(), now_ms=LATER_MS, files=()):
        series = Series(kind, exchange, "SOL-PERP")
        source = Source(kind, step_ms, lost, files)
        asyncio.run(fetch_series(source, series, days, tmp_path, lambda: now_ms, lambda _: None))
        return series.folder(tmp_path)

    return fetched


def flaws(folder):
    return [(str(finding.date), finding.flaw) for finding in check_series(folder, LIMITS).findings]


def test_a_series_is_one_recording_from_its_first_day_to_its_last(put):
    recording = read_recording(put())
    assert (recording.kind, recording.name) == (RecordingKind.BARS, "bybit SOL-PERP bars")
    assert recording.stamps.tolist() == list(range(FIRST_MS, FIRST_MS + 3 * 86_400_000, 60_000))


def test_a_sound_series_is_usable_and_nothing_is_found(put):
    report = check_series(put(), LIMITS)
    assert (report.verdict, report.findings, report.n_days, report.n_rows) == (Verdict.USABLE, (), 3, 4320)


def test_gaps_missing_partial_and_unlisted_days_are_told_day_by_day(put):
    lost = [FIRST_MS + place * 60_000 for place in range(5, 9)]
    folder = put(days=[DAYS[0]], lost=lost)
    put(days=[DAYS[2]], now_ms=start_ms(DAYS[2]) + 3_600_000)
    shutil.copytree(folder / f"date={DAYS[0]}", folder / "date=2025-05-09")
    assert flaws(folder) == [
        ("2025-05-04", DayFlaw.GAPS),
        ("2025-05-05", DayFlaw.MISSING),
        ("2025-05-06", DayFlaw.PARTIAL),
        ("2025-05-09", DayFlaw.UNLISTED),
    ]
    report = check_series(folder, LIMITS)
    assert report.findings[0].n_rows == 4
    assert report.verdict is Verdict.UNFIT_ROWS


def test_counts_of_the_files_behind_the_days_are_summed_and_a_cut_one_is_found(put):
    counts = FileCounts(
        file_name="a", n_parsed=9, n_accepted=7, n_skipped=2, n_malformed=1, is_cut=True,
        reasons=((Why.DUPLICATE, 2), (Why.CUT_SHORT, 1)),
    )  # fmt: skip
    folder = put(days=DAYS[:2], files=(counts,))
    assert check_series(folder, LIMITS).counts == (14, 4, 2)
    assert flaws(folder) == [("2025-05-04", DayFlaw.CUT), ("2025-05-05", DayFlaw.CUT)]


@pytest.mark.parametrize(("spoil", "flaw"), [("alter", DayFlaw.ALTERED), ("lose", DayFlaw.LOST)])
def test_a_file_that_is_not_as_it_was_fetched_is_never_replayed(put, spoil, flaw):
    folder = put()
    part = part_path(folder, DAYS[1])
    part.write_bytes(part.read_bytes()[:-9] + b"different") if spoil == "alter" else part.unlink()
    report = check_series(folder, LIMITS)
    assert (report.verdict, flaws(folder)) == (Verdict.REFUSED, [("2025-05-05", flaw)])
    assert report.refusal is not None
    with pytest.raises(BadInput, match="2025-05-05 of bybit SOL-PERP bars .* `data fetch` again"):
        read_recording(folder)


def test_a_catalog_takes_series_with_what_was_fetched_beside_them_before_anothers(put, tmp_path):
    bars = put()
    put(Kind.FUNDING, "binanceusdm", step_ms=14_400_000, days=days_between(DAYS[0], date(2025, 5, 9)))
    own = put(Kind.FUNDING, step_ms=28_800_000)
    assert find_recordings([tmp_path], ["SOL-PERP"]) == [bars, own]


def test_a_folder_given_as_data_stands_for_what_is_in_it(put, tmp_path):
    put()
    put(Kind.MARK)
    (gathered,) = gather([str(tmp_path)], ["SOL-PERP"], LIMITS)
    assert len(gathered.bars.stamps_ms) == 4320
    assert [side.recording.kind for side in gathered.sides] == [RecordingKind.MARK]


def test_the_step_of_a_series_is_told_from_the_whole_of_it(put):
    (gathered,) = gather([str(put()), str(put(Kind.FUNDING, step_ms=86_400_000))], ["SOL-PERP"], LIMITS)
    assert gathered.sides[0].step_ms == 86_400_000
