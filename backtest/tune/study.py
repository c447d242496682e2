"""A study: every trial ever made of one space on one tape, kept so that a search goes on where it was stopped."""

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from backtest.outcome import FloatArray, IntArray
from backtest.tune.journal_file import journal_storage
from db.trouble import in_words
from domain.errors import BadInput, DeskError
from domain.record import Record

FIGURES, DAYS, WORDS, WHY = "figures", "days_microusd", "settings", "impossible"
_IDENTITY, _LOOKS = "identity", "test_looks"
_DRIVERS: Final = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
_ALLOWED: Final = "allowed are sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE and mysql://..."


class StudyUnavailable(DeskError):
    """The study could not be read or written; the trials finished before stay in it."""


class Tried(Record, frozen=True, kw_only=True, eq=False):
    """One finished trial, on the train segment.

    settings: knobs as `.env` writes them. score: None when it met not the objective's conditions. figures: shape
    (N_METRICS,). days_microusd: the starting equity and that at each day's end, shape (1 + n_days,).
    """

    number: int
    settings: Mapping[str, str]
    score: float | None
    figures: FloatArray
    days_microusd: IntArray


class Study:
    """A study and what is remembered of it."""

    def __init__(self, study: optuna.Study) -> None:
        """Take an opened one; `open_study` does."""
        self.optuna = study

    def tried(self) -> list[Tried]:
        """Return all trials that were walked, in the order they were asked for."""
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        with complaining("read"):
            trials = self.optuna.get_trials(deepcopy=False, states=states)
        return [_tried(trial) for trial in trials if FIGURES in trial.user_attrs]

    def n_impossible(self) -> int:
        """Return how many trials drew values that do not go together."""
        with complaining("read"):
            failed = self.optuna.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        return sum(WHY in trial.user_attrs for trial in failed)

    def looks(self) -> list[dict[str, str]]:
        """Return with which settings the test segment was looked at, oldest first."""
        with complaining("read"):
            return list(self.optuna.user_attrs.get(_LOOKS, []))

    def remember_look(self, settings: Mapping[str, str]) -> None:
        """Put on record that the test segment is looked at. It is done before the look."""
        with complaining("written"):
            self.optuna.set_user_attr(_LOOKS, [*self.looks(), dict(settings)])


def open_study(file: Path, url: str | None, name: str, identity: Mapping[str, str]) -> Study:
    """Open or begin a study in a journal file, or in a database where a URL is given.

    identity: everything that decides its figures. Raises BadInput for a study that was begun with another one, naming
    what differs, for an address nobody can use, and for a damaged file; StudyUnavailable when it cannot be reached.
    """
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with complaining("opened"):
            storage = _database(url) if url else journal_storage(file)
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
            begun = study.user_attrs.get(_IDENTITY)
            if begun is None:
                study.set_user_attr(_IDENTITY, dict(identity))
    except (ValueError, KeyError) as error:
        raise BadInput(f"the study {name} is damaged ({error}); name another with --name, or delete {file}") from error
    _refuse_another(name, begun or identity, identity)
    return Study(study)


@contextmanager
def complaining(deed: str) -> Iterator[None]:
    """Turn what a storage throws into one sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StudyUnavailable(f"the study cannot be {deed}: {in_words(error)}") from error
    except StorageInternalError as error:
        cause = error.__cause__ or error
        raise StudyUnavailable(f"the study cannot be {deed}: {in_words(cause)}") from error
    except OSError as error:
        raise StudyUnavailable(f"the study cannot be {deed}: {error.strerror or error}") from error


def _database(url: str) -> BaseStorage:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadInput(f"--storage is no database URL; {_ALLOWED}") from error
    kind = parsed.drivername.split("+")[0]
    if kind != "sqlite" and kind not in _DRIVERS:
        raise BadInput(f"--storage names the unknown database kind {kind}; {_ALLOWED}")
    parsed = parsed.set(drivername=_DRIVERS.get(kind, parsed.drivername))
    try:
        return RDBStorage(parsed.render_as_string(hide_password=False))
    except ImportError as error:
        raise BadInput(f"--storage {kind} needs its driver: pip install pymysql") from error


def _refuse_another(name: str, begun: Mapping[str, str], identity: Mapping[str, str]) -> None:
    differing = sorted(key for key in {*begun, *identity} if begun.get(key) != identity.get(key))
    if differing:
        raise BadInput(f"the study {name} was begun with another {', another '.join(differing)}; take another --name")


def _tried(trial: FrozenTrial) -> Tried:
    kept = trial.user_attrs
    figures = [math.nan if figure is None else figure for figure in kept[FIGURES]]
    return Tried(
        number=trial.number,
        settings=kept[WORDS],
        score=trial.value if trial.state is TrialState.COMPLETE else None,
        figures=np.array(figures, dtype=np.float64),
        days_microusd=np.array(kept[DAYS], dtype=np.int64),
    )
