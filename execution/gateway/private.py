"""Files that nobody but their owner may read: the key, the policy and the log."""

import errno
import os
import stat
from pathlib import Path

from execution.gateway.codes import CannotStart

PRIVATE_MODE = 0o600


def read_private(path: Path, what: str, most_bytes: int) -> bytes:
    """Return the bytes of a file that is ours alone; raise `CannotStart` for any other owner, mode, kind or size."""
    descriptor = open_private(path, what, os.O_RDONLY)
    try:
        content = b""
        while len(content) <= most_bytes and (part := os.read(descriptor, most_bytes + 1 - len(content))):
            content += part
    finally:
        os.close(descriptor)
    if len(content) > most_bytes:
        raise CannotStart(f"{what} {path} is longer than {most_bytes} bytes")
    return content


def open_private(path: Path, what: str, flags: int) -> int:
    """Open a regular file that is ours, of mode 0600 and not a link; return its descriptor."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_MODE)
    except OSError as error:
        raise CannotStart(f"{what} {path} cannot be opened: {errno.errorcode.get(error.errno or 0, '')}") from None
    wrong = _what_is_wrong(os.fstat(descriptor))
    if wrong:
        os.close(descriptor)
        raise CannotStart(f"{what} {path} {wrong}")
    return descriptor


def _what_is_wrong(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}, not to the gateway's user {os.geteuid()}"
    if stat.S_IMODE(found.st_mode) != PRIVATE_MODE:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}; only 0600 is allowed"
    return ""
