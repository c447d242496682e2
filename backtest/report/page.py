"""One run as one HTML file that needs nothing else: no network, no font, no script from elsewhere."""

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Final

from backtest.report import sections
from backtest.report.account import costs, days, exposure, months
from backtest.report.breakdown import breakdowns
from backtest.report.figures import Breakdown, ChangedSetting, Figure
from backtest.report.markup import Html, element, script_json
from backtest.report.payload import payload
from backtest.story import RunStory
from backtest.whole_files import written_whole

# uPlot draws the time charts: version 1.6.32, MIT licence, 51 kB; its licence is written into every report.
_ASSETS: Final = Path(__file__).parent / "assets"
_SCRIPTS: Final = (
    "numbers.js",
    "view.js",
    "chart.js",
    "account.js",
    "market.js",
    "marks.js",
    "price.js",
    "drawings.js",
    "trades.js",
    "start.js",
)


def report_page(
    story: RunStory,
    figures: Sequence[Figure],
    changed: Sequence[ChangedSetting] = (),
    groups: Sequence[Breakdown] | None = None,
) -> str:
    """Return the report of a run as HTML.

    figures: those shown first, members of a group next to each other. changed: settings that are not at their default.
    groups: the breakdowns to show; None: those of `backtest.report.breakdown`.
    """
    held, of_days = exposure(story), days(story)
    library, licence, own = _library(), _asset("uplot.LICENSE.txt"), "\n".join(map(_asset, _SCRIPTS))
    parts: dict[str, Html] = {
        "policy": Html(_policy(library, own)),
        "style": Html(_asset("uplot.min.css") + _asset("page.css")),
        "title": element("title", f"{story.run.run_id} - Tidegate"),
        "name": element("h1", story.run.run_id),
        "banners": sections.banners(story),
        "identity": sections.identity(story, changed),
        "changed": sections.changed_settings(changed),
        "settings": sections.all_settings(json.loads(story.run.header.settings_json)),
        "figures": sections.figure_boxes(figures),
        "months": sections.month_table(months(of_days)),
        "days": sections.day_table(of_days),
        "costs": sections.cost_table(costs(story)),
        "exposure": sections.exposure_table(story, held),
        "breakdowns": sections.breakdown_tables(breakdowns(story.outcome.trades) if groups is None else groups),
        "refusals": sections.refusal_tables(story),
        "licence": element("pre", licence),
        "data": script_json(payload(story, held)),
        "library": Html(library),
        "own": Html(own),
    }
    return Template(_asset("page.html")).substitute(parts)


def write_report(page: str, target: Path) -> None:
    """Write a report, whole or not at all. Raises BadInput when it cannot be written."""
    with written_whole(target, "the report") as passing:
        passing.write_text(page, encoding="utf-8")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _library() -> str:
    return f"/*\n{_asset('uplot.LICENSE.txt')}*/\n{_asset('uplot.min.js')}"


def _policy(*scripts: str) -> str:
    """Allow these very scripts and nothing else: text from the data could not run even if it broke out."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
