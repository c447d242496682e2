import gzip

from hypothesis import given
from hypothesis import strategies as st

import market.drift.unpacking
from market.drift.unpacking import unpack

TEXT = "".join(f"line {number}: {number * 7919}\n" for number in range(5_000)).encode()


def test_plain_and_packed_bytes_give_the_same_text_whatever_the_header_said():
    assert unpack(TEXT) == (TEXT, False)
    assert unpack(gzip.compress(TEXT)) == (TEXT, False)
    assert unpack(gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:]) + b"\0\0") == (TEXT, False)


@given(st.floats(min_value=0.01, max_value=0.99))
def test_a_truncated_archive_gives_its_beginning_and_says_so(part):
    packed = gzip.compress(TEXT)
    text, is_cut = unpack(packed[: int(len(packed) * part)])
    assert is_cut
    assert TEXT.startswith(text)


def test_a_damaged_archive_gives_what_came_before_the_damage():
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) * 3 // 4 :] = b"\xff" * (len(packed) - len(packed) * 3 // 4)
    text, is_cut = unpack(bytes(packed))
    assert is_cut
    assert len(text) > len(TEXT) // 4
    assert text[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4]


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_unpacked_without_a_complaint(noise, is_packed):
    unpack(b"\x1f\x8b\x08" + noise if is_packed else noise)


def test_an_archive_that_unpacks_without_end_is_left_at_the_limit(monkeypatch):
    monkeypatch.setattr(market.drift.unpacking, "MAX_BYTES", 1_000)
    text, is_cut = unpack(gzip.compress(bytes(10_000_000)))
    assert (len(text), is_cut) == (1_000, True)
