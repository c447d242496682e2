"""What a run says of its cassette: the hit rate, and no more than it bears out."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cassette import CassetteMode, cassette_use
from domain.gate_reason import GateReason

TAPED, LIVE, NOBODY = "cassette", "live", ""
REPLAYS = (CassetteMode.REPLAY, CassetteMode.REPLAY_STRICT)
Answers = Mapping[tuple[str, str], int]


@pytest.mark.parametrize(
    ("mode", "answers", "sentence"),
    [
        ("replay", {(TAPED, "ok"): 60, (TAPED, "llm_deny"): 33}, "93 of 93 answers from the cassette, reproducible"),
        ("replay_strict", {(TAPED, "ok"): 1}, "1 of 1 answers from the cassette, reproducible"),
        ("replay", {}, "0 of 0 answers from the cassette, reproducible"),
        (
            "replay",
            {(TAPED, "ok"): 90, (TAPED, "cassette_miss"): 3},
            "90 of 93 answers from the cassette, 3 misses: not reproducible",
        ),
        (
            "replay",
            {(TAPED, "ok"): 1, (TAPED, "cassette_miss"): 1, (NOBODY, "interrupted"): 1, (LIVE, "ok"): 2},
            "1 of 5 answers from the cassette, 1 miss, 3 from elsewhere: not reproducible",
        ),
        (
            "replay",
            {(TAPED, "deadline"): 4, (NOBODY, "circuit_open"): 9, (NOBODY, "busy_local"): 1},
            "4 of 4 answers from the cassette, reproducible",
        ),
        ("record", {(LIVE, "ok"): 3, (TAPED, "ok"): 1, (LIVE, "deadline"): 1}, "5 of 5 answers on the cassette"),
        (
            "record",
            {
                (LIVE, "ok"): 4,
                (LIVE, "cassette_unwritten"): 1,
                (NOBODY, "unreachable"): 1,
                (LIVE, "identity_changed"): 1,
            },
            "4 of 7 answers on the cassette",
        ),
    ],
)
def test_the_hit_rate_is_said_in_one_sentence(mode: str, answers: Answers, sentence: str) -> None:
    use = cassette_use(CassetteMode(mode), answers)
    assert use is not None
    assert use.sentence == sentence


def test_without_a_cassette_there_is_nothing_to_say() -> None:
    assert cassette_use(CassetteMode.OFF, {(LIVE, "ok"): 1}) is None


@given(
    st.sampled_from([mode for mode in CassetteMode if mode is not CassetteMode.OFF]),
    st.dictionaries(
        st.tuples(st.sampled_from([TAPED, LIVE, NOBODY]), st.sampled_from([*GateReason])), st.integers(0, 9)
    ),
)
def test_a_run_with_an_answer_from_elsewhere_never_calls_itself_reproducible(mode, told) -> None:
    answers = {(source, reason.value): count for (source, reason), count in told.items()}
    use = cassette_use(mode, answers)
    assert use is not None
    assert 0 <= use.n_answered <= use.n_asked <= sum(answers.values())
    is_clean = use.n_missed + use.n_elsewhere == 0
    assert use.is_reproducible == (mode in REPLAYS and is_clean)
    assert (": not reproducible" in use.sentence) == (mode in REPLAYS and not is_clean)
    if mode in REPLAYS and any(count for (source, _), count in answers.items() if source == LIVE):
        assert not use.is_reproducible
