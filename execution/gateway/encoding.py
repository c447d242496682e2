"""Bytes as the program reads them: borsh integers and options, Anchor's eight-byte marks."""

import struct
from hashlib import sha256

from solders.pubkey import Pubkey

FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q"}
OPTION = "option "


def encode(kind: str, value: int | None) -> bytes:
    """Return one value in its borsh type; raise `ValueError` when it does not fit or is missing."""
    if kind.startswith(OPTION):
        return b"\0" if value is None else b"\1" + encode(kind.removeprefix(OPTION), value)
    if value is None:
        raise ValueError(f"a {kind} cannot be absent")
    try:
        return struct.pack(FORMATS[kind], value)
    except struct.error as error:
        raise ValueError(f"{value} does not fit {kind}") from error


def read(kind: str, content: bytes, offset: int) -> int | str:
    """Return one value of a fixed-size type at an offset; an address is returned in base58."""
    if kind == "address":
        return str(Pubkey.from_bytes(content[offset : offset + 32]))
    value: int = struct.unpack_from(FORMATS[kind], content, offset)[0]
    return value


def instruction_mark(name: str) -> bytes:
    """Return Anchor's mark of an instruction: SHA-256 of `global:name`, first eight bytes."""
    return sha256(f"global:{name}".encode()).digest()[:8]


def account_mark(name: str) -> bytes:
    """Return Anchor's mark of an account type: SHA-256 of `account:Name`, first eight bytes."""
    return sha256(f"account:{name}".encode()).digest()[:8]
