import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.compare.alignment import Kind
from backtest.compare.comparison import compare
from backtest.compare.telling import comparison_json
from db.opening import open_journal
from domain.errors import BadInput
from domain.market import Snapshot
from domain.tick import TradingState
from tests.unit.backtest.compare.runs import KNOBS, held_against, record, tape, with_close, with_funding, without

SHORT = tape(120)
CHANGES = {
    "E3_VOLUME_Z": ("1.0", "1.6", "3.0"),
    "E3_BODY_OVER_ATR": ("0.5", "1.5"),
    "FEATURE_ATR_BARS": ("3", "5"),
    "EXIT_STOP_PCT": ("0.5", "0.2"),
    "EXIT_PARTIAL_AT_R": ("0.5", "1.0"),
    "EXIT_PARTIAL_PCT": ("0", "50"),
    "PAPER_FEE_TIER": ("0", "2"),
    "PAPER_SLIPPAGE_BPS": ("1", "3"),
    "PAPER_LATENCY_BARS": ("0", "1"),
    "PAPER_REJECT_PCT": ("0", "25"),
    "PAPER_STARTING_CASH_USD": ("10000", "3000"),
    "GATE_MODE": ("off", "off", "veto"),
    "RISK_MAX_ORDER_NOTIONAL_USD": ("10000", "700"),
    "RISK_MAX_DAILY_LOSS_PCT": ("3", "0.3"),
    "SIZING_KELLY_FRACTION": ("0", "0.25"),
    "SIZING_KELLY_MIN_TRADES": ("100", "4"),
}
KNOB_SETS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in CHANGES.items()})
STATES = st.sampled_from([TradingState.ACTIVE, TradingState.HALTED, TradingState.REDUCING, TradingState.FLATTENING])


@st.composite
def tapes(draw: st.DrawFn) -> list[Snapshot]:
    """Draw the short tape with a bar moved, funding settled, minutes lost, a later beginning or an earlier end."""
    number, factor = draw(st.integers(10, 110)), draw(st.sampled_from([1.0, 0.99, 1.02]))
    snapshots = with_close(SHORT, number, factor)
    rate = draw(st.sampled_from([0, 40_000_000, -90_000_000]))
    snapshots = with_funding(snapshots, rate) if rate else snapshots
    snapshots = without(snapshots, *draw(st.sets(st.integers(20, 118), max_size=4)))
    return snapshots[draw(st.sampled_from([0, 0, 25])) : draw(st.sampled_from([200, 200, 90]))]


names = itertools.count()


@settings(max_examples=8)
@given(
    ours=tapes(),
    theirs=tapes(),
    knobs=st.tuples(KNOB_SETS, KNOB_SETS),
    state=STATES,
    since=st.integers(10, 110),
)
def test_whatever_differs_the_causes_add_up_and_turned_round_they_are_the_opposite(
    tmp_path_factory: pytest.TempPathFactory,
    ours: list[Snapshot],
    theirs: list[Snapshot],
    knobs: tuple[dict[str, Any], dict[str, Any]],
    state: TradingState,
    since: int,
) -> None:
    url = f"sqlite:///{tmp_path_factory.getbasetemp() / f'pair-{next(names)}.db'}"
    record(url, "a", ours, **knobs[0])
    record(url, "b", theirs, **knobs[1], states=lambda n: state if since <= n < since + 15 else TradingState.ACTIVE)
    there, back = held_against(url, "a", "b"), held_against(url, "b", "a")
    assert there.difference_microusd == -back.difference_microusd
    assert there.minutes.n_alike == back.minutes.n_alike
    assert held_against(url, "a", "a").is_identical
    assert held_against(url, "b", "b").is_identical


def test_a_run_against_itself_differs_in_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", SHORT)
    found = held_against(url, "a", "a")
    assert found.is_identical
    assert (found.causes, found.first_difference, found.settings) == ((), None, ())
    assert found.minutes.n_equal == found.minutes.n_common == found.a.n_ticks == len(SHORT)
    assert found.minutes.parity_frac == 1.0


def test_a_setting_that_changed_nothing_is_told_and_the_runs_are_still_identical(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", SHORT)
    record(url, "b", SHORT, code_version="2", RISK_MAX_OPEN_POSITIONS="2")
    found = held_against(url)
    assert found.is_identical
    assert [(one.name, one.a, one.b) for one in found.settings] == [("RISK_MAX_OPEN_POSITIONS", 3, 2)]
    assert (found.a.code_version, found.b.code_version) == ("1", "2")


def test_runs_of_two_journals_compare_and_an_unfinished_one_is_said_to_be_so(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("a", "b")]
    record(urls[0], "same-name", SHORT)
    record(urls[1], "same-name", SHORT[:80], is_finished=False)
    with open_journal(urls[0], writable=False) as ours, open_journal(urls[1], writable=False) as theirs:
        found = compare(ours, "same-name", theirs, "same")
    assert (found.a.is_finished, found.b.is_finished) == (True, False)
    assert (found.minutes.n_common, found.minutes.n_outside, found.b.n_ticks) == (80, 40, 80)
    assert not found.is_identical


def test_two_symbols_are_aligned_each_with_itself_whatever_their_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    pairs = list(zip(tape(90, 5, "SOL-PERP"), tape(90, 6, "BTC-PERP"), strict=True))
    record(url, "a", [one for sol, btc in pairs for one in (sol, btc)])
    record(url, "b", [one for sol, btc in pairs for one in (btc, sol)], code_version="2")
    record(url, "c", [one for n, (sol, btc) in enumerate(pairs) for one in ((sol,) if n == 40 else (btc, sol))])
    turned = held_against(url, "a", "b").minutes
    assert turned.n_common == 180
    assert Kind.FEATURE not in dict(turned.by_kind)
    lacking = held_against(url, "a", "c").minutes
    assert (lacking.n_common, lacking.n_only_a, lacking.n_only_b) == (179, 1, 0)


def test_what_cannot_be_compared_is_refused_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", SHORT[:40])
    record(url, "later", SHORT[40:80])
    record(url, "btc", tape(40, symbol="BTC-PERP"))
    with open_journal(url, writable=False) as store:
        for other, sentence in (
            ("later", "runs a and later have no minute in common: one was over before the other began"),
            ("btc", "run a trades SOL-PERP and run btc trades BTC-PERP: only runs of the same symbols can be compared"),
            ("nobody", "there is no run nobody in the journal"),
        ):
            with pytest.raises(BadInput, match=sentence):
                compare(store, "a", store, other)


def test_what_is_told_to_a_machine_adds_up_to_the_cent_as_printed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    record(url, "a", SHORT)
    record(url, "b", without(SHORT, 60), PAPER_FEE_TIER="2", EXIT_STOP_PCT="0.3")
    told = comparison_json(held_against(url))
    printed = sum(round(row["usd"] * 100) for row in told["causes"]) + round(told["unexplained_usd"] * 100)
    assert printed == round(told["difference_usd"] * 100)
    assert told["unexplained_usd"] == 0.0
    assert KNOBS["EXIT_STOP_PCT"] == "0.5"
    assert {"name": "EXIT_STOP_PCT", "a": 0.5, "b": 0.3} in told["settings"]
