"""The schema is the whole contract: codes, states and fields, the same in the code as in the file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.gateway.codes import Code, Refused, State
from execution.gateway.schema import MOST_REQUEST_BYTES, SCHEMA, read_request
from execution.gateway.server import reply_to
from tests.gateway.stage import order


def line(**fields):
    return json.dumps({"v": 1, "op": "place", "tag": 1, **fields}).encode()


def test_the_codes_and_states_are_the_schemas():
    assert {code.value for code in Code} == set(SCHEMA["codes"])
    assert [state.value for state in State] == SCHEMA["states"]


@pytest.mark.parametrize("kind", sorted(SCHEMA["kinds"]))
def test_each_kind_takes_what_it_needs_and_nothing_of_another(kind):
    place = SCHEMA["requests"]["place"]
    values = {"trigger_when": "above", "post_only": "must"}
    optional = [name for name, rule in place.items() if rule.get("optional")]
    whole = order(kind=kind, price_raw=None) | {n: values.get(n, 100) for n in SCHEMA["kinds"][kind]["needs"]}
    assert read_request(line(**whole)).fields == whole
    for name in SCHEMA["kinds"][kind]["needs"]:
        with pytest.raises(Refused, match="missing_field"):
            read_request(line(**{k: v for k, v in whole.items() if k != name}))
    for name in set(optional) - {*SCHEMA["kinds"][kind]["needs"], *SCHEMA["kinds"][kind]["may"]}:
        with pytest.raises(Refused, match="unknown_field"):
            read_request(line(**whole, **{name: values.get(name, 100)}))


@given(st.binary(max_size=MOST_REQUEST_BYTES + 10))
def test_any_bytes_are_a_request_or_one_refusal(content):
    reply = json.loads(reply_to(content, lambda request: {"ok": True, "op": request.op}))
    assert reply["ok"] or reply["code"] in SCHEMA["codes"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SCHEMA["requests"]["place"])), json_values)
def test_one_wrong_value_in_a_good_request_never_passes_as_something_else(name, value):
    try:
        request = read_request(line(**(order() | {name: value})))
    except Refused:
        return
    assert type(request.fields[name]) is type(value)
    assert request.fields[name] == value
