import json
from collections.abc import Callable
from typing import Any

from rich.console import Console

from console.comparison import print_comparison

START_MS = 1_746_057_600_000


def side(**changes: Any) -> dict[str, Any]:
    told = {
        "run_id": "one", "command": "backtest", "code_version": "abc", "data_identity": "d" * 64,
        "symbols": ["SOL-PERP"], "is_simulated": False, "is_finished": True, "n_ticks": 1440, "first_ms": START_MS,
        "last_ms": START_MS + 60_000, "starting_microusd": 10_000_000_000, "equity_microusd": 9_990_000_000,
        "n_trades": 3, "n_open": 1, "net_microusd": -10_000_000, "net_usd": -10.0,
    }  # fmt: skip
    return {**told, **changes}


def example(**changes: Any) -> dict[str, Any]:
    told = {
        "symbol": "SOL-PERP", "side": "short", "decided_ms": START_MS, "tick_a": 7, "tick_b": None,
        "part": "whole trade", "microusd": -2_345_000, "why": "B has no row for the minute",
    }  # fmt: skip
    return {**told, **changes}


def told(**changes: Any) -> dict[str, Any]:
    """Return what `compare --json` answers of two runs that differ."""
    first = {
        "symbol": "SOL-PERP", "as_of_ms": START_MS, "kinds": ["missing"],
        "a": {"tick_no": 7, "state": "active", "outcome": "no_signal", "why": "e3: volume"}, "b": None,
    }  # fmt: skip
    minutes = {
        "n_common": 99_999, "n_only_a": 1, "n_only_b": 0, "n_outside": 5, "n_equal": 90_000, "n_alike": 99_999,
        "by_kind": {"missing": 1, "data": 4}, "parity_frac": 0.99999,
    }  # fmt: skip
    causes = [
        {"cause": "missed tick", "rule": None, "is_knock_on": False, "microusd": -2_345_000, "usd": -2.35,
         "n_trades": 1, "examples": [example()]},
        {"cause": "risk", "rule": "cooled_down", "is_knock_on": True, "microusd": 345_000, "usd": 0.35,
         "n_trades": 2, "examples": [example(tick_a=9, tick_b=9, microusd=345_000, why="A refused")]},
    ]  # fmt: skip
    whole = {
        "is_identical": False, "a": side(), "b": side(run_id="two", net_microusd=-12_000_000),
        "settings": [{"name": "STRATEGIES", "a": ["e3", "funding_fade"], "b": None}],
        "is_same_code": True, "is_same_data": True, "is_same_start": True, "minutes": minutes,
        "first_difference": first, "n_trades": 3, "difference_microusd": -2_000_000, "difference_usd": -2.0,
        "causes": causes, "unexplained_microusd": 0, "unexplained_usd": 0.0,
    }  # fmt: skip
    return {**whole, **changes}


def printed(page: Console, what: dict[str, Any]) -> str:
    print_comparison(page, what)
    return page.export_text()


def test_causes_stand_in_a_column_with_their_sum_below(page: Console) -> None:
    lines = printed(page, told()).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("What net(B) - net(A) comes from"))
    rows = [line.split() for line in lines[start + 2 : start + 6]]
    assert rows == [
        ["missed", "tick", "-2.35", "1"],
        ["knock-on", "of", "risk", "(cooled_down)", "+0.35", "2"],
        ["unexplained", "0.00"],
        ["net(B)", "-", "net(A)", "-2.00"],
    ]


def test_an_example_names_the_tick_of_each_run_that_has_one(page: Console) -> None:
    text = printed(page, told())
    assert "-2.34  2025-05-01 00:00 UTC SOL-PERP short, tick 7 of A; whole trade: B has no row" in text
    assert "SOL-PERP short, tick 9; whole trade: A refused" in text
    assert "python main.py audit show one TICK" in text


def test_the_first_difference_and_the_settings_are_told(page: Console) -> None:
    text = printed(page, told())
    assert "First decided otherwise: 2025-05-01 00:00 UTC, SOL-PERP (missing)" in text
    assert "A  tick 7: no signal: e3: volume" in text
    assert "B  no row" in text
    assert "e3,funding_fade  unknown" in text
    assert "5 minutes of one run lie beyond the other's span" in text


def test_parity_is_never_rounded_up_to_all(page: Console) -> None:
    assert "99,999 of 100,000 minutes decided alike: parity 99.99 %; 90,000 equal" in printed(page, told())


def test_identical_runs_are_said_to_be_so_and_nothing_else_is_listed(page: Console) -> None:
    minutes = {**told()["minutes"], "n_only_a": 0, "n_outside": 0, "by_kind": {}, "parity_frac": 1.0}
    same = told(is_identical=True, settings=[], causes=[], first_difference=None, minutes=minutes)
    text = printed(page, same)
    assert "The runs are identical" in text
    assert "All settings are the same." in text
    assert "parity 100.00 %" in text
    assert "unexplained" not in text


def test_what_must_be_borne_in_mind_is_said(page: Console) -> None:
    text = printed(
        page,
        told(
            a=side(is_simulated=True, is_finished=False),
            is_same_code=False,
            is_same_data=False,
            is_same_start=False,
        ),
    )
    for sentence in (
        "SIMULATED MARKET",
        "Run A is unfinished",
        "different versions of the code",
        "Their data differ",
        "They began with different equity",
    ):
        assert sentence in text


def test_books_that_do_not_add_up_would_show(page: Console) -> None:
    text = printed(page, told(unexplained_microusd=10_000, unexplained_usd=0.01))
    assert ["unexplained", "+0.01"] in [line.split() for line in text.splitlines()]


def test_a_narrow_terminal_breaks_no_figure(page_of: Callable[[int, int], Console]) -> None:
    page = page_of(60, 24)
    text = printed(page, told())
    assert "-2.35" in text
    assert json.dumps(told())
