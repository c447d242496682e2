import numpy as np
import pytest

from backtest.prove.later import prove_later_starts
from backtest.prove.living import live
from backtest.prove.proof import Check
from backtest.prove.prover import warmth_warnings
from backtest.prove.warmth import SETTLED_FRAC, relative_differences
from domain.features import N_FEATURES, Feature, Features
from tests.unit.backtest.prove.stage import Planted, desk, simulated

MARKET = simulated(800)


def later(build, market=MARKET, n_starts=3):
    whole = []

    def keep(record):
        whole.append(record)
        return True

    live(build, market.whole(), keep)
    return prove_later_starts(build, market, whole, n_starts, np.random.default_rng(1), lambda _: True)


def rows(*figures):
    matrix = np.zeros((len(figures), N_FEATURES))
    matrix[:, Feature.TREND_STRENGTH] = figures
    return matrix


def test_a_difference_is_relative_to_the_larger_figure_but_never_to_less_than_its_usual_size():
    """Usual size: the median of |1|, |2|, |0| is 1, so at the zero 0.001 counts as a thousandth and not as all."""
    relative = relative_differences(rows(1.0, 2.0, 0.0), rows(1.0, 4.0, 0.001))[:, Feature.TREND_STRENGTH]
    np.testing.assert_allclose(relative, [0.0, 0.5, 0.001])


def test_an_absent_figure_equals_an_absent_one_and_is_infinitely_far_from_any_other():
    nan = float("nan")
    relative = relative_differences(rows(nan, nan, 1.0), rows(nan, 1.0, nan))[:, Feature.TREND_STRENGTH]
    assert relative.tolist() == [0.0, np.inf, np.inf]


def test_windows_forget_at_once_and_averages_as_fast_as_their_formula_says():
    """Wilder's ATR of 3 bars keeps 2/3 of a difference a bar, an EMA of 4 keeps 3/5: 1e-9 takes 51 and 41 bars.

    Where a difference is larger or smaller than the figure itself it takes a few bars more or fewer.
    """
    warmth = later(desk()).warmth
    settled = {one.figure: one.settled_bars for one in warmth.figures}
    assert warmth.is_whole
    assert warmth.warmup_bars == 8
    assert {settled[name] for name in ("volume_z", "premium_bps", "return_bps", "drawdown_bps", "spread_bps")} == {0}
    assert 35 < settled["atr_price"] < 60
    assert 35 < settled["trend_strength"] < 65
    assert all(one.last_frac < SETTLED_FRAC for one in warmth.figures)


def test_an_honest_desk_changes_answers_only_while_figures_settle():
    found = later(desk(), n_starts=8)
    assert found.findings == ()
    assert found.warmth.n_answers > 3_000
    assert found.warmth.n_near == 0


def test_a_short_warm_up_is_warned_of_with_the_figure_that_is_far_off():
    warnings = warmth_warnings(later(desk()).warmth)
    assert "the warm-up of 8 bars is short" in warnings[0]
    assert "trend_strength" in warnings[0]


def test_a_longer_warm_up_is_not_warned_of():
    warmth = later(desk(FEATURE_VOL_LONG_BARS="24"), simulated(1_500)).warmth
    assert warmth.warmup_bars == 25
    assert warmth_warnings(warmth) == []


def test_a_figure_that_never_forgets_is_a_finding():
    def count_up(master, feed):
        honest = master.market_data.observe
        n_seen = 0

        class Sums:
            def observe(self, snapshot):
                nonlocal n_seen
                n_seen += 1
                features = honest(snapshot)
                if features is None:
                    return None
                vector = features.vector.copy()
                vector[Feature.VOLUME_Z] = n_seen
                return Features(vector=vector)

        Sums.warmth = lambda self, symbol: ""
        master.market_data = Sums()

    findings = later(desk(change=count_up)).findings
    assert {(one.check, one.difference.figure) for one in findings} == {(Check.WARM_UP, "volume_z")}
    first = findings[0]
    assert float(first.difference.expected) - float(first.difference.got) == pytest.approx(
        (first.cut_ms - MARKET.minutes[0][0].as_of_ms) / 60_000
    )


def test_a_tape_too_short_for_all_to_settle_says_so():
    warmth = later(desk(), simulated(100)).warmth
    assert not warmth.is_whole
    assert any("too few for every figure to settle" in one for one in warmth_warnings(warmth))


def test_a_regime_that_hangs_on_the_start_is_a_finding_though_every_figure_agrees():
    def stray(master, feed):
        honest, began = master.market_data.observe, feed.minutes[0][0].as_of_ms // 60_000

        class Moody:
            def observe(self, snapshot):
                features = honest(snapshot)
                if features is None:
                    return None
                vector = features.vector.copy()
                vector[Feature.REGIME] = began % 5
                return Features(vector=vector)

        Moody.warmth = lambda self, symbol: ""
        master.market_data = Moody()

    found = later(desk(change=stray), n_starts=6)
    assert {one.difference.figure for one in found.findings} == {"regime"}
    assert found.warmth.n_regimes_changed > 100


def test_a_desk_that_halts_after_a_later_start_is_a_finding():
    first_ms = MARKET.minutes[0][0].as_of_ms

    def plant(feed):
        return Planted("homesick", "", lambda *_: 1 / (feed.minutes[0][0].as_of_ms == first_ms) < 0)

    findings = later(desk(plant), n_starts=2).findings
    assert [one.difference.part for one in findings] == ["run", "run"]
    assert all("ZeroDivisionError" in one.difference.got for one in findings)
