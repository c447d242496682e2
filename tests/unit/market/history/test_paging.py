import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import FeedLost
from market.history.paging import collect_day, collect_grid

STEP_MS = 60_000


class Pages:
    """A venue that answers from `rows`, and spoils the answers it is told to spoil."""

    def __init__(self, rows, spoil=()):
        self.rows, self.spoil, self.n_asked = rows, dict(spoil), 0

    async def __call__(self, first_ms, until_ms):
        page = [(stamp, row) for stamp, row in self.rows.items() if first_ms <= stamp < until_ms]
        change = self.spoil.get(self.n_asked, lambda page: page)
        self.n_asked += 1
        return change(page)


SPOIL = st.sampled_from(
    [
        lambda page: [],
        lambda page: page[::-1],
        lambda page: page + page,
        lambda page: page[: len(page) // 2],
        lambda page: [*page, (10**12, (9.0,))],
    ]
)


@given(
    there=st.sets(st.integers(0, 59)),
    n_page=st.integers(1, 20),
    spoil=st.dictionaries(st.integers(0, 3), SPOIL),
)
def test_whatever_becomes_of_the_first_answers_every_row_is_there_once_and_nothing_else(there, n_page, spoil):
    rows = {place * STEP_MS: (float(place),) for place in there}
    # A page that is spoilt on both looks is believed: the venue has said the same thing twice.
    pages = Pages(rows, {place: change for place, change in spoil.items() if place < -(-60 // n_page)})
    found = asyncio.run(collect_grid(pages, 0, 60 * STEP_MS, STEP_MS, n_page))
    assert found == rows


def test_what_is_whole_is_asked_for_once_and_a_hole_twice():
    whole = Pages({place * STEP_MS: (1.0,) for place in range(10)})
    asyncio.run(collect_grid(whole, 0, 10 * STEP_MS, STEP_MS, 5))
    assert whole.n_asked == 2
    gapped = Pages({place * STEP_MS: (1.0,) for place in range(10) if place not in (3, 4)})
    asyncio.run(collect_grid(gapped, 0, 10 * STEP_MS, STEP_MS, 5))
    assert gapped.n_asked == 3


def test_one_stamp_with_two_rows_is_nobodys_truth():
    pages = Pages({0: (1.0, float("nan"))}, {0: lambda page: [*page, (0, (2.0, float("nan")))]})
    with pytest.raises(FeedLost, match="two different rows"):
        asyncio.run(collect_grid(pages, 0, STEP_MS, STEP_MS, 5))


def test_a_day_without_a_row_is_believed_when_it_is_said_twice():
    pages = Pages({5: (1.0,)}, {0: lambda page: []})
    assert asyncio.run(collect_day(pages, 0, STEP_MS)) == {5: (1.0,)}
    nothing = Pages({})
    assert asyncio.run(collect_day(nothing, 0, STEP_MS)) == {}
    assert nothing.n_asked == 2
