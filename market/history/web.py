"""Plain GET requests for files and pages, answered with the bytes as they came over the wire."""

from collections.abc import Mapping
from typing import Final

import httpx

from domain.errors import BadInput
from market.drift.rows import looks_like_document
from market.history.patience import NotNow, Pause, insist
from market.history.terms import FetchTerms

_LONGEST_WISH_S: Final = 60.0
_ABSENT: Final = (403, 404)


class Web:
    """One client for one source. Used within one event loop, and closed in it."""

    def __init__(self, terms: FetchTerms, pause: Pause, headers: Mapping[str, str]) -> None:
        """Get ready to ask; nothing is sent yet."""
        self._terms = terms
        self._pause = pause
        own = {"Accept-Encoding": "gzip", "User-Agent": "tidegate"}
        self._client = httpx.AsyncClient(timeout=terms.timeout_s, headers={**headers, **own})

    async def get(self, url: str, params: Mapping[str, str], question: str) -> bytes:
        """Return a page as it was sent: packed where it came packed, whatever its headers say.

        Raises BadInput when there is no such thing, FeedLost when there is no answer or none that is a document.
        """
        body = await insist(lambda: self._once(url, params, question), question, self._terms, self._pause)
        if body is None:
            raise BadInput(f"{question}: {url} is not there; is the market's name right, and is it old enough?")
        return body

    async def get_file(self, url: str, question: str) -> bytes | None:
        """Return the body of a file, None where the store has none: it answers 403 or 404 then."""
        return await insist(lambda: self._once(url, {}, question, absent=_ABSENT), question, self._terms, self._pause)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _once(
        self, url: str, params: Mapping[str, str], question: str, absent: tuple[int, ...] = (404,)
    ) -> bytes | None:
        try:
            async with self._client.stream("GET", url, params=params) as answer:
                # Raw: a store that calls plain text gzip, or the other way round, is unpacked by what it sent.
                body = b"".join([part async for part in answer.aiter_raw()])
        except httpx.HTTPError as error:
            raise NotNow(f"{type(error).__name__} {error}".strip()) from error
        except httpx.InvalidURL as error:
            raise BadInput(f"{question}: {url[:200]} is no address ({error})") from error
        if answer.status_code == 200 and not looks_like_document(body):
            raise NotNow("an answer that is no market data")
        if answer.status_code == 200:
            return body
        if answer.status_code in absent:
            return None
        if answer.status_code == 429:
            await self._pause(_wish_s(answer.headers.get("Retry-After", "")))
        if answer.status_code in (403, 429) or answer.status_code >= 500:
            raise NotNow(f"status {answer.status_code}")
        raise BadInput(f"{question}: refused with status {answer.status_code}")


def _wish_s(retry_after: str) -> float:
    """Return how long a server wants to be left alone, within reason."""
    return min(float(retry_after), _LONGEST_WISH_S) if retry_after.isdigit() else 0.0
