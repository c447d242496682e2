"""What a cassette says: it comes back to the byte, what changed is found, what a kill left half done is left out."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.gate_reason import GateReason
from gate.cassette.format import CassetteDamaged, Head, Taped, contents, sealed
from tests.unit.gate.cassette.tapes import FIRST, HEAD, SECOND, WHOLE, taped

ENDS = [place + 1 for place, byte in enumerate(WHOLE) if byte == ord("\n")]


@given(st.binary(max_size=300), st.text(max_size=60), st.none() | st.integers(100, 599), st.sampled_from([*GateReason]))
def test_whatever_arrived_comes_back_to_the_byte(body, request, status, failure) -> None:
    one = taped(request.encode("utf-8", "replace").decode(), body, status=status, failure=failure)
    read = contents("c", sealed(HEAD) + sealed(one))
    assert read.head == HEAD
    [back] = read.answers.values()
    assert (back.body, back.status, back.failure, back.latency_ms) == (body, status, failure, 61.25)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_byte_that_changed_is_found_and_its_line_is_named(place: int, flip: int) -> None:
    raw = bytearray(WHOLE)
    raw[place] ^= flip
    number = 1 + WHOLE[:place].count(b"\n")
    with pytest.raises(CassetteDamaged, match=rf"the cassette c is damaged in line {number}: "):
        contents("c", bytes(raw))


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_off_anywhere_holds_its_whole_lines_and_says_what_it_left_out(n_bytes: int) -> None:
    read = contents("c", WHOLE[:n_bytes])
    n_lines = WHOLE[:n_bytes].count(b"\n")
    assert read.head == (HEAD if n_lines else None)
    assert len(read.answers) == max(n_lines - 1, 0)
    assert read.n_whole_bytes == max((end for end in ENDS if end <= n_bytes), default=0)
    assert read.n_torn_bytes == n_bytes - read.n_whole_bytes


def test_a_line_is_json_that_a_person_can_read_and_check_with_a_common_tool() -> None:
    line = sealed(FIRST)
    told = json.loads(line)
    assert (told["request"], told["text"], told["status"]) == ('{"a":1}', '{"done":true}', 200)
    before = line[: line.index(b',"sha256"')]
    assert told["sha256"] == sha256(before).hexdigest()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([FIRST], "line 1: the head stands first, and only once"),
        ([HEAD, HEAD], "line 2: the head stands first, and only once"),
        ([HEAD, FIRST, FIRST], "line 3: it answers the same request as line 2"),
        ([HEAD, taped('{"a":1}', key=SECOND.key)], "is not that of its request"),
    ],
)
def test_lines_that_do_not_belong_together_are_refused(lines: list[Head | Taped], sentence: str) -> None:
    with pytest.raises(CassetteDamaged, match=sentence):
        contents("c", b"".join(map(sealed, lines)))


def test_a_later_format_is_refused_by_its_number() -> None:
    with pytest.raises(BadInput, match="format 2; this version reads format 1"):
        contents("c", sealed(Head(format=2, backend="ollama", model="m", digest=None, server_version=None)))
