"""Figures in ccxt's answers, some of which it passes on only in the exchange's own words."""

import math
from collections.abc import Mapping
from typing import Any


def figure(told: Mapping[str, Any], word: str) -> float | None:
    """Return the figure of that name: ccxt's own, else the exchange's, which may be text; None where there is none."""
    found = told.get(word)
    if found is None:
        raw = told.get("info")
        found = raw.get(word) if isinstance(raw, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def positive(number: object) -> float | None:
    """Return a price or an amount, None for anything that is not a positive figure."""
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return float(number) if 0.0 < number < math.inf else None
