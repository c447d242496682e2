"""Accounts of the drift_v2 layout as bytes, to be put on the test chain."""

import json
import struct
from hashlib import sha256
from pathlib import Path

from solders.pubkey import Pubkey

PROFILES = json.loads((Path(__file__).parents[2] / "execution/gateway/profiles.json").read_text())
LAYOUTS = PROFILES["drift_v2"]["layouts"]
FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q"}


def empty(name):
    """Return a fresh account of a kind: its mark and zeros."""
    return sha256(f"account:{name}".encode()).digest()[:8] + bytes(LAYOUTS[name]["bytes"] - 8)


def filled(name, **values):
    """Return an account of a kind with some fields set."""
    content = empty(name)
    for field, value in values.items():
        content = put(name, content, field, value)
    return content


def put(name, content, field, value):
    """Return an account's bytes with one field set."""
    offset, kind = LAYOUTS[name]["fields"][field]
    return _write(content, offset, kind, value)


def read_rows(content, rows):
    """Return the rows of a User account as records."""
    offset, count, stride, fields = LAYOUTS["User"]["rows"][rows]
    return [
        {
            name: struct.unpack_from(FORMATS[kind], content, offset + i * stride + at)[0]
            for name, (at, kind) in fields.items()
        }
        for i in range(count)
    ]


def write_row(content, rows, index, values):
    """Return a User account with some fields of one row set."""
    offset, _, stride, fields = LAYOUTS["User"]["rows"][rows]
    for name, value in values.items():
        at, kind = fields[name]
        content = _write(content, offset + index * stride + at, kind, value)
    return content


def _write(content, offset, kind, value):
    raw = bytes(Pubkey.from_string(value)) if kind == "address" else struct.pack(FORMATS[kind], value)
    return content[:offset] + raw + content[offset + len(raw) :]
