import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market.stamps import UNITS, UNKNOWN, in_milliseconds, unit_places

SECONDS = st.integers(1_230_768_000, 4_102_444_799)


@given(second=SECONDS, unit=st.integers(0, 3))
def test_a_time_is_recognised_in_every_unit_and_becomes_the_same_millisecond(second, unit):
    written = np.array([second * 1000**unit], dtype=np.int64)
    assert unit_places(written).tolist() == [unit]
    assert in_milliseconds(written, unit).tolist() == [second * 1000]


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_of_at_most_one_unit(number):
    place = int(unit_places(np.array([number], dtype=np.int64))[0])
    assert place == UNKNOWN or 0 <= place < len(UNITS)
    if place != UNKNOWN:
        assert 1_230_768_000 * 1000**place <= number < 4_102_444_800 * 1000**place


def test_what_is_finer_than_a_millisecond_is_dropped():
    assert in_milliseconds(np.array([1_746_403_200_000_999], dtype=np.int64), 2).tolist() == [1_746_403_200_000]
