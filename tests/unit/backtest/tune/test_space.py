import json
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from backtest.tune.reach import longest_reach_bars
from backtest.tune.space import Range, Space, read_space
from domain.errors import BadInput
from tests.unit.backtest.tune.stage import turned


def space_of(folder: Path, told: object) -> Space:
    file = folder / "space.json"
    file.write_text(told if isinstance(told, str) else json.dumps(told))
    return read_space(file)


def test_ranges_and_choices_become_what_optuna_draws_from(tmp_path: Path) -> None:
    space = space_of(
        tmp_path,
        {
            "EXIT_MAX_HOLD_BARS": {"low": 10, "high": 50, "step": 5},
            "E3_VOLUME_Z": {"low": 1, "high": 2.5, "step": 0.5},
            "EXIT_TARGET_PCT": {"low": 0.1, "high": 10, "log": True},
            "STRATEGIES": ["e3", "e3,funding_fade"],
        },
    )
    assert space.distributions() == {
        "EXIT_MAX_HOLD_BARS": IntDistribution(10, 50, step=5),
        "E3_VOLUME_Z": FloatDistribution(1, 2.5, step=0.5),
        "EXIT_TARGET_PCT": FloatDistribution(0.1, 10, log=True),
        "STRATEGIES": CategoricalDistribution(("e3", "e3,funding_fade")),
    }


def test_drawn_values_are_written_as_env_writes_them(tmp_path: Path) -> None:
    space = space_of(tmp_path, {"E3_VOLUME_Z": {"low": 0.1, "high": 0.5, "step": 0.1}, "STRATEGIES": ["e3"]})
    drawn = {"E3_VOLUME_Z": 0.1 + 0.2, "STRATEGIES": "e3"}
    assert space.words(drawn) == {"E3_VOLUME_Z": "0.3", "STRATEGIES": "e3"}
    assert space.words({**drawn, "E3_VOLUME_Z": 2.0})["E3_VOLUME_Z"] == "2"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "is not JSON"),
        ({}, "must be an object such as"),
        ([1], "must be an object such as"),
        ({"SEED": [1]}, "SEED cannot be swept"),
        ({"E3_VOLUME_Z": []}, "E3_VOLUME_Z in the space .* needs a list of choices or low and high"),
        ({"E3_VOLUME_Z": {"low": 1}}, "needs a list of choices or low and high"),
        ({"E3_VOLUME_Z": {"low": 1, "high": 2, "by": 3}}, "needs a list of choices or low and high"),
        ({"E3_VOLUME_Z": {"low": 2, "high": 2}}, "low 2 must be below high 2"),
        ({"E3_VOLUME_Z": {"low": 3, "high": 2}}, "low 3 must be below high 2"),
        ({"E3_VOLUME_Z": {"low": "1", "high": 2}}, "needs numbers"),
        ({"E3_VOLUME_Z": {"low": True, "high": 2}}, "needs numbers"),
        ({"E3_VOLUME_Z": {"low": 1, "high": 2, "step": 0}}, "step 0 does not lead from 1 to 2"),
        ({"E3_VOLUME_Z": {"low": 1, "high": 2, "step": 0.3}}, "step 0.3 does not lead from 1 to 2"),
        ({"E3_VOLUME_Z": {"low": 0, "high": 2, "log": True}}, "a low above 0"),
        ({"E3_VOLUME_Z": {"low": 1, "high": 2.5, "step": 0.5, "log": True}}, "no step"),
        ({"E3_VOLUME_Z": {"low": 1, "high": 2, "log": 1}}, "true or false for log"),
        ({"E3_VOLUME_Z": [1, 2, 1]}, "lists a value twice"),
    ],
)
def test_a_bad_space_is_refused_by_name(tmp_path: Path, told: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        space_of(tmp_path, told)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"E3_VOLUMEZ": [1]}, "E3_VOLUMEZ"),
        ({"E3_VOLUME_Z": ["many"]}, "E3_VOLUME_Z = many"),
        ({"EXIT_STOP_PCT": {"low": 1, "high": 4000}}, "EXIT_STOP_PCT = 4000"),
        ({"EXIT_MAX_HOLD_BARS": {"low": 10, "high": 20.5}}, "EXIT_MAX_HOLD_BARS"),
        ({"EXIT_MAX_HOLD_BARS": {"low": 10, "high": 20, "step": 2.5}}, "EXIT_MAX_HOLD_BARS = 12.5"),
    ],
)
def test_a_value_that_no_setting_allows_is_refused_before_the_search(tmp_path: Path, told: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        space_of(tmp_path, told).refuse_hopeless(turned)


def test_the_embargo_covers_the_longest_window_order_and_hold_of_the_space() -> None:
    """QUICK: the warm-up is 8 bars of volume; hold 12 bars; an order fills one bar after it is sent."""
    assert longest_reach_bars({"E3_VOLUME_Z": ("1", "2")}, turned) == 8 + 12 + 1
    wider = {"FEATURE_VOLUME_BARS": ("10", "20"), "EXIT_MAX_HOLD_BARS": ("5", "30"), "PAPER_LATENCY_BARS": ("0", "2")}
    assert longest_reach_bars(wider, turned) == 20 + 30 + 3


def test_a_window_that_goes_only_beside_another_value_counts_too() -> None:
    """FEATURE_VOL_BARS must lie below FEATURE_VOL_LONG_BARS, which is 6 in QUICK: alone, 40 is refused."""
    values = {"FEATURE_VOL_BARS": ("4", "40"), "FEATURE_VOL_LONG_BARS": ("6", "50")}
    assert longest_reach_bars(values, turned) == 51 + 12 + 1


def test_a_range_needs_room() -> None:
    with pytest.raises(ValueError, match="must be below"):
        Range(low=float("nan"), high=1.0)
