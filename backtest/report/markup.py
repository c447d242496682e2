"""HTML from parts: whatever is not markup already is text, and is escaped."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "br"})
# Beyond what JSON itself escapes: nothing may end the script element, and no old parser may see a line end.
_IN_SCRIPT: Final = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})


class Html(str):
    """Text that is markup. Made by this file's functions only, from parts that they escaped."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | None) -> Html:
    """Return one element. Children that are not Html are escaped; `class_` is class, `aria_label` is aria-label.

    An attribute that is None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Return parts one after the other, those that are not Html escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[str] = (), class_: str = ""
) -> Html:
    """Return a table whose first column names its rows, in a box that scrolls sideways where it is too wide.

    A cell is text, or Html of a whole `td` element; text that reads like a signed figure is painted by its sign.
    words: the heads of columns that hold sentences, not figures.
    """
    kinds = ["words" if title in words else None for title in heads]
    head = element(
        "tr", *(element("th", title, scope="col", class_=kind) for title, kind in zip(heads, kinds, strict=True))
    )
    lines = [element("tr", element("th", row[0], scope="row"), *map(_cell, row[1:], kinds[1:])) for row in rows]
    inner = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *lines),
        class_=class_ or None,
    )
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def script_json(value: object) -> Html:
    """Return JSON that can stand inside a script element, whatever text is in it."""
    return Html(json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True).translate(_IN_SCRIPT))


def sign_of(text: str) -> str | None:
    """Return the class that paints a signed figure: gain, loss, or None for anything else.

    An interval (`-1.0 to +2.0`) is painted where both its ends lie on one side of zero.
    """
    ends = {end[:1] if end[1:2].isdigit() else "" for end in text.split(" to ")}
    return {"+": "gain", "-": "loss"}.get(ends.pop()) if len(ends) == 1 else None


def _cell(cell: str, kind: str | None) -> Html:
    return cell if isinstance(cell, Html) else element("td", cell, class_=kind or sign_of(cell))
