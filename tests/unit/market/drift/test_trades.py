import csv
import gzip
import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from market.drift.counts import MALFORMED, Why
from market.drift.trades import TradesReader, in_order, read_trade

NOON_MS = 1_736_164_800_000


def counts(page):
    return page.counts.n_parsed, page.counts.n_accepted, page.counts.n_skipped, page.counts.n_malformed


def test_every_line_of_a_file_is_counted_once_and_a_bad_one_stops_nothing(trade_file, trade_line):
    body = trade_file(
        1,
        2,
        2,
        trade_line(3, ts=""),
        trade_line(4, baseAssetAmountFilled="0"),
        trade_line(5, quoteAssetAmountFilled="much"),
        trade_line(6, marketType="spot"),
        trade_line(7, quoteAssetAmountFilled="400", oraclePrice="200"),
        "one,two",
        '"',
        trade_line(8) + ",more",
        9,
    )
    page = TradesReader().read("20250106", body + b"\xff\xfe\n")
    assert [trade.order_no for trade in page.rows] == [1, 2, 9]
    assert counts(page) == (9, 3, 6, 4)
    assert dict(page.counts.reasons) == {
        Why.NO_PRICE: 2,
        Why.WRONG_FIELDS: 2,
        Why.DUPLICATE: 1,
        Why.NO_TIME: 1,
        Why.NOT_A_RECORD: 1,
        Why.NOT_TEXT: 1,
        Why.NOT_TOLD_APART: 1,
        Why.OTHER_MARKET: 1,
    }


def test_the_price_is_quote_over_base_and_never_the_oracles(trade_file):
    trade = TradesReader().read("day", trade_file(1)).rows[0]
    assert (trade.price, trade.base, trade.oracle_price) == (200.25, Decimal(2), 199.99)
    assert (trade.time_ms, trade.is_taker_long, trade.identity) == (NOON_MS + 1000, True, ("sig1", "1"))


def test_columns_are_found_by_name_wherever_they_stand(trade_file):
    rows = list(csv.DictReader(trade_file(1, 2).decode().splitlines()))
    names = sorted(rows[0], reverse=True)
    turned = "\r\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows), ""])
    assert TradesReader().read("a", turned.encode()).rows == TradesReader().read("b", trade_file(1, 2)).rows


def test_a_fill_is_taken_once_across_pages_and_files(trade_file):
    reader = TradesReader()
    assert len(reader.read("page 1", trade_file(1, 2)).rows) == 2
    second = reader.read("page 2", trade_file(2, 3))
    assert [trade.order_no for trade in second.rows] == [3]
    assert dict(second.counts.reasons) == {Why.DUPLICATE: 1}


def test_packed_or_plain_csv_or_json_a_file_says_the_same(trade_file):
    body = trade_file(1, 2, 3)
    rows = list(csv.DictReader(body.decode().splitlines()))
    as_json = json.dumps({"success": True, "records": rows, "meta": {"nextPage": "cursor"}}).encode()
    plain = TradesReader().read("day", body).rows
    assert TradesReader().read("day", gzip.compress(body)).rows == plain
    page = TradesReader().read("day", as_json)
    assert page.rows == plain
    assert page.next_page == "cursor"


def test_a_cut_archive_counts_what_it_could_read_and_says_so(trade_file):
    packed = gzip.compress(trade_file(*range(1, 2_000)))
    page = TradesReader().read("day", packed[: len(packed) // 2])
    assert page.counts.is_cut
    assert 100 < page.counts.n_accepted < 1_999
    assert [trade.order_no for trade in page.rows] == list(range(1, page.counts.n_accepted + 1))
    assert dict(page.counts.reasons) == {Why.CUT_SHORT: 1}


def test_a_message_with_only_a_price_is_a_fill_of_unknown_size():
    trade = read_trade({"ts": 1_770_340_611, "price": Decimal("85.7168")})
    assert not isinstance(trade, Why)
    assert (trade.price, trade.base, trade.is_taker_long, trade.identity) == (85.7168, None, None, None)


def test_fills_of_one_second_come_in_the_venues_order(trade_file, trade_line):
    same = [trade_line(number, ts=1_736_164_800) for number in (9, 10, 8)]
    assert [one.order_no for one in in_order(TradesReader().read("day", trade_file(*same)).rows)] == [8, 9, 10]


@given(noise=st.lists(st.binary(max_size=80), max_size=12), place=st.integers(0, 12))
def test_no_bytes_in_any_line_raise_or_make_a_fill_without_a_price_or_a_time(trade_file, noise, place):
    lines = trade_file(1, 2).split(b"\n")
    lines[1:1] = noise[:place]
    page = TradesReader().read("day", b"\n".join([*lines, *noise[place:]]))
    known = [trade for trade in page.rows if trade.identity in (("sig1", "1"), ("sig2", "2"))]
    assert len(known) == 2 or any(b'"' in line for line in noise)
    assert all(trade.price > 0.0 and trade.time_ms > 0 for trade in page.rows)
    malformed = sum(n for why, n in page.counts.reasons if why in MALFORMED)
    assert page.counts.n_malformed == malformed


FIELD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers(), max_size=2),
    st.sampled_from(["1e30", "-5", "1.5", "1770340611", 1_770_340_611, "9" * 38 + ".5", "1e-38", "-0.0"]),
)  # fmt: skip
NAMES = st.sampled_from(["ts", "price", "baseAssetAmountFilled", "quoteAssetAmountFilled", "fillRecordId", "txSig"])


@given(st.dictionaries(NAMES, FIELD), st.booleans())
def test_no_figures_of_any_kind_raise_or_make_a_fill_without_a_price_or_a_time(row, is_document):
    if is_document:
        body = json.dumps({"records": [row, row]}).encode()
        trades = TradesReader().read("day", body).rows
    else:
        read = read_trade(row)
        trades = () if isinstance(read, Why) else (read,)
    assert all(0.0 < trade.price < 1e15 and trade.time_ms > 0 for trade in trades)


@given(st.binary(max_size=200), st.sampled_from([b"", b"{", b"[", b'{"records":[', b"\x1f\x8b\x08\x00", b"ts,price\n"]))
def test_no_bytes_of_a_whole_file_raise(noise, beginning):
    TradesReader("SOL-PERP").read("day", beginning + noise)


def test_nesting_and_figures_without_end_are_no_records():
    for body in (b'{"records":' + b"[" * 200_000, b'{"records":[{"ts":1e99999999999999999999}]}', b'{"records": 5}'):
        assert counts(TradesReader().read("day", body))[1] == 0
