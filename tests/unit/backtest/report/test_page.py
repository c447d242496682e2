import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from backtest.report.facts import facts_of
from backtest.report.figures import ChangedSetting, Figure
from backtest.report.page import __file__ as page_file
from backtest.report.page import report_page, write_report
from backtest.report.sections import SIMULATED, UNFINISHED
from domain.errors import BadInput
from tests.unit.backtest.report.test_markup import read
from tests.unit.backtest.stories import EVIL, quiet_story, story

ASSETS = Path(page_file).parent / "assets"
FIGURE = Figure(name="Sharpe", value="+1.23", meaning="mean over deviation", group="Risk")
CHANGED = ChangedSetting(name="E3_VOLUME_Z", value=EVIL, default="2", meaning="a z-score")


def page_of(**changes):
    told = story(**changes)
    return report_page(told, (*facts_of(told), FIGURE), (CHANGED,))


@pytest.fixture(scope="module")
def plain():
    return page_of()


def test_the_page_names_the_run_its_settings_and_every_figure_given(plain):
    text = read(plain).text
    for part in (
        "made/up",
        "0123abcd",
        "feed",
        "ab" * 32,
        "SOL-PERP, BTC-PERP",
        "2025-05-01 00:01 to 2025-05-01 04:00 UTC",
        "E3_VOLUME_Z",
    ):
        assert part in text
    for part in ("Sharpe", "+1.23", "mean over deviation", "Net result", "+2.10 USD"):
        assert part in text


def test_the_page_says_whether_the_gates_answers_all_came_from_the_cassette(plain):
    assert "cassette" not in read(plain).text
    said = "gate: 90 of 93 answers from the cassette, 3 misses: not reproducible"
    told = story()
    run = replace(told.run, summary_json=json.dumps({"cassette": {"told": said}}))
    assert said in read(report_page(told, facts_of(replace(told, run=run)))).text
    run = replace(told.run, summary_json=json.dumps({"cassette": None}))
    assert "cassette" not in read(report_page(told, facts_of(replace(told, run=run)))).text


def test_the_page_tells_months_costs_groups_and_refusals(plain):
    text = read(plain).text
    for part in (
        "2025-05-01",
        "Spread and slippage",
        "By regime at entry",
        "bull trend",
        "cooled down",
        "explosive bar",
    ):
        assert part in text


def test_a_simulated_market_and_an_unfinished_run_are_said_so(plain):
    assert SIMULATED not in plain
    assert UNFINISHED not in plain
    other = page_of(is_simulated=True, is_finished=False)
    assert SIMULATED in other
    assert UNFINISHED in other


def test_hostile_reasons_add_no_element_and_read_back_as_they_were(plain):
    hostile = page_of(why=EVIL)
    assert read(hostile).elements == read(plain).elements
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', hostile, flags=re.DOTALL)
    assert EVIL in json.loads(text)["words"]


def test_the_policy_lets_exactly_the_two_scripts_of_the_page_run_and_nothing_load(plain):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', plain)
    scripts = re.findall(r"<script>(.*?)</script>", plain, flags=re.DOTALL)
    prints = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert len(prints) == 2
    assert policy.startswith(f"default-src 'none'; script-src {prints[0]} {prints[1]}; ")
    assert "unsafe-eval" not in policy
    assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"(?!data:)", plain)
    assert "MIT License" in plain


def test_a_run_in_which_nothing_was_done_has_a_page_too():
    quiet = quiet_story()
    assert "0.00 USD" in read(report_page(quiet, facts_of(quiet))).text


def test_a_report_is_written_whole_or_refused_in_one_sentence(tmp_path, plain):
    write_report(plain, tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == plain
    with pytest.raises(BadInput, match="the report cannot be written to"):
        write_report(plain, tmp_path)


def test_the_vendored_library_is_the_published_one():
    """From the npm package uplot 1.6.32, dist/uPlot.iife.min.js and dist/uPlot.min.css, unchanged."""
    prints = {path.name: sha256(path.read_bytes()).hexdigest() for path in ASSETS.glob("uplot.min.*")}
    assert prints == {
        "uplot.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    }
