"""The client of the node: every way a server can misbehave is one of two exceptions, within the time."""

import json
import socket
import threading

import pytest

from execution.gateway.chain import Chain
from execution.gateway.clock import SystemClock
from execution.gateway.rpc import MOST_ANSWER_BYTES, Rpc, RpcRefused, Unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


@pytest.fixture
def serve():
    """Return a function that answers each connection with these bytes, whatever is asked; `hold` keeps it open."""
    done, sockets = threading.Event(), []

    def begin(content, hold=False):
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def run():
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    connection.sendall(content)
                except OSError:
                    return
                if hold:
                    done.wait(10)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/secret"

    yield begin
    done.set()
    for one in sockets:
        one.close()


def body(**fields):
    content = json.dumps({"jsonrpc": "2.0", "id": 1, **fields}).encode()
    return OK % (len(content), content)


def call(url, timeout_s=0.3):
    return Rpc(url, SystemClock(), timeout_s).call("getSlot")


def test_a_result_is_returned_and_an_error_is_told_with_its_number(serve):
    assert call(serve(body(result=7))) == 7
    with pytest.raises(RpcRefused, match="-32601: no such method"):
        call(serve(body(error={"code": -32601, "message": "no such method"})))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        OK % (5, b"[1,2]"),
        OK % (3000, b"[" * 3000),
        OK % (500, b'{"id": 1'),
        body(id=2, result=1),
        body(),
        body(result=1, error="x"),
    ],
)
def test_whatever_else_comes_is_unreachable(serve, content):
    with pytest.raises(Unreachable) as raised:
        call(serve(content))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 200 OK\r\n", OK % (100, b'{"id": 1')])
def test_silence_ends_with_the_time(serve, content):
    with pytest.raises(Unreachable):
        call(serve(content, hold=True))


def test_an_answer_without_an_end_is_cut_off(serve):
    with pytest.raises(Unreachable, match="too long or too slow"):
        call(serve(OK % (10**9, b" " * (MOST_ANSWER_BYTES + 100_000)), hold=True), timeout_s=5.0)


@pytest.mark.parametrize(
    ("ask", "result"),
    [
        (lambda chain: chain.slot(), -1),
        (lambda chain: chain.slot(), True),
        (
            lambda chain: chain.latest_blockhash(),
            {"context": {"slot": 1}, "value": {"blockhash": "x", "lastValidBlockHeight": 1}},
        ),
        (lambda chain: chain.latest_blockhash(), {"context": {}, "value": {}}),
        (lambda chain: chain.accounts(["a"]), {"context": {"slot": 1}, "value": []}),
        (
            lambda chain: chain.accounts(["a"]),
            {"context": {"slot": 1}, "value": [{"data": ["!", "base64"], "owner": "o"}]},
        ),
        (lambda chain: chain.simulate("t"), {"context": {"slot": 1}, "value": {"logs": []}}),
        (lambda chain: chain.sighting("s"), {"context": {"slot": 1}, "value": [None, None]}),
        (lambda chain: chain.head(), []),
    ],
)
def test_an_answer_of_another_shape_is_unreachable_and_never_a_guess(serve, ask, result):
    with pytest.raises(Unreachable):
        ask(Chain(Rpc(serve(body(result=result)), SystemClock(), 0.3)))
