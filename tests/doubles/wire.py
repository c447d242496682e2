"""HTTP as bytes: what a client sent, and one scripted deed in answer to it, well-behaved or not."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}
JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.path} HTTP/1.1"


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request. Raises IncompleteReadError when the client goes before it is whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    parted = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in parted}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method=method, path=path, headers=headers, body=body)


@dataclass(frozen=True)
class Deed:
    """What is done with one request. declared: the length the head tells, the body's own unless given.

    delay_s: how long it is silent first. ending: "close" properly, "reset" the connection, "hang" until the client
    goes, or "drip" a byte at a time.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = JSON
    headers: tuple[str, ...] = ()
    declared: int | None = None
    ending: str = "close"
    has_head: bool = True
    delay_s: float = 0.0

    def head(self) -> bytes:
        length = len(self.body) if self.declared is None else self.declared
        return head_of(self.status, self.content_type, f"Content-Length: {length}", *self.headers)


def head_of(status: int, content_type: str, *headers: str) -> bytes:
    reason = REASONS.get(status, "Other")
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {content_type}", *headers, "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def told(answer: Any, status: int = 200) -> Deed:
    """Return the deed that answers with JSON."""
    return Deed(json.dumps(answer).encode(), status)


def refusal(status: int, error: str) -> Deed:
    """Return a refusal as Ollama words its own."""
    return told({"error": error}, status)


async def do(deed: Deed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Do it. Return whether the client hung up on it."""
    if deed.delay_s and await _is_gone(reader, deed.delay_s):
        return True
    if deed.has_head:
        writer.write(deed.head())
    if deed.ending == "drip":
        for place in range(len(deed.body)):
            writer.write(deed.body[place : place + 1])
            await writer.drain()
            if await _is_gone(reader, 0.02):
                return True
        return False
    writer.write(deed.body)
    await writer.drain()
    if deed.ending == "hang":
        await reader.read()
        return True
    if deed.ending == "reset":
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False


async def _is_gone(reader: asyncio.StreamReader, wait_s: float) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), wait_s) == b""
    except TimeoutError:
        return False


async def hang_up(reader: asyncio.StreamReader) -> None:
    """Return when the client closes its side."""
    while await reader.read(1024):
        pass


class Chunks:
    """A chunked body of JSON lines; its head goes out with the first line."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.has_begun = False

    async def send(self, line: Any) -> None:
        if not self.has_begun:
            self._writer.write(head_of(200, NDJSON, "Transfer-Encoding: chunked"))
            self.has_begun = True
        text = json.dumps(line).encode() + b"\n"
        self._writer.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        await self._writer.drain()

    async def end(self) -> None:
        if not self.has_begun:
            self._writer.write(head_of(200, NDJSON, "Transfer-Encoding: chunked"))
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
