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
DIGEST = "5a0d" * 16
WRITTEN = "2026-11-20T00:00:00.123456789Z"
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


Script = Callable[[dict], Deed]


@dataclass
class Installed:
    """What the server tells of itself and of its one model. A test may change it between two calls.

    loaded_tokens: the window of the loaded model, None while none is loaded.
    """

    name: str = MODEL
    digest: str = DIGEST
    version: str = "0.30.2"
    context_tokens: int = 32_768
    loaded_tokens: int | None = 4096
    capabilities: tuple[str, ...] = ("completion",)
    quantization: str = "Q4_K_M"

    def entry(self, **more) -> dict:
        details = {
            "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "4.0B",
            "quantization_level": self.quantization,
        }  # fmt: skip
        return {
            "name": self.name,
            "model": self.name,
            "size": 437_600,
            "digest": self.digest,
            "details": details,
            **more,
        }

    def tags(self) -> Deed:
        return _json({"models": [self.entry(modified_at=WRITTEN)]})

    def ps(self) -> Deed:
        loaded = self.entry(expires_at=WRITTEN, size_vram=0, context_length=self.loaded_tokens)
        return _json({"models": [] if self.loaded_tokens is None else [loaded]})

    def show(self, body: dict) -> Deed:
        asked = body.get("model", "")
        if asked != self.name and f"{asked}:latest" != self.name:
            return _json({"error": f"model '{asked}' not found"}, 404)
        info = {"general.architecture": "llama", "llama.context_length": self.context_tokens}
        told = {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "details": self.entry()["details"],
            "model_info": info,
        }
        return _json({**told, "capabilities": list(self.capabilities), "modified_at": WRITTEN})

    def answer(self, path: str, body: dict) -> Deed | None:
        """Return the answer of a route that asks no model, None for the routes that the script answers."""
        if path == "/api/version":
            return _json({"version": self.version})
        if path == "/api/show":
            return self.show(body)
        return {"/api/tags": self.tags, "/api/ps": self.ps}.get(path, lambda: None)()


def _json(answer: dict, status: int = 200) -> Deed:
    return Deed(json.dumps(answer).encode(), status)


@dataclass
class Ollama:
    """requests: the bodies that the script was asked to answer, in order. paths: every request line.

    routes: a deed for a path in the place of what is installed. hung_up: a client went before its answer was whole.
    """

    script: Script
    url: str = ""
    installed: Installed = field(default_factory=Installed)
    routes: dict[str, Deed] = field(default_factory=dict)
    requests: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    was_asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            self.paths.append(head.split(b"\r\n", 1)[0].decode())
            await self._do(self._deed(json.loads(body or b"{}")), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    def _deed(self, body: dict) -> Deed:
        path = self.paths[-1].split()[1]
        told = self.routes.get(path) or self.installed.answer(path, body)
        if told is not None:
            return told
        self.requests.append(body)
        self.was_asked.set()
        return self.script(body)

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
