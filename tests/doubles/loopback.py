"""A server of the tests' own on a real socket, on a loop and thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
UP_S = 10


@contextmanager
def on_loopback(serve: Serve) -> Iterator[str]:
    """Yield the address where connections are served, so that the desk under test may run and end loops as it likes."""
    is_up, addresses = threading.Event(), list[str]()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve_until_stopped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection that is open when the server stops is no error, though asyncio would log it as one.
        with suppress(asyncio.CancelledError):
            await serve(reader, writer)

    async def live() -> None:
        server = await asyncio.start_server(serve_until_stopped, "127.0.0.1", 0)
        addresses.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        is_up.set()
        await stop.wait()
        server.close()
        open_tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)

    def go() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(live())

    thread = threading.Thread(target=go)
    thread.start()
    assert is_up.wait(UP_S)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(UP_S)
