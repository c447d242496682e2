"""The whole study: its scenarios, its notes, and where it refuses."""

import math

import pytest

from backtest.montecarlo.shocks import NO_SHOCKS, Shocks
from backtest.montecarlo.study import Plan, study_run
from backtest.montecarlo.units import Stakes
from backtest.montecarlo.verdict import WHAT_IT_IS_NOT, verdict
from domain.decisions import ExitReason
from domain.errors import BadInput
from tests.unit.backtest.montecarlo.conftest import CASH, SOL, bars, outcome, trade

NETS = [30_000_000, -20_000_000, -25_000_000, 40_000_000, -20_000_000, 15_000_000, -10_000_000, 5_000_000]
PLAN = Plan(n_paths=500)


def run_of(nets, **more):
    trades = [
        trade(net, 10 * place, 3, exit_reason=ExitReason.STOP if net < 0 else ExitReason.TARGET, **more)
        for place, net in enumerate(nets)
    ]
    return outcome(trades)


def study(run, plan=PLAN, **prices):
    tape = {"SOL-PERP": bars([(100.0, 100.0 + minute % 3) for minute in range(100)])}
    return study_run(run, prices.get("prices", tape), {"SOL-PERP": SOL}, plan)


def test_trades_trades_with_shocks_and_days_are_told_apart():
    told = study(run_of(NETS))
    assert [one.name for one in told.scenarios] == ["trades", "trades_with_shocks", "days"]
    assert [one.unit for one in told.scenarios] == ["trade", "trade", "day"]
    assert {name: figures.shape for name, figures in told.figures.items()} == dict.fromkeys(told.figures, (500, 7))
    assert told.scenarios[1].mean_taken < told.scenarios[0].mean_taken == 8.0


def test_without_shocks_there_is_no_shocked_scenario():
    assert [one.name for one in study(run_of(NETS), Plan(n_paths=9, shocks=NO_SHOCKS)).scenarios] == ["trades", "days"]


def test_the_run_itself_is_told_beside_the_paths():
    calm = study(run_of(NETS)).scenarios[0]
    assert calm.of("return_frac").actual == pytest.approx(sum(NETS) / CASH, abs=1e-12)
    assert calm.of("longest_losing_streak").actual == 2.0
    assert not calm.odds_of("ruined").has_happened


def test_the_odds_are_those_of_the_paths_figures():
    plan = Plan(n_paths=2000, ruin_frac=0.95, max_drawdown_frac=0.03)
    told = study(run_of(NETS), plan)
    figures, calm = told.figures["trades"], told.scenarios[0]
    assert calm.odds_of("loses").frac == (figures[:, 0] < 0).mean()
    assert calm.odds_of("ruined").frac == (figures[:, 5] <= 0.95).mean() > 0.0
    assert calm.odds_of("drawdown_limit_met").frac == (figures[:, 1] >= 0.03).mean() > 0.0


def test_the_same_seed_gives_the_same_study_and_another_seed_another():
    first, again, other = (study(run_of(NETS), Plan(n_paths=200, seed=seed)) for seed in (7, 7, 8))
    assert first.scenarios == again.scenarios
    assert first.scenarios != other.scenarios


def test_a_run_without_a_closed_trade_is_refused():
    with pytest.raises(BadInput, match="hand-made has closed no trade: there is nothing to resample"):
        study(outcome([]))


def test_one_trade_is_walked_and_said_to_be_no_sample():
    told = study(run_of([-5_000_000]))
    assert "One closed trade is no sample: every path is that trade." in told.notes
    assert any("within one UTC day" in note for note in told.notes)
    values = [quantile.value for quantile in told.scenarios[0].of("return_frac").quantiles]
    assert values == pytest.approx([-0.005] * 6, abs=1e-12)
    assert verdict(told, run_of([-5_000_000]), PLAN).startswith("Every path is the run's one trade, -0.5%.")


def test_a_record_without_a_loss_is_said_to_show_none():
    assert any(note.startswith("No recorded trade lost") for note in study(run_of([5_000_000, 6_000_000])).notes)


def test_a_symbol_without_bars_is_named():
    told = study(run_of(NETS), prices={})
    assert any("No bars of SOL-PERP are on record" in note for note in told.notes)
    calm = study(run_of(NETS), Plan(n_paths=9, shocks=NO_SHOCKS), prices={})
    assert not any("No bars" in note for note in calm.notes)


def test_what_a_position_still_open_made_is_said_to_be_in_the_days_only():
    run = outcome([trade(5_000_000), trade(-4_000_000, 10)], [CASH + 5_000_000, CASH + 11_000_000])
    assert any("+10.00 USD of the run's result belong to no closed trade" in note for note in study(run).notes)


def test_a_run_that_lost_everything_at_once_needs_fixed_stakes():
    run = run_of([-2 * CASH, 5_000_000])
    with pytest.raises(BadInput, match="--stakes fixed"):
        study(run)
    told = study(run, Plan(n_paths=200, stakes=Stakes.FIXED)).scenarios[0]
    assert told.odds_of("ruined").has_happened
    assert told.odds_of("ruined").frac == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / 200))


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_paths": 0}, {"n_paths": 10**9}, {"seed": -1}, {"block": 0}, {"ruin_frac": 1.0}, {"ruin_frac": math.nan},
        {"risk_per_trade_frac": 0.0}, {"max_drawdown_frac": 0.0}, {"fee_tier": 6},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_carried_out_is_refused(wrong):
    with pytest.raises(ValueError, match="outside|impossible|shorter"):
        Plan(**wrong)


@pytest.mark.parametrize(
    ("nets", "said"),
    [
        ([-5_000_000] * 8, "the loss is no accident"),
        ([5_000_000] * 8, "does not hang on a few trades"),
        (NETS, "both within the luck of this record"),
    ],
)
def test_the_verdict_is_plain_and_ends_with_what_the_method_cannot_say(nets, said):
    plan = Plan(n_paths=500, shocks=Shocks())
    told = verdict(study(run_of(nets), plan), run_of(nets), plan)
    assert said in told
    assert told.endswith(WHAT_IT_IS_NOT)
    assert "simulated" not in told


def test_the_verdict_of_a_simulated_run_says_so():
    run = outcome([trade(1_000_000), trade(-1_000_000, 10)], is_simulated=True)
    assert "The market was simulated" in verdict(study(run), run, PLAN)
