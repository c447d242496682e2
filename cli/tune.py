"""`main.py tune`: a search for better settings that cannot fool itself quietly."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cli.options import (
    ENV_FILE,
    ROOT,
    DataOption,
    EnvOption,
    FromOption,
    JsonOption,
    MinutesOption,
    MoreFiles,
    SetOption,
    SymbolOption,
    UntilOption,
    flags,
    load,
    show,
)
from cli.parts import parts_with
from cli.shop import Shop
from cli.sweep import DrawdownOption, GoalOption, MinTradesOption, SeedOption, progress, tape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backtest.objective import Objective
    from backtest.parts import PartsOf
    from backtest.tape import WholeTape
    from backtest.tune.space import Space
    from backtest.tune.study import Study
    from backtest.tune.tuning import Aim, Split, Tuned
    from settings import Settings

SpaceOption = Annotated[Path, typer.Option("--space", metavar="SPACE.json", help="Knobs and what each may be.")]
TrialsOption = Annotated[int, typer.Option("--trials", min=0, help="How many more trials to make.")]
TrainOption = Annotated[
    float, typer.Option("--train-frac", min=0.01, max=0.98, help="Share of the tape that is searched on.")
]
ValidationOption = Annotated[
    float, typer.Option("--validation-frac", min=0.01, max=0.98, help="Share that the best are compared on.")
]
EmbargoOption = Annotated[
    int | None,
    typer.Option("--embargo-bars", min=0, help="Bars left out between segments; by default as few as are safe."),
]
FinalistsOption = Annotated[
    int, typer.Option("--finalists", min=1, help="How many of the best on train are compared on validation.")
]
NoTestOption = Annotated[bool, typer.Option("--no-test", help="Leave the test segment unseen this time.")]
StorageOption = Annotated[
    str | None,
    typer.Option("--storage", metavar="URL", help="Database for many machines; else a journal file in STATE_DIR/tune."),
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="STUDY", help="Name of the study; the same name goes on with it.")
]
WriteOption = Annotated[
    Path | None, typer.Option("--write", metavar="ENVFILE", help="Write the proposed changes to this .env file.")
]


def tune(
    context: typer.Context,
    space_file: SpaceOption,
    more: MoreFiles = None,
    data_files: DataOption = [],  # noqa: B006 - Typer reads defaults and never changes them
    symbol: SymbolOption = [],  # noqa: B006 - as above
    first: FromOption = None,
    until: UntilOption = None,
    minutes: MinutesOption = None,
    trials: TrialsOption = 100,
    seed: SeedOption = 7,
    goal: GoalOption = "sharpe",
    min_trades: MinTradesOption = 30,
    max_drawdown_frac: DrawdownOption = 1.0,
    train_frac: TrainOption = 0.6,
    validation_frac: ValidationOption = 0.2,
    embargo_bars: EmbargoOption = None,
    finalists: FinalistsOption = 20,
    no_test: NoTestOption = False,
    storage: StorageOption = None,
    name: NameOption = None,
    write: WriteOption = None,
    overrides: SetOption = [],  # noqa: B006 - as above
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Search for settings with Optuna on one part of a tape, choose on a second, look at a third once.

    The space is a JSON object, e.g. {"E3_VOLUME_Z": {"low": 1, "high": 4, "step": 0.25}, "EXIT_STOP_ATR": [0, 2]}. The
    proposed changes are printed as a diff and written with --write only. The same command goes on with its study.
    """
    from backtest.tune.space import read_space
    from cli.objectives import objective_of

    given = flags(FEED="replay", SYMBOLS=",".join(symbol), REPLAY_FROM=first, REPLAY_UNTIL=until)
    given |= flags(REPLAY_DATA=",".join([*data_files, *(more or [])]))
    objective = objective_of(goal, min_trades, max_drawdown_frac)
    aim = _aim(objective, trials, finalists, seed, looks_at_test=not no_test)
    wish = _Wish(read_space(space_file), env_file, overrides, given, write, as_json)
    shares = _Shares(train_frac, validation_frac, embargo_bars)
    _tune(wish, aim, shares, context.obj, minutes, name or _name(space_file, wish), storage)


class _Wish(NamedTuple):
    space: "Space"
    env_file: Path
    overrides: list[str]
    given: dict[str, str]
    write: Path | None
    as_json: bool

    @property
    def turned(self) -> "PartsOf":
        return parts_with(self.env_file, self.overrides, self.given)

    def settings(self, knobs: "Mapping[str, str]") -> "Settings":
        return load(self.env_file, self.overrides, {**self.given, **knobs})


class _Shares(NamedTuple):
    train_frac: float
    validation_frac: float
    embargo_bars: int | None


class _Cut(NamedTuple):
    split: "Split"
    embargo_bars: int


def _name(space_file: Path, wish: _Wish) -> str:
    return f"{space_file.stem}-{wish.settings({}).symbols[0].lower()}"


