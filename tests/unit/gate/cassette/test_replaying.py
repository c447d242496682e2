"""A run that hears a cassette: what was recorded comes back as it arrived, a miss is a no, and nobody else is asked."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from domain.errors import BadInput
from domain.gate_reason import GateReason
from gate.cassette.choosing import cassette_line, check_cassette
from gate.cassette.format import sealed
from gate.cassette.replaying import ReplayLine
from gate.transport import Arrived
from tests.unit.gate.cassette.tapes import FIRST, HEAD, SECOND, WHOLE, Scripted, echo, terms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.jsonl"
    path.write_bytes(WHOLE)
    return path


def asked(line: ReplayLine, body: str) -> Arrived:
    return asyncio.run(line.call(body.encode(), 1.0))


def test_what_was_recorded_arrives_again_as_it_was_failures_and_the_time_it_took_included(path: Path) -> None:
    line = ReplayLine(terms(path, "replay"))
    first, second = asked(line, FIRST.request), asked(line, SECOND.request)
    assert (first.status, first.body, first.failure, first.latency_ms) == (200, b'{"done":true}', None, 61.25)
    assert (second.body, second.failure) == (SECOND.body, GateReason.DEADLINE)
    assert {one.source for one in (first, second)} == {"cassette"}
    assert (first.digest, first.server_version) == ("d1", "0.30.1")


def test_a_question_that_is_not_on_it_is_a_miss_that_took_no_time(path: Path) -> None:
    missed = asked(ReplayLine(terms(path, "replay")), '{"a":3}')
    assert missed == Arrived(status=None, body=b"", failure=GateReason.CASSETTE_MISS, source="cassette", latency_ms=0.0)


def test_its_readiness_is_the_head_and_no_server_hears_of_it(path: Path) -> None:
    server = Scripted(echo, is_up=False)
    line = cassette_line(terms(path, "replay_strict"), server, lambda: 0.0)
    found = asyncio.run(line.prepare())
    assert asyncio.run(line.call(FIRST.request.encode(), 1.0)).status == 200
    assert server.asked == []
    assert found.is_ready
    assert (found.digest, found.server_version, found.context_tokens) == ("d1", "0.30.1", 4096)
    assert "2 answers of tiny:latest (digest d1, server 0.30.1)" in found.told


@pytest.mark.parametrize("mode", ["replay", "replay_strict"])
@pytest.mark.parametrize(
    ("raw", "changes", "sentence"),
    [
        (None, {}, "No such file or directory; record on it first, with GATE_CASSETTE=record"),
        (b"", {}, "is empty: record on it first"),
        (WHOLE.replace(b'"status":200', b'"status":201'), {}, "is damaged in line 2: its checksum does not hold"),
        (WHOLE, {"model": "other"}, "GATE_MODEL = other, but the cassette .* was recorded with tiny:latest"),
        (WHOLE, {"backend": "openai"}, "GATE_BACKEND = openai, but the cassette .* was recorded with ollama"),
        (WHOLE, {"digest": "d12"}, "GATE_MODEL_DIGEST = d12, but"),
        (WHOLE, {"digest": "d2"}, "GATE_MODEL_DIGEST = d2, but the cassette .* was recorded with d1"),
    ],
)
def test_a_cassette_that_cannot_answer_for_the_settings_is_refused_at_the_start(
    tmp_path: Path, mode: str, raw: bytes | None, changes: dict[str, str], sentence: str
) -> None:
    path = tmp_path / "c.jsonl"
    if raw is not None:
        path.write_bytes(raw)
    chosen = terms(path, mode, **changes)
    with pytest.raises(BadInput, match=sentence):
        check_cassette(chosen)
    # A desk that gets past the start all the same hears noes.
    line = ReplayLine(chosen)
    assert asyncio.run(line.prepare()).reason is GateReason.CASSETTE_MISS
    assert asked(line, FIRST.request).failure is GateReason.CASSETTE_MISS


def test_a_pin_that_is_the_recorded_fingerprint_is_no_obstacle(path: Path) -> None:
    check_cassette(terms(path, "replay_strict", digest="d1"))
    check_cassette(terms(path, "replay_strict", digest="d"))


def test_a_torn_end_is_left_out_with_a_word_and_a_strict_replay_refuses_it(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(sealed(HEAD) + sealed(FIRST) + sealed(SECOND)[:50])
    told = asyncio.run(ReplayLine(terms(path, "replay")).prepare()).told
    assert "1 answer of tiny:latest" in told
    assert "without its last 50 bytes, whose recorder was cut off" in told
    with pytest.raises(BadInput, match="ends in 50 bytes of an answer whose recorder was cut off"):
        check_cassette(terms(path, "replay_strict"))


def test_an_answer_belongs_to_the_model_that_gave_it(tmp_path: Path) -> None:
    """The same request under a head with another fingerprint is another question."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(sealed(msgspec.structs.replace(HEAD, digest="d2")) + sealed(FIRST))
    with pytest.raises(BadInput, match="line 2: its key .* is not that of its request"):
        check_cassette(terms(path, "replay"))
