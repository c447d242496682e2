"""What Python misses when a signal comes as the loop goes to sleep, brought about by a thread that takes the signal."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from console.interrupts import waking_on_signals

A_WHILE_S, ASLEEP_S = 20.0, 0.1


@pytest.fixture(autouse=True)
def _heeding_ctrl_c() -> Iterator[None]:
    """Heed Ctrl-C as at a terminal, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    """Take an interrupt in this thread, once the main one is asleep in its loop, which is not disturbed by it."""
    time.sleep(ASLEEP_S)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def interrupted_in_a_pause(pause_s: float, *, is_waking: bool) -> bool:
    """Say whether a pause was cut short by the interrupt that came in the middle of it."""
    ended: list[float] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(threading.Thread(target=interrupt).start)
        loop.call_later(pause_s, ended.append, pause_s)
        with waking_on_signals() if is_waking else nullcontext():
            await asyncio.sleep(pause_s)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(go())
    return not ended


def test_a_signal_ends_a_pause_also_when_it_comes_as_the_pause_begins() -> None:
    assert interrupted_in_a_pause(A_WHILE_S, is_waking=True)
    assert not interrupted_in_a_pause(0.5, is_waking=False)


def test_afterwards_signals_go_where_they_went_before() -> None:
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)

    async def go() -> None:
        with waking_on_signals():
            assert signal.set_wakeup_fd(-1) != before

    asyncio.run(go())
    after = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(after)
    assert after == before


def test_in_another_thread_it_leaves_everything_alone() -> None:
    async def go() -> str:
        with waking_on_signals():
            return "done"

    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(go())))
    thread.start()
    thread.join()
    assert found == ["done"]
