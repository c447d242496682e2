"""Bytes as the program reads them: borsh integers and options, Anchor's eight-byte marks."""

import struct
from collections.abc import Sequence
from hashlib import sha256

from solders.pubkey import Pubkey

FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q"}
OPTION = "option "
ADDRESS_BYTES = 32


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


def read_sequence(fields: Sequence[tuple[str, str]], content: bytes) -> dict[str, int | str | None]:
    """Return borsh fields that follow each other; raise `ValueError` when the bytes end before them."""
    found: dict[str, int | str | None] = {}
    at = 0
    for name, kind in fields:
        inner = kind.removeprefix(OPTION)
        present = True
        if inner != kind:
            present, at = content[at : at + 1] == b"\1", at + 1
        if not present:
            found[name] = None
            continue
        size = ADDRESS_BYTES if inner == "address" else struct.calcsize(FORMATS[inner])
        if at + size > len(content):
            raise ValueError(f"the bytes end before {name}")
        found[name], at = read(inner, content, at), at + size
    return found


def event_mark(name: str) -> bytes:
    """Return Anchor's mark of an event: SHA-256 of `event:Name`, first eight bytes."""
    return sha256(f"event:{name}".encode()).digest()[:8]


def instruction_mark(name: str) -> bytes:
    """Return Anchor's mark of an instruction: SHA-256 of `global:name`, first eight bytes."""
    return sha256(f"global:{name}".encode()).digest()[:8]


def account_mark(name: str) -> bytes:
    """Return Anchor's mark of an account type: SHA-256 of `account:Name`, first eight bytes."""
    return sha256(f"account:{name}".encode()).digest()[:8]
