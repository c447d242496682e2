import asyncio

import pytest

from domain.errors import BadInput, FeedLost
from market.history.terms import FetchTerms
from market.history.web import Web
from tests.doubles.history.server import HistoryServer, Reply


def asked(reply, *, as_file=False, n_tries=3):
    """Ask for one page or file; return what came, the server, and fill `waits` with every pause."""
    waits.clear()

    async def pause(seconds):
        waits.append(seconds)

    async def go(address):
        web = Web(FetchTerms(n_tries=n_tries), pause, {"Origin": "https://app.example"})
        try:
            if as_file:
                return await web.get_file(f"{address}/file", "the file")
            return await web.get(f"{address}/page", {"page": "2"}, "the page")
        finally:
            await web.close()

    server = HistoryServer(lambda path, query: reply)
    with server.running():
        return asyncio.run(go(server.address)), server


waits = []


def reply(status=200, body=b"ts\n1\n", **headers):
    return Reply([], lambda _: body, status=status, headers=headers)


def test_a_page_comes_as_it_was_sent_and_is_asked_for_by_name():
    body, server = asked(reply())
    assert (body, waits) == (b"ts\n1\n", [])
    assert server.asked == [("/page", {"page": "2"})]
    assert "origin: https://app.example" in server.headers


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_a_store_does_not_have_is_none(status):
    assert asked(reply(status), as_file=True)[0] is None


def test_a_page_that_is_not_there_and_a_question_that_is_refused_are_the_users_to_mend():
    with pytest.raises(BadInput, match="is not there"):
        asked(reply(404))
    with pytest.raises(BadInput, match="status 400"):
        asked(reply(400))


@pytest.mark.parametrize(("status", "words"), [(403, "status 403"), (503, "status 503"), (429, "status 429")])
def test_a_venue_that_will_not_answer_is_given_up_with_its_word(status, words):
    with pytest.raises(FeedLost, match=words):
        asked(reply(status))


@pytest.mark.parametrize(("wish", "waited"), [("7", 7.0), ("86400", 60.0), ("soon", 0.0)])
def test_a_venue_is_left_alone_as_long_as_it_wants_within_reason(wish, waited):
    with pytest.raises(FeedLost):
        asked(reply(429, **{"Retry-After": wish}), n_tries=1)
    assert waits == [waited]
