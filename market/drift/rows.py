"""Documents into rows by column name: CSV with a header, or JSON with its records in an envelope."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from market.drift.counts import Tally, Why
from market.drift.figures import Form
from market.drift.unpacking import unpack

Row = Mapping[str, object]

_RECORDS: Final = (("records", None), ("fundingRates", Form.RAW), ("contracts", None), ("markets", None))
"""Names of the envelopes, and the form of those whose figures are raw."""

_FAILED: Final = re.compile(rb'"success"\s*:\s*false')


@dataclass(slots=True)
class Document:
    """One file or answer, taken apart.

    rows: by column name. envelope: the form its kind of document is written in, where it has one.
    next_page: the cursor of the page after it. tally: counts so far, the malformed lines among them.
    """

    rows: list[Row] = field(default_factory=list)
    envelope: Form | None = None
    next_page: str | None = None
    tally: Tally = field(default_factory=Tally)


def read_document(body: bytes) -> Document:
    """Take any bytes apart. Nothing is raised: what is no row is counted with its reason."""
    text, is_cut = unpack(body)
    document = Document()
    document.tally.is_cut = is_cut
    text = text.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] in (b"{", b"["):
        _read_json(text, document)
    else:
        _read_csv(text, document)
    return document


def looks_like_document(body: bytes) -> bool:
    """Say whether a body is like a file or an answer we know, rather than an error page or half of one.

    Nothing at all is a file without a line.
    """
    text = unpack(body)[0].removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith((b"{", b"[")):
        is_whole = text.endswith(b"}" if text.startswith(b"{") else b"]") and _FAILED.search(text) is None
        return is_whole and (text.startswith(b"[") or any(f'"{name}"'.encode() in text for name, _ in _RECORDS))
    names = {name.strip(b'" \r') for name in text.split(b"\n", 1)[0].split(b",")}
    return not text or bool(names & {b"ts", b"start"})


def read_json(text: bytes | str) -> Any:
    """Decode JSON with every digit kept: a figure with a point becomes a Decimal. Raises ValueError when it is none."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ArithmeticError as error:
        raise ValueError("a figure beyond all bounds") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _read_json(text: bytes, document: Document) -> None:
    try:
        told = read_json(text)
    except ValueError:
        document.tally.left_out[Why.NOT_JSON] += 1
        return
    found, document.envelope = (told, None) if isinstance(told, list) else _records(told)
    if isinstance(told, dict):
        meta = told.get("meta")
        cursor = meta.get("nextPage") if isinstance(meta, dict) else None
        document.next_page = None if cursor in (None, "") else str(cursor)
    if not isinstance(found, list):
        document.tally.left_out[Why.NOT_A_RECORD] += 1
        return
    document.rows = [row for row in found if isinstance(row, dict)]
    document.tally.left_out[Why.NOT_A_RECORD] += len(found) - len(document.rows)


def _records(told: Mapping[str, object]) -> tuple[object, Form | None]:
    for name, envelope in _RECORDS:
        if name in told:
            return told[name], envelope
    return None, None


def _read_csv(text: bytes, document: Document) -> None:
    lines = text.split(b"\n")
    unfinished = lines.pop()
    if unfinished and document.tally.is_cut:
        # Its last figure may miss digits and would still look like one.
        document.tally.left_out[Why.CUT_SHORT] += 1
    elif unfinished:
        lines.append(unfinished)
    fields = (_fields(line) for line in lines if line.strip())
    header = next(fields, None)
    if header is None:
        return
    names = [name.strip() for name in header] if isinstance(header, list) else []
    for row in _rows(names, fields, document.tally):
        document.rows.append(row)


def _rows(names: list[str], lines: Iterator[list[str] | Why], tally: Tally) -> Iterator[Row]:
    for line in lines:
        if isinstance(line, Why):
            tally.left_out[line] += 1
        elif len(line) != len(names):
            tally.left_out[Why.WRONG_FIELDS] += 1
        else:
            yield dict(zip(names, line, strict=True))


def _fields(line: bytes) -> list[str] | Why:
    try:
        return next(csv.reader([line.decode().rstrip("\r")], strict=True), [])
    except UnicodeDecodeError:
        return Why.NOT_TEXT
    except csv.Error:
        return Why.NOT_A_RECORD
