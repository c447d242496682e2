"""What became of earlier triggers: how often their rule won, and how the most similar ones ended.

A trigger counts once its whole holding time has passed, not as soon as it has ended: quick ends are known first, and
a rate over them alone would be a rate of quick ends. The same wait leaves out the trigger's own neighbours of the
last minutes, which are the event at hand once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from domain.decisions import ExitReason, Proposal
from domain.features import Feature, Features, FloatArray
from domain.market import HOUR_MS, MINUTE_MS
from domain.record import Record
from domain.situation import Resolved, Situation
from gate.figures import BPS

LEAST_RESOLVED: Final = 30
"""Fewer say nothing, neither of a rate nor of what is usual for a figure."""
SETTLING_BARS: Final = 5
"""An order fills, and a time stop is carried out, a few bars after it was decided."""
MOST_Z: Final = 3.0

# By the sign of the trade's side: a long in an up-move is to be like a short in a down-move.
_OUR_WAY: Final = (
    Feature.BODY_OVER_ATR,
    Feature.RETURN_BPS,
    Feature.TREND_STRENGTH,
    Feature.BOOK_IMBALANCE,
    Feature.PREMIUM_BPS,
    Feature.FUNDING_RATE_HOURLY_FRAC,
)
_AS_IT_IS: Final = (Feature.VOLUME_Z, Feature.REALISED_VOL_BPS, Feature.SPREAD_BPS)
N_FIGURES: Final = len(_OUR_WAY) + len(_AS_IT_IS) + 1

_RULE, _SIDE, _COUNTS_FROM_MS, _TRIGGERED_MS, _NET_R, _IS_WIN, _EXIT, _VECTOR = range(8)
_EXITS: Final = tuple(ExitReason)


class BaseRate(Record, frozen=True, kw_only=True, gc=False):
    """How many earlier triggers of a rule on one side won."""

    n_resolved: int
    n_wins: int


class Neighbour(Record, frozen=True, kw_only=True, gc=False):
    """An earlier trigger that looked alike, and its end.

    distance: root mean square difference of the z-scored figures, 0 = alike. net_r: in multiples of its stop distance.
    """

    distance: float
    net_r: float
    exit_reason: ExitReason


def vector_of(proposal: Proposal, features: Features) -> FloatArray:
    """Return a trigger as figures of its own units, shape (N_FIGURES,), NaN where one is not known.

    Body, return, trend, imbalance, premium and funding are signed towards the trade; volume z, realised volatility,
    spread and ATR over price are as they are.
    """
    values = features.vector
    ours = values[list(_OUR_WAY)] * float(proposal.side)
    return np.concatenate([ours, values[list(_AS_IT_IS)], [values[Feature.ATR_PRICE] / proposal.reference_price]])


@dataclass(slots=True)
class Memory:
    """Follows the growing list of resolved triggers; a fresh one over the same list answers the same.

    One row a trigger; each question looks through all of them once.
    """

    _rows: FloatArray = field(default_factory=lambda: np.empty((64, _VECTOR + N_FIGURES)), init=False)
    _n_rows: int = field(default=0, init=False)
    _last: Resolved | None = field(default=None, init=False)
    _rules: dict[str, int] = field(default_factory=dict, init=False)

    def base_rate(self, situation: Situation) -> BaseRate | None:
        """Return how the rule has done on this side; None before enough is known."""
        rows = self._known_of(situation)
        rows = rows[rows[:, _SIDE] == situation.proposal.side]
        if len(rows) < LEAST_RESOLVED:
            return None
        return BaseRate(n_resolved=len(rows), n_wins=int(rows[:, _IS_WIN].sum()))

    def similar(self, situation: Situation, n_neighbours: int) -> tuple[Neighbour, ...]:
        """Return the most similar earlier triggers of the rule, nearest first; none before enough is known.

        No two of them lie within an hour of each other, on whatever market: they would be one event told twice.
        """
        rows = self._known_of(situation)
        if len(rows) < LEAST_RESOLVED:
            return ()
        distances = _distances(rows[:, _VECTOR:], vector_of(situation.proposal, situation.features))
        # Of two that are equally far the later one is nearer, then the one that ended later.
        order = np.lexsort((-np.arange(len(rows)), -rows[:, _TRIGGERED_MS], distances))
        chosen: list[int] = []
        for place in order.tolist():
            if all(abs(rows[place, _TRIGGERED_MS] - rows[other, _TRIGGERED_MS]) >= HOUR_MS for other in chosen):
                chosen.append(place)
            if len(chosen) == n_neighbours:
                break
        return tuple(
            Neighbour(
                distance=float(distances[place]),
                net_r=float(rows[place, _NET_R]),
                exit_reason=_EXITS[int(rows[place, _EXIT])],
            )
            for place in chosen
        )

    def _known_of(self, situation: Situation) -> FloatArray:
        """Return the rows of the proposal's rule whose whole holding time has passed."""
        self._follow(situation.resolved)
        rows, proposal = self._rows[: self._n_rows], situation.proposal
        is_ours = rows[:, _RULE] == self._rules.get(proposal.strategy, -1)
        known: FloatArray = rows[is_ours & (rows[:, _COUNTS_FROM_MS] <= proposal.as_of_ms)]
        return known

    def _follow(self, resolved: Sequence[Resolved]) -> None:
        n_seen = self._n_rows
        if n_seen > len(resolved) or (n_seen and resolved[n_seen - 1] is not self._last):
            n_seen = self._n_rows = 0
        for one in resolved[n_seen:]:
            if self._n_rows == len(self._rows):
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
            self._write(one, self._rows[self._n_rows])
            self._n_rows, self._last = self._n_rows + 1, one

    def _write(self, resolved: Resolved, row: FloatArray) -> None:
        proposal, outcome = resolved.trigger.proposal, resolved.outcome
        plan = proposal.exit_plan
        row[_RULE] = self._rules.setdefault(proposal.strategy, len(self._rules))
        row[_SIDE] = proposal.side
        row[_COUNTS_FROM_MS] = max(
            outcome.resolved_ms, proposal.as_of_ms + (plan.max_hold_bars + SETTLING_BARS) * MINUTE_MS
        )
        row[_TRIGGERED_MS] = proposal.as_of_ms
        row[_NET_R] = outcome.net_bps / (plan.stop_frac * BPS)
        row[_IS_WIN] = outcome.is_win
        row[_EXIT] = _EXITS.index(outcome.exit_reason)
        row[_VECTOR:] = vector_of(proposal, resolved.trigger.features)


def _distances(rows: FloatArray, ours: FloatArray) -> FloatArray:
    """Return how far each row is from ours, shape (n_rows,). A figure that is not known counts as the usual one.

    Rounded, so that the last bit of a sum never decides which of two is nearer.
    """
    is_known = ~np.isnan(rows)
    n_known = np.maximum(is_known.sum(axis=0), 1)
    means = np.where(is_known, rows, 0.0).sum(axis=0) / n_known
    spreads = np.sqrt(np.where(is_known, (rows - means) ** 2, 0.0).sum(axis=0) / n_known)
    apart = _z_scores(rows, means, spreads) - _z_scores(ours, means, spreads)
    distances: FloatArray = np.round(np.sqrt((apart**2).mean(axis=1)), 6)
    return distances


def _z_scores(figures: FloatArray, means: FloatArray, spreads: FloatArray) -> FloatArray:
    """Return z-scores held within MOST_Z, so that one wild figure cannot drown the others."""
    has_spread = spreads > 1e-9 * np.abs(means)
    scores = (figures - means) / np.where(has_spread, spreads, 1.0)
    bounded: FloatArray = np.where(np.isnan(scores) | ~has_spread, 0.0, np.clip(scores, -MOST_Z, MOST_Z))
    return bounded
