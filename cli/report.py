"""`main.py report`: a recorded run as one HTML file, and its trades as files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ENV_FILE, DbOption, EnvOption, JsonOption, RunArgument, load, reading, show, stdout

if TYPE_CHECKING:
    from rich.console import Console

    from backtest.report.figures import ChangedSetting
    from backtest.story import RunStory
    from db.store import Store
    from settings import Settings

_REPORTS = "reports"
_BOOTSTRAP_SEED = 7
_NOT_KNOWN = "(not a setting of this version)"

ToOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE.html", help="Where to write it; else RUN.html in STATE_DIR/reports."),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE.html", help="Where the report goes; else STATE_DIR/reports.")
]
NoReportOption = Annotated[bool, typer.Option("--no-report", help="Write no report.")]
TradesOption = Annotated[
    Path | None, typer.Option("--trades", metavar="FOLDER", help="Write the trades there too, as parquet and CSV.")
]


def report(
    run: RunArgument,
    to: ToOption = None,
    trades: TradesOption = None,
    db: DbOption = None,
    env_file: EnvOption = ENV_FILE,
    as_json: JsonOption = False,
) -> None:
    """Write a run from the journal as one HTML file that needs no network: charts, trades and why, tables."""
    from backtest.export import export_trades

    with reading(db, env_file) as store:
        story, target = report_on(store, run, to or load(env_file, [], {}).state_dir / _REPORTS)
    run_id = story.outcome.run_id
    files = () if trades is None else export_trades(story.outcome, story.instruments, trades)
    told = {
        "run_id": run_id,
        "report": str(target),
        "n_bytes": target.stat().st_size,
        "n_minutes": len(story.outcome.curve.close_ms),
        "n_trades": len(story.outcome.trades),
        "trades": [str(file) for file in files],
    }
    show(as_json, lambda: told, lambda console: _tell(console, [target, *files]))


def report_on(store: "Store", run: str, to: Path) -> "tuple[RunStory, Path]":
    """Write the report of a run to a file, or into a folder under the run's name; return its story and the file."""
    from backtest.luck.verdict import luck_of
    from backtest.metrics.returns import returns_of
    from backtest.metrics.summary import metrics_of
    from backtest.reopened import reopen_story
    from backtest.report.facts import facts_of
    from backtest.report.measures import figures_from
    from backtest.report.page import report_page, write_report
    from backtest.whole_files import file_name

    story = reopen_story(store, run)
    outcome = story.outcome
    target = to if to.suffix == ".html" else to / f"{file_name(outcome.run_id)}.html"
    luck = luck_of(returns_of(outcome.curve), n_trades=len(outcome.trades), seed=_BOOTSTRAP_SEED)
    figures = (*facts_of(story), *figures_from(metrics_of(outcome, story.instruments), luck))
    write_report(report_page(story, figures, changed_settings(story.run.header.settings_json)), target)
    return story, target


def report_after(settings: "Settings", run_id: str, to: Path | None, *, quietly: bool) -> None:
    """Write the report of a run that has just ended, and say where it is."""
    from db.opening import open_journal

    with open_journal(settings.database_url.get_secret_value(), writable=False) as store:
        _, target = report_on(store, run_id, to or settings.state_dir / _REPORTS)
    if not quietly:
        stdout().print(f"Report      {target}", soft_wrap=True, markup=False, highlight=False, style="dim")


def changed_settings(settings_json: str) -> "tuple[ChangedSetting, ...]":
    """Return the recorded settings that are not at today's default."""
    from backtest.report.figures import ChangedSetting
    from configuration.knobs import KNOBS
    from settings import Settings

    defaults = {name.upper(): value for name, value in Settings().model_dump(mode="json").items()}
    recorded = json.loads(settings_json)
    return tuple(
        ChangedSetting(
            name=name,
            value=_text(value),
            default=_text(defaults[name]) if name in defaults else _NOT_KNOWN,
            meaning=str(KNOBS[name].description) if name in KNOBS else "",
        )
        for name, value in recorded.items()
        if name not in defaults or value != defaults[name]
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tell(console: "Console", files: list[Path]) -> None:
    for file in files:
        console.print(f"{file} ({file.stat().st_size / 1e6:,.1f} MB)", soft_wrap=True, markup=False, highlight=False)
