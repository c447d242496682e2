"""Asking again: how often, how long apart, and what is said when it is enough."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from domain.errors import FeedLost
from market.history.terms import FetchTerms

_T = TypeVar("_T")
_MOST_PAUSE_S: Final = 30.0

Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""


class NotNow(Exception):
    """A source did not answer, or with nothing of use; asking again may help. The message says what came."""


async def insist(
    ask: Callable[[], Awaitable[_T]], question: str, terms: FetchTerms, pause: Pause = asyncio.sleep
) -> _T:
    """Ask until there is an answer, waiting twice as long before every further try.

    question: what was wanted, for the sentence. Raises FeedLost when the last try brought nothing either.
    """
    pause_s, why = terms.first_pause_s, ""
    for n_left in range(terms.n_tries - 1, -1, -1):
        try:
            return await ask()
        except NotNow as error:
            why = str(error)
        if n_left:
            await pause(min(pause_s, _MOST_PAUSE_S))
            pause_s *= 2.0
    tries = "1 try" if terms.n_tries == 1 else f"{terms.n_tries} tries"
    raise FeedLost(
        f"{question}: no answer in {tries} ({why[:300]}); days fetched before are on disk, and the same command goes on"
    )
