"""The ids orders carry at a venue: 128 bits as 32 hex digits, which every venue takes, and which tell what they are.

An order of the desk is named by its symbol, the minute it was decided on and its purpose. The id at the venue says the
same, with the run it belongs to, so that after any crash an execution can be led back to its order by its id alone.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from domain.decisions import ExitReason
from domain.record import Record

ENTRY: Final = "entry"
PURPOSES: Final = (ENTRY, *(reason.value for reason in ExitReason))
# Run, symbol, purpose, milliseconds of the decision, serial: hex digits of each.
WIDTHS: Final = (9, 2, 1, 11, 9)
DIGITS: Final = sum(WIDTHS)
TEXT: Final = re.compile(r"[0-9a-f]{32}")


class WireId(Record, frozen=True, kw_only=True):
    """One id. symbol, purpose, at_ms: as in the desk's own id. serial: 0 = the order itself; else its protection.

    A protective order belongs to the entry of `at_ms`; `serial` is the milliseconds from there to its sending, so no
    two are alike and none is used again after a restart.
    """

    symbol: str
    purpose: str
    at_ms: int
    serial: int = 0

    @property
    def client_order_id(self) -> str:
        """The desk's own id of the order; of a protective one, the entry's."""
        return f"{self.symbol}-{self.at_ms}-{ENTRY if self.serial else self.purpose}"

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why a fill of this order reduces; None for an entry."""
        return None if self.purpose == ENTRY else ExitReason(self.purpose)


def wire_id_of(client_order_id: str) -> WireId:
    """Return the id of an order of the desk. Raises ValueError for one that is not worded as they are."""
    symbol, at_ms, purpose = client_order_id.rsplit("-", 2)
    if purpose not in PURPOSES:
        raise ValueError(f"{client_order_id}: {purpose} is no purpose of an order")
    return WireId(symbol=symbol, purpose=purpose, at_ms=int(at_ms))


class WireCode:
    """Writes and reads ids of one run. Raises ValueError for more symbols than an id has room for."""

    __slots__ = ("_symbols", "_tag")

    def __init__(self, run_id: str, symbols: Sequence[str]) -> None:
        """Take the run's name and its symbols, in any order."""
        if len(symbols) > 16 ** WIDTHS[1]:
            raise ValueError(f"{len(symbols)} symbols are more than an order's id can name")
        self._symbols: Final = tuple(sorted(symbols))
        self._tag: Final = hashlib.sha256(run_id.encode()).hexdigest()[: WIDTHS[0]]

    def write(self, wire_id: WireId) -> str:
        """Return the id as the venue sees it. Raises ValueError where a figure is out of range."""
        figures = (self._symbols.index(wire_id.symbol), PURPOSES.index(wire_id.purpose), wire_id.at_ms, wire_id.serial)
        parts = [f"{figure:0{width}x}" for figure, width in zip(figures, WIDTHS[1:], strict=True)]
        text = self._tag + "".join(parts)
        if len(text) != DIGITS or min(figures) < 0:
            raise ValueError(f"{wire_id} does not fit an order's id")
        return text

    def read(self, text: str | None) -> WireId | None:
        """Return what an id says; None where it is not one of this run."""
        if text is None or TEXT.fullmatch(text) is None or not text.startswith(self._tag):
            return None
        figures, at = [], WIDTHS[0]
        for width in WIDTHS[1:]:
            figures.append(int(text[at : at + width], 16))
            at += width
        symbol, purpose, at_ms, serial = figures
        if symbol >= len(self._symbols) or purpose >= len(PURPOSES):
            return None
        return WireId(symbol=self._symbols[symbol], purpose=PURPOSES[purpose], at_ms=at_ms, serial=serial)
