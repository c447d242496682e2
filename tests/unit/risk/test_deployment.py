import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import ApprovedOrder
from risk.deployment import DeploymentPolicy, stage_frac
from risk.desk import RiskDesk
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import Portfolio
from risk.portfolio_rules import portfolio_rules, record_within_band
from risk.sleeves import SleeveLedger, SleeveRecord, Standing
from tests.unit.risk.cases import NOON_MS, SOL, case, ruled, trade
from tests.unit.risk.test_band import BAND

GRADUATED = DeploymentPolicy(is_graduated=True)
BANDED = Portfolio(deployment=DeploymentPolicy(band=BAND))
DESK = RiskDesk(limits=RiskLimits(), sizing=SizingPolicy(), instruments={"SOL-PERP": SOL})


def after(n_trades, **changes):
    return Standing(desk=SleeveRecord(n_trades=n_trades), **changes)


@pytest.mark.parametrize(
    ("n_trades", "frac"),
    [(0, 0.1), (99, 0.1), (100, 0.2), (149, 0.2), (150, 0.4), (200, 0.8), (249, 0.8), (250, 1.0), (10**6, 1.0)],
)
def test_the_size_doubles_from_micro_to_full(n_trades, frac):
    assert stage_frac(GRADUATED, after(n_trades)) == pytest.approx(frac)


def test_outside_its_band_a_desk_is_back_at_micro_size():
    assert stage_frac(GRADUATED, after(300, deviation_frac=0.01)) == 0.1


@given(n_trades=st.integers(0, 10**6))
def test_a_desk_that_is_not_graduated_trades_its_full_size(n_trades):
    assert stage_frac(DeploymentPolicy(), after(n_trades)) == 1.0


@given(n_trades=st.integers(0, 600), keep_frac=st.floats(0.01, 1.0))
def test_graduation_only_takes_from_a_size_and_the_gate_takes_from_what_is_left(n_trades, keep_frac):
    put = case(portfolio=Portfolio(deployment=GRADUATED), standing=after(n_trades))
    check, whole = ruled(DESK, put, keep_frac), ruled(DESK, case(), keep_frac)
    sizes = dict(check.sizes_lots)
    assert isinstance(check.ruling, ApprovedOrder)
    assert check.ruling.size_lots <= whole.ruling.size_lots
    assert check.ruling.size_lots == min(sizes.values())
    assert sizes.get("deployment", 5_000) == pytest.approx(5_000 * stage_frac(GRADUATED, after(n_trades)), abs=1)


def test_a_record_at_the_cap_passes_and_one_beyond_it_is_refused_with_its_figures():
    at = case(portfolio=BANDED, standing=after(10, worst_deviation_frac=0.2, worst_n_trades=10, worst_sum_r=-6.0))
    assert record_within_band(at) is None
    beyond = case(portfolio=BANDED, standing=after(30, worst_deviation_frac=0.5, worst_n_trades=10, worst_sum_r=-9.0))
    assert record_within_band(beyond).reason == (
        "-9.00 R after 10 trades was 50% of the width outside -4.00 to +6.00 R, the cap is 20%; a human must look at it"
    )


def test_the_rule_is_asked_only_of_a_desk_with_a_band():
    assert portfolio_rules(BANDED, RiskLimits()) == (record_within_band,)
    assert portfolio_rules(Portfolio(deployment=GRADUATED), RiskLimits()) == ()


def test_the_worst_deviation_does_not_heal_when_the_record_comes_back():
    ledger = SleeveLedger(band=BAND)
    for _ in range(10):
        ledger.on_trade(trade(-50_000_000, NOON_MS))
    assert ledger.deviation_frac == pytest.approx(0.6)
    for _ in range(10):
        ledger.on_trade(trade(60_000_000, NOON_MS))
    standing = ledger.view()
    assert standing.deviation_frac == 0.0
    assert (standing.worst_deviation_frac, standing.worst_n_trades) == (pytest.approx(0.6), 10)
    assert record_within_band(case(portfolio=BANDED, standing=standing)) is not None


@pytest.mark.parametrize(
    "wrong", [{"micro_trades": -1}, {"step_trades": 0}, {"micro_frac": 0.0}, {"max_deviation_frac": -0.1}]
)
def test_an_impossible_policy_is_refused(wrong):
    with pytest.raises(ValueError, match="impossible"):
        DeploymentPolicy(**wrong)
