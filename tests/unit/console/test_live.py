from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace
from rich.console import Console

from console.live import LiveView
from domain.instrument import Instrument
from domain.tick import TickRecord


def painted(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument], *, is_simulated: bool = True
) -> str:
    view = LiveView(page, "paper, SOL-PERP", 1_440, instruments, is_simulated=is_simulated)
    for record in run:
        view.on_tick(record)
    page.print(view.picture())
    return page.export_text()


def test_the_picture_shows_account_position_and_protection(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    text = painted(page, run[:4], instruments)
    for figure in ("9,997.24 USD", "9,998.25 USD", "-2.76 USD", "ACTIVE", "4 of 1,440 minutes", "long 33.77 SOL"):
        assert figure in text
    for level in ("148.080", "146.599", "151.042"):
        assert level in text
    assert "bull trend" in text
    assert "2.0 bps" in text


def test_the_picture_tells_the_last_decisions_and_deals(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    text = painted(page, run, instruments)
    assert "refused x4" in text
    assert "cooled_down: the last losing trade closed 60 s ago" in text
    assert "closed long 33.77 SOL: -54.53 USD net, -1.09 R" in text
    assert "gap of 2 minutes" in text
    assert "position  held" not in text


def test_a_trailing_stop_stands_where_the_desk_put_it(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument]
) -> None:
    snapshot = run[3].snapshot
    assert snapshot.bar is not None
    far = replace(run[3], snapshot=replace(snapshot, bar=replace(snapshot.bar, high_price=150.0)))
    assert "149.250 (trailing)" in painted(page, [*run[:3], far], instruments)


@pytest.mark.parametrize("is_simulated", [True, False])
def test_only_a_simulated_market_is_called_simulated(
    page: Console, run: list[TickRecord], instruments: Mapping[str, Instrument], is_simulated: bool
) -> None:
    assert ("SIMULATED MARKET" in painted(page, run, instruments, is_simulated=is_simulated)) is is_simulated


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30)])
def test_the_picture_fits_the_terminal(
    page_of: Callable[[int, int], Console],
    run: list[TickRecord],
    instruments: Mapping[str, Instrument],
    width: int,
    height: int,
) -> None:
    lines = painted(page_of(width, height), run, instruments).splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_the_view_opens_and_closes_around_a_run_without_ticks(
    page: Console, instruments: Mapping[str, Instrument]
) -> None:
    with LiveView(page, "paper\nno recording found", None, instruments, is_simulated=False) as view:
        view.say("starting")
    text = page.export_text()
    assert "waiting for the first minute" in text
    assert text.index("no recording found") < text.index("starting")
