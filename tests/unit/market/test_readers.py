import numpy as np
import pytest

from domain.errors import BadInput
from market.layouts import MAX_BYTES, MAX_ROWS, layout_of
from market.readers import read_recording, read_stamps
from market.recording import RecordingKind

KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
KLINE_ROW = "1746403200000000,146.78,146.83,146.70,146.74,10574.13,1746403259999999,1551000.1,900,5000.5,733000.2,0"


def refusal(path) -> str:
    with pytest.raises(BadInput) as caught:
        read_recording(path)
    return str(caught.value)


def test_csv_and_parquet_of_the_same_bars_read_the_same(tmp_path, bar_columns, write_csv, write_parquet):
    columns = bar_columns(20, taker=True)
    text = read_recording(write_csv(tmp_path / "solusdt.csv", columns))
    binary = read_recording(write_parquet(tmp_path / "solusdt.parquet", columns))
    assert text.kind is binary.kind is RecordingKind.BARS
    assert text.stamps.tolist() == binary.stamps.tolist() == columns["ts"]
    assert {name: column.tolist() for name, column in text.columns.items()} == {
        name: column.tolist() for name, column in binary.columns.items()
    }
    assert text.columns["taker_buy_volume"].tolist() == columns["taker_buy_volume"]


def test_rows_are_numbered_as_a_person_would_count_them(tmp_path, bar_columns, write_csv, write_parquet):
    columns = bar_columns(3)
    assert read_recording(write_csv(tmp_path / "a.csv", columns)).where(0) == "line 2 of a.csv"
    assert read_recording(write_csv(tmp_path / "b.csv", columns, header=False)).where(0) == "line 1 of b.csv"
    assert read_recording(write_parquet(tmp_path / "c.parquet", columns)).where(0) == "row 1 of c.parquet"


@pytest.mark.parametrize("text", [KLINE_ROW, f"{KLINE_HEADER}\n{KLINE_ROW}"], ids=["without header", "with header"])
def test_exchange_klines_are_read_with_and_without_a_header(tmp_path, text):
    path = tmp_path / "SOLUSDT-1m-2025-05.csv"
    path.write_text(text + "\n")
    recording = read_recording(path)
    assert recording.kind is RecordingKind.BARS
    assert recording.stamps.tolist() == [1746403200000000]
    assert recording.columns["close"].tolist() == [146.74]
    assert recording.columns["taker_buy_volume"].tolist() == [5000.5]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["ts", "open", "high", "low", "close", "volume"], RecordingKind.BARS),
        (["Open Time", "Open", "High", "Low", "Close", "Volume"], RecordingKind.BARS),
        (["ts", "open", "high", "low", "close"], RecordingKind.MARK),
        (["ts", "funding_rate", "ts_raw"], RecordingKind.FUNDING),
        (["calc_time", "funding_interval_hours", "last_funding_rate"], RecordingKind.FUNDING),
        (["ts", "perp_close", "spot_close"], RecordingKind.PREMIUM),
        (["ts", "funding_rate_quote_per_base", "oracle_price_twap", "mark_price_twap"], RecordingKind.DRIFT),
        (["ts", "oracle_price"], RecordingKind.ORACLE),
        (["timestamp", "open_interest_usd"], RecordingKind.OPEN_INTEREST),
    ],
)
def test_the_kind_is_recognised_from_the_columns(names, kind):
    assert layout_of("a.csv", names).kind is kind


@pytest.mark.parametrize(
    "names", [["ts"], ["open", "high", "low", "close", "volume"], ["ts", "bid_px_0", "ask_px_0"], []]
)
def test_columns_of_no_known_kind_are_refused_with_what_is_allowed(names):
    with pytest.raises(BadInput, match=r"allowed are .*bars: ts, open, high, low, close, volume"):
        layout_of("a.csv", names)


def test_two_columns_of_one_meaning_are_refused():
    with pytest.raises(BadInput, match="two columns for ts: ts and open_time"):
        layout_of("a.csv", ["ts", "open_time", "oracle_price"])


def test_an_absent_figure_is_nan_in_both_formats(tmp_path, write_csv, write_parquet):
    text = read_recording(write_csv(tmp_path / "a.csv", {"ts": [1, 2, 3], "oracle_price": ["", "NaN", "7.5"]}))
    binary = read_recording(write_parquet(tmp_path / "a.parquet", {"ts": [1, 2, 3], "oracle_price": [None, None, 7.5]}))
    for recording in (text, binary):
        assert np.isnan(recording.columns["oracle_price"]).tolist() == [True, True, False]


