"""A search finds what matters, sees train alone, repeats itself, and looks at the test segment once."""

from pathlib import Path

import numpy as np
import pytest

from backtest.compiled.columns import RETURN_BPS, Columns
from backtest.segment import Segment
from backtest.tune.space import Range, Space
from backtest.tune.study import Study, open_study
from backtest.tune.telling import told_tuned, warning_of
from backtest.tune.tuning import Aim, Tuned, tune
from domain.errors import BadInput
from tests.unit.backtest.tune.stage import FREE, NET, SPACE, bench_on, moving_columns, split_of

IDENTITY = {"space": "made", "tape": "made"}


@pytest.fixture(scope="module")
def columns() -> Columns:
    return moving_columns()


def study_in(folder: Path, identity: dict[str, str] = IDENTITY) -> Study:
    return open_study(folder / "s.journal", None, "s", identity)


def tuned(study: Study, columns: Columns, n_trials: int, seed: int = 3, *, looks: bool = True) -> Tuned:
    aim = Aim(objective=NET, n_trials=n_trials, n_finalists=5, seed=seed, looks_at_test=looks)
    return tune(study, SPACE, bench_on(columns), split_of(columns), aim, lambda _: None)


def trials_of(study: Study) -> list[tuple[dict[str, str], float | None]]:
    return [(dict(one.settings), one.score) for one in study.tried()]


def test_a_planted_target_is_found_and_pays_on_every_segment(columns: Columns, tmp_path: Path) -> None:
    """After a signal the highest price is 1.012 * 1.0005 of a base of which the entry pays at least 1.004 * 1.0001.

    The farthest target that fills is thus under 0.85 %; every one beyond it waits until the price has fallen back.
    """
    found = tuned(study_in(tmp_path), columns, 40)
    assert found.winner is not None
    assert found.look is not None
    assert 0.6 < float(found.winner.tried.settings["EXIT_TARGET_PCT"]) < 0.85
    worst = min(one.score for one in study_in(tmp_path).tried() if one.score is not None)
    assert worst < 0 < found.look.figures[0]
    assert found.winner.validation_score is not None
    assert found.winner.validation_score > 0


def test_no_bar_after_train_can_change_a_trial(columns: Columns, tmp_path: Path) -> None:
    split = split_of(columns)
    altered = Columns(ints=columns.ints.copy(), floats=columns.floats.copy(order="K"))
    altered.floats[split.train.until :, :4] *= 1.01
    altered.floats[split.train.until :, RETURN_BPS] += 1.0
    altered.ints[split.train.until :, 2:9] += 7
    ours, theirs = study_in(tmp_path / "ours"), study_in(tmp_path / "theirs")
    one, other = tuned(ours, columns, 12), tuned(theirs, altered, 12)
    assert trials_of(ours) == trials_of(theirs)
    assert [a.days_microusd.tolist() for a in ours.tried()] == [b.days_microusd.tolist() for b in theirs.tried()]
    assert one.finalists[0].validation_figures[0] != other.finalists[0].validation_figures[0]


def test_the_same_seed_makes_the_same_trials_in_one_go_or_stopped_between(columns: Columns, tmp_path: Path) -> None:
    whole, stopped, other = (study_in(tmp_path / name) for name in ("whole", "stopped", "other"))
    tuned(whole, columns, 16, looks=False)
    tuned(stopped, columns, 11, looks=False)
    tuned(study_in(tmp_path / "stopped"), columns, 5, looks=False)
    tuned(other, columns, 16, seed=4, looks=False)
    assert trials_of(study_in(tmp_path / "stopped")) == trials_of(whole)
    assert trials_of(other) != trials_of(whole)


