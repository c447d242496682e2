import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.answers import answers, read, written
from domain.decisions import Side, Signal

WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
SIGNALS = st.builds(
    Signal,
    strategy=WORDS,
    side=st.sampled_from([Side.BUY, Side.SELL, None]),
    failed_mask=st.integers(0, 2**62),
    conviction_frac=st.floats(0, 1),
    reasons=st.lists(WORDS).map(tuple),
)
NO = Signal(strategy="e3", side=None, failed_mask=5, conviction_frac=0.0, reasons=("one; and two", "größer"))
YES = Signal(strategy="fade", side=Side.SELL, failed_mask=0, conviction_frac=0.7, reasons=())


@given(st.lists(SIGNALS, max_size=4).map(tuple))
def test_answers_are_read_back_as_they_were_given(signals: tuple[Signal, ...]) -> None:
    """Whatever a reason says: nothing in it can be taken for a separator."""
    assert read(written(signals)) == signals


def test_the_text_is_a_list_of_objects_in_one_fixed_order() -> None:
    assert written((NO, YES)) == (
        '[{"strategy":"e3","side":null,"failed_mask":5,"conviction_frac":0.0,"reasons":["one; and two","größer"]},'
        '{"strategy":"fade","side":"SELL","failed_mask":0,"conviction_frac":0.7,"reasons":[]}]'
    )
    assert written(()) == "[]"
    assert [answer.side for answer in answers(written((NO, YES)))] == [None, "SELL"]


def test_the_text_of_a_repeated_no_is_made_once() -> None:
    assert written((NO, YES)) is written((msgspec.structs.replace(NO), YES))


def test_the_sign_of_a_zero_is_lost_and_no_text_is_one_that_a_database_refuses() -> None:
    (told,) = json.loads(written((msgspec.structs.replace(NO, conviction_frac=-0.0, reasons=("a\0b\ud800",)),)))
    assert math.copysign(1.0, told["conviction_frac"]) == 1.0
    assert told["reasons"] == ["a\N{SYMBOL FOR NULL}b?"]


def test_a_number_that_is_no_plain_number_is_refused() -> None:
    with pytest.raises(TypeError):
        written((msgspec.structs.replace(NO, failed_mask=np.int64(77)),))
