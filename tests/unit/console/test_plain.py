from collections.abc import Mapping

from rich.console import Console

from console.plain import PlainView, SilentView
from domain.instrument import Instrument
from domain.tick import TickRecord


def lines(page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]) -> list[str]:
    with PlainView(page, "paper", len(run), instruments, is_simulated=True, step_frac=0.5) as view:
        for record in run:
            view.on_tick(record)
    return page.export_text().splitlines()


def test_entries_fills_exits_and_trouble_get_a_line_and_waiting_gets_none(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    told = lines(page, run, instruments)
    assert told[0] == "paper"
    assert told[1].startswith("SIMULATED MARKET")
    assert "2025-05-01 00:03 UTC  SOL-PERP  entered: e3 buys 33.77 SOL on conviction 0.65" in told
    assert "2025-05-01 00:04 UTC  SOL-PERP  bought 33.77 SOL at 148.080 USD, fee 1.75 USD" in told
    assert any("-54.53 USD net, -1.09 R" in line for line in told)
    assert not any("no signal" in line or "warming" in line for line in told)


def test_a_repeated_refusal_is_told_once_and_counted(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    told = lines(page, run, instruments)
    assert sum("refused: cooled_down" in line for line in told) == 1
    assert "    SOL-PERP: 3 more like it (cooled down)" in told


def test_what_is_still_untold_at_the_end_is_counted(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    assert lines(page, run[:9], instruments)[-1] == "    SOL-PERP: 3 more like it (cooled down)"


def test_progress_comes_at_every_step_of_the_run(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    told = [line for line in lines(page, run, instruments) if "minutes (" in line]
    assert len(told) == 2
    assert "5 of 10 minutes (50.00 %): equity 9,945.47 USD (-54.53 USD), drawdown 0.55 %, 1 trade closed" in told[0]


def test_the_silent_view_says_nothing(run: list[TickRecord]) -> None:
    with SilentView() as view:
        for record in run:
            view.on_tick(record)
        view.say("anything")
