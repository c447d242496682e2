"""A desk of several strategies: what its portfolio decides, told by whole desks on tapes made here."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.features import Regime
from domain.market import Snapshot
from domain.tick import Outcome, TickRecord
from settings import SettingsError, load_settings
from tests.flow.engines import Result, by_the_desk, by_the_kernel, settings_of
from tests.flow.stage import QUICK, desk, explosive, quiet, run
from tests.flow.test_engines_agree import EAGER, KNOBS, TAPE, after_entry, agree, snapshots

REGIMES = st.lists(st.sampled_from([regime.value for regime in Regime]), min_size=1, unique=True).map("|".join)
SWITCHES = st.fixed_dictionaries({}, optional={"e3": REGIMES, "funding_fade": REGIMES}).map(
    lambda chosen: ",".join(f"{name}:{regimes}" for name, regimes in chosen.items())
)


def explosion(**knobs: str) -> list[TickRecord]:
    """Return what the desk makes of quiet minutes and one that E3 fires on; the regime there is in its features."""
    return run(desk(**knobs), [*quiet(10), explosive(10), *quiet(3, 150.6, 11)])


def test_a_strategy_enters_only_in_the_regimes_it_is_switched_to() -> None:
    seen = explosion()[10]
    assert seen.features is not None
    assert seen.outcome is Outcome.ENTERED
    here = seen.features.regime
    elsewhere = next(regime for regime in Regime if regime is not here)
    assert explosion(REGIME_SWITCH=f"e3:{here.value}")[10].outcome is Outcome.ENTERED
    refused = explosion(REGIME_SWITCH=f"e3:{elsewhere.value}")[10]
    assert refused.why == f"strategy_fits_regime: e3 enters in {elsewhere.value}; the regime is {here.value}"


def test_a_desk_without_a_portfolio_records_nothing_of_one() -> None:
    check = explosion()[10].risk
    assert check is not None
    assert "strategy_fits_regime" not in check.passed


@settings(max_examples=25)
@given(steps=TAPE, knobs=KNOBS, switch=SWITCHES)
def test_both_engines_switch_alike(steps: list[dict[str, Any]], knobs: dict[str, str], switch: str) -> None:
    agree({**EAGER, **knobs, "REGIME_SWITCH": switch}, snapshots(steps))


def both(knobs: Mapping[str, str], tape: list[Snapshot]) -> tuple[Result, Result]:
    chosen = settings_of({**QUICK, **knobs})
    return by_the_desk(chosen, tape), by_the_kernel(chosen, tape)


def test_a_switch_takes_trades_away_in_both_engines() -> None:
    tape = after_entry([156.0])
    assert len(both({}, tape)[0].trades) == 1
    for regime in Regime:
        desk_result, kernel_result = both({"REGIME_SWITCH": f"e3:{regime.value}"}, tape)
        assert kernel_result == desk_result
    assert {len(both({"REGIME_SWITCH": f"e3:{regime.value}"}, tape)[1].trades) for regime in Regime} == {0, 1}


@pytest.mark.parametrize("wrong", ["e3", "e3:", "e3:sunny", "e4:chop", "e3:chop,e3:crash", "e3:chop|"])
def test_a_switch_that_cannot_be_read_is_refused_by_name_with_what_is_allowed(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"REGIME_SWITCH.*regimes chop, bull_trend") as caught:
        load_settings(None, {"REGIME_SWITCH": wrong})
    assert len(caught.value.problems) == 1
