import gzip

import pytest

from market.drift.figures import Form
from market.drift.rows import looks_like_document, read_document


def test_an_envelope_tells_the_form_and_the_page_that_follows():
    old = read_document(b'{"fundingRates": [{"ts": 1}, 7]}')
    assert (old.rows, old.envelope, old.next_page) == ([{"ts": 1}], Form.RAW, None)
    new = read_document(b'\xef\xbb\xbf {"records": [], "meta": {"nextPage": "abc"}}')
    assert (new.rows, new.envelope, new.next_page) == ([], None, "abc")


def test_a_last_line_without_an_end_is_kept_where_the_file_is_whole_and_dropped_where_it_is_cut():
    text = b"ts,price\n1,2\n3,4"
    assert [row["ts"] for row in read_document(text).rows] == ["1", "3"]
    packed = gzip.compress(text)
    cut = read_document(packed[:-8])
    assert [row["ts"] for row in cut.rows] == ["1"]
    assert cut.tally.is_cut


@pytest.mark.parametrize(
    "body",
    [b"", b"ts,price\r\n", b'"ts","price"', b"start,open\n1,2\n", b'{"success":true,"records":[]}', b"[]"],
)
def test_a_file_or_an_answer_is_told(body):
    assert looks_like_document(body)
    assert looks_like_document(gzip.compress(body))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>",
        b'{"success":false,"message":"busy"}',
        b'{"success": false, "records": []}',
        b'{"records":[{"ts":1',
        b"not now",
        b"\x00",
    ],
)
def test_from_an_error_page_and_from_half_an_answer(body):
    assert not looks_like_document(body)
