"""Log and book together: a fact is durable before it is believed, and both change under one lock."""

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from execution.gateway.book import Book, Order, asked, moved
from execution.gateway.codes import CannotStart, State
from execution.gateway.log import Log
from execution.gateway.policy import Usage

LOG_VERSION = 1


class Records:
    """What the gateway knows of its orders. Threads may share it.

    identity: what the log was begun for (mode, program, authority, sub-account); a log of another identity stops the
    start.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._log = Log(path)
        self._lock = threading.Lock()
        first = {"fact": "begun", "version": LOG_VERSION, **identity}
        if not self._log.entries:
            self._log.append(first)
        elif self._log.entries[0] != first:
            self._log.close()
            raise CannotStart(f"the log {path} was begun for another mode, program or account: name another log")
        self.n_cut_bytes = self._log.n_cut_bytes
        self._book = Book(self._log.entries[1:])
        self._log.entries.clear()

    @property
    def halted(self) -> bool:
        """Whether the desk has halted the gateway."""
        return self._book.halted

    def order(self, id: str) -> Order | None:
        """Return the order of a client order id."""
        with self._lock:
            return self._book.orders.get(id)

    def ask(self, order: Order) -> Order:
        """Put a new order on record, accepted or refused."""
        return self._write(asked(order), order)

    def move(self, order: Order, at_ms: int) -> Order:
        """Put an order's new state on record."""
        return self._write(moved(order, at_ms), order)

    def see(self, id: str, state: State) -> None:
        """Note a state that a fork may still take back; it is not written."""
        with self._lock:
            self._book.see(id, state)

    def halt(self, at_ms: int, *, halted: bool) -> None:
        """Put a halt, or its end, on record."""
        with self._lock:
            entry = {"fact": "halted" if halted else "resumed", "at_ms": at_ms}
            self._log.append(entry)
            self._book.apply(entry)

    def usage(self, now_ms: int) -> Usage:
        """Return what counts against the policy's limits."""
        with self._lock:
            return self._book.usage(now_ms)

    def open_orders(self) -> list[Order]:
        """Return the orders whose fate is not final."""
        with self._lock:
            return self._book.open_orders()

    def free_user_order_id(self, taken_on_chain: Iterable[int]) -> int | None:
        """Return a number of 1..255 that no possibly open order has."""
        with self._lock:
            return self._book.free_user_order_id(taken_on_chain)

    def id_of(self, order_id: int) -> str | None:
        """Return the client order id behind the program's number of an order."""
        with self._lock:
            return self._book.id_of(order_id)

    def signed_as(self, signature: str) -> Order | None:
        """Return the order that this signature belongs to, None where it is not one of ours."""
        with self._lock:
            return self._book.signed_as(signature)

    @property
    def landed_slot(self) -> int:
        """The newest slot in which an order landed for good, 0 before the first."""
        with self._lock:
            return self._book.landed_slot

    def latest_of(self, user_order_id: int) -> Order | None:
        """Return the order that had this number last."""
        with self._lock:
            return self._book.latest_of(user_order_id)

    def close(self) -> None:
        """Give the log back."""
        self._log.close()

    def _write(self, entry: Mapping[str, Any], order: Order) -> Order:
        with self._lock:
            self._log.append(entry)
            self._book.apply(entry)
            return self._book.orders[order.id]
