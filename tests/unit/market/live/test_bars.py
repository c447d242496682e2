"""A symbol's minutes as they come in, whatever comes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from domain.market import MINUTE_MS
from market.live.bars import BarBook, Origin, bar_of

M = MINUTE_MS
GOOD = (100.0, 101.0, 99.0, 100.5, 7.0)


def row(minute, *, close=100.5, volume=7.0):
    return [minute * M, 100.0, 101.0, 99.0, close, volume]


def heard(book, *minutes, at=None, is_final=True):
    """Let the stream show these minutes to their end, each at that moment unless said otherwise."""
    for minute in minutes:
        book.take(row(minute), (minute + 1) * M if at is None else at, Origin.STREAM, is_final=is_final)


def test_a_bar_is_closed_by_its_successor_and_not_before():
    book = BarBook(5 * M)
    heard(book, 5)
    assert not book.is_closed(5 * M)
    heard(book, 6, at=6 * M + 100)
    assert book.is_closed(5 * M)
    assert not book.is_closed(6 * M)


def test_a_bar_that_its_exchange_calls_final_is_closed_when_the_clock_agrees_and_not_before():
    book = BarBook(5 * M, calls_final=True)
    heard(book, 5, at=6 * M - 40)
    assert not book.is_closed(5 * M)
    book.see_clock(6 * M - 1)
    assert not book.is_closed(5 * M)
    book.see_clock(6 * M)
    assert book.is_closed(5 * M)
    book.interrupted()
    assert book.is_closed(5 * M)


def test_the_clock_alone_closes_no_bar():
    for book, is_final in ((BarBook(5 * M, calls_final=True), False), (BarBook(5 * M), True)):
        heard(book, 5, is_final=is_final)
        book.see_clock(7 * M)
        assert not book.is_closed(5 * M)


def test_a_bar_that_is_not_called_final_is_not_closed_by_its_successor():
    book = BarBook(5 * M)
    heard(book, 5, is_final=False)
    heard(book, 6, at=6 * M + 100)
    assert not book.is_closed(5 * M)
    heard(book, 5, at=6 * M + 150)
    assert book.is_closed(5 * M)


def test_volume_told_in_contracts_is_kept_in_base():
    book = BarBook(5 * M, unit_base=0.25)
    heard(book, 5)
    kept = book.at(5 * M)
    assert kept is not None
    assert kept.bar.volume_base == 7.0 * 0.25


def test_a_broken_stream_leaves_no_half_bar_behind_and_keeps_a_whole_one():
    book = BarBook(5 * M)
    heard(book, 5)
    heard(book, 6, at=6 * M + 100)
    book.interrupted()
    assert book.is_closed(5 * M)
    assert book.at(6 * M) is None


def test_rest_closes_a_bar_by_itself():
    book = BarBook(5 * M)
    book.take(row(5), 6 * M, Origin.REST)
    assert book.is_closed(5 * M)


def test_a_minute_is_given_out_once_and_what_comes_for_it_later_is_counted():
    book = BarBook(5 * M)
    heard(book, 5)
    heard(book, 6)
    kept = book.give_out(5 * M)
    assert kept is not None
    assert kept.bar.open_ms == 5 * M
    heard(book, 5, 5)
    assert book.give_out(5 * M) is None
    assert book.take_oddities() == {"a bar of a minute already taken": 2}
    assert book.take_oddities() == {}


def test_a_bar_from_the_future_closes_nothing():
    book = BarBook(5 * M)
    heard(book, 5)
    heard(book, 900, at=6 * M)
    assert not book.is_closed(5 * M)
    assert book.take_oddities() == {"a bar from the future": 1}


def test_what_is_no_bar_takes_the_place_of_the_one_it_was_to_replace():
    book = BarBook(5 * M)
    heard(book, 5)
    book.take([5 * M, 100.0, 101.0, 99.0, math.nan, 7.0], 6 * M, Origin.STREAM)
    heard(book, 6, at=6 * M + 100)
    assert book.at(5 * M) is None
    assert list(book.take_oddities()) == ["price or volume is not a number"]


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from([*GOOD, None, math.nan, -1.0])), max_size=60
    ),
    st.booleans(),
)
def test_whatever_comes_every_closed_bar_is_whole_and_of_its_own_minute(messages, calls_final):
    book = BarBook(3 * M, calls_final=calls_final)
    for minute, now, close in messages:
        book.take([minute * M, 100.0, 101.0, 99.0, close, 7.0], now * M, Origin.STREAM, is_final=minute < now)
        for number in range(15):
            if book.is_closed(number * M):
                kept = book.at(number * M)
                assert kept is not None
                assert kept.bar.open_ms == number * M >= book.next_open_ms
                assert book.has_successor(number * M) or (calls_final and now > number)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(), st.floats()), max_size=8))
def test_no_row_at_all_breaks_the_reader(row):
    found = bar_of(row)
    assert isinstance(found, str) or found.open_ms == row[0]
