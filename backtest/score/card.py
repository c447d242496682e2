"""What `gate score` answers: everyone who was asked, each with a score of their own."""

from collections.abc import Sequence

from backtest.score.gathering import Gathered, RunTriggers
from backtest.score.ledger import Ledger, MetaLabels, no_meta_label
from backtest.score.score import Draws, Score, score_of
from domain.record import Record

NOBODY = "Nobody was asked about anything in these runs: there is nothing to score. GATE_MODE=shadow asks and records."


class Scorecard(Record, frozen=True, kw_only=True):
    """The scores, those on most triggers first, and what they were made from.

    sentence: the first thing to read. n_never_asked: proposals that nobody was asked about, because risk had refused
    them or the gate was off. n_repeated: triggers that a second run asked again; they count once.
    """

    sentence: str
    run_ids: tuple[str, ...]
    is_simulated: bool
    n_triggers: int
    n_never_asked: int
    n_repeated: int
    n_trials: int
    scores: tuple[Score, ...]


def card_of(
    runs: Sequence[RunTriggers],
    gathered: Gathered,
    *,
    n_trials: int,
    draws: Draws,
    meta_labels: MetaLabels = no_meta_label,
) -> tuple[Scorecard, tuple[Ledger, ...]]:
    """Score everyone who was asked; return the ledgers too, for drawing.

    n_trials: everything that was ever tried; those who are scored here count at least.
    """
    n_trials = max(n_trials, len(gathered.by_answerer), 1)
    pairs = [
        score_of(answerer, stories, n_trials=n_trials, draws=draws, meta_labels=meta_labels)
        for answerer, stories in gathered.by_answerer
    ]
    card = Scorecard(
        sentence=pairs[0][0].verdict.sentence if pairs else NOBODY,
        run_ids=tuple(run.run_id for run in runs),
        is_simulated=any(run.is_simulated for run in runs),
        n_triggers=gathered.n_triggers,
        n_never_asked=gathered.n_never_asked,
        n_repeated=gathered.n_repeated,
        n_trials=n_trials,
        scores=tuple(score for score, _ in pairs),
    )
    return card, tuple(ledger for _, ledger in pairs)
