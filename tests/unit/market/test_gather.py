import pytest

from domain.errors import BadInput
from market.gather import cut, gather
from market.quality import QualityLimits
from market.recording import RecordingKind

START_MS = 1_746_403_200_000
DAY_MS = 86_400_000
LIMITS = QualityLimits()


def refusal(paths, symbols) -> str:
    with pytest.raises(BadInput) as caught:
        gather([str(path) for path in paths], symbols, LIMITS)
    return str(caught.value)


def test_files_are_given_to_the_symbol_their_name_says(tmp_path, bar_columns, write_csv):
    sol = write_csv(tmp_path / "solusdt_1m.csv", bar_columns(5))
    eth = write_csv(tmp_path / "ETHUSDT-1m.csv", bar_columns(5, base=50.0))
    found = gather([str(sol), str(eth)], ["SOL-PERP", "ETH-PERP"], LIMITS)
    assert [(one.symbol, one.bars.recording.name) for one in found] == [
        ("ETH-PERP", "ETHUSDT-1m.csv"),
        ("SOL-PERP", "solusdt_1m.csv"),
    ]


def test_a_file_without_a_name_we_know_belongs_to_the_only_symbol(tmp_path, bar_columns, write_csv):
    path = write_csv(tmp_path / "mine.csv", bar_columns(5))
    assert gather([str(path)], ["SOL-PERP"], LIMITS)[0].symbol == "SOL-PERP"
    assert "write SYMBOL=" in refusal([path], ["SOL-PERP", "BTC-PERP"])


def test_a_symbol_said_outright_wins(tmp_path, bar_columns, write_csv):
    path = write_csv(tmp_path / "btcusdt.csv", bar_columns(5))
    assert gather([f"SOL-PERP={path}"], ["SOL-PERP"], LIMITS)[0].symbol == "SOL-PERP"
    assert "belongs to BTC-PERP, but asked for are SOL-PERP" in refusal([path], ["SOL-PERP"])


def test_files_of_one_kind_are_laid_end_to_end_whatever_their_order(tmp_path, bar_columns, write_csv):
    later = bar_columns(4, START_MS + DAY_MS)
    later["close"][1] = float("nan")
    paths = [write_csv(tmp_path / "solusdt-2.csv", later), write_csv(tmp_path / "solusdt-1.csv", bar_columns(3))]
    bars = gather([str(path) for path in paths], ["SOL-PERP"], LIMITS)[0].bars
    assert bars.stamps_ms.tolist() == [*bar_columns(3)["ts"], *later["ts"]]
    assert bars.unsound == {4: "price or volume is not a number in line 3 of solusdt-2.csv"}


def test_files_of_one_kind_that_overlap_are_refused(tmp_path, bar_columns, write_csv):
    paths = [write_csv(tmp_path / f"solusdt-{place}.csv", bar_columns(3)) for place in range(2)]
    assert "solusdt-0.csv and solusdt-1.csv overlap in time" in refusal(paths, ["SOL-PERP"])


def test_a_symbol_without_bars_is_refused_with_what_was_found(tmp_path, bar_columns, write_csv):
    oracle = write_csv(tmp_path / "solusdt_oracle.csv", {"ts": [START_MS], "oracle_price": [1.0]})
    assert "SOL-PERP has no 1-minute bars among the files (found: oracle)" in refusal([oracle], ["SOL-PERP"])
    sol = write_csv(tmp_path / "solusdt.csv", bar_columns(3))
    assert "BTC-PERP has no 1-minute bars among the files (found: nothing)" in refusal([sol], ["SOL-PERP", "BTC-PERP"])


def test_an_unknown_symbol_is_refused(tmp_path, bar_columns, write_csv):
    path = write_csv(tmp_path / "solusdt.csv", bar_columns(3))
    assert "symbol 'SOLUSDT' is unknown" in refusal([path], ["SOLUSDT"])
    assert "at least one symbol" in refusal([path], [])


def test_a_figure_file_of_another_time_is_refused(tmp_path, bar_columns, write_csv):
    bars = write_csv(tmp_path / "solusdt.csv", bar_columns(3))
    figures = {"ts": [START_MS + 3 * DAY_MS], "funding_rate": [0.0001]}
    funding = write_csv(tmp_path / "solusdt_funding.csv", figures)
    assert "they must overlap" in refusal([bars, funding], ["SOL-PERP"])


def test_symbols_of_different_times_are_refused(tmp_path, bar_columns, write_csv):
    sol = write_csv(tmp_path / "solusdt.csv", bar_columns(3))
    btc = write_csv(tmp_path / "btcusdt.csv", bar_columns(3, START_MS + DAY_MS))
    assert "do not overlap; name files of one period" in refusal([sol, btc], ["SOL-PERP", "BTC-PERP"])


def test_a_cut_keeps_the_reasons_with_their_rows(bar_columns, screened):
    columns = bar_columns(10)
    columns["close"][6] = float("nan")
    middle = cut(screened(RecordingKind.BARS, columns), columns["ts"][4], columns["ts"][8])
    assert middle.stamps_ms.tolist() == columns["ts"][4:8]
    assert list(middle.unsound) == [2]
