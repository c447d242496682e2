"""The reader's question holds the whole sum, its answer follows from it alone, and it says yes only where it pays."""

import asyncio
import hashlib
import json
import math
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import Approved, Denied, GateMode
from domain.gate_reason import GateReason
from domain.market import MINUTE_MS
from gate.metalabel.reader import MetaLabelReader, MetaLabelTerms
from gate.metalabel.walk import WalkForward
from gate.prompt import break_even_frac
from tests.unit.gate.metalabel.past import DESIGN, past, situation_of, trigger
from tests.unit.gate.questions import COSTS, PLAN, ticking

PAST, _ = past(300)
NOW = PAST[-1].outcome.resolved_ms // MINUTE_MS + 2
LIKELY, UNLIKELY = trigger(NOW, RETURN_BPS=40.0), trigger(NOW, RETURN_BPS=-40.0)


def reader(**terms):
    return MetaLabelReader(terms=MetaLabelTerms(**terms), mode=GateMode.VETO, design=DESIGN, elapsed_s=ticking())


def asked(one, wanted, resolved=PAST):
    question = one.question(situation_of(wanted, resolved))
    return question, asyncio.run(one.ask(question))


def test_it_abstains_until_it_has_seen_enough_and_says_so():
    question, answer = asked(reader(), LIKELY, PAST[:199])
    assert answer.verdict == Denied(reason_code="abstained", backend="metalabel", request_id=question.request_id)
    assert json.loads(answer.raw_reply) == {
        "n_trained": 0, "p_win_frac": None, "p_win_pct": None, "weights_sha256": None,
    }  # fmt: skip
    assert json.loads(question.prompt)["n_resolved"] == 199
    assert question.break_even_frac == break_even_frac(PLAN, COSTS.round_trip_bps(situation_of(LIKELY, ()).snapshot))
    assert (answer.evidence.p_win_frac, answer.evidence.digest) == (None, None)
    assert asked(reader(), LIKELY, PAST[:200])[1].verdict.reason_code != GateReason.ABSTAINED


def test_a_likely_win_is_a_yes_and_an_unlikely_one_a_no_with_everything_on_record():
    question, answer = asked(reader(), LIKELY)
    _, no = asked(reader(), UNLIKELY)
    assert answer.verdict == Approved(
        keep_frac=1.0, reason_code="ok", backend="metalabel", request_id=question.request_id
    )
    assert no.verdict.reason_code == GateReason.BELOW_THRESHOLD
    reply, told = json.loads(answer.raw_reply), json.loads(question.prompt)
    assert reply["p_win_frac"] == answer.evidence.p_win_frac > 0.7
    assert reply["p_win_pct"] == int(100 * reply["p_win_frac"])
    assert reply["n_trained"] == told["n_trained"] == 300
    assert reply["weights_sha256"] == told["weights_sha256"] == answer.evidence.digest
    assert (answer.evidence.source, answer.evidence.model, answer.latency_ms) == ("embedded", "metalabel-1", 1000.0)


def test_the_chance_can_be_worked_out_by_hand_from_the_question():
    question, answer = asked(reader(), LIKELY)
    told = json.loads(question.prompt)
    score = told["intercept"] + sum(standardised * weight for _, standardised, weight in told["columns"].values())
    log_odds = told["calibration"]["intercept"] + told["calibration"]["slope"] * score
    assert answer.evidence.p_win_frac == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=2e-6)


def test_the_question_and_the_walk_agree_to_the_bit():
    walk = WalkForward(DESIGN, 200)
    for one in PAST:
        walk.learn(one)
    for wanted in (LIKELY, UNLIKELY):
        question, answer = asked(reader(), wanted)
        opinion = walk.opinion(wanted.proposal, wanted.features)
        assert (answer.evidence.p_win_frac, question.break_even_frac) == (opinion.p_win_frac, opinion.break_even_frac)
        assert isinstance(answer.verdict, Approved) == opinion.is_yes(0.5)


