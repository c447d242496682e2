"""A signal wakes whoever waits, even one that comes as the waiting begins."""

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_N_SIGNALS = 4_096


@contextmanager
def waking_on_signals() -> Iterator[None]:
    """Let every signal wake the running loop. Elsewhere than in the main thread, where none arrives, nothing is done.

    Python looks at signals between two of its steps. One that comes between the last step and the loop's going to sleep
    is not looked at before something else wakes the loop; a pause of a minute then swallows Ctrl-C for that minute.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        loop.add_reader(near, _drain, near)
        before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(near)


def _drain(near: socket.socket) -> None:
    with suppress(BlockingIOError):
        near.recv(_N_SIGNALS)
