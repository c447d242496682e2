import json

import msgspec
import numpy as np
import pytest

from backtest.score.arms import Arm
from backtest.score.card import card_of
from backtest.score.gathering import RunTriggers, Wanted, gather
from backtest.score.ledger import MetaLabel
from backtest.score.score import Draws, score_of
from tests.unit.backtest.score.triggers import ANSWERER, START_MS, asked, evidence, stories, story

DRAWS = np.random.default_rng(7)
N, N_A_DAY = 600, 20
NET = DRAWS.normal(-1.0, 40.0, N)
APPROVED = DRAWS.random(N) < 0.6
CHANCES = DRAWS.integers(30, 80, N) / 100
TOLD = stories(NET, APPROVED, N_A_DAY, CHANCES)
FEW = Draws(n_draws=1_000)


def score(told=TOLD, meta_labels=lambda _: None, n_trials=1, draws=FEW):
    return score_of(ANSWERER, told, n_trials=n_trials, draws=draws, meta_labels=meta_labels)[0]


def opinions(told=TOLD, abstains=100):
    """Return a model that approves the chances above a half, and has nothing to say of the first hundred."""
    said = {one.trigger_id: chance for one, chance in zip(told[abstains:], CHANCES[abstains:], strict=True)}
    labels = {name: MetaLabel(p_win_frac=float(p), is_approved=bool(p > 0.5)) for name, p in said.items()}
    return lambda one: labels.get(one.trigger_id)


def test_the_seed_decides_and_nothing_else() -> None:
    assert score() == score()
    assert score() == score(told=TOLD[::-1])
    assert score().among_coins != score(draws=Draws(n_draws=1_000, seed=8)).among_coins


def test_what_was_denied_and_what_was_approved_add_up_to_no_gate() -> None:
    found = score()
    assert found.arm(Arm.GATE).sum_bps - found.value.added_bps == pytest.approx(found.arm(Arm.NO_GATE).sum_bps)
    assert found.value.added_bps == pytest.approx(-NET[~APPROVED].sum())
    assert found.value.coin_added_bps == pytest.approx(-NET.mean() * (~APPROVED).sum())
    assert found.value.fees_saved_bps == pytest.approx(8.0 * (~APPROVED).sum())
    assert sum(row.sum_bps for row in found.reasons) == pytest.approx(NET.sum())


@pytest.mark.parametrize("title", ["side", "regime", "strategy"])
def test_the_groups_of_every_arm_hold_every_trigger_once(title) -> None:
    for arm in score(meta_labels=opinions()).arms:
        if arm.arm is not Arm.COINS:
            (split,) = [one for one in arm.splits if one.title == title]
            assert sum(row.n for row in split.rows) == N
            assert sum(row.n * row.approve_frac for row in split.rows) == pytest.approx(arm.n_approved)


def test_the_arms_are_what_they_are_called() -> None:
    found = score(meta_labels=opinions())
    n_approved = {arm.arm: arm.n_approved for arm in found.arms}
    meta = np.concatenate([np.zeros(100, dtype=bool), CHANCES[100:] > 0.5])
    assert n_approved[Arm.NO_GATE] == N
    assert n_approved[Arm.GATE] == n_approved[Arm.COINS] == APPROVED.sum()
    assert n_approved[Arm.META] == meta.sum()
    assert n_approved[Arm.GATE_AND_META] == (meta & APPROVED).sum()
    assert n_approved[Arm.META_AS_OFTEN] == round(APPROVED.mean() * 500)
    assert n_approved[Arm.ORACLE] == (NET > 0).sum()
    assert max(found.arms, key=lambda arm: arm.sum_bps).arm is Arm.ORACLE
    assert found.paired.n == 500


def test_a_model_that_always_abstains_is_no_arm() -> None:
    arms = [arm.arm for arm in score().arms]
    assert arms == [Arm.NO_GATE, Arm.GATE, Arm.COINS, Arm.ORACLE]
    assert score().paired is None