def _aim(objective: "Objective", n_trials: int, n_finalists: int, seed: int, *, looks_at_test: bool) -> "Aim":
    from backtest.tune.tuning import Aim

    return Aim(objective=objective, n_trials=n_trials, n_finalists=n_finalists, seed=seed, looks_at_test=looks_at_test)


def _tune(
    wish: _Wish, aim: "Aim", shares: _Shares, shop: Shop, n_minutes: int | None, name: str, storage: str | None
) -> None:
    wish.space.refuse_hopeless(wish.turned)
    settings = wish.settings({})
    tape = tape_of(settings, shop.build_feed, n_minutes)
    cut = _split_of(tape, wish, *shares)
    study = _study_of(wish, tape, cut, aim.objective, name, storage)
    with progress("trials", aim.n_trials, as_json=wish.as_json) as advance:
        tuned = _tuned(study, wish, tape, cut, aim, advance)
    _answer(wish, name, tape, cut, tuned, aim.objective.goal.value)


def _split_of(
    tape: "WholeTape", wish: _Wish, train_frac: float, validation_frac: float, embargo_bars: int | None
) -> _Cut:
    """Cut the tape. Raises BadInput for shares that leave no test, and an embargo through which something reaches."""
    from backtest.segment import cut
    from backtest.tune.reach import longest_reach_bars
    from backtest.tune.tuning import Split
    from domain.errors import BadInput

    test_frac = 1.0 - train_frac - validation_frac
    if test_frac < 1e-9:
        raise BadInput(f"--train-frac {train_frac} and --validation-frac {validation_frac} leave nothing to test on")
    reach_bars = longest_reach_bars(wish.space.samples().values, wish.turned)
    if embargo_bars is not None and embargo_bars < reach_bars:
        raise BadInput(
            f"--embargo-bars {embargo_bars} is too short: features, orders and holds reach over {reach_bars} bars"
        )
    embargo_bars = reach_bars if embargo_bars is None else embargo_bars
    return _Cut(Split(*cut(tape.columns, (train_frac, validation_frac, test_frac), embargo_bars)), embargo_bars)


def _study_of(
    wish: _Wish, tape: "WholeTape", cut: _Cut, objective: "Objective", name: str, storage: str | None
) -> "Study":
    from backtest.tune.study import open_study
    from backtest.whole_files import file_name
    from desk.version import code_version
    from settings import settings_json

    settings = wish.settings({})
    fixed = {knob: value for knob, value in json.loads(settings_json(settings)).items() if knob not in wish.space.knobs}
    identity = {
        "space": _print_of(wish.space.told()),
        "tape": _print_of([tape.identity, tape.columns.close_ms[[0, -1]].tolist(), len(tape.columns.ints)]),
        "setting outside the space": _print_of(fixed),
        "objective": f"{objective.goal} {objective.min_trades} {objective.max_drawdown_frac}",
        "split": " ".join(f"{one.first}-{one.until}" for one in cut.split),
        "version of the code": code_version(ROOT),
    }
    return open_study(settings.state_dir / "tune" / f"{file_name(name)}.journal", storage, name, identity)


def _print_of(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _tuned(
    study: "Study", wish: _Wish, tape: "WholeTape", cut: _Cut, aim: "Aim", advance: "Callable[[int], None]"
) -> "Tuned":
    from backtest.sweep.block import Walker
    from backtest.tune.search import Bench
    from backtest.tune.tuning import tune

    bench = Bench(walker=Walker(tape.columns), parts_of=wish.turned, instrument=tape.instrument)
    return tune(study, wish.space, bench, cut.split, aim, advance)


def _answer(wish: _Wish, name: str, tape: "WholeTape", cut: _Cut, tuned: "Tuned", goal: str) -> None:
    from backtest.tune.telling import told_split, told_tuned
    from console.tuning import print_tuned

    told = {
        "study": name,
        "objective": goal,
        "is_simulated": tape.is_simulated,
        "split": told_split(tape.columns, cut.split, cut.embargo_bars),
        **told_tuned(tuned),
        "proposal": _proposal(wish, tuned),
    }
    show(wish.as_json, lambda: told, lambda console: print_tuned(console, told))


def _proposal(wish: _Wish, tuned: "Tuned") -> dict[str, Any] | None:
    """Return what would change in the settings file, and write it where that was asked for."""
    from cli.env_file import changed_knobs, hidden_by_environment, read_env, write_env
    from configuration.rewriting import difference, rewritten

    if tuned.winner is None:
        return None
    now, then = wish.settings({}), wish.settings(tuned.winner.tried.settings)
    changes = changed_knobs(now, then, tuned.winner.tried.settings)
    target = wish.write or wish.env_file
    before = read_env(target)
    after = rewritten(before, changes)
    if wish.write is not None:
        write_env(target, after)
    return {
        "changes": changes,
        "diff": difference(before, after, str(target)),
        "written_to": None if wish.write is None else str(wish.write),
        "hidden_by_environment": hidden_by_environment(now, changes),
    }
