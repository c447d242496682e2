"""A report of a real run in a real browser: every chart is drawn, nothing complains, nothing leaves the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from backtest.reopened import reopen_story
from backtest.report.account import costs, drawdown_frac
from backtest.report.facts import facts_of
from backtest.report.page import report_page, write_report
from db.opening import open_journal
from tests.real.browser import Browser, open_browser
from tests.real.program import Program, complaint
from tests.unit.backtest.stories import EVIL, quiet_story, story

TIME_CHARTS = ("equity-chart", "drawdown-chart", "exposure-chart", "price-chart")
DRAWINGS = ("costs-drawing", "results-drawing", "excursions-drawing", "hours-drawing", "sums-drawing")
# How many different colours a canvas shows: a blank one has one.
COLOURS = """(() => {
  const canvas = document.querySelector("#%s canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
})()"""
RANGE = "document.querySelector('#market .range').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def told_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, dict[str, Any]]:
    """Return a journal with a few recorded days in it, and what the run itself said it came to."""
    program = Program(tmp_path_factory.mktemp("reported"))
    return program, program.answer("backtest", "--symbol", "SOL-PERP", "--minutes", "2500", "--run-id", "days")


@pytest.fixture(scope="module")
def program(told_run: tuple[Program, dict[str, Any]]) -> Program:
    return told_run[0]


@pytest.fixture(scope="module")
def page(program: Program) -> Path:
    told = program.answer("report", "da")
    assert told["n_minutes"] == 2500
    return Path(told["report"])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("hostile") / "report.html"
    made = story(why=EVIL, is_simulated=True)
    write_report(report_page(made, facts_of(made)), target)
    return target


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("is_dark", [False, True])
def test_every_chart_is_drawn_at_any_width_and_nothing_complains_or_leaves(
    browser: Browser, page: Path, width: int, is_dark: bool
) -> None:
    browser.requests.clear()
    browser.show(page, width=width, is_dark=is_dark)
    for chart in TIME_CHARTS:
        assert browser.value(COLOURS % chart) > 10, chart
    for drawing in DRAWINGS:
        assert browser.value(f"document.querySelectorAll('#{drawing} svg :is(rect, path)').length") > 0, drawing
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.complaints == []
    assert browser.requests == [page.as_uri()]


def test_the_trades_can_be_sorted_narrowed_and_found_in_the_chart(browser: Browser, page: Path) -> None:
    browser.show(page)
    n_trades = browser.value("data.trades.lots.length")
    rows = "document.querySelectorAll('#trade-list tbody tr').length"
    assert browser.value(rows) == min(n_trades, 50)
    best = browser.value("Math.max(...data.trades.r)")
    browser.value("[...document.querySelectorAll('#trade-list thead button')].find(b => b.textContent === 'R').click()")
    first = browser.value("document.querySelector('#trade-list tbody tr').textContent")
    assert f"{best:+.2f}" in first
    browser.value("(() => { const f = document.querySelector('.filter'); f.value = 'no such word';"
                  "f.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert browser.value(rows) == 0
    browser.value("(() => { const f = document.querySelector('.filter'); f.value = '';"
                  "f.dispatchEvent(new Event('input')); })()")  # fmt: skip
    whole = browser.value(RANGE)
    browser.value("document.querySelector('#trade-list tbody button').click()")
    browser.drawn()
    assert browser.value(RANGE) != whole
    assert "Why: e3: explosive bar" in browser.value("document.querySelector('.tip:not([hidden])').textContent")


def test_keys_and_the_mouse_move_all_time_charts_together(browser: Browser, page: Path) -> None:
    browser.show(page)
    whole = browser.value(RANGE)
    browser.value("document.getElementById('equity-chart').focus()")
    browser.press("+")
    zoomed = browser.value(RANGE)
    browser.press("ArrowRight")
    assert len({whole, zoomed, browser.value(RANGE)}) == 3
    assert browser.value("document.querySelector('#account .range').textContent") == browser.value(RANGE)
    browser.press("0")
    assert browser.value(RANGE) == whole
    browser.value("document.getElementById('price-chart').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = browser.value("document.querySelector('#price-chart .u-over').getBoundingClientRect().toJSON()")
    left, middle = box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2
    browser.mouse("mouseMoved", left, middle)
    assert "open" in browser.value("document.querySelector('#price-chart .readout').textContent")
    browser.mouse("mousePressed", left, middle, button="left", clickCount=1)
    browser.mouse("mouseMoved", left + box["width"] * 0.5, middle, button="left")
    browser.mouse("mouseReleased", left + box["width"] * 0.5, middle, button="left", clickCount=1)
    browser.drawn()
    assert browser.value(RANGE) != whole
    browser.press("n")
    assert browser.value("document.querySelector('.live').textContent") != ""
    assert browser.complaints == []


def test_a_reason_that_looks_like_markup_stays_text(browser: Browser, hostile: Path) -> None:
    browser.show(hostile)
    assert browser.value("document.title") == "made/up - Tidegate"
    assert browser.value("document.querySelectorAll('img').length") == 0
    assert EVIL.split("\u2028")[0] in browser.value("document.querySelector('#trade-list tbody').textContent")
    assert "simulated" in browser.value("document.querySelector('.banner').textContent")
    browser.value("document.querySelector('.toolbar select').value = '1';"
                  "document.querySelector('.toolbar select').dispatchEvent(new Event('change'))")  # fmt: skip
    browser.drawn()
    assert "BTC-PERP" in browser.value("document.querySelector('#price-chart .readout').textContent")
    assert browser.complaints == []


def test_a_run_in_which_nothing_was_done_opens_without_a_complaint(browser: Browser, tmp_path: Path) -> None:
    quiet = quiet_story()
    write_report(report_page(quiet, facts_of(quiet)), tmp_path / "quiet.html")
    browser.show(tmp_path / "quiet.html")
    assert "no bar on record" in browser.value("document.querySelector('#price-chart .readout').textContent")
    assert "No trade was closed" in browser.value("document.querySelector('#results-drawing').textContent")
    assert browser.complaints == []


def test_the_policy_stops_a_script_that_was_smuggled_in(browser: Browser, hostile: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = hostile.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main>", "<main><script>document.title = 'ran'</script>"), encoding="utf-8")
    browser.show(broken)
    assert browser.value("document.title") == "made/up - Tidegate"
    assert any("Content Security Policy" in told for told in browser.complaints)
    browser.complaints.clear()


def test_the_reopened_run_comes_to_what_the_run_itself_told(told_run: tuple[Program, dict[str, Any]]) -> None:
    program, told = told_run
    with open_journal(f"sqlite:///{program.journal}", writable=False) as store:
        reopened = reopen_story(store, "days")
    paid, curve = costs(reopened), reopened.outcome.curve
    assert paid.net_microusd / 1e6 == pytest.approx(told["net_pnl_usd"])
    assert paid.fees_microusd / 1e6 == pytest.approx(told["fees_usd"])
    assert paid.funding_microusd / 1e6 == pytest.approx(told["funding_usd"])
    assert curve.starting_microusd / 1e6 == told["starting_equity_usd"]
    assert drawdown_frac(curve).max() == pytest.approx(told["max_drawdown_frac"])
    assert len(reopened.outcome.trades) == told["n_trades"]
    assert reopened.run.chain_hash == told["chain_hash"]
    assert {one.rule: one.n_times for one in reopened.refusals} == told["refusals"]
    assert all(one.entry_why and one.exit_why and one.tick_no for one in reopened.trades)


def test_the_report_stands_in_the_state_folder_and_the_trades_where_they_were_asked(
    program: Program, page: Path, tmp_path: Path
) -> None:
    assert page == program.folder / "state" / "reports" / "days.html"
    assert page.stat().st_size < 2_000_000
    told = program.answer("report", "days", "--to", str(tmp_path / "r.html"), "--trades", str(tmp_path / "trades"))
    assert told["report"] == str(tmp_path / "r.html")
    assert pq.read_table(told["trades"][0]).num_rows == told["n_trades"] > 0
    said = program.call("report", "days", "--to", str(tmp_path / "r.html")).stdout
    assert str(tmp_path / "r.html") in said


def test_what_cannot_be_reported_is_one_sentence(program: Program, tmp_path: Path) -> None:
    assert "there is no run other" in complaint(program.call("report", "other"), 2)
    assert "it is a folder; name a file" in complaint(program.call("report", "days", "--to", str(tmp_path)), 2)
    (tmp_path / "file").write_text("")
    blocked = program.call("report", "days", "--to", str(tmp_path / "r.html"), "--trades", str(tmp_path / "file"))
    assert "the trades cannot be written to" in complaint(blocked, 2)
