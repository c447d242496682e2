"""A score's page in a real browser, by day and by night: drawn, without a complaint, and nothing leaves the file."""

import numpy as np
import pytest

from backtest.report.page import write_report
from backtest.score.card import card_of
from backtest.score.gathering import RunTriggers, Wanted, gather
from backtest.score.page import score_page
from backtest.score.score import Draws
from tests.real.browser import open_browser
from tests.unit.backtest.score.triggers import stories

N = 2_000
DRAWS = np.random.default_rng(1)
TOLD = stories(DRAWS.normal(-1.0, 40.0, N), DRAWS.random(N) < 0.6, 40, DRAWS.integers(6, 18, N) / 20)
CONTRAST = """
(() => {
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = c => rgb(c).reduce((sum, part, place) => sum + part * [0.3, 0.59, 0.11][place], 0);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const seen = [...document.querySelectorAll('svg text')].map(one => light(getComputedStyle(one).fill));
  return Math.min(...seen.map(one => Math.abs(one - paper)));
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    runs = [RunTriggers(run_id="shadow", is_simulated=True, model="", stories=tuple(TOLD))]
    told = card_of(runs, gather(runs, Wanted()), n_trials=1, draws=Draws(n_draws=1_000))
    target = tmp_path_factory.mktemp("page") / "score.html"
    write_report(score_page(*told), target)
    return target


@pytest.mark.parametrize(("width", "is_dark"), [(1_400, False), (1_400, True), (400, False)])
def test_the_page_is_drawn_and_asks_for_nothing(browser, page, width, is_dark) -> None:
    browser.requests.clear()
    browser.show(page, width=width, is_dark=is_dark)
    assert browser.complaints == []
    assert browser.requests == [page.as_uri()]
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("[...document.querySelectorAll('svg')].every(one => one.getBoundingClientRect().width > 100)")
    assert browser.value(CONTRAST) > 60
