from html.parser import HTMLParser

import numpy as np
import pytest

from backtest.score import sentences
from backtest.score.card import card_of
from backtest.score.gathering import RunTriggers, Wanted, gather
from backtest.score.ledger import MetaLabel
from backtest.score.page import score_page
from backtest.score.score import Draws
from tests.unit.backtest.score.triggers import START_MS, asked, evidence, stories, story

HOSTILE = "<script>alert('x')</script>"
VOID = {"meta", "link", "br"}
N = 400
DRAWS = np.random.default_rng(1)
TOLD = stories(DRAWS.normal(0.0, 40.0, N), DRAWS.random(N) < 0.5, 20, DRAWS.integers(30, 80, N) / 100)


class Elements(HTMLParser):
    """Counts elements, and refuses one that is closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(*told, run_id="run-1", is_simulated=False, meta_labels=lambda _: None):
    runs = [RunTriggers(run_id=run_id, is_simulated=is_simulated, model="", stories=told)]
    card, ledgers = card_of(
        runs, gather(runs, Wanted()), n_trials=1, draws=Draws(n_draws=1_000), meta_labels=meta_labels
    )
    return card, score_page(card, ledgers)


def elements(text):
    found = Elements()
    found.feed(text)
    assert found.open == []
    return found


def test_the_page_is_whole_runs_nothing_and_fetches_nothing() -> None:
    card, text = page(*TOLD, meta_labels=lambda _: MetaLabel(p_win_frac=0.5, is_approved=True))
    found = elements(text)
    assert "script" not in found.names
    assert found.names.count("svg") == 2
    assert found.links == ["data:,"]
    assert "http" not in text.replace("http-equiv", "")
    assert card.sentence in text
    assert "Gate against meta label" in text


def test_text_from_outside_stays_text() -> None:
    hostile = asked(evidence=evidence(model=HOSTILE), reason_code="ok")
    told = [story(START_MS + place, 1.0, hostile, strategy=HOSTILE) for place in range(3)]
    _, text = page(*told, run_id=HOSTILE)
    assert "script" not in elements(text).names


@pytest.mark.parametrize(
    "told",
    [
        (),
        (story(START_MS, None, asked()),),
        (story(START_MS, 5.0, asked()),),
        (story(START_MS, 0.0, asked(False, evidence=None)),),
        tuple(stories(np.zeros(40), [True] * 40, 2)),
        tuple(stories(np.ones(40), [False] * 40, 2, [1.0] * 40)),
    ],
)
def test_a_page_of_next_to_nothing_is_still_a_page(told) -> None:
    card, text = page(*told)
    elements(text)
    assert card.sentence in text


def test_the_simulated_market_is_never_unmarked() -> None:
    assert "The market was simulated" in page(*TOLD[:30], is_simulated=True)[1]
    assert "The market was simulated" not in page(*TOLD[:30])[1]


def test_two_readers_have_a_section_each() -> None:
    other = [story(one.triggered_ms, 1.0, asked(evidence=evidence(model="other"))) for one in TOLD[:50]]
    text = page(*TOLD, *other)[1]
    assert text.count("ollama m") == 1
    assert text.count("ollama other") == 1


def test_the_sentences_say_what_there_is() -> None:
    card, _ = page(*TOLD)
    (score,) = card.scores
    assert sentences.span_of(score, card).startswith("400 triggers asked, 400 of them ended, on 20 days")
    assert "at random would have" in sentences.value_of(score.value)
    assert sentences.needed_of(None).startswith("How many triggers it takes cannot be told")
    assert sentences.needed_of(score.power).startswith("Triggers until a difference could be known (80% power): 10 bps")
    assert sentences.spending_said(score.spending).startswith(
        "0.90 s a decision (p99 0.90 s, 6.0 min in all); 800 prompt"
    )
    assert sentences.gap_said(score.gap).startswith("No trade was made")
    assert sentences.failures_said(score) == "It answered every question."
    assert sentences.left_out(card) == ""
    late, _ = page(*TOLD[:3], story(START_MS, 50.0, asked(False, reason_code="deadline", evidence=None)))
    assert sentences.failures_said(late.scores[0]).startswith("In 25.0% of the cases nothing was judged")
    assert sentences.failures_said(late.scores[0]).endswith("that cost 50 bps.")
    bare, _ = page(story(START_MS, 1.0, asked(evidence=None, latency_ms=None)))
    assert sentences.calibration_said(bare.scores[0]).startswith("It states no chances")
    assert sentences.spending_said(bare.scores[0].spending) == "What a decision costs is not on record."


def test_a_run_that_risk_kept_from_asking_says_how_to_keep_it_asking() -> None:
    few, _ = page(TOLD[0], *(story(START_MS + place, 1.0, None) for place in range(2)))
    assert "SIZING_KELLY_FRACTION=0" in sentences.left_out(few)
    most, _ = page(*TOLD[:3], story(START_MS + 1, 1.0, None))
    assert sentences.left_out(most).endswith("(risk refused them, or no gate).")


def test_one_trigger_on_one_day_is_told_in_the_singular() -> None:
    card, _ = page(TOLD[0])
    assert sentences.span_of(card.scores[0], card).startswith("1 trigger asked, 1 of them ended, on 1 day (")
