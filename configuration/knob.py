"""One knob: how it is declared, what it allows in words, and how its value is written."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator, Field, SecretStr
from pydantic.fields import FieldInfo

DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def knob(default: Any, unit: str, meaning: str, *, allowed: str = "", decides: bool = True, **bounds: Any) -> Any:
    """Declare one knob.

    unit: what one of it is, empty for a word. meaning: one line. allowed: replaces the words made from the bounds.
    decides: False when no decision of the desk can depend on it (paths, logging, pace). bounds: ge, gt, le, lt.
    """
    extra: dict[str, Any] = {"unit": unit, "allowed": allowed, "decides": decides}
    return Field(default, description=meaning, json_schema_extra=extra, **bounds)


def _decimal_number(given: object) -> object:
    """Refuse what Python reads as a number and a person does not: nan, 1_000, true."""
    if isinstance(given, bool) or (isinstance(given, str) and DECIMAL.fullmatch(given) is None):
        raise ValueError("not a decimal number")
    return given


def _whole_number(given: object) -> object:
    if isinstance(given, bool) or (isinstance(given, str) and WHOLE.fullmatch(given) is None):
        raise ValueError("not a whole number")
    return given


def _entries(given: object) -> object:
    """Split a comma list; refuse an entry that is empty or comes twice."""
    if not isinstance(given, str):
        return given
    entries = tuple(entry.strip() for entry in given.split(",")) if given.strip() else ()
    if "" in entries or len(set(entries)) < len(entries):
        raise ValueError("an entry is empty or comes twice")
    return entries


class Hidden(SecretStr):
    """A secret of which nothing at all is shown."""


Number = Annotated[float, BeforeValidator(_decimal_number)]
Whole = Annotated[int, BeforeValidator(_whole_number)]
CommaList = Annotated[tuple[str, ...], BeforeValidator(_entries)]


def extra_of(field: FieldInfo) -> Mapping[str, Any]:
    """Return the unit, allowed words and `decides` flag of a knob."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def allowed_words(field: FieldInfo) -> str:
    """Say in words what a knob allows, with its unit."""
    extra = extra_of(field)
    return str(extra["allowed"]) or _choice_words(field.annotation) or _range_words(field, str(extra["unit"]))


def _choice_words(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    return "one of " + ", ".join(get_args(kind)) if get_origin(kind) is Literal else ""


def _range_words(field: FieldInfo, unit: str) -> str:
    words = ["a whole number" if field.annotation is int else "a number"]
    for bound in field.metadata:
        match bound:
            case Ge(ge=low):
                words.append(f"from {written(low)}")
            case Gt(gt=low):
                words.append(f"above {written(low)}")
            case Le(le=high):
                words.append(f"up to {written(high)}")
            case Lt(lt=high):
                words.append(f"and below {written(high)}")
            case _:
                continue
    return " ".join(words) + (f" {unit}" if unit else "")


def written(value: object) -> str:
    """Write a value as `.env` has it. A secret shows everything but its password."""
    match value:
        case Hidden():
            return "***" if value.get_secret_value() else ""
        case SecretStr():
            return without_password(value.get_secret_value())
        case Enum():
            return str(value.value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%MZ")
        case tuple():
            return ",".join(value)
        case float():
            return format(Decimal(repr(value)), "f").removesuffix(".0")
        case _:
            return str(value)


def without_password(url: str) -> str:
    """Return a database URL with its password, and any secret among its options, as `***`.

    Greedy on purpose: a password that itself holds '@' or '/' is hidden to its last character.
    """
    hidden = re.sub(r"(://[^:@/]*):.*@", r"\1:***@", url, flags=re.DOTALL)
    return re.sub(r"(?i)((?:pass|pwd|secret|token|key)[^=&]*=)[^&]*", r"\1***", hidden)
