"""The figures of a tick as the one JSON text that `ticks.figures` holds.

A list in the order of `Feature`, regime excluded. An absent figure is null. An infinite one, which no kernel gives, is
a word, because JSON has no number for it. The view `decisions` spreads the list into columns.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

import msgspec

from domain.features import Feature

Figures = tuple[float | None, ...]
"""One value a name of `NAMES`. None = absent."""
NAMES: Final = tuple(place.name.lower() for place in Feature if place is not Feature.REGIME)
ABSENT: Final[Figures] = (None,) * len(NAMES)
_WORDS: Final = {inf: "Infinity", -inf: "-Infinity"}
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[float | str | None, ...]).decode


def written(numbers: Sequence[float]) -> str:
    """Return figures, NaN where one is absent, as JSON."""
    if inf in numbers or -inf in numbers:
        return _encode([_WORDS.get(x, x) for x in numbers]).decode()
    return _encode(numbers).decode()


def read(text: str | None) -> Figures:
    """Return the figures that `written` wrote; all absent for a tick before the features were warm."""
    if text is None:
        return ABSENT
    return tuple(float(x) if isinstance(x, str) else x for x in _decode(text))


def by_name(text: str | None) -> Mapping[str, float | None]:
    """Return the figures that `written` wrote, by name."""
    return dict(zip(NAMES, read(text), strict=True))
