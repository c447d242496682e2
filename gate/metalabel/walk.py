"""The model walked forward in time: what it says at an instant comes from what was known then, and from nothing else.

The live reader and an offline score both use this one class, so that they agree to the bit.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

from domain.decisions import Proposal
from domain.features import Features
from domain.market import MINUTE_MS
from domain.situation import Resolved
from gate.metalabel.model import Model, Opinion, Seen, train
from gate.metalabel.vector import Design, vector_of

REFIT_EVERY: Final = 50
MOST_TRIGGERS: Final = 5_000
# Markets are asked one after the other. What ended in the very minute of the question would be known to the last of
# them and not to the first; one minute later all know the same, live and offline.
EMBARGO_MS: Final = MINUTE_MS


@dataclass(slots=True)
class WalkForward:
    """Learns from resolved triggers and tells the chance of new ones.

    The model in force at an instant is a pure function of the triggers resolved at least `EMBARGO_MS` before it,
    ordered by the time of their end: it is fitted on the last `most_triggers` of them, up to the last multiple of
    `refit_every`. Triggers that ended later change nothing, whether or not they have been shown.

    A trigger is scored, for the calibration, by the model that was in force when it was made. That model cannot have
    seen its outcome, nor any that was still open then: the purge of overlapping labels comes with the order of events.

    min_triggers: below this number there is no model. settled_ms: all that ended up to here is learned, in order.
    A refit on 5,000 triggers takes about 20 ms of one core, one on 200 about 2 (docs/metalabel.md).
    """

    design: Design
    min_triggers: int
    refit_every: int = REFIT_EVERY
    most_triggers: int = MOST_TRIGGERS
    _open: list[tuple[int, str, int, Resolved]] = field(default_factory=list, init=False)
    _seen: deque[Seen] = field(init=False)
    _known_ms: list[int] = field(default_factory=list, init=False)
    _models: list[Model | None] = field(default_factory=lambda: [None], init=False)
    settled_ms: int = field(default=-1, init=False)

    def __post_init__(self) -> None:
        """Bound the memory, and with it the cost of a refit."""
        self._seen = deque(maxlen=self.most_triggers)

    def learn(self, resolved: Resolved) -> None:
        """Take one resolved trigger; those of one minute in any order.

        Raises ValueError for one that ended before an instant that was already asked about: the answer was wrong then.
        """
        outcome = resolved.outcome
        if outcome.resolved_ms <= self.settled_ms:
            raise ValueError(f"{outcome.trigger_id} ended at {outcome.resolved_ms} and is shown too late")
        n_shown = len(self._known_ms) + len(self._open)
        heappush(self._open, (outcome.resolved_ms, outcome.trigger_id, n_shown, resolved))

    def n_known(self, as_of_ms: int) -> int:
        """Return how many of the shown triggers may be used at an instant."""
        self._settle(as_of_ms - EMBARGO_MS)
        return bisect_right(self._known_ms, as_of_ms - EMBARGO_MS)

    def model_at(self, as_of_ms: int) -> Model | None:
        """Return the model in force at an instant; None = it abstains."""
        return self._models[self.n_known(as_of_ms) // self.refit_every]

    def opinion(self, proposal: Proposal, features: Features) -> Opinion | None:
        """Return what the model in force at a proposal's own time says of it; None = it abstains."""
        model = self.model_at(proposal.as_of_ms)
        return None if model is None else model.opinion(vector_of(proposal, features, self.design))

    def chance_frac(self, proposal: Proposal, features: Features) -> float | None:
        """Return the chance alone; None = it abstains."""
        opinion = self.opinion(proposal, features)
        return None if opinion is None else opinion.p_win_frac

    def _settle(self, until_ms: int) -> None:
        """Learn, in order, what ended by an instant; refit after every `refit_every` of them."""
        self.settled_ms = max(self.settled_ms, until_ms)
        while self._open and self._open[0][0] <= until_ms:
            self._seen.append(self._scored(heappop(self._open)[-1]))
            self._known_ms.append(self._seen[-1].resolved_ms)
            if len(self._known_ms) % self.refit_every == 0:
                is_enough = len(self._known_ms) >= self.min_triggers
                self._models.append(train(tuple(self._seen)) if is_enough else None)

    def _scored(self, resolved: Resolved) -> Seen:
        proposal, outcome = resolved.trigger.proposal, resolved.outcome
        vector = vector_of(proposal, resolved.trigger.features, self.design)
        n_known = bisect_right(self._known_ms, proposal.as_of_ms - EMBARGO_MS)
        model = self._models[n_known // self.refit_every]
        return Seen(
            vector=vector,
            market=outcome.symbol,
            triggered_ms=outcome.triggered_ms,
            resolved_ms=outcome.resolved_ms,
            net_bps=outcome.net_bps,
            score=None if model is None else model.score(vector),
        )
