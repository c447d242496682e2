"""What a run says of its cassette: the hit rate, and no more than it bears out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cassette import CassetteMode, cassette_use
from domain.gate_reason import GateReason


@pytest.mark.parametrize(
    ("mode", "reasons", "sentence"),
    [
        ("replay", {"ok": 60, "llm_deny": 33}, "93 of 93 answers from the cassette, reproducible"),
        ("replay_strict", {"ok": 1}, "1 of 1 answers from the cassette, reproducible"),
        ("replay", {}, "0 of 0 answers from the cassette, reproducible"),
        ("replay", {"ok": 90, "cassette_miss": 3}, "90 of 93 answers from the cassette, 3 misses: not reproducible"),
        ("replay", {"ok": 1, "cassette_miss": 1}, "1 of 2 answers from the cassette, 1 miss: not reproducible"),
        ("replay", {"ok": 4, "interrupted": 1}, "4 of 5 answers from the cassette, 1 lost: not reproducible"),
        ("replay", {"ok": 4, "circuit_open": 9, "busy_local": 1}, "4 of 4 answers from the cassette, reproducible"),
        ("record", {"ok": 4, "deadline": 1}, "5 of 5 answers on the cassette"),
        ("record", {"ok": 4, "cassette_unwritten": 1}, "4 of 5 answers on the cassette, 1 lost"),
    ],
)
def test_the_hit_rate_is_said_in_one_sentence(mode: str, reasons: dict[str, int], sentence: str) -> None:
    use = cassette_use(CassetteMode(mode), reasons)
    assert use is not None
    assert use.sentence == sentence


def test_without_a_cassette_there_is_nothing_to_say() -> None:
    assert cassette_use(CassetteMode.OFF, {"ok": 1}) is None


@given(
    st.sampled_from([CassetteMode.RECORD, CassetteMode.REPLAY, CassetteMode.REPLAY_STRICT]),
    st.dictionaries(st.sampled_from([*GateReason]), st.integers(0, 9)),
)
def test_a_run_with_a_miss_or_a_lost_answer_never_calls_itself_reproducible(mode, reasons) -> None:
    use = cassette_use(mode, {reason.value: count for reason, count in reasons.items()})
    assert use is not None
    assert 0 <= use.n_answered <= use.n_asked
    troubled = use.n_missed + use.n_lost > 0
    assert use.is_reproducible == (mode is not CassetteMode.RECORD and not troubled)
    assert (": not reproducible" in use.sentence) == (mode is not CassetteMode.RECORD and troubled)
