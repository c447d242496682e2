"""A grid numbers every combination once, draws without repetition, and refuses what no sweep could turn."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.sweep.grid import FEATURES, SIGNALS, TERMS, Grid, layer_of, read_grid
from domain.errors import BadInput

NAMES = ("E3_VOLUME_Z", "EXIT_STOP_PCT", "FEATURE_ATR_BARS", "RISK_MAX_ORDERS_PER_MINUTE")
GRID = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.integers(1, 99).map(str), min_size=1, max_size=4, unique=True), min_size=1
).map(lambda values: Grid(values={name: tuple(listed) for name, listed in values.items()}))


@given(grid=GRID)
def test_every_number_names_another_combination_and_all_of_them_are_named(grid: Grid) -> None:
    named = [tuple(grid.combination(number).items()) for number in range(grid.n_combinations)]
    assert len(set(named)) == grid.n_combinations
    assert {name for combination in named for name, _ in combination} == set(grid.values)
    assert all(value in grid.values[name] for combination in named for name, value in combination)


def test_the_last_knob_turns_fastest() -> None:
    grid = Grid(values={"E3_VOLUME_Z": ("1", "2"), "EXIT_STOP_PCT": ("5", "6", "7")})
    assert [grid.combination(number)["EXIT_STOP_PCT"] for number in range(4)] == ["5", "6", "7", "5"]


@given(grid=GRID, n_wanted=st.integers(1, 300), seed=st.integers(0, 9))
def test_a_sample_repeats_nothing_and_the_same_seed_draws_the_same(grid: Grid, n_wanted: int, seed: int) -> None:
    drawn = grid.sample(n_wanted, seed).tolist()
    assert drawn == sorted(set(drawn)) == grid.sample(n_wanted, seed).tolist()
    assert len(drawn) == min(n_wanted, grid.n_combinations)
    assert 0 <= drawn[0] <= drawn[-1] < grid.n_combinations


def test_knobs_decide_in_three_layers() -> None:
    assert layer_of("FEATURE_ATR_BARS") == layer_of("REGIME_HIGH_VOL_RATIO") == FEATURES
    assert layer_of("E3_VOLUME_Z") == layer_of("STRATEGIES") == SIGNALS
    assert layer_of("EXIT_STOP_PCT") == layer_of("PAPER_FEE_TIER") == TERMS


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ("{}", "must be an object"),
        ('{"E3_VOLUME_Z": []}', "E3_VOLUME_Z in the grid"),
        ('{"E3_VOLUME_Z": "2"}', "needs a list"),
        ('{"E3_VOLUME_Z": [2, 2]}', "lists a value twice"),
        ('{"GATE_MODE": ["off", "veto"]}', "GATE_MODE cannot be swept"),
        ('{"QUALITY_MAX_GAP_BARS": [0, 1]}', "QUALITY_MAX_GAP_BARS cannot be swept"),
    ],
)
def test_what_is_no_grid_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "grid.json"
    file.write_text(text)
    with pytest.raises(BadInput, match=complaint):
        read_grid(file)


def test_a_grid_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_grid(tmp_path / "none.json")


def test_the_grid_the_authors_could_never_finish_has_15552_combinations() -> None:
    grid = read_grid(Path(__file__).parents[4] / "docs" / "grids" / "e3_full.json")
    assert grid.n_combinations == 15_552
    assert json.dumps(grid.combination(0)) != json.dumps(grid.combination(15_551))
