import json

from backtest.score.trials import n_trials_of
from db.tried import Tried


def tried(settings=None, **changed):
    given = {
        "settings_json": json.dumps(settings or {"GATE_MIN_P_WIN_PCT": 50}),
        "backend": "ollama",
        "source": "live",
        "model": "m",
        "digest": "1",
        "prompt_version": "veto-2",
        "prompt_sha256": "00",
        **changed,
    }
    return Tried(**given)


def test_the_same_gate_in_many_runs_is_one_trial() -> None:
    assert n_trials_of([tried(), tried(), tried({})]) == 1
    assert n_trials_of([]) == 0


def test_every_model_weights_prompt_and_threshold_is_another() -> None:
    others = [tried(model="n"), tried(digest="2"), tried(prompt_version="3"), tried(prompt_sha256="1")]
    others += [tried(backend="openai"), tried({"GATE_MIN_P_WIN_PCT": 60}), tried({"GATE_MEMORY": "on"})]
    others += [tried({"GATE_QUORUM": 2}), tried({"GATE_METALABEL_MIN_TRIGGERS": 100})]
    assert n_trials_of([tried(), *others]) == 1 + len(others)


def test_a_model_that_learns_and_an_ensemble_are_one_whatever_their_weights() -> None:
    assert n_trials_of([tried(source="embedded", digest=str(place)) for place in range(5)]) == 1
    assert (
        n_trials_of([tried(backend="ensemble", digest=str(place), prompt_sha256=str(place)) for place in range(5)]) == 1
    )
