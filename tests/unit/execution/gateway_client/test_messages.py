"""The desk's messages say the same as the gateway's schema, which is read here as data."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from execution.gateway_client import broker, messages
from execution.gateway_client.messages import (
    MOST_EXACT,
    Cancel,
    Direction,
    Fills,
    Kind,
    Orders,
    Place,
    Request,
    State,
    Void,
    When,
    request_line,
)

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "execution/gateway/schema.json").read_text(encoding="utf-8"))
# What the gateway can do and the desk never asks for.
NOT_ASKED = {"cancel_all", "halt", "resume", "positions"}
NOT_PLACED = {
    "auction_end_raw",
    "auction_slots",
    "auction_start_raw",
    "max_ts_s",
    "oracle_offset_raw",
    "post_only",
}
REQUESTS = {kind.op: kind for kind in Request.__subclasses__()}
LISTENER = """
import json, sys
from execution.gateway.codes import Refused
from execution.gateway.schema import read_request
for line in sys.stdin.buffer:
    try:
        request = read_request(line[:-1])
        said = {"op": request.op, "tag": request.tag, "fields": dict(request.fields)}
    except Refused as refused:
        said = {"refused": str(refused)}
    print(json.dumps(said), flush=True)
"""


def rule_of(field):
    """Return a field of ours in the schema's words."""
    kind = field.type
    if isinstance(kind, inspect.UnionType):
        (kind,) = (one for one in kind.types if not isinstance(one, inspect.NoneType))
    match kind:
        case inspect.IntType():
            rule = {"type": "int", "min": kind.ge, "max": kind.le}
        case inspect.BoolType():
            rule = {"type": "bool"}
        case inspect.EnumType():
            rule = {"type": "enum", "values": [one.value for one in kind.cls]}
        case inspect.StrType():
            rule = {"type": "text", "pattern": kind.pattern.removeprefix("^").removesuffix(r"\Z")}
        case other:
            raise AssertionError(f"{other} has no word in the schema")
    return rule | ({} if field.required else {"optional": True})


def test_every_operation_of_the_gateway_is_one_of_ours_or_known_to_be_left_alone():
    assert SCHEMA["requests"].keys() - REQUESTS.keys() == NOT_ASKED
    assert REQUESTS.keys() <= SCHEMA["requests"].keys()
    assert SCHEMA["version"] == messages.VERSION
    assert SCHEMA["most_request_bytes"] == messages.MOST_REQUEST_BYTES


@pytest.mark.parametrize("op", sorted(REQUESTS))
def test_each_field_is_named_typed_and_bounded_as_in_the_schema(op):
    ours = {field.name: rule_of(field) for field in inspect.type_info(REQUESTS[op]).fields}
    theirs = {name: rule for name, rule in SCHEMA["requests"][op].items() if op != "place" or name not in NOT_PLACED}
    kinds = ours.pop("kind", {"values": []})["values"], theirs.pop("kind", {"values": []})["values"]
    assert ours == theirs
    assert set(kinds[0]) <= set(kinds[1])


def test_the_states_are_the_schemas_and_every_code_the_desk_acts_upon_is_one_of_its_codes():
    assert [state.value for state in State] == SCHEMA["states"]
    acted_upon = {broker.UNKNOWN_ORDER, broker.TERMS_DIFFER, broker.LOG_UNAVAILABLE, broker.NODE_SILENT}
    assert acted_upon | {broker.STALE_REQUEST} <= SCHEMA["codes"].keys()


ids = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
amounts, counts = st.integers(1, MOST_EXACT), st.integers(0, MOST_EXACT)
common = {
    "id": ids,
    "valid_until_ms": counts,
    "symbol": st.from_regex(r"[A-Z0-9-]{1,24}", fullmatch=True),
    "side": st.sampled_from(Direction),
    "base_raw": amounts,
    "reduce_only": st.booleans(),
}
requests = st.one_of(
    st.builds(Place, kind=st.just(Kind.IOC), price_raw=amounts, **common),
    st.builds(
        Place,
        kind=st.just(Kind.TRIGGER_MARKET),
        trigger_price_raw=amounts,
        trigger_when=st.sampled_from(When),
        **common,
    ),
    st.builds(Cancel, id=ids, valid_until_ms=counts, target=ids),
    st.builds(Void, id=ids),
    st.builds(Orders, id=st.none() | ids, final=st.none() | st.booleans()),
    st.builds(
        Fills,
        after_slot=counts,
        final=st.none() | st.booleans(),
        before=st.none() | st.from_regex(r"[1-9A-HJ-NP-Za-km-z]{64,88}", fullmatch=True),
        most=st.none() | st.integers(1, 100),
    ),
    *(st.builds(kind) for kind in (messages.Hello, messages.Health, messages.Markets)),
)


@pytest.fixture(scope="module")
def gateway():
    """Return a function that lets the gateway's own reader read a line, in a process of its own."""
    command = [sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def read(line):
            process.stdin.write(line)
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield read


@given(request=requests, tag=counts)
def test_whatever_our_records_say_the_gateway_understands_as_it_was_meant(gateway, request, tag):
    heard = gateway(request_line(request, tag))
    assert heard == {"op": request.op, "tag": tag, "fields": msgspec.to_builtins(request)}


@given(
    st.one_of(
        st.builds(Void, id=st.text(max_size=70).filter(lambda text: not ids_fit(text))),
        st.builds(Fills, after_slot=st.integers(max_value=-1) | st.integers(min_value=MOST_EXACT + 1)),
        st.builds(Fills, after_slot=counts, most=st.integers(101, 10**6)),
    )
)
def test_what_is_outside_the_gateways_bounds_does_not_leave_the_desk(request):
    with pytest.raises(ValueError, match="Expected"):
        request_line(request, 1)


def ids_fit(text):
    return 1 <= len(text) <= 64 and all(one.isascii() and (one.isalnum() or one in "._:-") for one in text)


def test_a_request_longer_than_a_line_may_be_does_not_leave_the_desk(monkeypatch):
    monkeypatch.setattr(messages, "MOST_REQUEST_BYTES", 20)
    with pytest.raises(ValueError, match="longer than 20"):
        request_line(messages.Hello(), 1)
