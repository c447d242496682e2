"""`main.py gate score`: what the gate was worth."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, UntilOption, load, reading, show

if TYPE_CHECKING:
    from rich.console import Console

    from backtest.score.card import Scorecard
    from backtest.score.gathering import RunTriggers, Wanted
    from backtest.score.ledger import Ledger
    from backtest.score.score import Score
    from db.chain import RunHeader
    from db.store import Store
    from gate.metalabel.vector import Design

RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, or beginnings of them.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Score only answers of this model.")]
PromptOption = Annotated[str | None, typer.Option("--prompt", help="Only those to this version of the prompt.")]
DrawsOption = Annotated[
    int, typer.Option("--draws", min=1_000, max=1_000_000, help="Random gates and mixtures of days.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same figures.")]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page too; it needs no network.")
]
StoreOption = Annotated[
    bool, typer.Option("--store", help="Keep it in the journal and print its number, for GATE_EVALUATION.")
]


def gate_score(
    runs: RunsArgument,
    model: ModelOption = None,
    prompt: PromptOption = None,
    until: UntilOption = None,
    draws: DrawsOption = 2_000,
    seed: SeedOption = 7,
    html: HtmlOption = None,
    is_stored: StoreOption = False,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Say whether the gate has added value, held against gates that approve as often and know nothing.

    Every proposal made while GATE_MODE is shadow or veto is a trigger. Whatever was said of it, it is followed on paper
    by itself with the desk's own exits and costs, so that denied and approved ones can be compared. Models, prompts and
    thresholds ever asked in this journal count as trials, and the more there were the more evidence it takes.

    Begin with `paper --set GATE_MODE=shadow ...` or a backtest in that mode; docs/score.md explains every figure.
    """
    wanted = _wanted(model, prompt, until)
    with _opened(db, env_file, is_stored=is_stored) as store:
        card, ledgers = _scored(store, runs, wanted, draws, seed)
        number = _stored(store, card) if is_stored else None
    if html is not None:
        _write(card, ledgers, html)
    told = {**_plain(card), "evaluation": number, "page": None if html is None else str(html)}
    show(as_json, lambda: told, lambda console: _tell(console, card, number, html))


def _wanted(model: str | None, prompt: str | None, until: str | None) -> "Wanted":
    from backtest.score.gathering import Wanted

    return Wanted(model=model, prompt_version=prompt, until_ms=None if until is None else _instant_ms(until))


def _instant_ms(text: str) -> int:
    from domain.errors import BadInput

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--until {text} is not a time such as 2023-01-01T00:00Z") from error
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _opened(db: str | None, env_file: Path, *, is_stored: bool) -> "Store":
    from db.opening import open_journal

    if not is_stored:
        return reading(db, env_file)
    return open_journal(db or load(env_file, [], {}).database_url.get_secret_value(), writable=True)


def _scored(
    store: "Store", names: list[str], wanted: "Wanted", n_draws: int, seed: int
) -> "tuple[Scorecard, tuple[Ledger, ...]]":
    from backtest.score.card import card_of
    from backtest.score.gathering import gather
    from backtest.score.meta import meta_labels_of
    from backtest.score.score import Draws
    from backtest.score.trials import n_trials_of
    from db.reading import find_run
    from db.tried import tried
    from domain.errors import BadInput

    run_ids = dict.fromkeys(find_run(store, name).run_id for name in names)
    headers = [find_run(store, run_id).header for run_id in run_ids]
    runs = [_triggers(store, header) for header in headers]
    gathered = gather(runs, wanted)
    if not gathered.by_answerer and gathered.unwanted:
        known = "; ".join(one.title for one in gathered.unwanted)
        raise BadInput(f"--model and --prompt leave nobody to score in these runs; those who were asked: {known}")
    return card_of(
        runs,
        gathered,
        n_trials=n_trials_of(tried(store)),
        draws=Draws(n_draws=n_draws, seed=seed),
        meta_labels=meta_labels_of(gathered.distinct, _design(headers[0])),
    )


def _design(header: "RunHeader") -> "Design":
    """Return what the meta-label model sees, with the costs of the first run."""
    from gate.metalabel.vector import Design
    from settings import settings_from_json, trade_costs

    settings = settings_from_json(header.settings_json)
    return Design(strategies=settings.strategies, costs=trade_costs(settings))


def _triggers(store: "Store", header: "RunHeader") -> "RunTriggers":
    from backtest.score.gathering import RunTriggers
    from db.triggers import trigger_stories

    return RunTriggers(
        run_id=header.run_id,
        is_simulated=header.is_simulated,
        model=json.loads(header.settings_json).get("GATE_MODEL", ""),
        stories=tuple(trigger_stories(store, header.run_id)),
    )


def _stored(store: "Store", card: "Scorecard") -> int:
    """Keep the one score there is; return its number. Raises BadInput when there is none, or several."""
    from db.evaluations import Evaluation, store_evaluation
    from desk.clock import SystemClock
    from domain.errors import BadInput

    if len(card.scores) != 1:
        who = "; ".join(score.answerer.title for score in card.scores) or "nobody was asked"
        raise BadInput(f"--store keeps one score, and here are {len(card.scores)} ({who}): choose by --model, --prompt")
    score, answerer = card.scores[0], card.scores[0].answerer
    return store_evaluation(
        store,
        Evaluation(
            created_ms=SystemClock().now_ms(),
            backend=answerer.backend,
            model=answerer.model,
            digest=answerer.digest or None,
            prompt_version=answerer.prompt_version,
            prompt_sha256=answerer.prompt_sha256,
            run_ids=card.run_ids,
            n_triggers=score.n_asked,
            n_resolved=score.n_resolved,
            finding=score.verdict.finding.value,
            report_json=json.dumps(_plain(card), allow_nan=False),
        ),
    )


def _plain(card: "Scorecard") -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(card)
    return plain


def _write(card: "Scorecard", ledgers: "tuple[Ledger, ...]", target: Path) -> None:
    from backtest.report.page import write_report
    from backtest.score.page import score_page

    write_report(score_page(card, ledgers), target)


def _tell(console: "Console", card: "Scorecard", number: int | None, page: Path | None) -> None:
    from console.scoring import print_notes, print_others, print_simulated

    if card.is_simulated:
        print_simulated(console)
    if card.scores:
        _tell_score(console, card, card.scores[0])
    else:
        print_notes(console, [card.sentence])
    print_others(console, [(one.answerer.title, one.verdict.sentence) for one in card.scores[1:]])
    kept = [] if number is None else [f"Evaluation {number} is in the journal: GATE_EVALUATION={number}."]
    print_notes(console, kept)
    print_notes(console, [] if page is None else [f"Page: {page}"], wraps=False)


def _tell_score(console: "Console", card: "Scorecard", score: "Score") -> None:
    from backtest.score import sentences, sheets
    from console.scoring import print_notes, print_score

    said = [score.verdict.sentence, sentences.span_of(score, card)]
    tables = [sheets.reason_sheet(score)]
    if score.arms:
        said += [sentences.value_of(score.value), sentences.needed_of(score.power), sentences.calibration_said(score)]
        tables = [sheets.arm_sheet(score), sheets.portfolio_sheet(score), sheets.split_sheet(score), *tables]
    if score.paired is not None:
        tables.append(sheets.paired_sheet(score.paired))
    print_score(console, score.answerer.title, score.verdict.finding.value, said, tables)
    notes = [sentences.failures_said(score), sentences.spending_said(score.spending), sentences.gap_said(score.gap)]
    notes += [sentences.left_out(card), f"Rule: {score.verdict.rule}"]
    print_notes(console, ["", *filter(None, notes)])
