"""The bytes of a file, unpacked where they are gzip, whatever name or header they came with."""

import zlib
from typing import Final

GZIP_MAGIC: Final = b"\x1f\x8b"
MAX_BYTES: Final = 1 << 29
"""A day of one market unpacks to far less; beyond this the rest is left unread and the file counts as cut."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE_BYTES: Final = 4096


def unpack(body: bytes) -> tuple[bytes, bool]:
    """Return the text of a body and whether its end is missing.

    A damaged or truncated archive gives what could be read before the damage. Plain bytes come back as they are.
    """
    if not body.startswith(GZIP_MAGIC):
        return body[:MAX_BYTES], len(body) > MAX_BYTES
    parts: list[bytes] = []
    n_left = MAX_BYTES
    while body.startswith(GZIP_MAGIC):
        text, rest = _member(body, n_left)
        parts.append(text)
        n_left -= len(text)
        if rest is None:
            return b"".join(parts), True
        body = rest
    # Zeros behind the last archive are padding, anything else is damage.
    return b"".join(parts), bool(body.strip(b"\x00"))


def _member(body: bytes, n_left: int) -> tuple[bytes, bytes | None]:
    """Unpack one archive piece by piece, so that what came before a damaged place is kept.

    Returns its text and what follows it; None there when its end was not reached.
    """
    member = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    for first in range(0, len(body), _PIECE_BYTES):
        try:
            part = member.decompress(body[first : first + _PIECE_BYTES], n_left + 1)
        except zlib.error:
            break
        parts.append(part[:n_left])
        if len(part) > n_left:
            break
        n_left -= len(part)
        if member.eof:
            return b"".join(parts), member.unused_data + body[first + _PIECE_BYTES :]
    return b"".join(parts), None
