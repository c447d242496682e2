import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.market import HOUR_MS, MINUTE_MS, ImbalanceSource
from market.quality import QualityLimits, snapshot_defects
from market.recording import RecordingKind
from market.replay import ReplayFeed, load_replay
from market.tape import assemble_tape

START_MS = 1_746_403_200_000
LIMITS = QualityLimits()
N_ROWS = 40

# SHA-256 of the hundred-bar tape of the identity test, as first computed: it must never depend on machine or version.
PINNED_IDENTITY = "f8d243d564babcd098abc5e2df411151410dfdb474aead0cb4b8e0df8f0f7d35"
ROW = st.integers(0, N_ROWS - 1)
FIGURE = st.sampled_from(["open", "high", "low", "close", "volume"])


def everything(bar_columns, n_bars):
    """Return bars and every kind of figure beside them, two of the same kind of figure wherever two can compete."""
    # Drift misses three hours, so that the exchange's funding and mark get their turn.
    hours = [hour for hour in range(-8, n_bars // 60 + 1) if hour not in (2, 3, 4)]
    minutes = [START_MS + place * MINUTE_MS for place in range(n_bars)]
    oracle_minutes = [stamp + 17 for stamp in minutes if stamp % (7 * MINUTE_MS)]
    return bar_columns(n_bars, taker=True), {
        RecordingKind.DRIFT: {
            "ts": [START_MS + hour * HOUR_MS + 7_000 for hour in hours],
            "funding_rate_quote_per_base": [0.001 * math.sin(hour) for hour in hours],
            "oracle_price_twap": [100.0] * len(hours),
            "mark_price_twap": [100.0 + math.sin(hour) for hour in hours],
        },
        RecordingKind.FUNDING: {"ts": [START_MS, START_MS + 8 * HOUR_MS], "funding_rate": [0.0001, -0.0002]},
        RecordingKind.MARK: {
            "ts": [START_MS - 4 * HOUR_MS, START_MS + 4 * HOUR_MS],
            **{key: [99.0, 98.0] for key in ("open", "high", "low", "close")},
        },
        RecordingKind.PREMIUM: {
            "ts": minutes[5:200],
            "perp_close": [100.0 + place % 3 for place in range(195)],
            "spot_close": [100.0] * 195,
        },
        RecordingKind.ORACLE: {
            "ts": oracle_minutes,
            "oracle_price": [90.0 + place % 7 for place in range(len(oracle_minutes))],
        },
        RecordingKind.OPEN_INTEREST: {"ts": minutes[::30], "open_interest_usd": [1e6] * len(minutes[::30])},
    }


def feed_of(screened, bars, sides=(), symbol="SOL-PERP"):
    judged = screened(RecordingKind.BARS, bars)
    return ReplayFeed([assemble_tape(symbol, judged, [screened(kind, side) for kind, side in sides], LIMITS, 2.0)])


def corrupted(columns, write_csv, play):
    """Write columns as CSV, replay them, and return the snapshots."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "solusdt.csv", columns)
        feed = load_replay([str(path)], ["SOL-PERP"], LIMITS)
        return [batch[0] for batch in play(feed)]


def test_every_minute_is_delivered_once_with_the_figures_of_its_row(bar_columns, screened, play):
    columns = bar_columns(3000, taker=True)
    snapshots = [batch[0] for batch in play(feed_of(screened, columns))]
    assert [one.bar.open_ms for one in snapshots] == columns["ts"]
    assert all(one.as_of_ms == one.bar.close_ms == one.bar.open_ms + MINUTE_MS for one in snapshots)
    for field, name in (
        ("open_price", "open"),
        ("high_price", "high"),
        ("low_price", "low"),
        ("close_price", "close"),
        ("volume_base", "volume"),
        ("taker_buy_base", "taker_buy_volume"),
    ):
        assert [getattr(one.bar, field) for one in snapshots] == columns[name]
    assert all(one.is_fit and not one.is_simulated for one in snapshots)
    assert {(one.imbalance_frac, one.imbalance_source) for one in snapshots} == {(0.5, ImbalanceSource.TAKER_FLOW)}


def test_the_spread_is_assumed_and_says_so(bar_columns, screened, play):
    first = play(feed_of(screened, bar_columns(5)))[0][0]
    assert (first.spread_bps.value, first.spread_bps.source, first.spread_bps.as_of_ms) == (2.0, "assumed", START_MS)
    assert (first.imbalance_frac, first.imbalance_source) == (None, ImbalanceSource.NONE)


def test_readings_come_from_the_preferred_source_while_it_is_fresh(bar_columns, screened, play):
    bars, sides = everything(bar_columns, 500)
    snapshots = [batch[0] for batch in play(feed_of(screened, bars, sides.items()))]
    seen = {
        field: {reading.source for one in snapshots if (reading := getattr(one, field)) is not None}
        for field in ("mark", "oracle", "premium_bps", "funding_rate_hourly_frac", "open_interest_usd")
    }
    assert seen == {
        "mark": {"drift_funding", "mark_bars"},
        "oracle": {"oracle"},
        "premium_bps": {"premium", "drift_funding"},
        "funding_rate_hourly_frac": {"drift_funding", "exchange_funding"},
        "open_interest_usd": {"open_interest"},
    }
    ages = {"drift_funding": 2 * HOUR_MS, "mark_bars": 5 * MINUTE_MS, "exchange_funding": 9 * HOUR_MS}
    for one in snapshots:
        for reading in (one.mark, one.funding_rate_hourly_frac):
            if reading is not None:
                assert 0 <= one.as_of_ms - reading.as_of_ms <= ages[reading.source]
    assert any(one.mark is None for one in snapshots)


def test_the_same_figure_is_the_same_reading_object(bar_columns, screened, play):
    """Long enough that one hourly figure lies across the stretches the feed is built in."""
    bars, sides = everything(bar_columns, 2400)
    snapshots = [batch[0] for batch in play(feed_of(screened, bars, sides.items()))]
    shown = [one.funding_rate_hourly_frac for one in snapshots]
    assert len({id(reading) for reading in shown}) == len({(reading.source, reading.as_of_ms) for reading in shown})
    assert len({id(one.spread_bps) for one in snapshots}) == 1


@given(n_kept=st.integers(1, 499), cut_sides=st.booleans())
def test_what_comes_later_changes_nothing_seen_before(n_kept, cut_sides, bar_columns, screened, play):
    """Truncate the bars, or the bars and every figure not yet known: the snapshots before the cut stay the same."""
    bars, sides = everything(bar_columns, 500)
    whole = [batch[0] for batch in play(feed_of(screened, bars, sides.items()))]
    end_ms = START_MS + n_kept * MINUTE_MS
    lag_ms = {RecordingKind.MARK: 8 * HOUR_MS, RecordingKind.PREMIUM: MINUTE_MS}
    shorter = {}
    for kind, side in sides.items():
        n_known = sum(stamp + lag_ms.get(kind, 0) <= end_ms for stamp in side["ts"]) if cut_sides else len(side["ts"])
        if n_known:
            shorter[kind] = {name: column[:n_known] for name, column in side.items()}
    early = feed_of(screened, {name: column[:n_kept] for name, column in bars.items()}, shorter.items())
    assert [batch[0] for batch in play(early)] == whole[:n_kept]


def test_no_snapshot_of_a_replay_has_a_defect_the_common_rules_would_add(bar_columns, screened, play):
    bars, sides = everything(bar_columns, 300)
    for (one,) in play(feed_of(screened, bars, sides.items())):
        assert set(snapshot_defects(one, LIMITS)) <= set(one.defects)


class TestSeveralSymbols:
    def test_minutes_are_merged_in_time_order_and_sorted_by_symbol(self, bar_columns, screened, play):
        full = bar_columns(400)
        holed = {name: [*column[50:120], *column[300:]] for name, column in bar_columns(450, base=50.0).items()}
        tapes = [
            assemble_tape(symbol, screened(RecordingKind.BARS, columns), (), LIMITS, 2.0)
            for symbol, columns in (("SOL-PERP", full), ("BTC-PERP", holed))
        ]
        feed = ReplayFeed(tapes)
        batches = play(feed)
        assert len(batches) == feed.n_minutes == 450
        minutes = [{one.as_of_ms for one in batch} for batch in batches]
        assert all(len(minute) == 1 for minute in minutes)
        assert [minute.pop() for minute in minutes] == [START_MS + (place + 1) * MINUTE_MS for place in range(450)]
        assert all([one.symbol for one in batch] == sorted(one.symbol for one in batch) for batch in batches)

    def test_what_one_symbol_sees_does_not_depend_on_the_others(self, bar_columns, screened, play):
        full = screened(RecordingKind.BARS, bar_columns(2000))
        holed = {name: [*column[:70], *column[1500:]] for name, column in bar_columns(2100, base=50.0).items()}
        tapes = [
            assemble_tape("SOL-PERP", full, (), LIMITS, 2.0),
            assemble_tape("BTC-PERP", screened(RecordingKind.BARS, holed), (), LIMITS, 2.0),
        ]
        together = [one for batch in play(ReplayFeed(tapes)) for one in batch]
        for tape in tapes:
            alone = [one for batch in play(ReplayFeed([tape])) for one in batch]
            assert [one for one in together if one.symbol == tape.symbol] == alone


class TestCorruptedTapes:
    """Each corruption of a good tape is dropped, marked or refused, with its line; line 2 is the first row."""

    @given(gone=st.sets(st.integers(1, N_ROWS - 2), min_size=1, max_size=N_ROWS - 4))
    def test_dropped_rows_are_counted_on_the_next_snapshot(self, gone, bar_columns, write_csv, play):
        columns = {
            name: [figure for place, figure in enumerate(column) if place not in gone]
            for name, column in bar_columns(N_ROWS).items()
        }
        if min(np.diff(columns["ts"])) > MINUTE_MS:
            return
        snapshots = corrupted(columns, write_csv, play)
        assert sum(one.n_missing_bars for one in snapshots) == len(gone)
        assert all(one.is_fit == (one.n_missing_bars == 0) for one in snapshots)

    @given(place=ROW, n_copies=st.integers(1, 3))
    def test_a_repeated_row_changes_nothing(self, place, n_copies, bar_columns, write_csv, play):
        good = bar_columns(N_ROWS)
        columns = {
            name: [*column[:place], *[column[place]] * n_copies, *column[place:]] for name, column in good.items()
        }
        assert corrupted(columns, write_csv, play) == corrupted(good, write_csv, play)

    @given(place=ROW, figure=FIGURE)
    def test_a_repeated_minute_with_other_figures_is_refused(self, place, figure, bar_columns, write_csv, play):
        good = bar_columns(N_ROWS)
        columns = {name: [*column[: place + 1], *column[place:]] for name, column in good.items()}
        columns[figure][place + 1] += 0.01
        with pytest.raises(BadInput, match=f"^line {place + 3} of solusdt.csv repeats"):
            corrupted(columns, write_csv, play)

    @given(first=ROW, second=ROW)
    def test_swapped_rows_are_refused(self, first, second, bar_columns, write_csv, play):
        columns = bar_columns(N_ROWS)
        if first == second:
            return
        for column in columns.values():
            column[first], column[second] = column[second], column[first]
        with pytest.raises(BadInput, match=f"^line {min(first, second) + 3} of solusdt.csv is earlier"):
            corrupted(columns, write_csv, play)

    @given(place=ROW, figure=FIGURE, wrong=st.sampled_from([math.nan, 0.0, math.inf, -math.inf, "negated"]))
    def test_an_impossible_figure_makes_one_minute_unfit(self, place, figure, wrong, bar_columns, write_csv, play):
        columns = bar_columns(N_ROWS)
        columns[figure][place] = -columns[figure][place] if wrong == "negated" else wrong
        snapshots = corrupted(columns, write_csv, play)
        if figure == "volume" and wrong == 0.0:
            assert all(one.is_fit for one in snapshots)
            return
        assert [one.bar is None for one in snapshots] == [row == place for row in range(N_ROWS)]
        assert all(one.is_fit == (one.bar is not None) for one in snapshots)
        assert f"line {place + 2} of solusdt.csv" in snapshots[place].defects[0]

    @given(place=ROW, scale=st.sampled_from([1e-3, 1e3, 1e6]))
    def test_one_stamp_in_another_unit_is_refused(self, place, scale, bar_columns, write_csv, play):
        columns = bar_columns(N_ROWS)
        columns["ts"][place] = round(columns["ts"][place] * scale)
        with pytest.raises(BadInput, match=f"^line {place + 2 if place else 3} of solusdt.csv has a time stamp in"):
            corrupted(columns, write_csv, play)

    @given(
        wrongs=st.lists(
            st.tuples(st.sampled_from(["drop", "copy", "swap", "nan", "negate", "scale"]), ROW, ROW, FIGURE), max_size=5
        )
    )
    def test_no_mixture_of_corruptions_yields_a_fit_snapshot_that_never_was(self, wrongs, bar_columns, write_csv, play):
        good = bar_columns(N_ROWS)
        truth = {row[0]: row[1:] for row in zip(*good.values(), strict=True)}
        columns = bar_columns(N_ROWS)
        for what, first, second, figure in wrongs:
            _corrupt(columns, what, first % len(columns["ts"]), second % len(columns["ts"]), figure)
        try:
            snapshots = corrupted(columns, write_csv, play)
        except BadInput:
            return
        stamps = [one.as_of_ms for one in snapshots]
        assert stamps == sorted(set(stamps))
        for one in snapshots:
            if one.is_fit:
                bar = one.bar
                figures = (bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume_base)
                assert truth[bar.open_ms] == figures


def _corrupt(columns, what, first, second, figure):
    if what == "nan":
        columns[figure][first] = math.nan
    elif what == "negate":
        columns[figure][first] = -columns[figure][first]
    elif what == "scale":
        columns["ts"][first] *= 1000
    else:
        for column in columns.values():
            if what == "drop" and len(column) > 2:
                del column[first]
            elif what == "copy":
                column.insert(first, column[first])
            elif what == "swap":
                column[first], column[second] = column[second], column[first]


class TestLoading:
    @pytest.fixture
    def path(self, tmp_path, bar_columns, write_csv) -> str:
        return str(write_csv(tmp_path / "solusdt.csv", bar_columns(100)))

    def test_a_period_can_be_cut_out(self, path, play):
        feed = load_replay(
            [path], ["SOL-PERP"], LIMITS, start_ms=START_MS + 10 * MINUTE_MS, end_ms=START_MS + 60 * MINUTE_MS
        )
        batches = play(feed)
        assert len(batches) == feed.n_minutes == 50
        assert batches[0][0].bar.open_ms == START_MS + 10 * MINUTE_MS
        assert batches[0][0].is_fit

    def test_minutes_can_be_limited(self, path, play):
        feed = load_replay([path], ["SOL-PERP"], LIMITS, start_ms=START_MS + 10 * MINUTE_MS, limit_minutes=7)
        assert [batch[0].bar.open_ms for batch in play(feed)] == [
            START_MS + (10 + place) * MINUTE_MS for place in range(7)
        ]
        assert load_replay([path], ["SOL-PERP"], LIMITS, limit_minutes=1000).n_minutes == 100

    def test_a_period_without_bars_is_refused(self, path):
        with pytest.raises(
            BadInput, match="no bars in the period asked for; it has 2025-05-05 00:00 to 2025-05-05 01:39"
        ):
            load_replay([path], ["SOL-PERP"], LIMITS, start_ms=START_MS + 100 * MINUTE_MS)

    @pytest.mark.parametrize("spread_bps", [0.0, -1.0, math.nan, math.inf, 501.0])
    def test_an_impossible_spread_is_refused(self, path, spread_bps):
        with pytest.raises(BadInput, match="assumed spread"):
            load_replay([path], ["SOL-PERP"], LIMITS, spread_bps)

    def test_no_minutes_are_refused(self, path):
        with pytest.raises(BadInput, match="at least 1 is allowed"):
            load_replay([path], ["SOL-PERP"], LIMITS, limit_minutes=0)

    def test_the_same_data_have_one_identity_wherever_and_however_they_are_kept(
        self, path, tmp_path, bar_columns, write_parquet
    ):
        other = write_parquet(tmp_path / "solusdt_elsewhere.parquet", bar_columns(100))
        first = load_replay([path], ["SOL-PERP"], LIMITS)
        assert first.data_identity == load_replay([str(other)], ["SOL-PERP"], LIMITS).data_identity
        assert first.data_identity == PINNED_IDENTITY
        assert first.data_identity != load_replay([path], ["SOL-PERP"], LIMITS, limit_minutes=99).data_identity

    def test_the_user_is_told_what_is_replayed_and_what_was_found(self, tmp_path, bar_columns, write_csv):
        columns = {name: [*column[:4], column[3], *column[4:]] for name, column in bar_columns(10).items()}
        path = write_csv(tmp_path / "solusdt.csv", columns)
        assert load_replay([str(path)], ["SOL-PERP"], LIMITS).describe() == [
            "replay of SOL-PERP: 10 minutes, 2025-05-05 00:00 to 2025-05-05 00:10 UTC, recorded market data",
            "SOL-PERP bars: solusdt.csv, 10 rows, 2025-05-05 00:00 to 2025-05-05 00:09 UTC",
            "SOL-PERP bars: line 6 of solusdt.csv repeats the row before it (1 such rows dropped)",
        ]
