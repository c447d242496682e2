"""A double of an Ollama server: a real socket on the loopback, and one scripted deed for each request it gets."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MODEL = "tiny:latest"
DIGEST = "ab" * 32
REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


def reply(verdict="APPROVE", chance=70, analysis="volume and body agree"):
    """Return a model's text as it should be."""
    return json.dumps({"analysis": analysis, "p_win_pct": chance, "verdict": verdict})


def chat(content=None, **changes):
    """Return a chat answer as Ollama words it; a change to `...` takes the field away."""
    answer = {
        "model": MODEL,
        "created_at": "2026-11-20T00:00:00.123456789Z",
        "message": {"role": "assistant", "content": reply() if content is None else content},
        "done": True,
        "done_reason": "stop",
        "total_duration": 60_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": 800,
        "prompt_eval_duration": 20_000_000,
        "eval_count": 40,
        "eval_duration": 30_000_000,
        **changes,
    }
    return json.dumps({name: value for name, value in answer.items() if value is not ...}).encode()


@dataclass(frozen=True)
class Deed:
    """What is done with one request. declared: the length the head tells, the body's own unless given.

    ending: "close" properly, "reset" the connection, "hang" until the client goes, or "drip" a byte at a time.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[str, ...] = ()
    declared: int | None = None
    ending: str = "close"
    has_head: bool = True

    def head(self) -> bytes:
        length = len(self.body) if self.declared is None else self.declared
        lines = [
            f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Other')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {length}",
            *self.headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


def told(**fields):
    """Return an answer of a route that tells something."""
    return Deed(json.dumps(fields).encode())


def version(number="0.30.1"):
    """Return what `/api/version` tells."""
    return told(version=number)


def tags(**changes):
    """Return what `/api/tags` tells: one model, and another that nobody asks for."""
    one = {"name": MODEL, "model": MODEL, "digest": DIGEST, "size": 1, "details": {}, **changes}
    return told(models=[{**one, "name": "other:1b", "model": "other:1b", "digest": "0" * 64}, one])


def show(*capabilities, **fields):
    """Return what `/api/show` tells."""
    return told(details={}, model_info={}, template="", capabilities=[*(capabilities or ["completion"])], **fields)


def ps(context_length=4096, **changes):
    """Return what `/api/ps` tells: the model stands in memory."""
    one = {"name": MODEL, "model": MODEL, "digest": DIGEST, "context_length": context_length, "size_vram": 0}
    return told(models=[{**one, **changes}])


ROUTES = {"/api/version": version(), "/api/tags": tags(), "/api/show": show(), "/api/ps": ps()}
Script = Callable[[dict], Deed]


def is_canary(body):
    """Say whether a chat call asks for the poem."""
    return "poem" in json.dumps(body.get("messages"))


@dataclass
class Ollama:
    """requests: the questions that came, in order; what is asked of `routes` and the canary is only in `paths`.

    hung_up: a client went before its answer was whole. A route may be changed between two calls.
    """

    script: Script
    routes: dict[str, Deed] = field(default_factory=lambda: dict(ROUTES))
    canary: Deed = field(default_factory=lambda: Deed(chat(reply("DENY", 0, "no poem"))))
    url: str = ""
    requests: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    was_asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            self.paths.append(head.split(b"\r\n", 1)[0].decode())
            await self._do(self._deed(self.paths[-1].split()[1], body), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    def _deed(self, path: str, body: bytes) -> Deed:
        if path in self.routes:
            return self.routes[path]
        asked = json.loads(body)
        if is_canary(asked):
            return self.canary
        self.requests.append(asked)
        self.was_asked.set()
        return self.script(asked)

    async def _do(self, deed: Deed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if deed.has_head:
            writer.write(deed.head())
        if deed.ending == "drip":
            for place in range(len(deed.body)):
                writer.write(deed.body[place : place + 1])
                await writer.drain()
                if await _is_gone(reader, 0.02):
                    self.hung_up.set()
                    return
        writer.write(deed.body)
        await writer.drain()
        if deed.ending == "hang":
            await reader.read()
            self.hung_up.set()
        if deed.ending == "reset":
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


async def _is_gone(reader: asyncio.StreamReader, wait_s: float) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), wait_s) == b""
    except TimeoutError:
        return False


@contextmanager
def ollama(script: Script | Deed) -> Iterator[Ollama]:
    """Serve on a loop and thread of its own, so that the desk under test may run and end loops as it likes."""
    double = Ollama(script if callable(script) else lambda _: script)
    loop, is_up = asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()

    async def live() -> None:
        server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
        double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
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
    assert is_up.wait(10)
    try:
        yield double
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
