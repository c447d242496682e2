"""JSON read as written: no key twice, no NaN, nothing around it. A model's text is evidence, not a draft to mend."""

import json
import math
from typing import Any


class NotJson(ValueError):
    """The text is not one JSON value and nothing else."""


class DuplicateKey(NotJson):
    """An object names a key twice."""


class NonFinite(NotJson):
    """A number is NaN or infinite, as written or by its size."""


def read_strictly(text: str) -> Any:
    """Return the value of a JSON text. Raises NotJson, or its kinds DuplicateKey and NonFinite."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateKey("a key comes twice")
    return found


def _no_constant(word: str) -> float:
    raise NonFinite(word)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NonFinite(text)
    return number