def test_the_first_look_is_fresh_and_every_later_one_is_told_and_counted(columns: Columns, tmp_path: Path) -> None:
    study = study_in(tmp_path)
    unseen = tuned(study, columns, 6, looks=False)
    assert (unseen.look, study.looks()) == (None, [])
    first = tuned(study, columns, 0)
    assert first.look is not None
    assert (first.look.n_before, warning_of(first.look), first.look.luck.trials.n_trials) == (0, None, 1)
    assert first.winner is not None
    assert study.looks() == [first.winner.tried.settings]
    for n_before, times in ((1, "once"), (2, "2 times")):
        again = tuned(study_in(tmp_path), columns, 0)
        assert again.look is not None
        assert warning_of(again.look) == (
            f"the test segment was already looked at {times}: this is no longer out of sample"
        )
        assert again.look.luck.trials.n_trials == 1 + n_before
        assert again.luck is not None
        assert again.luck.trials.n_trials == again.n_trials + n_before


def test_the_look_is_what_a_run_over_the_test_segment_comes_to(columns: Columns, tmp_path: Path) -> None:
    found = tuned(study_in(tmp_path), columns, 6)
    assert found.winner is not None
    assert found.look is not None
    again = bench_on(columns).measure(found.winner.tried.settings, split_of(columns).test)
    np.testing.assert_array_equal(found.look.figures, again.figures[0])


def test_without_a_candidate_nothing_is_chosen_and_the_test_stays_unseen(columns: Columns, tmp_path: Path) -> None:
    study = study_in(tmp_path)
    aim = Aim(objective=NET.over(10_000.0), n_trials=3, n_finalists=5, seed=3)
    found = tune(study, SPACE, bench_on(columns), split_of(columns), aim, lambda _: None)
    assert (found.n_trials, found.n_scored, found.finalists, found.winner, found.look) == (3, 0, (), None, None)
    assert study.looks() == []
    assert told_tuned(found)["winner"] is None


def test_values_that_do_not_go_together_are_put_down_and_counted_apart(columns: Columns, tmp_path: Path) -> None:
    space = Space(knobs={"FEATURE_VOL_BARS": Range(low=4, high=8, step=4, is_whole=True), "EXIT_STOP_PCT": ("1",)})
    aim = Aim(objective=NET, n_trials=8, n_finalists=2, seed=1, looks_at_test=False)
    found = tune(study_in(tmp_path), space, bench_on(columns), split_of(columns), aim, lambda _: None)
    assert found.n_impossible > 0
    assert found.n_trials + found.n_impossible == 8


def test_a_study_begun_with_another_space_or_tape_is_refused_by_what_differs(tmp_path: Path) -> None:
    study_in(tmp_path)
    with pytest.raises(BadInput, match="the study s was begun with another space; take another --name"):
        study_in(tmp_path, {**IDENTITY, "space": "another"})
    with pytest.raises(BadInput, match="another space, another tape"):
        study_in(tmp_path, {"space": "another", "tape": "another"})


def test_a_trial_that_is_interrupted_is_put_down_as_failed_and_the_search_goes_on(
    columns: Columns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("backtest.tune.search.Bench.measure", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tuned(study, columns, 1)
    assert tuned(study_in(tmp_path), columns, 2, looks=False).n_trials == 2


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_study_in_a_database_is_the_same_study(columns: Columns, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    study = open_study(tmp_path / "unused", url, "s", IDENTITY)
    in_file = study_in(tmp_path)
    tuned(study, columns, 5, looks=False)
    tuned(in_file, columns, 5, looks=False)
    assert trials_of(open_study(tmp_path / "unused", url, "s", IDENTITY)) == trials_of(in_file)
    study.optuna._storage._backend.engine.dispose()
    assert not (tmp_path / "unused").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [("nonsense", "is no database URL"), ("redis://x/1", "unknown database kind redis"), ("mysql://u@h/d", "pymysql")],
)
def test_an_address_nobody_can_use_is_refused_without_its_password(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        open_study(tmp_path / "unused", url, "s", IDENTITY)


def test_the_segments_of_a_split_are_walked_with_free_cooldowns_too(columns: Columns) -> None:
    measured = bench_on(columns).measure(FREE, Segment(first=0, until=400))
    assert measured.figures[0, 9] > 0
