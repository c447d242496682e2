import asyncio

import pytest

from domain.errors import FeedLost
from market.history.patience import NotNow, insist
from market.history.terms import FetchTerms


def ask(n_failures, **terms):
    waits, tries = [], []

    async def pause(seconds):
        waits.append(seconds)

    async def once():
        tries.append(None)
        if len(tries) <= n_failures:
            raise NotNow(f"failure {len(tries)}")
        return "answer"

    return asyncio.run(insist(once, "the venue's bars", FetchTerms(**terms), pause)), waits


def test_the_wait_doubles_up_to_half_a_minute():
    assert ask(7) == ("answer", [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0])
    assert ask(0) == ("answer", [])


def test_the_last_failure_is_told_and_how_to_go_on():
    with pytest.raises(FeedLost, match=r"the venue's bars: no answer in 3 tries \(failure 3\).*same command goes on"):
        ask(3, n_tries=3)


def test_terms_that_never_ask_or_never_give_up_are_refused():
    for wrong in ({"n_tries": 0}, {"timeout_s": 0.0}, {"first_pause_s": float("nan")}):
        with pytest.raises(ValueError, match="asked at least once"):
            FetchTerms(**wrong)
