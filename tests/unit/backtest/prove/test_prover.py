from itertools import count

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backtest.prove.futures import Future
from backtest.prove.markets import Level
from backtest.prove.minutes import SnapshotMarket
from backtest.prove.proof import Check, CutReason
from backtest.prove.prover import ProofPlan, prove
from domain.errors import BadInput, DeskError
from domain.market import HOUR_MS, MINUTE_MS
from market.recording import RecordingKind
from tests.unit.backtest.prove import stage
from tests.unit.backtest.prove.stage import Planted, checks, desk, minutes_of, proven, simulated, tape

MARKET = simulated(500)


@pytest.mark.parametrize("symbols", ["SOL-PERP", "SOL-PERP,BTC-PERP"])
def test_the_shipped_strategies_pass_on_the_simulated_market(symbols):
    market = simulated(400, symbols=symbols)
    proof = proven(desk(symbols=tuple(symbols.split(","))), market, n_cuts=8)
    assert proof.is_clean, proof.findings
    assert proof.n_bars_compared > 4 * 400
    assert proof.warmth is not None
    assert proof.warmth.n_answers > 0


@pytest.mark.parametrize("mode", ["shadow", "veto"])
def test_what_is_known_of_earlier_triggers_does_not_look_ahead_either(mode):
    market = simulated(400)
    proof = proven(desk(GATE_MODE=mode, EXIT_MAX_HOLD_BARS="20"), market, n_cuts=8)
    assert proof.is_clean, proof.findings


@hypothesis_settings(max_examples=6)
@given(
    market_seed=st.integers(0, 10_000), seed=st.integers(0, 10_000), knob=st.sampled_from(["momentum", "premium_fade"])
)
def test_an_honest_desk_never_has_a_finding_whatever_is_drawn(market_seed, seed, knob):
    recorded = tape(260, seed=market_seed)
    market = SnapshotMarket(minutes_of(recorded.whole()))
    proof = proven(desk(E3_DIRECTION=knob), market, recorded, n_cuts=7, seed=seed)
    assert proof.is_clean, proof.findings


