"""An Ollama server on a real socket: a script, or a decoder behind Ollama's routes, checks and habits."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from tests.doubles.loopback import on_loopback
from tests.doubles.ollama_calls import read_json
from tests.doubles.ollama_chats import Asked, Chats
from tests.doubles.ollama_installed import Installed
from tests.doubles.wire import TEXT, Deed, Request, do, hang_up, read_request, told

ROUTES: Mapping[str, tuple[str, ...]] = {
    "/": ("GET", "HEAD"),
    "/api/version": ("GET", "HEAD"),
    "/api/tags": ("GET", "HEAD"),
    "/api/ps": ("GET",),
    "/api/show": ("POST",),
    "/api/chat": ("POST",),
}
LOCAL_ENDINGS = (".localhost", ".local", ".internal")
Script = Callable[[dict[str, Any]], Deed | None]


@dataclass
class Ollama:
    """requests: the bodies that asked for an answer of the model. paths, headers: of every request.

    script: a deed for a body, or None to leave it to the decoder. routes: a deed for a path, in the place of what is
    there. hung_up: a client went before its answer was whole.
    """

    installed: Installed
    chats: Chats
    script: Script | None = None
    url: str = ""
    routes: dict[str, Deed] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    was_asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            self.paths.append(request.line)
            self.headers.append(request.headers)
            deed = self._deed(request)
            if deed is None:
                await self._chat(request, reader, writer)
            elif await do(deed, reader, writer):
                self.hung_up.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    def _deed(self, request: Request) -> Deed | None:
        """Return what is done with a request, None for a chat call that the decoder answers."""
        path = request.path.partition("?")[0]
        if path in self.routes:
            return self.routes[path]
        if not _is_local(request.headers.get("host", "")):
            return Deed(status=403)
        if path in ROUTES and request.method not in ROUTES[path]:
            return Deed(b"405 method not allowed", 405, TEXT)
        if path in ROUTES and path != "/api/chat":
            return self._page(path, request)
        deed = self.scripted(json.loads(request.body)) if self.script and request.method == "POST" else None
        return Deed(b"404 page not found", 404, TEXT) if deed is None and path != "/api/chat" else deed

    def _page(self, path: str, request: Request) -> Deed:
        if path == "/api/show":
            body = read_json(request.body)
            return body if isinstance(body, Deed) else self.installed.show(body)
        pages: Mapping[str, Callable[[], Deed]] = {
            "/": lambda: Deed(b"Ollama is running", content_type=TEXT),
            "/api/version": lambda: told({"version": self.installed.version}),
            "/api/tags": self.installed.tags,
            "/api/ps": self.installed.ps,
        }
        page = pages[path]()
        is_whole = request.method != "HEAD"
        return page if is_whole else Deed(b"", page.status, page.content_type, declared=len(page.body))

    def scripted(self, body: dict[str, Any]) -> Deed | None:
        """Return what the script does with a body, None where it leaves it to the decoder."""
        return None if self.script is None else self.script(self._noted(body))

    def _noted(self, body: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(body)
        self.was_asked.set()
        return body

    async def _chat(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer, unless the client goes first: then whatever was going on for it stops."""
        body = read_json(request.body)
        asked = Asked({} if isinstance(body, Deed) else body)
        self.chats.asked.append(asked)
        if self.script is None and asked.body.get("messages"):
            self._noted(dict(asked.body))
        answering = asyncio.ensure_future(self.chats.answer(request.body, asked, reader, writer))
        gone = asyncio.ensure_future(hang_up(reader))
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            asked.hung_up = not answering.done()
            if asked.hung_up:
                self.hung_up.set()
            else:
                answering.result()
        finally:
            answering.cancel()
            gone.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)


def _is_local(host: str) -> bool:
    """Say whether a Host header may be this machine's, as Ollama judges it."""
    name = host.rpartition(":")[0].strip("[]") if host.rpartition(":")[2].isdigit() else host.strip("[]")
    if not name or name == "localhost" or name.endswith(LOCAL_ENDINGS):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


@contextmanager
def serving(server: Ollama) -> Iterator[Ollama]:
    """Put a server on a socket of its own."""
    with on_loopback(server.serve) as url:
        server.url = url
        yield server
