"""A run that records: every answer once, on disk before it counts, of one model only."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.errors import BadInput
from domain.gate_reason import GateReason
from gate.cassette.choosing import check_cassette
from gate.cassette.files import read_cassette
from gate.cassette.recording import RecordLine
from gate.cassette.replaying import ReplayLine
from gate.transport import Arrived
from tests.unit.gate.cassette.tapes import HEAD, Scripted, echo, terms, ticking


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.jsonl"


def recording(path: Path, server: Scripted, **changes: str) -> RecordLine:
    return RecordLine(terms(path, **changes), server, ticking())


def asked(line: RecordLine | ReplayLine, *bodies: bytes) -> list[Arrived]:
    async def go() -> list[Arrived]:
        await line.prepare()
        return [await line.call(body, 1.0) for body in bodies]

    return asyncio.run(go())


def test_what_is_recorded_is_heard_again_to_the_byte_with_the_time_it_took(path: Path) -> None:
    line = recording(path, Scripted(echo))
    lived = asked(line, b"one", b"two")
    line.close()
    relived = asked(ReplayLine(terms(path, "replay_strict")), b"one", b"two")
    assert [one.body for one in lived] == [b"to one", b"to two"]
    assert [one.latency_ms for one in lived] == [250.0, 250.0]
    assert [(one.source, again.source) for one, again in zip(lived, relived, strict=True)] == [("live", "cassette")] * 2
    parts = ("status", "body", "failure", "digest", "server_version", "latency_ms")
    assert [[getattr(one, part) for part in parts] for one in lived] == [
        [getattr(one, part) for part in parts] for one in relived
    ]


def test_an_answer_is_on_disk_when_it_counts(path: Path) -> None:
    line = recording(path, Scripted(echo))
    asked(line, b"one")
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    assert [one.body for one in read_cassette(copy).answers.values()] == [b"to one"]
    line.close()


def test_a_cassette_is_completed_and_what_it_holds_is_neither_asked_nor_written_again(path: Path) -> None:
    first = recording(path, Scripted(echo))
    asked(first, b"one")
    first.close()
    before, server = path.read_bytes(), Scripted(lambda body: Arrived(status=200, body=b"new", failure=None))
    second = recording(path, server)
    old, new, again = asked(second, b"one", b"two", b"two")
    second.close()
    assert server.asked == [b"two"]
    assert ([old.body, new.body, again.body], [old.source, new.source, again.source]) == (
        [b"to one", b"new", b"new"],
        ["cassette", "live", "cassette"],
    )
    assert path.read_bytes().startswith(before)
    assert len(read_cassette(path).answers) == 2


def test_a_failure_is_recorded_as_it_came(path: Path) -> None:
    failed = Arrived(status=500, body=b"half", failure=GateReason.CONNECTION_LOST)
    line = recording(path, Scripted(lambda _: failed))
    asked(line, b"one")
    line.close()
    [again] = asked(ReplayLine(terms(path, "replay")), b"one")
    assert (again.status, again.body, again.failure) == (500, b"half", GateReason.CONNECTION_LOST)


def test_a_second_recorder_is_refused_at_the_start_and_denied_if_it_comes_that_far(path: Path) -> None:
    first = recording(path, Scripted(echo))
    asked(first, b"one")
    with pytest.raises(BadInput, match="another desk is using the cassette"):
        check_cassette(terms(path))
    server = Scripted(echo)
    second = recording(path, server)
    assert "another desk is using" in asyncio.run(second.prepare()).told
    [denied] = asked(second, b"two")
    assert (denied.failure, server.asked) == (GateReason.CASSETTE_UNWRITTEN, [])
    first.close()
    check_cassette(terms(path))


@pytest.mark.parametrize(("digest", "version"), [("d2", "0.30.1"), ("d1", "0.31.0")])
def test_a_model_that_was_changed_since_is_not_recorded_on_the_same_cassette(
    path: Path, digest: str, version: str
) -> None:
    first = recording(path, Scripted(echo))
    asked(first, b"one")
    first.close()
    server = Scripted(echo, digest=digest, server_version=version)
    second = recording(path, server)
    found = asyncio.run(second.prepare())
    assert found.reason is GateReason.IDENTITY_CHANGED
    assert "tiny:latest (digest d1, server 0.30.1), the server now has tiny:latest" in found.told
    second.close()
    assert server.asked == []
    assert len(read_cassette(path).answers) == 1


def test_a_model_that_is_changed_in_the_middle_is_not_put_beside_the_first(path: Path) -> None:
    digests = iter(["d1", "d2"])
    line = recording(path, Scripted(lambda body: Arrived(status=200, body=body, failure=None, digest=next(digests))))
    first, second = asked(line, b"one", b"two")
    line.close()
    assert (first.failure, second.failure) == (None, GateReason.IDENTITY_CHANGED)
    assert second.body == b"two"
    assert len(read_cassette(path).answers) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "other"}, "GATE_MODEL = other"),
        ({"backend": "openai"}, "GATE_BACKEND = openai"),
        ({"digest": "d2"}, "GATE_MODEL_DIGEST = d2"),
    ],
)
def test_a_cassette_of_another_identity_is_not_recorded_on(path: Path, changes: dict[str, str], sentence: str) -> None:
    line = recording(path, Scripted(echo))
    asked(line, b"one")
    line.close()
    before = path.read_bytes()
    with pytest.raises(BadInput, match=sentence):
        check_cassette(terms(path, **changes))
    assert path.read_bytes() == before


def test_a_server_that_comes_up_late_begins_the_cassette_then(path: Path) -> None:
    server = Scripted(echo, is_up=False)
    line = recording(path, server)
    assert asyncio.run(line.prepare()).reason is GateReason.UNREACHABLE
    assert asyncio.run(line.call(b"one", 1.0)).failure is GateReason.CASSETTE_UNWRITTEN
    assert server.asked == []
    server.is_up = True
    [arrived] = asked(line, b"one")
    line.close()
    assert arrived.body == b"to one"
    found = read_cassette(path)
    assert (found.head, len(found.answers)) == (HEAD, 1)


def test_an_answer_that_cannot_be_written_is_a_no_and_its_bytes_are_kept_for_the_record(path: Path) -> None:
    line = recording(path, Scripted(echo))
    asked(line, b"one")
    line.close()
    arrived = asyncio.run(line.call(b"two", 1.0))
    assert (arrived.failure, arrived.body) == (GateReason.CASSETTE_UNWRITTEN, b"to two")
    assert len(read_cassette(path).answers) == 1


@dataclass
class Slow(Scripted):
    """Answers when it is let."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, body: bytes, deadline_s: float) -> Arrived:
        await self.gate.wait()
        return await super().call(body, deadline_s)


def test_two_markets_with_the_very_same_question_leave_one_answer(path: Path) -> None:
    numbers = iter(range(9))
    server = Slow(lambda body: Arrived(status=200, body=b"%d" % next(numbers), failure=None))
    line = recording(path, server)

    async def both() -> list[Arrived]:
        await line.prepare()
        calls = [asyncio.create_task(line.call(b"same", 1.0)) for _ in range(2)]
        await asyncio.sleep(0)
        server.gate.set()
        return list(await asyncio.gather(*calls))

    found = asyncio.run(both())
    line.close()
    assert [one.body for one in found] == [b"0", b"0"]
    assert len(read_cassette(path).answers) == 1
