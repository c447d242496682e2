from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.drift.figures import BASE, Form, figure, form_of, scaled, time_ms


def test_a_figure_keeps_every_digit_and_what_is_no_figure_is_none():
    assert figure("28327.650000") == Decimal("28327.65")
    assert figure(207_000_000) == Decimal(207_000_000)
    assert figure(" -1.5e-7 ") == Decimal("-0.00000015")
    for nonsense in ("", "NaN", "Infinity", "1_000", "0x10", "١٢", True, None, [], "1" * 40, Decimal("Infinity")):
        assert figure(nonsense) is None


def test_one_point_makes_a_record_decimal_and_only_a_raw_envelope_makes_it_raw():
    pointed, whole = Decimal("84.693889"), Decimal(84_642_173)
    assert form_of([whole, pointed], None) is Form.DECIMAL
    assert form_of([whole, None], Form.RAW) is Form.RAW
    assert form_of([whole], None) is None
    assert form_of([whole, pointed], Form.RAW) is None
    assert form_of([Decimal(0)], None) is Form.DECIMAL


@given(st.integers(min_value=1, max_value=10**18))
def test_an_amount_is_the_same_in_both_forms(raw):
    in_units = figure(f"{raw // 10**9}.{raw % 10**9:09d}")
    assert scaled(figure(str(raw)), Form.RAW, BASE) == scaled(in_units, Form.DECIMAL, BASE)


@pytest.mark.parametrize(
    ("given_time", "ms"),
    [
        (1_770_340_611, 1_770_340_611_000),
        ("1771383600", 1_771_383_600_000),
        (1_770_340_556_873, 1_770_340_556_873),
        ("2026-02-06T01:16:51.000Z", 1_770_340_611_000),
        (0, None),
        (12_345, None),
        ("2026-02-06T01:16:51", None),
        ("2026-02-06Tnonsense", None),
        ("1770340611.5", None),
        (None, None),
    ],
)
def test_a_time_is_told_by_its_size_or_its_zone(given_time, ms):
    assert time_ms(given_time) == ms