def test_more_trials_take_more_draws_and_less_alpha() -> None:
    found = score(n_trials=5)
    assert found.verdict.alpha_frac == pytest.approx(0.01)
    assert found.draws.n_draws == 4_000
    assert found.power.alpha_frac == pytest.approx(0.01)
    with pytest.raises(ValueError, match="0 trials"):
        score(n_trials=0)
    with pytest.raises(ValueError, match="fewer than 1,000"):
        Draws(n_draws=10)


def test_failures_deny_and_what_they_cost_is_told_by_reason() -> None:
    late = asked(False, reason_code="deadline", evidence=None, latency_ms=8_000.0)
    told = [*TOLD[:-2], *(story(one.triggered_ms, 50.0, late) for one in TOLD[-2:])]
    found = score(told)
    (row,) = [row for row in found.reasons if row.reason_code == "deadline"]
    assert (row.kind.value, row.n_asked, row.mean_bps, row.sum_bps) == ("failed", 2, 50.0, 100.0)
    assert sum(row.asked_frac for row in found.reasons) == pytest.approx(1.0)
    assert found.calibration.as_stated.n == N - 2
    assert found.spending.latency_ms.n == N
    assert found.spending.prompt_tokens.n == N - 2


def test_a_reason_this_version_does_not_know_is_a_failure_told_by_its_code() -> None:
    found = score([*TOLD, story(TOLD[-1].triggered_ms + 1, 1.0, asked(False, reason_code="of_tomorrow"))])
    (row,) = [row for row in found.reasons if row.reason_code == "of_tomorrow"]
    assert (row.kind.value, row.label) == ("failed", "of_tomorrow")


def test_what_has_not_ended_is_counted_and_scored_as_nothing() -> None:
    still_open = [story(TOLD[-1].triggered_ms + place, None, asked()) for place in (1, 2, 3)]
    found = score([*TOLD, *still_open])
    assert (found.n_asked, found.n_resolved) == (N + 3, N)
    assert found.arms == score().arms


def test_the_gap_between_trades_and_ledger_is_told_of_trades_alone() -> None:
    told = stories([1.0, 2.0, 3.0, 4.0], [True] * 4, 2)
    told[1] = msgspec.structs.replace(told[1], executed_net_bps=1.0)
    told[3] = msgspec.structs.replace(told[3], executed_net_bps=6.0)
    gap = score(told).gap
    assert (gap.n, gap.mean_bps, gap.mean_abs_bps) == (2, 0.5, 1.5)
    assert score().gap is None


def test_latency_and_tokens_are_told_by_middle_tail_and_sum() -> None:
    told = [
        story(START_MS + place, 1.0, asked(latency_ms=float(place), evidence=evidence(n_prompt_tokens=place)))
        for place in range(101)
    ]
    wait, tokens = score(told).spending.latency_ms, score(told).spending.prompt_tokens
    assert (wait.p50, wait.p99, wait.total) == (50.0, 99.0, 5_050.0)
    assert (tokens.n, tokens.p50, tokens.total) == (101, 50.0, 5_050.0)


def card(runs, n_trials=1):
    return card_of(runs, gather(runs, Wanted()), n_trials=n_trials, draws=FEW)


def test_a_card_is_plain_json_and_counts_those_it_scores_as_trials() -> None:
    other = [story(one.triggered_ms, 1.0, asked(evidence=evidence(model="other"))) for one in TOLD[:50]]
    told, ledgers = card([RunTriggers(run_id="r", is_simulated=False, model="", stories=(*TOLD, *other))])
    assert json.loads(json.dumps(msgspec.to_builtins(told), allow_nan=False))["n_trials"] == 2
    assert [one.answerer.model for one in told.scores] == ["m", "other"]
    assert [one.n_triggers for one in ledgers] == [N, 50]
    assert told.sentence == told.scores[0].verdict.sentence


def test_a_run_in_which_nobody_was_asked_says_so() -> None:
    told, ledgers = card([RunTriggers(run_id="r", is_simulated=False, model="", stories=())])
    assert told.sentence.startswith("Nobody was asked about anything")
    assert (told.scores, ledgers) == ((), ())
