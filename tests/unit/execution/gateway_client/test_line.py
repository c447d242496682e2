import asyncio
import json
import os
from contextlib import asynccontextmanager

import pytest

from domain.errors import BooksDisagree, VenueUnreachable
from execution.gateway_client import line as line_module
from execution.gateway_client.line import Denial, Line, what_is_wrong_with
from execution.gateway_client.messages import OrderTold, Void

OK = {"v": 1, "ok": True, "order": {"id": "a", "op": "void", "state": "refused"}}
GREETING = {
    "v": 1,
    "ok": True,
    "version": 1,
    "mode": "dry_run",
    "profile": "drift_v2",
    "program": "p",
    "user": "u",
    "policy": "0",
    "symbols": ["SOL-PERP"],
}
TIMEOUT_S = 5.0


def trust(_):
    return


class Listener:
    """A socket that answers each line with what the test says; `None` closes the connection, "" says nothing."""

    def __init__(self, path, answers):
        self.path, self.answers, self.heard = path, list(answers), []
        self.n_connections, self.n_open, self.hangs_up = 0, 0, False

    async def converse(self, reader, writer):
        self.n_connections, self.n_open = self.n_connections + 1, self.n_open + 1
        while line := await reader.readline():
            asked = json.loads(line)
            if asked["op"] == "hello":
                writer.write(told(GREETING)(asked["tag"]))
                continue
            self.heard.append(asked)
            answer = self.answers.pop(0)
            if answer is None:
                break
            text = answer(self.heard[-1]["tag"]) if callable(answer) else answer
            writer.write(text)
            if self.hangs_up:
                break
        writer.close()
        self.n_open -= 1


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.001)


def told(body, **changes):
    return lambda tag: json.dumps({**body, "tag": tag, **changes}).encode() + b"\n"


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path


@asynccontextmanager
async def listening(folder, *answers, timeout_s=TIMEOUT_S):
    listener = Listener(folder / "s", answers)
    server = await asyncio.start_unix_server(listener.converse, listener.path)
    listener.path.chmod(0o600)
    line = Line(listener.path, timeout_s, trust)
    try:
        yield line, listener
    finally:
        await line.close()
        await until(lambda: not listener.n_open)
        server.close()


def asked(folder, *answers, n=1, **options):
    """Ask n times and return the last answer."""

    async def go():
        async with listening(folder, *answers, **options) as (line, _):
            for _ in range(n - 1):
                with pytest.raises(VenueUnreachable):
                    await line.ask(Void(id="a"), OrderTold)
            return await line.ask(Void(id="a"), OrderTold)

    return asyncio.run(go())


def test_a_reply_is_read_and_a_no_is_a_value(folder):
    assert asked(folder, told(OK)).order.id == "a"
    denied = asked(folder, told({"v": 1, "ok": False, "code": "halted", "reason": "why"}))
    assert isinstance(denied, Denial)
    assert (denied.code, denied.reason) == ("halted", "why")


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (None, "hung up"),
        (b"\n", "cannot be read"),
        (b"\xff\x00\n", "cannot be read"),
        (b"[" * 3_000 + b"\n", "cannot be read"),
        (b'{"v":1}\n', "cannot be read"),
        (told(OK, v=2), "version 2"),
        (told(OK, tag=77), "tag 77"),
        (told(OK, tag=None), "tag None"),
        (told(OK, ok="yes"), "cannot be read"),
        (told(OK, order={"id": "a", "op": "void", "state": "lost"}), "cannot be read"),
        (b"x" * 5_000 + b"\n", "longer than"),
    ],
)
def test_whatever_is_no_whole_reply_proves_nothing_and_the_next_question_is_asked_anew(
    folder, monkeypatch, answer, word
):
    monkeypatch.setattr(line_module, "MOST_REPLY_BYTES", 4_000)

    async def go():
        async with listening(folder, answer, told(OK)) as (line, listener):
            with pytest.raises(VenueUnreachable, match=word):
                await line.ask(Void(id="a"), OrderTold)
            assert (await line.ask(Void(id="b"), OrderTold)).order.id == "a"
            assert listener.n_connections == 2

    asyncio.run(go())


def test_half_a_line_is_told_from_none(folder):
    async def converse(reader, writer):
        writer.write(told(GREETING)(json.loads(await reader.readline())["tag"]))
        await reader.readline()
        writer.write(b'{"v":1,')
        writer.close()
        closed.set()

    closed = asyncio.Event()

    async def go():
        server = await asyncio.start_unix_server(converse, folder / "s")
        (folder / "s").chmod(0o600)
        line = Line(folder / "s", TIMEOUT_S, trust)
        with pytest.raises(VenueUnreachable, match="in the middle of an answer"):
            await line.ask(Void(id="a"), OrderTold)
        await closed.wait()
        await line.close()
        server.close()

    asyncio.run(go())


