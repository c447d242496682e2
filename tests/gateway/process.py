"""A gateway in a process of its own, and a client of its socket."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.gateway.stage import key_file, order, policy_text, private_file

ROOT = Path(__file__).parents[2]
LONG_FROM_NOW_MS = 2**52
PATIENCE_S = 20


class Running:
    """One gateway process over the files of a folder. start() waits until it is ready or has refused."""

    def __init__(self, folder, url, mode="dry_run", program=("-m", "execution.gateway")):
        self.folder, self.mode, self.program = folder, mode, program
        self.socket_path = folder / "gateway.sock"
        private_file(folder / "policy.toml", policy_text())
        private_file(folder / "node", url)
        self.key = str(key_file(folder))
        self.process, self.clients = None, []

    def command(self, *more):
        """Return the command line."""
        words = [
            "--mode",
            self.mode,
            "--policy",
            self.folder / "policy.toml",
            "--log",
            self.folder / "orders.log",
            "--socket",
            self.socket_path,
            "--rpc",
            self.folder / "node",
        ]
        key = ["--key", self.key] if self.mode == "live" and self.key else []
        return [sys.executable, *self.program, *map(str, words), *key, *more]

    def start(self, *more, **options):
        """Start, and return what it said until it was ready or gone."""
        self.process = subprocess.Popen(self.command(*more), cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)
        self.said = []
        for line in self.process.stderr:
            self.said.append(json.loads(line) if line.startswith("{") else {"said": "raw", "line": line})
            if self.said[-1]["said"] == "ready":
                return self.said
        self.leave()
        return self.said

    def stop(self):
        """Ask it to stop and return the exit code."""
        self.process.terminate()
        return self.leave()

    def leave(self):
        """Wait until it is gone, close what led to it and return the exit code."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        code = self.process.wait(PATIENCE_S)
        self.process.stderr.close()
        return code

    def client(self):
        """Return a connection."""
        self.clients.append(Client(self.socket_path))
        return self.clients[-1]


class Client:
    """Lines out, lines back."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.tag = 0

    def ask(self, op, **fields):
        """Return the reply to one request; `{}` when the gateway is gone."""
        self.tag += 1
        reply = self.raw(json.dumps({"v": 1, "op": op, "tag": self.tag, **fields}).encode() + b"\n")
        assert not reply or reply["tag"] == self.tag
        return reply

    def place(self, id, **changes):
        """Place a modest limit order."""
        return self.ask("place", **order(id, **{"valid_until_ms": LONG_FROM_NOW_MS, **changes}))

    def raw(self, line):
        """Send bytes as they are and return the next reply."""
        try:
            self.socket.sendall(line)
            return json.loads(self.lines.readline() or b"{}")
        except (ConnectionError, BrokenPipeError):
            return {}

    def close(self):
        """Hang up."""
        self.lines.close()
        self.socket.close()
