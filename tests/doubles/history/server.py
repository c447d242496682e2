"""A local venue that serves history over HTTP, and gets wrong exactly what a test scripts."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.doubles.loopback import on_loopback

Query = Mapping[str, str]


class Fault(Enum):
    """What becomes of one answer."""

    TOO_MANY = auto()
    BROKEN = auto()
    CUT = auto()
    GARBAGE = auto()
    HANG_UP = auto()
    SAME_AGAIN = auto()
    SHUFFLED = auto()
    TWICE = auto()
    EMPTY = auto()


@dataclass(frozen=True)
class Reply:
    """An answer before anything happens to it. rows: the part of the body that pages are made of."""

    rows: list[object]
    wrap: Callable[[list[object]], object]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, fault: Fault | None) -> bytes:
        rows = self.rows
        if fault is Fault.SHUFFLED:
            rows = rows[len(rows) // 2 :] + rows[: len(rows) // 2]
        elif fault is Fault.TWICE:
            rows = rows + rows
        elif fault is Fault.EMPTY:
            rows = []
        wrapped = self.wrap(rows)
        return wrapped if isinstance(wrapped, bytes) else json.dumps(wrapped).encode()


Venue = Callable[[str, Query], Reply | None]
"""Answers a path and its query; None for a path it does not have."""


@dataclass
class HistoryServer:
    """One venue on loopback. faults: what happens to the n-th asked page, n from 0; asked: every path and query."""

    venue: Venue
    faults: dict[int, Fault] = field(default_factory=dict)
    asked: list[tuple[str, Query]] = field(default_factory=list)
    address: str = ""
    before_page: Callable[[int], None] = lambda _: None
    is_page: Callable[[str], bool] = lambda path: (
        not path.endswith(("instruments-info", "exchangeInfo", "metaAndAssetCtxs"))
    )
    last_body: bytes = b"[]"
    headers: list[str] = field(default_factory=list)

    @property
    def pages(self) -> list[tuple[str, Query]]:
        return [one for one in self.asked if self.is_page(one[0])]

    @contextmanager
    def running(self) -> Iterator["HistoryServer"]:
        with on_loopback(self._serve) as self.address:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.headers = []
                while header := (await reader.readline()).decode().strip().lower():
                    self.headers.append(header)
                target = line.split()[1].decode()
                if lengths := [header for header in self.headers if header.startswith("content-length:")]:
                    target = _target_of(target, await reader.readexactly(int(lengths[0].split(":")[1])))
                if not self._answer(target, writer):
                    break
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, target: str, writer: asyncio.StreamWriter) -> bool:
        """Write one answer; say whether the connection goes on."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        place = len(self.pages)
        fault = None
        if self.is_page(parts.path):
            self.before_page(place)
            fault = self.faults.get(place)
        self.asked.append((parts.path, query))
        if fault is Fault.HANG_UP:
            return False
        if fault in (Fault.TOO_MANY, Fault.BROKEN):
            status = 429 if fault is Fault.TOO_MANY else 500
            writer.write(_http(status, b"<html>not now</html>", {"Content-Type": "text/html"}))
            return True
        if fault is Fault.GARBAGE:
            writer.write(_http(200, b"<html>maintenance</html>", {"Content-Type": "text/html"}))
            return True
        reply = self.venue(parts.path, query)
        if reply is None:
            writer.write(_http(404, b"{}", {}))
            return True
        body = self.last_body if fault is Fault.SAME_AGAIN else reply.body(fault)
        self.last_body = body
        answer = _http(reply.status, body, {"Content-Type": "application/json", **reply.headers})
        writer.write(answer[: len(answer) - len(body) // 2 - 1] if fault is Fault.CUT else answer)
        return fault is not Fault.CUT


def _target_of(path: str, body: bytes) -> str:
    """Return a question that came as a JSON body as if it stood in the address, its type as the end of the path."""
    asked = json.loads(body)
    words = {name: value for name, value in {**asked, **asked.get("req", {})}.items() if name not in ("type", "req")}
    return f"{path}/{asked['type']}?{urlencode(words)}"


def _http(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    own = {**headers, "Content-Length": str(len(body))}
    head = [f"HTTP/1.1 {status} Word", *(f"{name}: {value}" for name, value in own.items()), "", ""]
    return "\r\n".join(head).encode() + body
