"""A target of the tests' own: an HTTP server that takes apprise's json:// messages, and fails as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 60.0


@dataclass
class Mailbox:
    """What arrived. status: what is answered. is_hanging: nothing is, until the server ends."""

    port: int = 0
    status: int = 200
    is_hanging: bool = False
    letters: list[tuple[str, str]] = field(default_factory=list)
    n_asked: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)
    is_over: threading.Event = field(default_factory=threading.Event)

    def url(self, options: str = "") -> str:
        return f"json://127.0.0.1:{self.port}/tokenish{options}"

    @property
    def bodies(self) -> list[str]:
        with self.news:
            return [body for _, body in self.letters]

    def wait_for(self, words: str) -> str:
        """Wait until a message with these words has come, and return it."""
        with self.news:
            found = self.news.wait_for(lambda: [body for _, body in self.letters if words in body], PATIENCE_S)
            assert found, f"nobody wrote {words!r}; there is {self.letters}"
            return str(found[0])

    def wait_until_asked(self) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.n_asked, PATIENCE_S)

    def take(self, text: bytes) -> int | None:
        with self.news:
            self.n_asked += 1
            if not self.is_hanging and self.status < 300:
                letter = json.loads(text)
                self.letters.append((letter["title"], letter["message"]))
            self.news.notify_all()
        if self.is_hanging:
            self.is_over.wait(PATIENCE_S)
            return None
        return self.status


@contextmanager
def a_mailbox(port: int = 0) -> Iterator[Mailbox]:
    """Serve until the end of the block."""
    mailbox = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = mailbox.take(self.rfile.read(int(self.headers["Content-Length"])))
            if status is not None:
                self.send_response(status)
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    mailbox.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mailbox
    finally:
        mailbox.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)
