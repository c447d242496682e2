"""One call, bounded in time and size, and what it brought, whole or not."""

import asyncio
import ssl
from typing import Final

import httpx

from domain.gate_reason import GateReason
from domain.record import Record

MOST_BYTES: Final = 65_536
# A list of models grows with what the user has pulled, and tells nothing that is kept.
MOST_LISTED_BYTES: Final = 4 * 1024 * 1024
# A model that runs on this machine's own cores can hold the desk up for a second.
CONNECT_S: Final = 3.0
# httpx bounds each read by itself; a server that drips one byte at a time is stopped by the deadline over everything.
_TIMEOUT: Final = httpx.Timeout(None, connect=CONNECT_S)
# The last two: an address that looks like one to us and not to the client.
_NO_ADDRESS: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, UnicodeError)
# The client does not name every break of an encrypted connection: what its sockets raise comes through.
_BROKEN: Final = (httpx.TransportError, OSError)
_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "content-type": "application/json",
    "user-agent": "tidegate",
}


class Arrived(Record, frozen=True, kw_only=True):
    """What came back. status: None before any headers. failure: None when the answer is whole.

    digest, server_version: who answered, where the line has found out. source: "live", or "cassette". latency_ms: what
    the call took where the line itself tells, as a cassette does of then.
    """

    status: int | None
    body: bytes
    failure: GateReason | None
    digest: str | None = None
    server_version: str | None = None
    source: str = "live"
    latency_ms: float | None = None


def from_now(seconds: float) -> float:
    """Return the moment so many seconds from now, by the clock that the event loop keeps its own deadlines with."""
    return asyncio.get_running_loop().time() + seconds


def left_until(moment: float) -> float:
    """Return the seconds until a moment of the event loop's clock; below zero when it has passed."""
    return moment - asyncio.get_running_loop().time()


async def post(url: str, body: bytes, until: float, tls: ssl.SSLContext, most_bytes: int = MOST_BYTES) -> Arrived:
    """Send `body` once and read the answer, until a moment as `from_now` tells it, and for at most `most_bytes`."""
    return await _call("POST", url, body, until, tls, most_bytes)


async def get(url: str, until: float, tls: ssl.SSLContext) -> Arrived:
    """Read what a route tells, until a moment as `from_now` tells it, and for at most `MOST_LISTED_BYTES`."""
    return await _call("GET", url, b"", until, tls, MOST_LISTED_BYTES)


async def _call(method: str, url: str, body: bytes, until: float, tls: ssl.SSLContext, most_bytes: int) -> Arrived:
    """Call once. No redirect, no proxy and no password of the environment is followed, and nothing is tried twice."""
    status, failure, received = None, None, bytearray()
    try:
        async with (
            asyncio.timeout_at(until),
            httpx.AsyncClient(
                verify=tls,
                timeout=_TIMEOUT,
                follow_redirects=False,
                trust_env=False,
                event_hooks={"response": [_forget_where_it_points]},
            ) as client,
            client.stream(method, url, content=body, headers=_HEADERS) as response,
        ):
            status = response.status_code
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > most_bytes:
                    failure = GateReason.REPLY_TOO_LONG
                    break
    except TimeoutError:
        failure = GateReason.DEADLINE
    except _NO_ADDRESS:
        failure = GateReason.UNREACHABLE
    except _BROKEN:
        failure = GateReason.CONNECTION_LOST
    return Arrived(status=status, body=bytes(received[:most_bytes]), failure=failure)


async def _forget_where_it_points(response: httpx.Response) -> None:
    """Take the target off a redirect: the client reads it even where it follows none, and not every target is one."""
    response.headers.pop("location", None)
