"""Fetching, from the command's side."""

import asyncio
import signal
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

import cli.fetch as command
from market.history import fetching


class Source:
    """A source of nothing."""

    async def close(self) -> None:
        """Let go of nothing."""


class Board:
    """Shows nothing."""

    def watching(self, *_: Any) -> Any:
        return nullcontext()

    def done(self, day: Any) -> None:
        """Take a day."""


def test_while_it_fetches_a_signal_wakes_it_and_afterwards_nothing_of_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, woken_by = signal.set_wakeup_fd(-1), list[int]()

    async def fetch(*_: Any) -> None:
        woken_by.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(woken_by[0], warn_on_full_buffer=False)

    monkeypatch.setattr(fetching, "fetch_series", fetch)
    monkeypatch.setattr(command, "_source", lambda *_: Source())
    plan: Any = SimpleNamespace(series=["bars"], days=())
    settings: Any = None
    board: Any = Board()
    asyncio.run(command._fetch(plan, settings, None, board))  # type: ignore[arg-type]
    assert woken_by[0] >= 0
    assert signal.set_wakeup_fd(before) == -1
