"""The meta-label model behind the gate: no server, no network, and the whole sum of its answer on record.

**What is a yes.** The chance, calibrated, is that the net result is above zero; whether that pays depends on how much
a win brings and a loss costs. The chance of target before stop says little of it here: trailing, partial and time
exits end most trades elsewhere. So the model is held to what its training triggers really won and lost: a yes needs
a chance of at least L / (W + L), the mean loss over mean win plus mean loss, all net. That is an expected result of at
least zero. `GATE_MIN_P_WIN_PCT` is asked as well, as of every reader; 0 leaves the choice to the pay-off alone.

A model that knows nothing gives every trigger the base rate. It then approves all of them while the rule has earned
money, and none while it has not, which is what one should do who knows nothing else.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.decisions import Approved, Denied, GateMode
from domain.features import FloatArray
from domain.gate_reason import GateReason
from domain.record import Record
from domain.situation import Resolved, Situation
from domain.tick import GateAnswer, GateEvidence, GateQuestion, Readiness
from gate.metalabel.calibrate import Calibration
from gate.metalabel.model import DIGITS, Model, Opinion, score_of
from gate.metalabel.scale import standardised
from gate.metalabel.vector import Design, vector_of
from gate.metalabel.walk import WalkForward
from gate.prompt import break_even_frac

BACKEND: Final = "metalabel"
MODEL: Final = "metalabel-1"


class MetaLabelTerms(Record, frozen=True, kw_only=True):
    """What counts as a yes, and how many resolved triggers the model wants before it says anything."""

    min_p_win_frac: float = 0.5
    min_triggers: int = 200

    def __post_init__(self) -> None:
        """Refuse a threshold that is no chance, and a number that is none."""
        if not (0.0 <= self.min_p_win_frac <= 1.0 and self.min_triggers >= 1):
            raise ValueError("threshold or number of triggers is impossible")


@dataclass(slots=True)
class MetaLabelReader:
    """Implements `domain.ports.Reader`. elapsed_s: a clock that only moves forward, for the latency."""

    terms: MetaLabelTerms
    mode: GateMode
    design: Design
    elapsed_s: Callable[[], float]
    _walk: WalkForward = field(init=False)
    _shown: list[Resolved] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Begin with nothing learned."""
        self._walk = WalkForward(self.design, self.terms.min_triggers)

    def question(self, situation: Situation) -> GateQuestion:
        """Word the question: every column of the trigger with its weight, and what makes a chance of their sum."""
        proposal = situation.proposal
        self._show(situation.resolved)
        model = self._walk.model_at(proposal.as_of_ms)
        by_levels = break_even_frac(proposal.exit_plan, self.design.costs.round_trip_bps(situation.snapshot))
        return GateQuestion(
            request_id=f"{proposal.symbol}-{proposal.as_of_ms}-gate",
            symbol=proposal.symbol,
            as_of_ms=proposal.as_of_ms,
            backend=BACKEND,
            mode=self.mode.value,
            prompt=_canonical(self._told(vector_of(proposal, situation.features, self.design), model, situation)),
            break_even_frac=by_levels if model is None else model.break_even_frac,
        )

    async def prepare(self) -> Readiness:
        """Be ready: the model learns as the run goes, and a run that is lived again teaches it again."""
        told = f"the model answers once {self.terms.min_triggers} triggers of this run are resolved"
        return Readiness(reason=GateReason.OK, told=told)

    async def ask(self, question: GateQuestion) -> GateAnswer:
        """Answer from the question alone."""
        began_s = self.elapsed_s()
        told = json.loads(question.prompt)
        opinion = opinion_told(told)
        p_win_frac = None if opinion is None else opinion.p_win_frac
        reason = _ruling(opinion, told["min_p_win_frac"])
        by = {"reason_code": reason.value, "backend": question.backend, "request_id": question.request_id}
        return GateAnswer(
            verdict=Approved(keep_frac=1.0, **by) if reason is GateReason.OK else Denied(**by),
            raw_reply=_canonical(_reply(p_win_frac, told)).encode(),
            latency_ms=(self.elapsed_s() - began_s) * 1000,
            evidence=self._evidence(p_win_frac, told),
        )

    def _show(self, resolved: Sequence[Resolved]) -> None:
        """Let the walk learn what is new; begin again where this is not what it has learned from, and more.

        A comparison of lists looks at identity first: that of a year of triggers takes a millisecond at most.
        """
        new = list(resolved[len(self._shown) :])
        is_more = self._shown == list(resolved[: len(self._shown)])
        if not is_more or any(one.outcome.resolved_ms <= self._walk.settled_ms for one in new):
            self._walk, new = WalkForward(self.design, self.terms.min_triggers), list(resolved)
            self._shown = []
        for one in new:
            self._walk.learn(one)
        self._shown += new

    def _told(self, vector: FloatArray, model: Model | None, situation: Situation) -> dict[str, Any]:
        names = self.design.names
        figures = [None if figure != figure else round(figure, DIGITS) + 0.0 for figure in vector.tolist()]
        asked = {"min_p_win_frac": self.terms.min_p_win_frac, "model": MODEL}
        if model is None:
            n_known = self._walk.n_known(situation.proposal.as_of_ms)
            unweighted = {name: [figure] for name, figure in zip(names, figures, strict=True)}
            return {**asked, "columns": unweighted, "n_resolved": n_known, "n_trained": 0, "weights_sha256": None}
        columns = zip(figures, standardised(vector, model.scale).tolist(), model.weights, strict=True)
        return {
            **asked,
            "break_even_frac": model.break_even_frac,
            "calibration": {"intercept": model.calibration.intercept, "slope": model.calibration.slope},
            "columns": dict(zip(names, columns, strict=True)),
            "intercept": model.intercept,
            "n_scored": model.calibration.n_scored,
            "n_trained": model.n_trained,
            "weights_sha256": model.sha256,
        }

    def _evidence(self, p_win_frac: float | None, told: dict[str, Any]) -> GateEvidence:
        return GateEvidence(
            source="embedded",
            model=MODEL,
            prompt_version=MODEL,
            prompt_sha256=hashlib.sha256(_canonical(self.design.names).encode()).hexdigest(),
            digest=told["weights_sha256"],
            p_win_frac=p_win_frac,
        )


def opinion_told(told: dict[str, Any]) -> Opinion | None:
    """Return the opinion that a question of this reader holds, computed from its own words; None = it abstained.

    Each column is told as its figure, the figure standardised, and its weight.
    """
    if told["weights_sha256"] is None:
        return None
    columns = told["columns"].values()
    score = score_of([one[1] for one in columns], [one[2] for one in columns], told["intercept"])
    line = told["calibration"]
    calibration = Calibration(intercept=line["intercept"], slope=line["slope"], n_scored=told["n_scored"])
    return Opinion(p_win_frac=calibration.chance_frac(score), break_even_frac=told["break_even_frac"])


def _ruling(opinion: Opinion | None, min_p_win_frac: float) -> GateReason:
    if opinion is None:
        return GateReason.ABSTAINED
    return GateReason.OK if opinion.is_yes(min_p_win_frac) else GateReason.BELOW_THRESHOLD


def _reply(p_win_frac: float | None, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "n_trained": told["n_trained"],
        "p_win_frac": p_win_frac,
        "p_win_pct": None if p_win_frac is None else int(p_win_frac * 100),
        "weights_sha256": told["weights_sha256"],
    }


def _canonical(told: object) -> str:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
