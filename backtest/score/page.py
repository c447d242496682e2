"""A scorecard as one HTML file that needs nothing else and runs no script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backtest.report.markup import Html, element, joined, table
from backtest.report.sections import SIMULATED
from backtest.score import sentences, sheets
from backtest.score.arms import Arm
from backtest.score.card import Scorecard
from backtest.score.drawing import cumulative_drawing, reliability_drawing
from backtest.score.ledger import Ledger
from backtest.score.score import Score
from backtest.score.sheets import Sheet
from backtest.score.verdict import RULE

_STYLE: Final = Path(__file__).parents[1] / "report" / "assets" / "page.css"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_EACH_ARM: Final = (Arm.META, Arm.META_AS_OFTEN, Arm.GATE_AND_META, Arm.ORACLE)


def score_page(card: Scorecard, ledgers: Sequence[Ledger]) -> str:
    """Return the page. ledgers: one for each score, in their order."""
    body = joined(
        (
            element("p", "Tidegate gate score", class_="house"),
            element("h1", ", ".join(card.run_ids)),
            element("p", SIMULATED, class_="banner", role="note") if card.is_simulated else Html(""),
            Html("") if card.scores else element("p", card.sentence),
            *(_section(score, ledger, card) for score, ledger in zip(card.scores, ledgers, strict=True)),
            element("p", sentences.left_out(card)),
            element("h2", "The rule of the verdict"),
            element("p", RULE),
        )
    )
    head = joined(
        (
            element("meta", charset="utf-8"),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            Html('<link rel="icon" href="data:,">'),
            element("title", f"Gate score of {', '.join(card.run_ids)} - Tidegate"),
            Html(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"),
        )
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{element("main", body)}</body></html>\n'


def _section(score: Score, ledger: Ledger, card: Scorecard) -> Html:
    parts = [
        element("h2", score.answerer.title),
        element("p", element("strong", score.verdict.sentence)),
        element("p", sentences.span_of(score, card)),
    ]
    if score.arms:
        parts += [_figures(score), element("p", sentences.value_of(score.value)), cumulative_drawing(ledger)]
        parts += [_table(sheets.arm_sheet(score)), _table(sheets.portfolio_sheet(score))]
        parts += [element("p", sentences.needed_of(score.power))]
        parts += [element("p", sentences.IN_SAMPLE, class_="hint")] if score.paired is not None else []
        parts += [] if score.paired is None else [_table(sheets.paired_sheet(score.paired))]
        parts += [_table(sheets.split_sheet(score)), _other_arms(score)]
        parts += [element("h2", "Are its chances true?"), element("p", sentences.calibration_said(score))]
        parts += [_reliability(score)]
    parts += [element("h2", "Answers and what they cost"), _table(sheets.reason_sheet(score))]
    parts += [element("p", sentences.spending_said(score.spending)), element("p", sentences.gap_said(score.gap))]
    return joined(parts)


def _reliability(score: Score) -> Html:
    stated = score.calibration.as_stated
    if stated is None:
        return Html("")
    return element("div", reliability_drawing(stated), _table(sheets.bin_sheet(score)), class_="pair")


def _other_arms(score: Score) -> Html:
    present = [arm for arm in _EACH_ARM if score.arm(arm) is not None]
    tables = [_table(sheets.split_sheet(score, arm)) for arm in present]
    return element("details", element("summary", "The other arms by group"), *tables)


def _figures(score: Score) -> Html:
    verdict, coins, power = score.verdict, score.among_coins, score.power
    interval = f"{(1.0 - verdict.alpha_frac) * 100:.4g} % interval"
    shown = {
        "Verdict": verdict.finding.words,
        "Approved less denied, bps a trade": sheets.bps(verdict.delta_bps),
        interval: sheets.between(verdict.interval),
        "Random gates, p": "-" if coins is None else f"{coins.p_value:.4f}",
        "Value added, bps": f"{score.value.added_bps:+,.0f}",
        "Same from random denials, bps": f"{score.value.coin_added_bps:+,.0f}",
        "Difference it could show now, bps": "-" if power is None else f"{power.knowable_bps:.1f}",
    }
    cells = (element("div", element("dt", name), element("dd", value, class_="value")) for name, value in shown.items())
    return element("section", element("dl", *cells, class_="figures"), class_="box")


def _table(sheet: Sheet) -> Html:
    heads = [head.removeprefix(">") for head in sheet.heads]
    words = [head for place, head in enumerate(sheet.heads) if place and not head.startswith(">")]
    return table(sheet.title, heads, sheet.rows, words=words)
