"""The socket: a private unix socket of this user, one line a request, one line a reply, in order."""

import os
import socket
import stat
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from execution.gateway.codes import CannotStart, Refused
from execution.gateway.private import PRIVATE_MODE
from execution.gateway.schema import MOST_REQUEST_BYTES, Request, read_request, refusal_body, reply_line, tag_of

MOST_CONNECTIONS = 8
PART_BYTES = 4_096
CREDENTIALS = struct.Struct("3i")

Answer = Callable[[Request], dict[str, object]]


def listen(path: Path) -> socket.socket:
    """Return the listening socket at a path, of mode 0600, in a folder where nobody else can put anything.

    The caller holds the log's lock, so a socket that lies there was left by a gateway that is gone.
    """
    folder = path.parent.stat()
    if folder.st_uid != os.geteuid() or stat.S_IMODE(folder.st_mode) & 0o022:
        raise CannotStart(f"the folder of the socket {path} must be this user's, and writable by nobody else")
    if path.is_socket():
        path.unlink()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(str(path))
    except OSError as error:
        server.close()
        raise CannotStart(f"the socket {path} cannot be made: {error.strerror}") from None
    finally:
        os.umask(before)
    path.chmod(PRIVATE_MODE)
    server.listen(MOST_CONNECTIONS)
    return server


def serve(server: socket.socket, answer: Answer) -> None:
    """Answer connections until the socket is closed. Each has a thread; beyond the most, a newcomer is turned away."""
    free = threading.BoundedSemaphore(MOST_CONNECTIONS)
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        if not _is_ours(connection) or not free.acquire(blocking=False):
            connection.close()
            continue
        threading.Thread(target=_converse, args=(connection, answer, free), daemon=True).start()


def _is_ours(connection: socket.socket) -> bool:
    """Whether the other side runs as this user, as the kernel says; the socket's mode alone is easily changed."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return bool(CREDENTIALS.unpack(credentials)[1] == os.geteuid())


def _converse(connection: socket.socket, answer: Answer, free: threading.BoundedSemaphore) -> None:
    try:
        with connection:
            _answer_lines(connection, answer)
    except OSError:
        # The other side went away; what it asked for is on record and will be told when it asks again.
        return
    finally:
        free.release()


def _answer_lines(connection: socket.socket, answer: Answer) -> None:
    waiting = b""
    while part := connection.recv(PART_BYTES):
        *lines, waiting = (waiting + part).split(b"\n")
        for line in lines:
            connection.sendall(reply_to(line, answer))
        if len(waiting) > MOST_REQUEST_BYTES:
            connection.sendall(reply_to(waiting, answer))
            return


def reply_to(line: bytes, answer: Answer) -> bytes:
    """Return the reply to one line, whatever stands in it."""
    try:
        request = read_request(line)
    except Refused as refused:
        return reply_line(tag_of(line), refusal_body(refused))
    try:
        return reply_line(request.tag, answer(request))
    except Refused as refused:
        return reply_line(request.tag, refusal_body(refused))
