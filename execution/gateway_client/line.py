"""One line to the order gateway: a request out, its reply back, over the private unix socket.

Whatever is not a whole reply to the request in hand (silence, half a line, too long a line, garbage, another tag) ends
the connection: it proves nothing, and no later reply may be taken for it.
"""

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from domain.errors import VenueUnreachable
from domain.record import Record
from execution.gateway_client.messages import VERSION, Answered, Greeting, Hello, Request, request_line

MOST_REPLY_BYTES: Final = 4 << 20
SOCKET_MODE: Final = 0o600
WRITABLE_BY_OTHERS: Final = 0o022
CREDENTIALS: Final = struct.Struct("3i")
CONNECT_S: Final = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5

_Body = TypeVar("_Body")


class Denial(Record, frozen=True, kw_only=True):
    """The gateway's no. code: one of its closed set; reason: its sentence and the figures. line: the whole reply."""

    code: str
    reason: str
    line: bytes


class Line:
    """A client of one socket, one request at a time. It connects when it is asked, and again after every loss."""

    def __init__(self, path: Path, timeout_s: float, hold: Callable[[Greeting], None]) -> None:
        """Take the socket's path, how long an answer may take, and what looks at who answers each new connection."""
        self._path, self._timeout_s, self._hold = path, timeout_s, hold
        self._one_at_a_time = asyncio.Lock()
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tag = 0

    async def ask(self, request: Request, kind: type[_Body]) -> _Body | Denial:
        """Return the reply to one request, read as `kind`, or the gateway's no.

        Raises VenueUnreachable: nothing is known of what the request did. It may even be carried out later. Whatever
        `hold` raises comes out before anything was asked.
        """
        async with self._one_at_a_time:
            is_answered = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._converse(*await self._connected(), request, kind)
                is_answered = True
            except TimeoutError:
                raise VenueUnreachable(f"the gateway did not answer within {self._timeout_s:g} s") from None
            except OSError as error:
                raise VenueUnreachable(f"the gateway's socket {self._path}: {error.strerror or error}") from None
            finally:
                # Also when this task is called off: the answer still to come would stand where the next is looked for.
                if not is_answered:
                    self._drop()
            return answer

    async def close(self) -> None:
        """Hang up. Never raises."""
        self._drop()
        # The loop closes a connection one turn later, and this may be its last.
        await asyncio.sleep(0)

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, kind: type[_Body]
    ) -> _Body | Denial:
        self._tag += 1
        writer.write(request_line(request, self._tag))
        await writer.drain()
        try:
            line = await reader.readline()
        except ValueError:
            raise VenueUnreachable(f"the gateway's answer is longer than {MOST_REPLY_BYTES} bytes") from None
        if not line.endswith(b"\n"):
            raise VenueUnreachable("the gateway hung up in the middle of an answer" if line else "the gateway hung up")
        try:
            return read_reply(line, self._tag, kind)
        except (ValueError, RecursionError) as error:
            raise VenueUnreachable(f"the gateway's answer cannot be read: {error}") from None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is not None:
            # A gateway that went away while nothing was asked costs no order: two turns of the loop, one to hear of it
            # and one to note it, and the next one is spoken to instead.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if self._connection[0].at_eof() or self._connection[0].exception() is not None:
                self._drop()
        if self._connection is None:
            self._connection = await self._connect()
            await self._greet(*self._connection)
        return self._connection

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask who answers: behind the same path there may be another gateway than before, one that trades."""
        greeting = await self._converse(reader, writer, Hello(), Greeting)
        if isinstance(greeting, Denial):
            raise VenueUnreachable(f"the gateway does not greet back: {greeting.reason}")
        self._hold(greeting)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, trying again for a moment: a gateway that starts again is away for about a second."""
        pause_s, waited_s = FIRST_PAUSE_S, 0.0
        while True:
            try:
                return await self._open()
            except (FileNotFoundError, ConnectionRefusedError):
                if waited_s >= min(CONNECT_S, self._timeout_s):
                    raise
            await asyncio.sleep(pause_s)
            waited_s, pause_s = waited_s + pause_s, min(2 * pause_s, LONGEST_PAUSE_S)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if wrong := what_is_wrong_with(self._path):
            raise PermissionError(wrong)
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MOST_REPLY_BYTES)
        if not _is_ours(writer.get_extra_info("socket")):
            writer.close()
            raise PermissionError("another user's process listens there")
        return reader, writer

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None


def read_reply(line: bytes, tag: int, kind: type[_Body]) -> _Body | Denial:
    """Return what one line says. Raises ValueError for one that is no reply to this tag."""
    head = msgspec.json.decode(line, type=Answered)
    if head.v != VERSION or head.tag != tag:
        raise ValueError(f"it is of version {head.v} and tag {head.tag}, not {VERSION} and {tag}")
    if not head.ok:
        return Denial(code=head.code, reason=head.reason, line=line)
    return msgspec.json.decode(line, type=kind)


def what_is_wrong_with(path: Path) -> str:
    """Return why this socket may not be trusted, "" where it may. Raises FileNotFoundError where there is none."""
    found, folder = path.lstat(), path.parent.stat()
    if not stat.S_ISSOCK(found.st_mode):
        return "it is a link" if stat.S_ISLNK(found.st_mode) else "it is no socket"
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != SOCKET_MODE:
        return f"it must be this user's and of mode {SOCKET_MODE:04o}"
    if folder.st_uid != os.geteuid() or stat.S_IMODE(folder.st_mode) & WRITABLE_BY_OTHERS:
        return "its folder must be this user's, and writable by nobody else"
    return ""


def _is_ours(connection: socket.socket) -> bool:
    """Whether the listening process is this user's, as the kernel says."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return bool(CREDENTIALS.unpack(credentials)[1] == os.geteuid())