@given(st.lists(st.integers(150, 300), min_size=1, max_size=4))
def test_a_question_is_a_function_of_the_situation_whatever_was_asked_before(lengths):
    """A reader asked in any order, even about another run's record, words what a fresh one words."""
    used = reader()
    other, _ = past(250, seed=9)
    asked(used, LIKELY, other)
    for length in lengths:
        wanted = trigger(PAST[length - 1].outcome.resolved_ms // MINUTE_MS + 2, RETURN_BPS=7.0)
        situation = situation_of(wanted, PAST[:length])
        assert used.question(situation) == reader().question(situation)


def test_it_is_ready_at_once_and_says_when_it_will_answer():
    ready = asyncio.run(reader(min_triggers=321).prepare())
    assert ready.is_ready
    assert "321" in ready.told


def test_a_long_run_is_not_learned_again_at_every_question():
    used = reader()
    resolved = list(PAST[:250])
    used.question(situation_of(trigger(PAST[249].outcome.resolved_ms // MINUTE_MS + 2), resolved))
    walk = used._walk
    resolved += PAST[250:]
    used.question(situation_of(LIKELY, resolved))
    assert used._walk is walk


def test_no_date_no_price_and_no_name_is_in_the_question():
    text = asked(reader(), LIKELY)[0].prompt
    assert not re.search(r"\d{4}-\d\d-\d\d|SOL|150\.0|PERP", text)
    assert str(LIKELY.proposal.as_of_ms) not in text
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text
    assert len(text) < 4_000


def test_the_pay_off_of_the_past_asks_for_more_than_the_settings():
    """Wins of 10 and losses of 40 bps: a trade pays from a chance of 80 % on, whatever the settings ask."""
    costly = [
        one if one.outcome.is_win else msgspec.structs.replace(
            one, outcome=msgspec.structs.replace(one.outcome, net_bps=-40.0)
        )
        for one in PAST
    ]  # fmt: skip
    wanted = trigger(NOW, RETURN_BPS=20.0)
    question, answer = asked(reader(min_p_win_frac=0.0), wanted, costly)
    assert question.break_even_frac == pytest.approx(0.8)
    assert 0.5 < answer.evidence.p_win_frac < 0.8
    assert answer.verdict.reason_code == GateReason.BELOW_THRESHOLD
    assert asked(reader(min_p_win_frac=0.0), wanted)[1].verdict.reason_code == GateReason.OK
    assert asked(reader(min_p_win_frac=1.0), LIKELY)[1].verdict.reason_code == GateReason.BELOW_THRESHOLD


@given(st.floats(0.0, 1.0), st.floats(-60, 60))
def test_a_yes_means_a_chance_of_at_least_everything_that_is_asked(least, figure):
    question, answer = asked(reader(min_p_win_frac=least), trigger(NOW, RETURN_BPS=figure))
    is_enough = answer.evidence.p_win_frac >= max(least, question.break_even_frac)
    assert isinstance(answer.verdict, Approved) == is_enough


def test_the_fingerprint_is_of_the_weights_and_of_nothing_else():
    first, second = (json.loads(asked(reader(), one)[0].prompt)["weights_sha256"] for one in (LIKELY, UNLIKELY))
    grown = [*PAST, *past(50, first=NOW + 10, seed=5)[0]]
    later = trigger(NOW + 500)
    third = json.loads(asked(reader(), later, grown)[0].prompt)["weights_sha256"]
    assert first == second != third
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    assert asked(reader(), LIKELY)[1].evidence.prompt_sha256 == (
        hashlib.sha256(json.dumps(DESIGN.names, separators=(",", ":")).encode()).hexdigest()
    )


@pytest.mark.parametrize("terms", [{"min_p_win_frac": 1.1}, {"min_p_win_frac": -0.1}, {"min_triggers": 0}])
def test_impossible_terms_are_refused(terms):
    with pytest.raises(ValueError, match="impossible"):
        MetaLabelTerms(**terms)
