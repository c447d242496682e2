"""A call ends in what arrived and why no more did, never in an exception."""

import asyncio
import os
import socket
import ssl
import threading

import pytest

from domain.gate_reason import GateReason
from gate.transport import from_now, post

NO_RECORD = b"this is no record of an encrypted connection"
FORGED = b"\x17\x03\x03\x00\x40" + bytes(64)


def anonymous(protocol):
    """Return a context that encrypts and shows no certificate, so that the test needs none."""
    context = ssl.SSLContext(protocol)
    if protocol is ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    return context


def called(said, forged):
    """Call an encrypted server that says something and then writes bytes past its own encryption."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        plain = listener.accept()[0]
        with anonymous(ssl.PROTOCOL_TLS_SERVER).wrap_socket(plain, server_side=True) as line:
            line.recv(65_536)
            if said:
                line.sendall(said)
            if forged:
                os.write(line.fileno(), forged)

    server = threading.Thread(target=serve)
    server.start()
    try:
        port = listener.getsockname()[1]

        async def call():
            return await post(f"https://127.0.0.1:{port}/", b"{}", from_now(5.0), anonymous(ssl.PROTOCOL_TLS_CLIENT))

        return asyncio.run(call())
    finally:
        server.join()
        listener.close()


@pytest.mark.parametrize("forged", [NO_RECORD, FORGED], ids=["no record", "a forged record"])
@pytest.mark.parametrize(
    ("said", "status"), [(b"", None), (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", 200)], ids=["first", "later"]
)
def test_an_encrypted_connection_that_breaks_is_a_lost_one(said, status, forged):
    arrived = called(said, forged)
    assert (arrived.status, arrived.failure) == (status, GateReason.CONNECTION_LOST)


def test_an_encrypted_answer_arrives_whole():
    arrived = called(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"")
    assert (arrived.status, arrived.failure, arrived.body) == (200, None, b"{}")


@pytest.mark.parametrize("url", ["http://999.1.1.1:1/", "http://xn--a/"])
def test_an_address_that_the_client_does_not_take_is_nobody(url):
    async def call():
        return await post(url, b"{}", from_now(5.0), ssl.create_default_context())

    arrived = asyncio.run(call())
    assert (arrived.status, arrived.failure) == (None, GateReason.UNREACHABLE)
