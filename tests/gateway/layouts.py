"""Accounts of a program as bytes, to be put on the test chain."""

import json
import struct
from hashlib import sha256
from pathlib import Path

from solders.pubkey import Pubkey

from tests.gateway.velocity_structs import LAYOUTS as VELOCITY_LAYOUTS

PROFILES = json.loads((Path(__file__).parents[2] / "execution/gateway/profiles.json").read_text())
FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i16": "<h", "i32": "<i", "i64": "<q"}


class Accounts:
    """Writes and reads one program's accounts. layouts: per account bytes, fields and rows, as a profile has them."""

    def __init__(self, layouts):
        self.layouts = layouts

    def empty(self, name):
        """Return a fresh account of a kind: its mark and zeros."""
        return sha256(f"account:{name}".encode()).digest()[:8] + bytes(self.layouts[name]["bytes"] - 8)

    def filled(self, name, **values):
        """Return an account of a kind with some fields set."""
        content = self.empty(name)
        for field, value in values.items():
            content = self.put(name, content, field, value)
        return content

    def put(self, name, content, field, value):
        """Return an account's bytes with one field set."""
        return _write(content, *self.layouts[name]["fields"][field], value)

    def read(self, name, content, field):
        """Return one number of an account."""
        offset, kind = self.layouts[name]["fields"][field]
        return struct.unpack_from(FORMATS[kind], content, offset)[0]

    def read_rows(self, content, rows):
        """Return the rows of a User account as records."""
        offset, count, stride, fields = self.layouts["User"]["rows"][rows]
        return [
            {
                name: struct.unpack_from(FORMATS[kind], content, offset + i * stride + at)[0]
                for name, (at, kind) in fields.items()
            }
            for i in range(count)
        ]

    def write_row(self, content, rows, index, values):
        """Return a User account with some fields of one row set."""
        offset, _, stride, fields = self.layouts["User"]["rows"][rows]
        for name, value in values.items():
            at, kind = fields[name]
            content = _write(content, offset + index * stride + at, kind, value)
        return content

    def row(self, rows, values):
        """Return the bytes of one row with some fields set."""
        offset, _, stride, _ = self.layouts["User"]["rows"][rows]
        return self.write_row(self.empty("User"), rows, 0, values)[offset : offset + stride]


def _write(content, offset, kind, value):
    raw = bytes(Pubkey.from_string(value)) if kind == "address" else struct.pack(FORMATS[kind], value)
    return content[:offset] + raw + content[offset + len(raw) :]


DRIFT = Accounts(PROFILES["drift_v2"]["layouts"])
ACCOUNTS = {"drift_v2": DRIFT, "velocity": Accounts(VELOCITY_LAYOUTS)}
