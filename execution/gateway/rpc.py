"""JSON-RPC to the node, bounded in time and bytes. Every way it can fail is `Unreachable` or `RpcRefused`.

The answers are read here with `json`, not with the chain library's own parser: that one ends the process's thread with
a panic, no `Exception`, on an error variant it does not know.
"""

import http.client
import itertools
import json
import ssl
from typing import Any, Protocol
from urllib.parse import urlsplit

from execution.gateway.codes import CannotStart

MOST_ANSWER_BYTES = 8 << 20
CALL_TIMEOUT_S = 5.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PART_BYTES = 65_536


class Unreachable(Exception):
    """The node did not answer, or not with what the protocol allows. A call that changes the world may have done so."""


class RpcRefused(Exception):
    """The node answered with an error. number: the protocol's code. data: what came with it, or None."""

    def __init__(self, number: int, message: str, data: Any) -> None:
        super().__init__(f"{number}: {message[:200]}")
        self.number = number
        self.data = data


class Clock(Protocol):
    """What the client needs of a clock."""

    def elapsed_s(self) -> float:
        """Return seconds of a clock that only moves forward."""


class Rpc:
    """A client of one node. Every call is a connection of its own, follows no redirect and is over within its time.

    url: https, or http to this machine. Its path may hold the operator's secret: it is in no message of this class.
    """

    def __init__(self, url: str, clock: Clock, timeout_s: float = CALL_TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise CannotStart("the node's address must be https, or http on this machine")
        if not parts.hostname or parts.username:
            raise CannotStart("the node's address must have a host and no user in it")
        self._host, self._port, self._tls = parts.hostname, parts.port, parts.scheme == "https"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._clock, self._timeout_s = clock, timeout_s
        self._numbers = itertools.count(1)

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call; raise `Unreachable` or `RpcRefused`."""
        number = next(self._numbers)
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
        answer = self._exchange(method, body)
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise Unreachable(f"{method}: the answer is not to this call")
        error = answer.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            raise RpcRefused(code if type(code) is int else 0, str(error.get("message")), error.get("data"))
        if "result" not in answer or error is not None:
            raise Unreachable(f"{method}: the answer has no result")
        return answer["result"]

    def _exchange(self, method: str, body: bytes) -> Any:
        connection = self._connection()
        try:
            deadline_s = self._clock.elapsed_s() + self._timeout_s
            connection.request("POST", self._target, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise Unreachable(f"{method}: HTTP status {answer.status}")
            return json.loads(self._read(method, answer, deadline_s))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise Unreachable(f"{method}: {type(error).__name__}") from None
        finally:
            connection.close()

    def _read(self, method: str, answer: http.client.HTTPResponse, deadline_s: float) -> bytes:
        content = b""
        while part := answer.read1(PART_BYTES):
            content += part
            if len(content) > MOST_ANSWER_BYTES or self._clock.elapsed_s() > deadline_s:
                raise Unreachable(f"{method}: the answer is too long or too slow")
        return content

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