def test_silence_ends_in_time_and_a_late_reply_is_never_taken_for_another(folder):
    async def go():
        async with listening(folder, b"", told(OK), timeout_s=0.05) as (line, listener):
            with pytest.raises(VenueUnreachable, match="within 0.05 s"):
                await line.ask(Void(id="a"), OrderTold)
            assert (await line.ask(Void(id="b"), OrderTold)).order.id == "a"
            assert listener.n_connections == 2

    asyncio.run(go())


def test_a_question_that_was_called_off_leaves_no_reply_behind(folder):
    async def go():
        async with listening(folder, b"", told(OK)) as (line, listener):
            task = asyncio.create_task(line.ask(Void(id="a"), OrderTold))
            await until(lambda: listener.heard)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await line.ask(Void(id="b"), OrderTold)
            assert [one["id"] for one in listener.heard] == ["a", "b"]
            assert listener.n_connections == 2

    asyncio.run(go())


def test_questions_asked_at_once_are_answered_each_with_its_own(folder):
    async def go():
        replies = [told(OK, order={**OK["order"], "id": f"r{n}"}) for n in range(20)]
        async with listening(folder, *replies) as (line, listener):
            answers = await asyncio.gather(*(line.ask(Void(id=f"r{n}"), OrderTold) for n in range(20)))
            assert [one.order.id for one in answers] == [f"r{n}" for n in range(20)]
            assert listener.n_connections == 1

    asyncio.run(go())


def test_a_gateway_that_went_away_while_nothing_was_asked_costs_no_question(folder):
    async def go():
        async with listening(folder, told(OK), told(OK)) as (line, listener):
            listener.hangs_up = True
            for n_connections in (1, 2):
                await line.ask(Void(id="a"), OrderTold)
                await until(lambda: line._connection[0].at_eof())
                assert listener.n_connections == n_connections

    asyncio.run(go())


def test_a_socket_that_is_not_there_yet_is_waited_for(folder):
    async def go():
        line = Line(folder / "s", TIMEOUT_S, trust)
        waiting = asyncio.create_task(line.ask(Void(id="a"), OrderTold))
        await asyncio.sleep(0.01)
        async with listening(folder, told(OK)):
            assert (await waiting).order.id == "a"
            await line.close()

    asyncio.run(go())


def test_a_socket_that_is_never_there_is_told_in_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(line_module, "CONNECT_S", 0.02)
    with pytest.raises(VenueUnreachable, match="No such file"):
        asyncio.run(Line(folder / "s", TIMEOUT_S, trust).ask(Void(id="a"), OrderTold))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda path: path.chmod(0o666), "mode 0600"),
        (lambda path: path.parent.chmod(0o777), "writable by nobody else"),
        (lambda path: os.chown(path, 12_345, -1) if os.geteuid() == 0 else path.chmod(0o640), "this user's"),
        (lambda path: (path.rename(path.with_name("t")), path.symlink_to(path.with_name("t"))), "link"),
        (lambda path: (path.unlink(), path.touch(0o600)), "no socket"),
    ],
)
def test_a_socket_that_may_be_anothers_is_not_spoken_to(folder, spoil, word):
    async def go():
        async with listening(folder, told(OK)) as (line, listener):
            spoil(listener.path)
            assert word in what_is_wrong_with(listener.path)
            with pytest.raises(VenueUnreachable, match=word):
                await line.ask(Void(id="a"), OrderTold)
            assert listener.heard == []

    asyncio.run(go())


def test_a_process_of_another_user_is_not_spoken_to(folder, monkeypatch):
    monkeypatch.setattr(line_module, "_is_ours", lambda _: False)

    async def go():
        async with listening(folder, told(OK)) as (line, listener):
            with pytest.raises(VenueUnreachable, match="another user's process"):
                await line.ask(Void(id="a"), OrderTold)
            await until(lambda: listener.n_connections)
            assert listener.heard == []

    asyncio.run(go())


def test_whoever_answers_a_new_connection_is_looked_at_before_anything_is_asked(folder):
    looked_at = []

    def hold(greeting):
        looked_at.append(greeting.mode)
        if len(looked_at) == 2:
            raise BooksDisagree("another")

    async def go():
        async with listening(folder, None) as (line, listener):
            line._hold = hold
            with pytest.raises(VenueUnreachable):
                await line.ask(Void(id="a"), OrderTold)
            with pytest.raises(BooksDisagree):
                await line.ask(Void(id="b"), OrderTold)
            assert [one["id"] for one in listener.heard] == ["a"]
            assert looked_at == ["dry_run", "dry_run"]

    asyncio.run(go())
