from collections.abc import Callable, Mapping
from types import SimpleNamespace

from msgspec.structs import replace
from rich.console import Console

from console.report import print_report
from desk.tally import OpenPosition, RunSummary
from domain.cassette import CassetteMode, cassette_use
from domain.instrument import Instrument


def told(page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]) -> str:
    print_report(page, summary, instruments, ["python main.py audit runs"], [("volume z is under 2", 1_200)])
    return page.export_text()


def test_the_report_names_result_costs_and_where_it_came_from(
    page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, summary, instruments)
    for figure in ("-54.53 USD  (-0.55 %)", "9,945.47 USD", "-3.48", "-0.05", "-1.99", "-1.09 R", "1, 0.00 % won"):
        assert figure in text
    for group in ("bull trend", "stop", "e3", "SOL-PERP"):
        assert group in text
    assert "5 signals, 1 order" in text
    assert "2025-05-01 00:01 to 2025-05-01 00:10 UTC" in text
    assert summary.chain_hash in text
    assert text.rstrip().endswith("python main.py audit runs")


def test_the_report_says_why_nothing_happened(
    page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, summary, instruments)
    assert "cooled down" in text
    assert "the market data were not fit to trade on" in text
    assert "volume z is under 2" in text
    assert "1,200" in text


def test_a_run_without_trades_names_its_most_frequent_reason(
    page: Console, made: SimpleNamespace, instruments: Mapping[str, Instrument]
) -> None:
    quiet = made.summary_of([made.waiting(minute) for minute in range(1, 6)])
    text = told(page, quiet, instruments)
    assert "No trade was closed. Most often, on 5 of 5 bars: no strategy saw a trade." in text
    assert "none closed" in text
    assert "Where it came from" not in text


def test_a_run_without_a_single_bar_still_reads_well(
    page: Console, made: SimpleNamespace, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page, replace(made.summary_of([]), seconds=0.0), instruments)
    assert "no bar arrived" in text
    assert "0.00 USD  (0.00 %)" in text


def test_a_position_that_outlived_the_run_is_named(
    page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    open_one = OpenPosition(symbol="SOL-PERP", size_lots=-2_832)
    assert "SOL-PERP: short 28.32 SOL" in told(page, replace(summary, open_positions=(open_one,)), instruments)


def test_only_a_simulated_run_is_called_simulated(
    page: Console, run: list[object], made: SimpleNamespace, instruments: Mapping[str, Instrument]
) -> None:
    assert "SIMULATED MARKET" in told(page, made.summary_of(run), instruments)
    page.clear()
    assert "SIMULATED" not in told(page, made.summary_of(run, is_simulated=False), instruments)


def test_the_report_keeps_its_figures_whole_at_eighty_columns(
    page_of: Callable[[int, int], Console], summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    text = told(page_of(80, 24), summary, instruments)
    assert "bull trend" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_report_says_what_the_gate_did_and_whether_its_cassette_had_every_answer(
    page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    reasons = {"ok": 60, "llm_deny": 33}
    use = cassette_use(CassetteMode.REPLAY, {("cassette", reason): count for reason, count in reasons.items()})
    text = told(page, replace(summary, gate_reasons=tuple(reasons.items()), cassette=use), instruments)
    assert "60 of 93 approved" in text
    assert "93 of 93 answers from the cassette, reproducible" in text


def test_the_report_says_that_shadow_decided_nothing_and_which_questions_had_no_answer(
    page_of: Callable[[int, int], Console], summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    reasons = (("unreachable", 7), ("ok", 2), ("llm_deny", 1), ("deadline", 1))
    text = told(page_of(200, 24), replace(summary, gate_reasons=reasons, gate_mode="shadow"), instruments)
    assert "2 of 11 approved" in text
    assert "shadow: nothing depended on it; no answer: unreachable 7, deadline 1" in text
    vetoed = told(page_of(200, 24), replace(summary, gate_reasons=reasons[1:3], gate_mode="veto"), instruments)
    assert "nothing depended" not in vetoed
    assert "no answer" not in vetoed


def test_the_report_says_nothing_of_a_gate_that_was_not_asked(
    page: Console, summary: RunSummary, instruments: Mapping[str, Instrument]
) -> None:
    assert "approved" not in told(page, summary, instruments)
