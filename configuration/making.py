"""Percent and seconds become fractions and milliseconds here, and a part that refuses its figures is told of."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from domain.errors import BadInput

_T = TypeVar("_T")


def frac(percent: float) -> float:
    """Return a percentage as a fraction, shifted as a decimal: 0.07 % is 0.0007, which 0.07 / 100 misses by a bit."""
    return float(Decimal(repr(percent)).scaleb(-2))


def ms(seconds: int) -> int:
    """Return seconds as milliseconds."""
    return seconds * 1000


def made(part: Callable[..., _T], **figures: Any) -> _T:
    """Build a part. Raises BadInput when it refuses its figures."""
    try:
        return part(**figures)
    except ValueError as error:
        raise BadInput(f"the settings do not make a {part.__name__}: {error}") from error
