"""Answers that come in pages: put together, asked for again where they have holes, and never believed twice over."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import groupby

from domain.errors import FeedLost
from market.recording import utc_text

Row = tuple[float, ...]
Ask = Callable[[int, int], Awaitable[Iterable[tuple[int, Row]]]]
"""Asks for the rows with first_ms <= stamp < until_ms, in any order; what lies outside is passed over."""


async def collect_grid(ask: Ask, first_ms: int, until_ms: int, step_ms: int, n_page: int) -> Mapping[int, Row]:
    """Return the rows of a fixed step by stamp, asking for at most n_page at a time.

    A hole is asked for again and believed only when that brings nothing new: an empty or a short page is not yet a
    gap. Raises FeedLost when one stamp comes with two different rows.
    """
    rows: dict[int, Row] = {}
    await _add_pages(rows, ask, [(first_ms, until_ms)], step_ms * n_page)
    while True:
        missing = [stamp for stamp in range(first_ms, until_ms, step_ms) if stamp not in rows]
        n_before = len(rows)
        await _add_pages(rows, ask, _runs(missing, step_ms), step_ms * n_page)
        if len(rows) == n_before:
            return rows


async def collect_day(ask: Ask, first_ms: int, until_ms: int) -> Mapping[int, Row]:
    """Return rows of no fixed step that fit one page, by stamp. None at all is believed when it is said twice."""
    rows: dict[int, Row] = {}
    await _add(rows, ask, first_ms, until_ms)
    if not rows:
        await _add(rows, ask, first_ms, until_ms)
    return rows


async def _add_pages(rows: dict[int, Row], ask: Ask, runs: Iterable[tuple[int, int]], page_ms: int) -> None:
    for first_ms, until_ms in runs:
        for begin_ms in range(first_ms, until_ms, page_ms):
            await _add(rows, ask, begin_ms, min(begin_ms + page_ms, until_ms))


async def _add(rows: dict[int, Row], ask: Ask, first_ms: int, until_ms: int) -> None:
    for stamp_ms, row in await ask(first_ms, until_ms):
        if not first_ms <= stamp_ms < until_ms:
            continue
        # Written out, so that NaN is the same as NaN.
        if repr(rows.setdefault(stamp_ms, row)) != repr(row):
            raise FeedLost(f"two different rows came for {utc_text(stamp_ms)} UTC; fetch again to see which one stays")


def _runs(missing: list[int], step_ms: int) -> list[tuple[int, int]]:
    """Return [first, end) of every run of missing stamps."""
    runs = []
    for _, group in groupby(enumerate(missing), key=lambda one: one[1] - one[0] * step_ms):
        stamps = [stamp for _, stamp in group]
        runs.append((stamps[0], stamps[-1] + step_ms))
    return runs