def test_a_parquet_time_type_is_milliseconds(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamps = pa.array([1_746_403_200_000_000], type=pa.timestamp("us"))
    pq.write_table(pa.table({"ts": stamps, "oracle_price": [1.0]}), tmp_path / "a.parquet")
    assert read_recording(tmp_path / "a.parquet").stamps.tolist() == [1_746_403_200_000]


def test_stamps_alone_can_be_read(tmp_path, bar_columns, write_csv):
    kind, stamps = read_stamps(write_csv(tmp_path / "a.csv", bar_columns(4)))
    assert kind is RecordingKind.BARS
    assert stamps.tolist() == bar_columns(4)["ts"]


class TestWhatCannotBeRead:
    def test_a_missing_file(self, tmp_path):
        assert "is not there" in refusal(tmp_path / "nowhere.csv")

    def test_a_folder(self, tmp_path):
        assert "is a folder" in refusal(tmp_path)

    def test_a_device(self, tmp_path):
        link = tmp_path / "zero.csv"
        link.symlink_to("/dev/zero")
        assert "not an ordinary file" in refusal(link)

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "a.csv").touch()
        assert "is empty" in refusal(tmp_path / "a.csv")

    def test_a_header_without_rows(self, tmp_path):
        (tmp_path / "a.csv").write_text("ts,open,high,low,close,volume\n")
        assert "no rows" in refusal(tmp_path / "a.csv")

    def test_text_that_calls_itself_parquet(self, tmp_path):
        (tmp_path / "a.parquet").write_text("ts,open\n1,2\n")
        assert "does not begin with PAR1" in refusal(tmp_path / "a.parquet")

    def test_an_archive(self, tmp_path):
        (tmp_path / "a.csv").write_bytes(b"PK\x03\x04 and so on")
        assert "unpack it first" in refusal(tmp_path / "a.csv")

    def test_a_line_cut_short(self, tmp_path):
        (tmp_path / "a.csv").write_text("ts,oracle_price\n1746403200000,1.5\n17464032")
        assert refusal(tmp_path / "a.csv") == "line 3 of a.csv has 1 fields where 2 belong; is the file truncated?"

    def test_a_word_where_a_number_belongs(self, tmp_path):
        (tmp_path / "a.csv").write_text("ts,oracle_price\n1746403200000,1.5\n1746403260000,abc\n")
        assert refusal(tmp_path / "a.csv") == "line 3 of a.csv holds 'abc' where a number belongs"

    def test_a_date_where_a_whole_number_belongs(self, tmp_path):
        (tmp_path / "a.csv").write_text("ts,oracle_price\n2025-05-05 00:00,1.5\n")
        assert "line 2 of a.csv holds '2025-05-05 00:00' where a whole number" in refusal(tmp_path / "a.csv")

    def test_a_blank_line_inside(self, tmp_path):
        (tmp_path / "a.csv").write_text("ts,oracle_price\n1746403200000,1.5\n\n1746403260000,2\n")
        assert "line 3 of a.csv" in refusal(tmp_path / "a.csv")

    def test_a_headerless_file_of_odd_width(self, tmp_path):
        (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
        assert "no header and 3 columns" in refusal(tmp_path / "a.csv")

    def test_a_parquet_row_without_a_time(self, tmp_path, write_parquet):
        path = write_parquet(tmp_path / "a.parquet", {"ts": [1, None], "oracle_price": [1.0, 2.0]})
        assert "row 2 of a.parquet has no time stamp" in refusal(path)

    def test_a_parquet_stamp_that_is_no_whole_number(self, tmp_path, write_parquet):
        path = write_parquet(tmp_path / "a.parquet", {"ts": [1.5, 2.0], "oracle_price": [1.0, 2.0]})
        assert "not a whole number" in refusal(path)

    def test_a_parquet_column_of_words(self, tmp_path, write_parquet):
        path = write_parquet(tmp_path / "a.parquet", {"ts": [1], "oracle_price": ["dear"]})
        assert "column oracle_price of a.parquet is string; numbers are allowed" in refusal(path)

    def test_a_file_beyond_the_byte_limit_before_a_byte_of_it_is_parsed(self, tmp_path):
        path = tmp_path / "a.csv"
        with path.open("wb") as file:
            file.write(b"ts,oracle_price\n")
            file.truncate(MAX_BYTES + 1)
        assert f"at most {MAX_BYTES:,} are read" in refusal(path)

    def test_a_parquet_file_beyond_the_row_limit_by_its_metadata(self, tmp_path, write_parquet):
        n_rows = MAX_ROWS + 1
        constant = np.ones(n_rows, dtype=np.int64)
        path = write_parquet(tmp_path / "a.parquet", {"ts": constant, "oracle_price": constant})
        assert path.stat().st_size < 1_000_000
        assert f"has {n_rows:,} rows; at most {MAX_ROWS:,} are read" in refusal(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_no_damage_to_a_file_brings_anything_but_bad_input(tmp_path, suffix, bar_columns, write_csv, write_parquet):
    """Truncated at any length, or with bytes overwritten at random, a file is read or refused in one sentence."""
    write = write_csv if suffix == "csv" else write_parquet
    whole = write(tmp_path / f"whole.{suffix}", bar_columns(40)).read_bytes()
    dice = np.random.default_rng(7)
    path = tmp_path / f"hurt.{suffix}"
    refusals = []
    for _ in range(150):
        hurt = bytearray(whole[: int(dice.integers(1, len(whole) + 1))] if dice.random() < 0.5 else whole)
        for _ in range(dice.integers(4)):
            hurt[dice.integers(len(hurt))] = dice.integers(256)
        path.write_bytes(hurt)
        try:
            read_recording(path)
        except BadInput as error:
            refusals.append(str(error))
    assert len(refusals) > 50
    assert not any("\n" in refusal for refusal in refusals)
