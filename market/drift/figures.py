"""Figures and times as Drift and Velocity write them, and whether a record is raw or decimal.

A raw figure is a whole number of the program's smallest units, a decimal one is written with a point (or an exponent).
The same record in the other form would be a million times off, so what does not say which it is, is refused.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import numpy as np

from market.stamps import UNKNOWN, in_milliseconds, unit_places

PRICE: Final = Decimal(10) ** 6
BASE: Final = Decimal(10) ** 9
FUNDING: Final = Decimal(10) ** 9
"""Smallest units in a USD price, in a base unit, and in a funding rate of one USD per base unit."""

_MOST_DIGITS: Final = 39
_FIGURE: Final = re.compile(r"[+-]?\d{1,39}(\.\d{1,39})?([eE][+-]?\d{1,2})?", re.ASCII)


class Form(StrEnum):
    """How a record writes its figures."""

    RAW = "raw"
    DECIMAL = "decimal"


def figure(given: object) -> Decimal | None:
    """Return a figure as it was written, digits and all; None for what is no finite number of sensible length."""
    if isinstance(given, bool):
        return None
    if isinstance(given, int):
        return Decimal(given) if abs(given) < 10**_MOST_DIGITS else None
    if isinstance(given, Decimal):
        return given if given.is_finite() and abs(given.adjusted()) <= _MOST_DIGITS else None
    if isinstance(given, str) and _FIGURE.fullmatch(given.strip()):
        return figure(Decimal(given.strip()))
    return None


def form_of(figures: Iterable[Decimal | None], envelope: Form | None) -> Form | None:
    """Tell a record's form from how its figures are written; None when that cannot be told.

    One point or exponent anywhere makes a record decimal. Without any it is raw where the document that holds it is of
    a kind that writes raw figures (`envelope`), and refused where it is not. A point in such a document is refused too.
    """
    told = [one for one in figures if one is not None]
    is_pointed = any(one.as_tuple().exponent != 0 for one in told)
    if envelope is Form.RAW:
        return None if is_pointed else Form.RAW
    return Form.DECIMAL if is_pointed or not any(told) else None


def scaled(given: Decimal | None, form: Form, units: Decimal) -> Decimal | None:
    """Return a figure in whole units (USD, base units), from `units` smallest ones a unit where it is raw."""
    return given if given is None or form is Form.DECIMAL else given / units


def time_ms(given: object) -> int | None:
    """Return a time as epoch milliseconds: seconds to nanoseconds by size, or an ISO time with its zone; else None."""
    if isinstance(given, str) and "T" in given:
        return _iso_ms(given)
    written = figure(given)
    if written is None or written != written.to_integral_value() or abs(written) >= 2**63:
        return None
    stamp = np.array([int(written)], dtype=np.int64)
    unit = int(unit_places(stamp)[0])
    return None if unit == UNKNOWN else int(in_milliseconds(stamp, unit)[0])


def _iso_ms(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else time_ms(int(moment.timestamp() * 1000))
