"""Whatever a server tells, it is read or it is a reason: no JSON gets out of the readers as an exception."""

import json

import msgspec
import pytest

from gate.canary import canary_objection
from gate.chat_reader import Judged, judged
from gate.ollama import OllamaWire
from gate.ollama_routes import digest_in, loaded_in, shown_in, version_in
from gate.openai import OpenAiWire
from gate.openai_acceptance import fingerprint_in, listed_in
from gate.terms import ChatTerms
from gate.transport import Arrived
from tests.unit.gate.ollama_double import MODEL, chat, ps, reply, show, tags, version
from tests.unit.gate.openai_double import completion, models
from tests.unit.gate.questions import question_of, reader

TERMS = ChatTerms(model=MODEL)
WIRES = (OllamaWire(terms=TERMS), OpenAiWire(terms=TERMS))
ASKED = question_of(reader("http://127.0.0.1:1"))
QUESTIONS = [msgspec.structs.replace(ASKED, prompt=wire.body("words", "figures")) for wire in WIRES]
ROUTES = (ps(), tags(), show(), version(), models())
SAMPLES = [json.loads(body) for body in (chat(), completion(), *(deed.body for deed in ROUTES))]
ODD = [
    None, True, 0, -1, 10**400, 1e308, "", "x", MODEL, "\ud800", "\0", "0" * 64, reply(), [], {}, [[]], [{}], {"a": []},
]  # fmt: skip


def places(value, path=()):
    """Yield the path of every part of a JSON value."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def put(value, path, odd):
    """Return the value with another part at a path."""
    if not path:
        return odd
    if isinstance(value, dict):
        return {**value, path[0]: put(value[path[0]], path[1:], odd)}
    return [put(part, path[1:], odd) if place == path[0] else part for place, part in enumerate(value)]


@pytest.mark.parametrize("sound", SAMPLES, ids=lambda sound: ",".join(sound)[:40])
def test_an_answer_with_any_part_of_it_odd_is_read_or_refused(sound):
    for path in places(sound):
        for odd in ODD:
            arrived = Arrived(status=200, body=json.dumps(put(sound, path, odd)).encode(), failure=None)
            assert all(read_by(arrived) for read_by in (version_in, shown_in)), (path, odd)
            assert all(read_by(arrived, MODEL) for read_by in (digest_in, loaded_in, listed_in)), (path, odd)
            build = fingerprint_in(arrived)
            assert build is None or build.isprintable(), (path, odd)
            for wire, question in zip(WIRES, QUESTIONS, strict=True):
                canary_objection(wire, arrived)
                assert isinstance(judged(arrived, question, wire, TERMS), Judged), (path, odd)
