"""From being listened to, to being obeyed: a gate may veto real or paper trades once it has been measured."""

import json
from collections.abc import Iterator

from db.evaluations import Evaluation, find_evaluation
from db.readable import Readable
from db.reading import find_run, run_ids
from domain.decisions import GateMode
from domain.errors import BadInput
from domain.record import Record

BACKTEST = "backtest"
HOW = (
    "measure it in shadow mode (`python main.py paper --set GATE_MODE=shadow ...`), then `python main.py gate score "
    "RUN --store` prints the number for GATE_EVALUATION; a backtest may veto without one"
)


class GateIdentity(Record, frozen=True, kw_only=True):
    """Who the settings would have asked. digest_start: the first hex digits of the pinned weights, empty without.

    terms: the knobs that make a yes of an answer, by name, with their values.
    """

    backend: str
    model: str
    prompt_version: str
    digest_start: str
    mode: GateMode
    terms: tuple[tuple[str, int], ...] = ()

    @property
    def title(self) -> str:
        """Its name for people."""
        return _title(self.backend, self.model, self.prompt_version, self.digest_start)


def promotion_warning(store: Readable, command: str, gate: GateIdentity | None, number: str) -> str | None:
    """Say what must be said loudly at the start of a run whose gate vetoes; None when there is nothing to say.

    gate: None where nobody is asked. number: of the evaluation, empty without. In a backtest nothing is at stake, so it
    needs none. Raises BadInput when the gate was never measured, or another one was.
    """
    if gate is None or gate.mode is not GateMode.VETO or command == BACKTEST:
        return None
    evaluation = _evaluation(store, gate, number)
    if not _is_of(evaluation, gate):
        told = _title(evaluation.backend, evaluation.model, evaluation.prompt_version, _hex(evaluation.digest))
        raise BadInput(f"GATE_EVALUATION={number} is of {told}, and this desk would ask {gate.title}: {HOW}")
    other = _other_terms(store, evaluation, gate)
    if other is not None:
        raise BadInput(f"GATE_EVALUATION={number} is of a run with {other}: {HOW}")
    doubts = [*_unproven(evaluation), *_unpinned(evaluation, gate)]
    return f"WARNING: this gate vetoes trades, and evaluation {number} {'; it '.join(doubts)}" if doubts else None


def _other_terms(store: Readable, evaluation: Evaluation, gate: GateIdentity) -> str | None:
    """Say what made a yes of an answer when it was measured and does not now; None where that is the same."""
    for run_id in set(evaluation.run_ids).intersection(run_ids(store)):
        measured = json.loads(find_run(store, run_id).header.settings_json)
        for name, value in gate.terms:
            if measured.get(name, value) != value:
                return f"{name}={measured[name]}, and this desk has {name}={value}"
    return None


def _unproven(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.finding != "evidence_for":
        found = evaluation.finding.replace("_", " ")
        yield (
            f"found {found} on {evaluation.n_resolved:,} triggers: nothing shows that what it denies is worse than "
            "what it approves"
        )


def _unpinned(evaluation: Evaluation, gate: GateIdentity) -> Iterator[str]:
    """Yield that other weights than the measured ones may come to veto: a model can be pulled anew under its name."""
    measured = _hex(evaluation.digest)
    if measured and not gate.digest_start:
        yield (
            f"is of the weights {measured[:12]}, while this desk vetoes with whatever weights it finds: "
            f"GATE_MODEL_DIGEST={measured[:12]} holds it to them"
        )


def _evaluation(store: Readable, gate: GateIdentity, number: str) -> Evaluation:
    if not number:
        raise BadInput(f"GATE_MODE=veto needs GATE_EVALUATION: {gate.title} was not measured yet; {HOW}")
    try:
        return find_evaluation(store, int(number))
    except BadInput as error:
        raise BadInput(f"GATE_EVALUATION={number} is not in the journal {store.name}: {HOW}") from error


def _is_of(evaluation: Evaluation, gate: GateIdentity) -> bool:
    """Compare name for name; weights only where both sides tell them."""
    measured, digest = (evaluation.backend, evaluation.model, evaluation.prompt_version), _hex(evaluation.digest)
    is_same = measured == (gate.backend, gate.model, gate.prompt_version)
    return is_same and (not digest or not gate.digest_start or digest.startswith(gate.digest_start))


def _hex(digest: str | None) -> str:
    return (digest or "").removeprefix("sha256:")


def _title(backend: str, model: str, prompt_version: str, digest: str) -> str:
    weights = f" ({digest[:12]})" if digest else ""
    return f"{backend} {model}{weights}, prompt {prompt_version}"
