"""Fetching a model to the server through Ollama's own client, which does nothing else for the desk."""

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import httpx

from domain.errors import BadInput
from domain.gate_reason import GateReason
from domain.record import Record
from gate.ollama_routes import digest_in
from gate.terms import ChatTerms
from gate.transport import CONNECT_S, from_now, get

if TYPE_CHECKING:
    from ollama import AsyncClient

# Layers come in bursts: a silence is allowed that no answer to a question is.
SILENCE_S: Final = 60.0
LIST_S: Final = 10.0
_MOST_SAID: Final = 200


class Progress(Record, frozen=True, kw_only=True):
    """How far a pull is. n_bytes: of the layer at hand, and n_bytes_whole its size; None where neither is told."""

    status: str
    n_bytes: int | None = None
    n_bytes_whole: int | None = None


async def pull(terms: ChatTerms, tell: Callable[[Progress], None]) -> None:
    """Let the server fetch the model, and tell how far it is. Raises BadInput when it is not there in the end."""
    try:
        from ollama import AsyncClient, ResponseError
    except (ImportError, ValueError, OSError) as error:
        # On import it makes a client of its own from the environment, and a proxy or host there can make that fail.
        raise BadInput(f"the package ollama does not load here: {error}; `ollama pull` does the same") from error
    # Without its habits: no redirect, no proxy, no key of the environment, no endless wait.
    client = AsyncClient(
        host=terms.url,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
        auth=_without_key,
    )
    try:
        async with client:
            last = await _followed(client, terms.model, tell)
    except httpx.TimeoutException as error:
        raise BadInput(f"{terms.url} said nothing for too long while it fetched {terms.model}") from error
    except (httpx.ConnectError, ConnectionError) as error:
        raise BadInput(
            f"nobody answers at {terms.url}: start the server (`ollama serve`), or put its address into GATE_URL"
        ) from error
    except httpx.TransportError as error:
        raise BadInput(f"{terms.url} could not be heard to the end: {printable(str(error))}") from error
    except ResponseError as error:
        raise BadInput(f"{terms.url} did not fetch {terms.model}: {printable(error.error)}") from error
    except (ValueError, TypeError, AttributeError) as error:
        # What is not shaped as the client expects fails in it wherever it may.
        raise BadInput(f"{terms.url} did not fetch {terms.model}: {printable(str(error))}") from error
    if last != "success":
        raise BadInput(f"{terms.url} stopped fetching {terms.model} after: {last or 'nothing'}")


async def _followed(client: "AsyncClient", model: str, tell: Callable[[Progress], None]) -> str:
    last = ""
    async for part in await client.pull(model, stream=True):
        last = printable(part.status or "")
        tell(Progress(status=last, n_bytes=part.completed, n_bytes_whole=part.total))
    return last


async def digest_of(terms: ChatTerms) -> str:
    """Return the fingerprint of the model as the server lists it. Raises BadInput when it does not."""
    until, tls = from_now(LIST_S), ssl.create_default_context()
    digest = digest_in(await get(terms.at("/api/tags"), until, tls), terms.model)
    if isinstance(digest, GateReason):
        raise BadInput(f"{terms.model} at {terms.url}: {digest.label}")
    return digest


def printable(text: str) -> str:
    """Return what a server said, fit for a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_MOST_SAID])


def _without_key(request: httpx.Request) -> httpx.Request:
    """Take away what the client adds to a call to any host, when OLLAMA_API_KEY is set."""
    request.headers.pop("authorization", None)
    return request
