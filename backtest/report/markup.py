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


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, class_: str = "") -> Html:
    """Return a table whose first column names its rows, in a box that scrolls sideways where it is too wide.

    A cell is text, or Html of whole `td` elements; text that reads like a signed figure is painted by its sign.
    """
    head = element("tr", *(element("th", title, scope="col") for title in heads))
    lines = [element("tr", element("th", row[0], scope="row"), *(_cell(cell) for cell in row[1:])) for row in rows]
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


def _cell(cell: str) -> Html:
    if isinstance(cell, Html):
        return cell
    sign = {"+": "gain", "-": "loss"}.get(cell[:1]) if cell[1:2].isdigit() else None
    return element("td", cell, class_=sign)
