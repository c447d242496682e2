"""A walk-forward as one HTML file that needs nothing else and runs no script."""

from pathlib import Path
from typing import Final

from backtest.report.markup import Html, element, joined, table
from backtest.report.sections import SIMULATED
from backtest.report.writing import ABSENT, money_text, percent_text, when_text
from backtest.walkforward.drawing import drift_drawing, equity_drawing
from backtest.walkforward.drift import Drift
from backtest.walkforward.telling import verdict_of
from backtest.walkforward.walkforward import Step, Walked, efficiency

_STYLE: Final = Path(__file__).parents[1] / "report" / "assets" / "page.css"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def walkforward_page(walked: Walked, drift: tuple[Drift, ...], goal: str) -> str:
    """Return the page: what came out, its equity, the windows, how far each knob wandered."""
    outcome = walked.outcome
    body = joined(
        (
            element("p", "Tidegate walk-forward", class_="house"),
            element("h1", outcome.run_id),
            element("p", SIMULATED, class_="banner", role="note") if outcome.is_simulated else Html(""),
            element("p", verdict_of(walked)),
            element("p", walked.luck.sentence),
            _figures(walked),
            element("h2", "Equity out of sample"),
            equity_drawing(outcome.curve, [int(step.piece.outcome.curve.close_ms[0]) for step in walked.steps]),
            element("h2", "Windows"),
            table(
                f"What was chosen on train by {goal}, and what came of it",
                ("step from", "step until", "in sample", "out of sample", "net USD", "trades", "chosen"),
                [_row(step) for step in walked.steps],
                words=("chosen",),
            ),
            element("h2", "Drift of the settings"),
            *(joined((element("h3", _drift_title(one)), drift_drawing(one))) for one in drift),
        )
    )
    head = joined(
        (
            element("meta", charset="utf-8"),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            Html('<link rel="icon" href="data:,">'),
            element("title", f"{outcome.run_id} - Tidegate"),
            Html(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"),
        )
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{element("main", body)}</body></html>\n'


def _figures(walked: Walked) -> Html:
    metrics, share = walked.metrics, efficiency(walked)
    shown = {
        "Net result": f"{money_text(metrics.net_microusd, is_signed=True)} USD",
        "Return": percent_text(metrics.total_return_frac, is_signed=True),
        "Sharpe, a year": ABSENT if metrics.sharpe is None else f"{metrics.sharpe:.2f}",
        "Max drawdown": percent_text(metrics.max_drawdown_frac),
        "Trades": f"{metrics.n_trades:,}",
        "Walk-forward efficiency": ABSENT if share is None else f"{share:.2f}",
    }
    cells = (element("div", element("dt", name), element("dd", value, class_="value")) for name, value in shown.items())
    return element("section", element("dl", *cells, class_="figures"), class_="box")


def _row(step: Step) -> tuple[str, ...]:
    curve = step.piece.outcome.curve
    chosen = step.note or ", ".join(f"{name}={value}" for name, value in step.settings.items())
    return (
        when_text(int(curve.close_ms[0])),
        when_text(int(curve.close_ms[-1])),
        _score(step.in_sample_score),
        _score(step.out_of_sample_score),
        money_text(step.metrics.net_microusd, is_signed=True),
        f"{step.metrics.n_trades:,}",
        chosen,
    )


def _score(score: float | None) -> str:
    return ABSENT if score is None else f"{score:,.3f}"


def _drift_title(one: Drift) -> str:
    share = "" if one.changed_frac is None else f" ({percent_text(one.changed_frac)} of the times it could)"
    jump = "" if one.mean_jump is None else f", by {one.mean_jump:g} on average"
    return f"{one.name}: changed {one.n_changes} times{share}{jump}"
