"""The messages, word for word."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from db.day import DayFigures
from db.noted import NotedEvent, NotedFill, NotedRefusal, NotedTrade
from domain.instrument import Instrument
from notices.notice import MOST_CHARACTERS, Severity
from notices.outbox import Lane, Waiting, message_of
from notices.words import BREAKERS, KNOWN, SILENT, of_breaker, of_day, of_event, of_fill, of_trade
from risk.rules import ENTRY_RULES

SOL = Instrument(
    symbol="SOL-PERP", tick_size_price=Decimal("0.001"), lot_size_base=Decimal("0.01"), min_size_lots=1,
    initial_margin_frac=0.1, maintenance_margin_frac=0.05, liquidator_fee_frac=0.01, funding_clamp_den=10,
)  # fmt: skip
GRID = {"SOL-PERP": SOL}
AT_MS = 1_746_057_660_000
ENTRY = NotedFill(
    seq=7, symbol="SOL-PERP", side=1, size_lots=1_250, price_ticks=150_120, fee_microusd=131_355, filled_ms=AT_MS,
    exit_reason=None,
)  # fmt: skip
TRADE = NotedTrade(
    seq=9, symbol="SOL-PERP", strategy="e3", side=-1, size_lots=1_250, entry_ticks=150_120, exit_ticks=150_500,
    fees_microusd=262_710, funding_microusd=-300_000, net_microusd=-5_012_710, exit_reason="end_of_run",
    closed_ms=AT_MS,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "detail", "severity", "text"),
    [
        ("halt", "BTC-PERP: books hold 3, the venue 2", "critical",
         "live-1: the desk halted: BTC-PERP: books hold 3, the venue 2"),
        ("books_disagree", "one lot", "critical", "live-1: books and venue disagree: one lot"),
        ("stream_lost", "SOL-PERP: bars", "warning", "live-1: a stream of the feed was lost: SOL-PERP: bars"),
        ("journal_lost", "disk full", "warning", "live-1: the journal cannot be written; only exits run: disk full"),
        ("late_tick", "minute 1 taken 99 s after", "warning", "live-1: a minute came late: minute 1 taken 99 s after"),
        ("switch", "the switch says halted", "warning", "live-1: a human used the switch: the switch says halted"),
        ("never_heard_of", "what\nis it", "warning", "live-1: never heard of: what is it"),
        ("started", "paper", "info", "live-1: run begun"),
        ("finished", '{"chain_hash": "x"}', "info", "live-1: run finished"),
        ("stopped", "by a signal after 3 ticks", "info", "live-1: desk stopped: by a signal after 3 ticks"),
    ],
)  # fmt: skip
def test_an_event_is_told_in_words_with_its_severity(kind: str, detail: str, severity: str, text: str) -> None:
    notice = of_event("live-1", NotedEvent(seq=1, at_ms=AT_MS, kind=kind, detail=detail))
    assert notice is not None
    assert (notice.severity, notice.text, notice.at_ms) == (Severity(severity), text, AT_MS)


@pytest.mark.parametrize("kind", sorted(SILENT))
def test_bookkeeping_is_not_told(kind: str) -> None:
    assert of_event("live-1", NotedEvent(seq=1, at_ms=AT_MS, kind=kind, detail="[]")) is None


def test_somebody_has_decided_about_every_kind_of_event_that_the_product_can_put_on_record() -> None:
    root = Path(__file__).parents[3]
    rooms = (
        "agents",
        "console",
        "db",
        "desk",
        "execution/exchange",
        "execution/gateway_client",
        "execution/live",
        "market",
    )
    sources = [path.read_text(encoding="utf-8") for room in rooms for path in (root / room).rglob("*.py")]
    put = r'(?:\.event|\.note|notes\.add|notes\.append|_note)\(\(?"([a-z_]+)"'
    kinds = {kind for text in sources for kind in re.findall(put, text)}
    assert len(kinds) > 20
    assert kinds <= KNOWN


def test_a_long_detail_is_cut_to_fit_a_small_screen() -> None:
    notice = of_event("live-1", NotedEvent(seq=1, at_ms=AT_MS, kind="halt", detail="x" * 1_000))
    assert notice is not None
    assert len(notice.text) == MOST_CHARACTERS


def test_fills_and_trades_name_symbol_size_price_and_money() -> None:
    assert of_fill("p", ENTRY, GRID).text == "p: SOL-PERP bought 12.50 at 150.120 (entry), fee 0.13 USD"
    assert of_trade("p", TRADE, GRID).text == (
        "p: SOL-PERP short 12.50 closed (end of run), 150.120 to 150.500, net -5.01 USD after fees 0.26 USD "
        "and funding -0.30 USD"
    )


def test_an_instrument_that_is_not_known_is_told_in_lots_and_ticks() -> None:
    assert of_fill("p", ENTRY, {}).text == "p: SOL-PERP bought 1250 lots at 150120 ticks (entry), fee 0.13 USD"


def test_a_breaker_says_which_rule_refuses_and_why() -> None:
    refusal = NotedRefusal(
        seq=1, symbol="SOL-PERP", as_of_ms=AT_MS, rule="day_loss_within_cap", reason="3.1 % lost", is_first=True
    )
    assert of_breaker("p", refusal).text == ("p: no new risk, day loss within cap says no (SOL-PERP): 3.1 % lost")


def test_the_breakers_are_rules_of_the_risk_desk() -> None:
    assert {rule.__name__ for rule in ENTRY_RULES} >= BREAKERS


def test_a_day_is_summed_up_run_by_run() -> None:
    day = DayFigures(
        run_id="p", is_simulated=True, n_ticks=1_440, equity_microusd=10_012_345_678, net_microusd=-12_000_000,
        n_trades=4, n_won=1, n_fills=9, fees_microusd=3_210_000, max_drawdown_frac=0.0123,
        refusals=(("cooled_down", 12), ("spread_is_tight", 3)),
    )  # fmt: skip
    assert of_day((day,), AT_MS - 86_400_000, AT_MS).text.splitlines() == [
        "2025-04-30 00:01:00 UTC to 2025-05-01 00:01:00 UTC",
        "p (simulated market): equity 10,012.35 USD, net -12.00 USD, 4 trades closed, 1 of them won, 9 fills, "
        "fees 3.21 USD, deepest fall 1.23 %, 1440 ticks. Refusals: cooled_down 12, spread_is_tight 3.",
    ]
    assert of_day((), 0, 86_400_000).text.endswith("No desk took a minute.")


def waiting(count: int) -> Lane:
    carried = Waiting(
        group="g", text="p: a minute came late", count=count, first_ms=AT_MS, last_ms=AT_MS + 60_000, queued_ms=0
    )
    return Lane(carried=carried, n_given_up=count - 1, is_doubtful=count > 1)


def test_a_message_says_when_and_how_often_and_what_the_reader_must_know_of_its_journey() -> None:
    one, many = (message_of(waiting(count), Severity.WARNING) for count in (1, 4))
    assert one.title == "Tidegate warning"
    assert one.body == "p: a minute came late\n2025-05-01 00:02:00 UTC"
    assert many.body.splitlines() == [
        "p: a minute came late",
        "(the last of 4, 2025-05-01 00:01:00 UTC to 2025-05-01 00:02:00 UTC)",
        "(could not be told before and was given up: 3)",
        "(this may have been told before)",
    ]