def test_a_proof_is_the_same_for_the_same_seed_and_another_for_another():
    first, again, other = (proven(desk(), MARKET, n_cuts=6, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.cuts != other.cuts


def test_a_peek_at_the_next_close_is_caught_and_the_strategy_its_test_and_its_line_are_named():
    proof = proven(desk(stage.peeks_at_the_next_close), MARKET, n_cuts=8)
    assert {Check.VEILED, Check.TRUNCATED, Check.SCRAMBLED} <= checks(proof)
    veiled = next(one for one in proof.findings if one.check is Check.VEILED)
    assert (veiled.symbol, veiled.difference.part) == ("SOL-PERP", "signals")
    assert veiled.difference.figure == "peeker: the next close is not higher"
    assert {veiled.difference.expected, veiled.difference.got} == {"fails", "passes"}
    assert veiled.culprit.startswith("strategy peeker (Planted.failed_tests, tests/unit/backtest/prove/stage.py:")


def test_a_peek_one_bar_ahead_changes_nothing_but_the_last_decision_before_the_cut():
    proof = proven(desk(stage.peeks_at_the_next_close), MARKET, n_cuts=16)
    found = [one for one in proof.findings if one.check in {Check.TRUNCATED, Check.SCRAMBLED}]
    assert found
    assert all(one.as_of_ms == one.cut_ms for one in found)


def test_knowledge_of_the_whole_tapes_highest_close_is_caught():
    proof = proven(desk(stage.knows_the_highest_close), MARKET, n_cuts=8)
    assert {Check.VEILED, Check.SCRAMBLED} <= checks(proof)
    assert all("normaliser" in one.culprit for one in proof.findings if one.check is Check.SCRAMBLED)


def test_an_indicator_with_a_centred_window_is_caught_and_its_figure_named():
    proof = proven(desk(change=stage.centred_volume), MARKET, n_cuts=6)
    scrambled = [one for one in proof.findings if one.check is Check.SCRAMBLED]
    assert scrambled
    assert {(one.difference.part, one.difference.figure) for one in scrambled} == {("features", "volume_z")}
    assert all("CentredAgent" in one.culprit for one in scrambled)


def test_a_strategy_that_fails_for_want_of_a_future_is_caught_by_its_fall():
    market = simulated(300)
    proof = proven(desk(stage.falls_off_an_early_end(300)), market, n_cuts=4, n_starts=0)
    fallen = [one for one in proof.findings if one.check is Check.TRUNCATED]
    assert len(fallen) == sum(cut.place >= stage.WARMUP - 1 for cut in proof.cuts)
    assert all(one.difference.part == "run" and "IndexError" in one.difference.got for one in fallen)


def test_state_that_outlives_a_run_is_found_before_anything_is_cut():
    calls = count()
    proof = proven(desk(lambda feed: Planted("waller", "not its turn", lambda *_: next(calls) % 97 == 0)), MARKET)
    assert checks(proof) == {Check.REPEATED}
    assert "waller" in proof.findings[0].culprit
    assert "cannot be held against itself" in proof.warnings[0]


def test_a_strategy_that_counts_from_the_tapes_start_is_found_by_a_later_start_alone():
    proof = proven(desk(stage.counts_from_the_start), MARKET, n_cuts=8)
    assert checks(proof) == {Check.WARM_UP}
    found = proof.findings[0]
    assert found.difference.figure == "counter: it is not the seventh minute"
    assert "strategy counter" in found.culprit
    assert "hangs on where the tape begins" in found.culprit
    assert found.cut_ms < found.as_of_ms


class Leaver(Planted):
    """Leaves before the next close is lower."""

    def wants_out(self, features, side):
        # An exit is considered before the strategies count the minute at hand.
        here, next_ = (stage.close_of(self.feed, self._place + ahead) for ahead in (1, 2))
        return "it falls" if next_ < here else None


def plants_a_leaver(feed):
    leaver = Leaver("leaver", "never twice", lambda place, _: place % 20 == 0)
    leaver.feed = feed
    return leaver


def test_an_exit_that_looks_ahead_is_caught_as_a_wish_to_leave():
    proof = proven(desk(plants_a_leaver, E3_VOLUME_Z="50"), MARKET, n_cuts=8, n_starts=0)
    assert any(one.difference.part == "orders" and "strategy leaver" in one.culprit for one in proof.findings)
    assert any("leaves otherwise" in one.culprit for one in proof.findings)


def test_an_exit_that_looks_ahead_is_caught_in_the_ledger_where_the_gate_let_nothing_be_traded():
    proof = proven(desk(plants_a_leaver, GATE_MODE="veto", E3_VOLUME_Z="50"), MARKET, n_cuts=8, n_starts=0)
    assert {one.difference.part for one in proof.findings} == {"counterfactuals"}
    assert all("the ledger of triggers, or what it follows" in one.culprit for one in proof.findings)


@pytest.mark.parametrize(
    ("kind", "by_ms", "figure"),
    [
        (RecordingKind.DRIFT, HOUR_MS, "mark"),
        (RecordingKind.FUNDING, HOUR_MS, "funding"),
        (RecordingKind.PREMIUM, MINUTE_MS, "premium"),
        (RecordingKind.OPEN_INTEREST, 5 * MINUTE_MS, "open_interest"),
        (RecordingKind.MARK, 15 * MINUTE_MS, "mark"),
    ],
)
def test_a_join_that_looks_ahead_is_caught_on_the_tape_and_not_on_its_snapshots(kind, by_ms, figure):
    crooked = tape(
        300, feed_of=stage.early(kind, by_ms), without_drift=kind in {RecordingKind.MARK, RecordingKind.FUNDING}
    )
    proof = proven(desk(), SnapshotMarket(minutes_of(crooked.whole())), crooked, n_cuts=6, n_starts=0)
    assert proof.findings
    assert {one.level for one in proof.findings} == {Level.TAPE}
    assert {one.difference.part for one in proof.findings} == {"snapshot"}
    assert any(figure in one.difference.figure for one in proof.findings)
    assert all("the feed" in one.culprit for one in proof.findings)
    assert {Check.TRUNCATED, Check.SCRAMBLED} <= checks(proof)


def test_a_strategy_that_reads_the_tape_itself_is_caught_on_the_tape():
    recorded = tape(300)
    proof = proven(desk(stage.peeks_into_the_tape), SnapshotMarket(minutes_of(recorded.whole())), recorded, n_cuts=8)
    assert {one.level for one in proof.findings} == {Level.TAPE}
    assert all("tape_reader" in one.culprit for one in proof.findings)


def test_the_cuts_lie_where_a_look_ahead_would_pay():
    proof = proven(desk(), simulated(1_500), n_cuts=16, n_starts=0)
    reasons = [cut.reason for cut in proof.cuts]
    assert len(reasons) == 16
    assert set(reasons) == set(CutReason)
    assert reasons.count(CutReason.ENTRY) == 4
    assert proof.cuts == tuple(sorted(proof.cuts, key=lambda cut: cut.place))


def test_every_kind_of_future_is_tried_before_one_comes_twice():
    proof = proven(desk(change=stage.centred_volume), MARKET, n_cuts=len(Future), n_starts=0)
    tried = [one.future for one in proof.findings if one.check is Check.SCRAMBLED]
    assert len(tried) == len(set(tried))


def test_progress_ends_where_it_said_it_would():
    told = []
    prove(desk(), simulated(1_100), None, ProofPlan(n_cuts=3, n_starts=0), lambda *figures: told.append(figures))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] <= told[-1][1] < told[-1][0] + 2 * 1_100


def test_a_tape_too_short_to_be_cut_is_refused():
    with pytest.raises(BadInput, match="too short to be cut"):
        proven(desk(), simulated(4))


def test_a_short_tape_says_that_the_warm_up_was_not_tested():
    proof = proven(desk(), simulated(15), n_cuts=2)
    assert proof.warmth is None
    assert "too few to warm up a second time" in proof.warnings[0]


def test_a_desk_that_halts_on_the_market_as_it_was_has_nothing_to_prove():
    def breaks(place, _):
        raise RuntimeError("broken")

    with pytest.raises(DeskError, match="halted on the market as it was.*broken"):
        proven(desk(lambda feed: Planted("breaker", "", breaks)), simulated(60))


@pytest.mark.parametrize("plan", [{"seed": -1}, {"n_cuts": 0}, {"n_starts": -1}])
def test_a_plan_of_nothing_is_refused(plan):
    with pytest.raises(ValueError, match="a proof needs"):
        ProofPlan(**plan)
