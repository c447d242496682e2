"""The triggers one reader was asked about and whose end is known, as columns."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backtest.outcome import FloatArray, IntArray
from db.triggers import TriggerStory
from domain.market import DAY_MS
from domain.record import Record
from domain.tick import GateEvidence

BoolArray = NDArray[np.bool_]


class Labels(Record, frozen=True, kw_only=True, eq=False):
    """One column of words: places, shape (n,), into the sorted names."""

    names: tuple[str, ...]
    places: IntArray


class Ledger(Record, frozen=True, kw_only=True, eq=False):
    """Columns of shape (n,), in the order the triggers came. NaN: not known.

    day: places of the UTC days that had a trigger, 0, 1, ...; what closes at 00:00 belongs to the day that ends there.
    net_bps: what each trigger came to by itself. is_approved: what the gate said. p_win_frac: its own chance of a win.
    p_meta_frac, meta_approves: the same of the meta-label model, which knew earlier ends alone; NaN and False where
    it abstained. executed_net_bps: what the trade really made of it came to.
    """

    trigger_ids: tuple[str, ...]
    triggered_ms: IntArray
    resolved_ms: IntArray
    day: IntArray
    market: Labels
    side: Labels
    regime: Labels
    strategy: Labels
    reason: Labels
    net_bps: FloatArray
    fees_bps: FloatArray
    is_approved: BoolArray
    p_win_frac: FloatArray
    p_meta_frac: FloatArray
    meta_approves: BoolArray
    executed_net_bps: FloatArray

    @property
    def n_triggers(self) -> int:
        """How many there are."""
        return len(self.trigger_ids)

    @property
    def n_days(self) -> int:
        """On how many days they came."""
        return int(self.day[-1]) + 1 if self.n_triggers else 0

    @property
    def is_win(self) -> BoolArray:
        """The label: the net result is above zero."""
        return self.net_bps > 0.0


class MetaLabel(Record, frozen=True, kw_only=True):
    """What the meta-label model would have said of one trigger at its time."""

    p_win_frac: float
    is_approved: bool


MetaLabels = Callable[[TriggerStory], MetaLabel | None]
"""None where the model abstains."""


def no_meta_label(_: TriggerStory) -> None:
    """Abstain always: no meta-label model was asked."""


def ledger_of(stories: Sequence[TriggerStory], meta_labels: MetaLabels = no_meta_label) -> Ledger:
    """Return the columns of the stories that were asked and resolved; the others are left out."""
    kept = [story for story in stories if story.asked is not None and story.outcome is not None]
    kept.sort(key=lambda story: (story.triggered_ms, story.symbol, story.strategy))
    ends = [story.outcome for story in kept if story.outcome is not None]
    asked = [story.asked for story in kept if story.asked is not None]
    meta = [meta_labels(story) for story in kept]
    triggered_ms = np.array([story.triggered_ms for story in kept], dtype=np.int64)
    return Ledger(
        trigger_ids=tuple(story.trigger_id for story in kept),
        triggered_ms=triggered_ms,
        resolved_ms=np.array([end.resolved_ms for end in ends], dtype=np.int64),
        day=np.unique((triggered_ms - 1) // DAY_MS, return_inverse=True)[1].astype(np.int64),
        market=_labels([story.symbol for story in kept]),
        side=_labels([story.side.name for story in kept]),
        regime=_labels([story.features.regime.value for story in kept]),
        strategy=_labels([story.strategy for story in kept]),
        reason=_labels([one.reason_code for one in asked]),
        net_bps=np.array([end.net_bps for end in ends], dtype=np.float64),
        fees_bps=np.array([end.fees_bps for end in ends], dtype=np.float64),
        is_approved=np.array([one.is_approved for one in asked], dtype=np.bool_),
        p_win_frac=column([_p_win(one.evidence) for one in asked]),
        p_meta_frac=column([None if one is None else one.p_win_frac for one in meta]),
        meta_approves=np.array([one is not None and one.is_approved for one in meta], dtype=np.bool_),
        executed_net_bps=column([story.executed_net_bps for story in kept]),
    )


def column(values: Sequence[float | None]) -> FloatArray:
    """Return figures as a column, NaN for None."""
    return np.array([_NAN if value is None else value for value in values], dtype=np.float64)


_NAN: Final = float("nan")


def _p_win(evidence: GateEvidence | None) -> float | None:
    return None if evidence is None else evidence.p_win_frac


def _labels(words: Sequence[str]) -> Labels:
    names = tuple(sorted(set(words)))
    number = {name: place for place, name in enumerate(names)}
    return Labels(names=names, places=np.array([number[word] for word in words], dtype=np.int64))
