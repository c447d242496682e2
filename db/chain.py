"""The hash chain: what exactly is hashed, in one place. docs/journal.md tells how to check it by hand.

A row's link is sha256(previous link || msgpack([table, seq, values...])). Values stand in column order; a key
into another row (`tick_id`, `answer_id`, `readings_id`) is taken without its run number, an absent value is nil.
Nothing of the run's name, number, path or wall clock goes in, so the same inputs give the same chain wherever they
are computed.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from domain.record import Record

Value = str | int | float | bytes | None
encode: Final = msgspec.msgpack.Encoder().encode


class RunHeader(Record, frozen=True, kw_only=True):
    """What a run is, before its first tick.

    run_id: its name, unique in a journal. command: `paper`, `backtest`, ... settings_json: every setting that can
    change a decision. code_version, data_identity: fingerprints. instruments_json: grid and margin figures used.
    """

    run_id: str
    command: str
    settings_json: str
    code_version: str
    data_identity: str
    symbols: tuple[str, ...]
    instruments_json: str
    is_simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse a run without a name or a market."""
        if not self.run_id or not self.symbols:
            raise ValueError("a run has a name and at least one symbol")

    @property
    def genesis(self) -> bytes:
        """The first link of this run's ledger chain."""
        return genesis(self.settings_json, self.code_version, self.data_identity, self.instruments_json)


def genesis(settings_json: str, code_version: str, data_identity: str, instruments_json: str) -> bytes:
    """Return the first link of the ledger chain: over everything that decides what the ledger will say."""
    return sha256(encode(["genesis", settings_json, code_version, data_identity, instruments_json])).digest()


def header_seal(first: bytes, own: Sequence[Value]) -> bytes:
    """Return the first link of the lifecycle chain: over the genesis and all that is this run's own.

    own: run_no, run_id, command, symbols (joined by commas), is_simulated (0 or 1), started_ms.
    """
    return sha256(first + encode(["header", *own])).digest()


def link(previous: bytes, table: str, seq: int, values: Sequence[Value]) -> bytes:
    """Return the link of one row. values: the chained columns in order, without run numbers."""
    return sha256(previous + encode((table, seq, *values))).digest()


def timings_seal(request_id: str, timings_ms: Sequence[float | None]) -> bytes:
    """Return the seal of a server's own timings (load, prompt, reply), which stay outside the chain."""
    return sha256(encode(["timings", request_id, *timings_ms])).digest()


def latency_seal(request_id: str, latency_ms: float | None) -> bytes:
    """Return the seal of a measured latency, which stays outside the chain."""
    return sha256(encode(["latency", request_id, latency_ms])).digest()
