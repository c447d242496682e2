"""What the verdict says of gates whose worth is known."""

import numpy as np
import pytest

from backtest.score.blocks import draw_days
from backtest.score.coin_arm import coin_arm
from backtest.score.ledger import ledger_of
from backtest.score.score import Draws, score_of, shown_of
from backtest.score.verdict import ALPHA_FRAC, Finding, verdict_of
from tests.unit.backtest.score.triggers import ANSWERER, START_MS, asked, stories, story

N_SEEDS = 400
N_DAYS, N_A_DAY = 30, 20


def found(net, approved, seed=1, n_trials=1, n_a_day=N_A_DAY):
    """Return the verdict alone, with a thousand draws for each trial."""
    ledger = ledger_of(stories(net, approved, n_a_day))
    days = draw_days(ledger.day, 1_000 * n_trials, seed)
    shown = shown_of(ledger, days, coin_arm(ledger, 1_000 * n_trials, seed + 1), ALPHA_FRAC / n_trials)
    return verdict_of(ledger, shown, ledger.n_triggers, n_trials)


def market(draws, day_sd=15.0):
    """Return results in which the triggers of one day share something."""
    shared = np.repeat(draws.normal(0.0, day_sd, N_DAYS), N_A_DAY)
    return shared + draws.normal(-1.0, 40.0, N_DAYS * N_A_DAY)


def test_a_coin_flip_is_called_evidence_at_about_the_rate_that_was_agreed() -> None:
    """400 markets and coins, alpha 5 %: both sides together. The seeds are fixed, so the count is too."""
    findings = []
    for seed in range(N_SEEDS):
        draws = np.random.default_rng(seed)
        findings.append(found(market(draws), draws.random(N_DAYS * N_A_DAY) < 0.5, seed).finding)
    n_for, n_against = findings.count(Finding.EVIDENCE_FOR), findings.count(Finding.EVIDENCE_AGAINST)
    assert 0.02 <= (n_for + n_against) / N_SEEDS <= 0.08
    assert n_for > 0
    assert n_against > 0


def test_a_gate_that_denies_whole_days_by_a_coin_is_not_called_evidence_more_often() -> None:
    """Its denials share their days' luck, which random gates would not show; the interval over days does."""
    n_found, n_by_coins_alone = 0, 0
    for seed in range(300):
        draws = np.random.default_rng(seed)
        by_day = np.repeat(draws.random(N_DAYS) < 0.5, N_A_DAY)
        verdict = found(market(draws, day_sd=30.0), by_day, seed)
        n_found += verdict.finding in (Finding.EVIDENCE_FOR, Finding.EVIDENCE_AGAINST)
        n_by_coins_alone += verdict.p_value <= ALPHA_FRAC
    assert n_found / 300 <= 0.08
    assert n_by_coins_alone / 300 > 0.3


def test_an_oracle_is_evidence_for_and_its_opposite_evidence_against() -> None:
    net = market(np.random.default_rng(5))
    best, worst = found(net, net > 0.0), found(net, net <= 0.0)
    assert best.finding is Finding.EVIDENCE_FOR
    assert best.sentence.startswith("Evidence for the gate: what it approved earned ")
    assert "none of 1,000 random gates" in best.sentence
    assert worst.finding is Finding.EVIDENCE_AGAINST
    assert worst.sentence.startswith("Evidence against the gate: ")
    assert best.delta_bps == pytest.approx(-worst.delta_bps)


def test_a_gate_that_knows_a_little_needs_the_triggers_that_power_says() -> None:
    """10 bps at sd 40 take about 500 triggers for four cases of five: 600 find it mostly, 60 a day less often."""
    n_found = 0
    for seed in range(60):
        draws = np.random.default_rng(seed)
        approved = draws.random(N_DAYS * N_A_DAY) < 0.5
        net = draws.normal(0.0, 40.0, N_DAYS * N_A_DAY) + np.where(approved, 5.0, -5.0)
        n_found += found(net, approved, seed).finding is Finding.EVIDENCE_FOR
    assert 0.7 <= n_found / 60 <= 0.97


def test_what_is_evidence_for_one_trial_is_none_for_many() -> None:
    draws = np.random.default_rng(11)
    approved = draws.random(N_DAYS * N_A_DAY) < 0.5
    net = draws.normal(0.0, 40.0, N_DAYS * N_A_DAY)
    net += np.where(approved, 1.0, -1.0) * (4.5 - (net[approved].mean() - net[~approved].mean()) / 2)
    alone, among_many = found(net, approved), found(net, approved, n_trials=20)
    assert alone.finding is Finding.EVIDENCE_FOR
    assert among_many.finding is not Finding.EVIDENCE_FOR
    assert among_many.alpha_frac == pytest.approx(0.0025)
    assert among_many.interval.low_bps < alone.interval.low_bps


def test_enough_triggers_without_a_difference_are_no_evidence_and_few_ones_are_too_few() -> None:
    draws = np.random.default_rng(3)
    net, approved = draws.normal(0.0, 40.0, 2_000), np.arange(2_000) % 2 == 0
    assert found(net, approved, n_a_day=50).finding is Finding.NO_EVIDENCE
    few = found(net[:100], approved[:100], n_a_day=4)
    assert few.finding is Finding.TOO_FEW
    assert "more are needed" in few.sentence


N = N_DAYS * N_A_DAY
NET = np.random.default_rng(2).normal(0.0, 40.0, N)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([], "Nobody was asked"),
        ([story(START_MS, None, asked())], "None of 1 trigger has ended yet"),
        (stories(NET, [True] * N, N_A_DAY), "It approved every one of 600 triggers"),
        (stories(NET, [False] * N, N_A_DAY), "It denied every one of 600 triggers"),
        (stories(NET[:1], [True], 1), "It approved every one of 1 trigger:"),
        (stories(NET[:40], NET[:40] > 0, 20), "Too few to know anything: 40 triggers on 2 days"),
        (stories(NET, np.arange(N) < 3, N_A_DAY), "only 3 of 600 triggers were approved"),
        (stories(NET, np.arange(N) > 0, N_A_DAY), "only 1 of 600 triggers was denied"),
        (stories(np.abs(NET), np.arange(N) % 2 == 0, N_A_DAY), "No evidence"),
        (stories(-np.abs(NET), np.arange(N) % 2 == 0, N_A_DAY), "No evidence"),
        (stories(np.zeros(N), np.arange(N) % 2 == 0, N_A_DAY), "No evidence"),
    ],
)
def test_what_cannot_be_scored_gives_a_sentence(told, sentence) -> None:
    score, _ = score_of(ANSWERER, told, n_trials=1, draws=Draws(n_draws=1_000))
    assert sentence in score.verdict.sentence
    expected = Finding.NO_EVIDENCE if sentence == "No evidence" else Finding.TOO_FEW
    assert score.verdict.finding is expected
