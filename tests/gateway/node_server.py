"""The node behind HTTP on loopback, with the faults that are due."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.gateway.node import RpcError


class Listener(ThreadingHTTPServer):
    """A server that does not mind a gateway that died before its answer."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class NodeServer:
    """The node behind HTTP on a loopback port. Use as a context; `url` is where it listens."""

    def __init__(self, node):
        self.node = node

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self):
                respond(self, node)

            def log_message(self, *_):
                return

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/secret-path"

    def __enter__(self):
        """Begin to listen."""
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        """Stop, and wait until it has."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def respond(handler, node):
    """Answer one request, if it is whole."""
    length = int(handler.headers["Content-Length"])
    body = handler.rfile.read(length)
    if len(body) == length:
        return reply(handler, node, json.loads(body))
    return hang_up(handler)  # whoever asked died in the middle of its question


def reply(handler, node, asked):
    """Answer what was asked, with the fault that is due for its method."""
    fault = node.faults(asked["method"])
    if fault == "lose_request":
        return hang_up(handler)
    if fault == "too_many":
        return send(handler, 429, b"slow down")
    if fault == "garbage":
        return send(handler, 200, b'{"jsonrpc": "2.0", "id": 1, "result": {"con')
    if fault == "swallow":
        return send(handler, 200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "1" * 64}).encode())
    body = {"jsonrpc": "2.0", "id": asked["id"]}
    try:
        body["result"] = node.answer(asked["method"], asked.get("params") or [])
    except RpcError as error:
        body["error"] = error.body
    if fault == "lose_answer":
        return hang_up(handler)
    if fault == "other_id":
        body["id"] += 1
    return send(handler, 200, json.dumps(body).encode())


def send(handler, status, content):
    """Send one whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def hang_up(handler):
    """Close without an answer."""
    handler.close_connection = True
    handler.connection.close()
