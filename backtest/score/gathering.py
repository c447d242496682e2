"""The triggers of one or more runs, by who was asked about them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from backtest.score.answerer import UNKNOWN, Answerer
from backtest.score.reasons import NOBODY_ASKED
from db.triggers import Asked, TriggerStory
from domain.record import Record
from domain.tick import GateEvidence

EMBEDDED: Final = "embedded"
ENSEMBLE: Final = "ensemble"


class RunTriggers(Record, frozen=True, kw_only=True):
    """What one run left. model: the one its settings name, for answers that do not tell; empty where they name none."""

    run_id: str
    is_simulated: bool
    model: str
    stories: tuple[TriggerStory, ...]


class Wanted(Record, frozen=True, kw_only=True):
    """Which answers are scored; None: all. until_ms: triggers from there on are left out."""

    model: str | None = None
    prompt_version: str | None = None
    until_ms: int | None = None

    def allows(self, answerer: Answerer) -> bool:
        """Say whether this one is to be scored."""
        return self.model in (None, answerer.model) and self.prompt_version in (None, answerer.prompt_version)


class Gathered(Record, frozen=True, kw_only=True):
    """Everything that was said, sorted out.

    by_answerer: the stories of each who was asked, those with most first. distinct: every trigger once, asked or not.
    n_never_asked: proposals that nobody was asked about. n_repeated: triggers asked of the same answerer in a second
    run, which count once. unwanted: who else was asked and is not to be scored.
    """

    by_answerer: tuple[tuple[Answerer, tuple[TriggerStory, ...]], ...]
    distinct: tuple[TriggerStory, ...]
    n_triggers: int
    n_never_asked: int
    n_repeated: int
    unwanted: tuple[Answerer, ...] = ()


def gather(runs: Sequence[RunTriggers], wanted: Wanted) -> Gathered:
    """Sort the triggers of runs by who was asked; the order of the runs decides which of two equal ones counts."""
    groups: dict[Answerer, dict[tuple[object, ...], TriggerStory]] = {}
    distinct: dict[tuple[object, ...], TriggerStory] = {}
    unwanted: set[Answerer] = set()
    n_triggers = n_never_asked = n_repeated = 0
    for run in runs:
        for answerer, story in _attributed(run):
            if wanted.until_ms is not None and story.triggered_ms >= wanted.until_ms:
                continue
            n_triggers += 1
            distinct.setdefault(same(story), story)
            if answerer is None:
                n_never_asked += 1
            elif wanted.allows(answerer):
                known = groups.setdefault(answerer, {})
                n_repeated += same(story) in known
                known.setdefault(same(story), story)
            else:
                unwanted.add(answerer)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return Gathered(
        by_answerer=tuple((answerer, tuple(stories.values())) for answerer, stories in ranked),
        distinct=tuple(distinct.values()),
        n_triggers=n_triggers,
        n_never_asked=n_never_asked,
        n_repeated=n_repeated,
        unwanted=tuple(sorted(unwanted)),
    )


def same(story: TriggerStory) -> tuple[object, ...]:
    """Return what makes two triggers one and the same; the price tells one market's minute from another's."""
    return story.symbol, story.strategy, story.side, story.triggered_ms, story.reference_price


def _attributed(run: RunTriggers) -> Iterator[tuple[Answerer | None, TriggerStory]]:
    """Yield each story with who was asked.

    A failure often does not tell who failed. It is put down to whoever answered last before it, or else first after it.
    """
    last: dict[str, Answerer] = {}
    first = _first_known(run.stories)
    for story in run.stories:
        asked = story.asked
        if asked is None or asked.reason_code in NOBODY_ASKED:
            yield None, story
            continue
        if asked.evidence is not None:
            last[asked.backend] = _known(asked.backend, asked.evidence, last.get(asked.backend))
        yield last.get(asked.backend) or first.get(asked.backend) or _nobody(asked.backend, run.model), story


def _nobody(backend: str, model: str) -> Answerer:
    """Return one of whom nothing was ever heard."""
    return Answerer(backend=backend, model=model or UNKNOWN, digest="", prompt_version=UNKNOWN, prompt_sha256="")


def _first_known(stories: Iterable[TriggerStory]) -> dict[str, Answerer]:
    found: dict[str, Answerer] = {}
    for asked in (story.asked for story in stories):
        if asked is not None and asked.evidence is not None and _tells_digest(asked, found):
            found[asked.backend] = _known(asked.backend, asked.evidence, None)
    return found


def _tells_digest(asked: Asked, found: dict[str, Answerer]) -> bool:
    """Say whether this answer is the first of its backend, or the first that tells its weights."""
    known = found.get(asked.backend)
    return known is None or (not known.digest and asked.evidence is not None and bool(asked.evidence.digest))


def _known(backend: str, evidence: GateEvidence, before: Answerer | None) -> Answerer:
    # An embedded model learns as it goes, and an ensemble's members fail and return: weights change, not who it is.
    is_shifting = evidence.source == EMBEDDED or backend == ENSEMBLE
    told = Answerer(
        backend=backend,
        model=evidence.model,
        digest="" if is_shifting else evidence.digest or "",
        prompt_version=evidence.prompt_version,
        prompt_sha256=evidence.prompt_sha256 if backend != ENSEMBLE or before is None else before.prompt_sha256,
    )
    # An answer that does not tell the weights came from those that were told last.
    is_same = before is not None and before.digest and replace(before, digest="") == told
    return before if is_same and before is not None else told
