"""One situation is one text, and nothing in it tells when, where or at what price it was."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import GateMode
from domain.market import DAY_MS, MINUTE_MS
from gate.off import OffGate
from gate.prompt import VERSION, Costs, break_even_frac, load_prompt, user_text
from strategy.registry import STRATEGIES
from tests.flow import stage
from tests.unit.gate.questions import COSTS, PLAN, features, proposal, snapshot

GOLDEN = (
    '{"break_even_pct":37,"conviction_pct":70,'
    '"costs":{"fee_bps":3.5,"half_spread_bps":1.0,"round_trip_bps":11.0,"slippage_bps":1.0},'
    '"exits":{"max_hold_bars":240,"partial_at_r":0.0,"partial_frac":0.5,"stop_bps":100.0,"target_bps":200.0,'
    '"target_r":2.0,"trail_arm_bps":50.0,"trail_bps":50.0},'
    '"features":{"atr_bps":10.0,"body_over_atr":0.87,"book_imbalance":null,"drawdown_bps":0.0,"funding_8h_bps":0.8,'
    '"premium_bps":-1.2,"realised_vol_bps":7.8,"return_bps":40.0,"spread_bps":2.0,"trend_strength":1.62,'
    '"volume_z":3.46},"market":"PERP","prompt":"veto-1","regime":"bull_trend","side":"BUY","trigger":"e3"}'
)
SHA256 = "4883a9c567af18c79fb8346c7c63b388d89cfbce9039aa3a567a35cb85c4e069"
PLAIN_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,32}")


def words(value):
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else ():
        yield from words(one)


def told(**changes):
    return user_text(proposal(**changes), snapshot(**changes), features(), COSTS, VERSION)


def test_the_text_of_a_known_situation_is_known_to_the_byte():
    assert told() == GOLDEN


def test_another_wording_of_the_prompt_is_another_version():
    prompt = load_prompt()
    assert (prompt.version, prompt.sha256) == ("veto-1", SHA256)


def test_the_whole_question_fits_its_budget():
    assert 2_000 < len(load_prompt().system) + len(GOLDEN) < 4_000


def test_no_date_no_price_no_name_and_no_words_from_outside_are_told():
    text = told()
    assert all(PLAIN_WORD.fullmatch(word) for word in words(json.loads(text)))
    assert not re.search(r"\d{4}-\d\d|\d\d:\d\d|20[0-9]{2}|150\.0|SOL|60000", text)
    assert all(PLAIN_WORD.fullmatch(name) for name in STRATEGIES)


def test_a_figure_that_is_not_known_is_null_and_a_negative_zero_is_a_zero():
    text = user_text(proposal(), snapshot(), features(RETURN_BPS=-0.01, SPREAD_BPS=float("nan")), COSTS, VERSION)
    figures = json.loads(text)["features"]
    assert figures["spread_bps"] is None
    assert '"return_bps":0.0,' in text


@given(st.floats(1e-3, 1e6), st.integers(0, 50_000_000))
def test_the_level_and_the_time_of_a_proposal_leave_no_trace(scale, minute):
    moved = {"as_of_ms": (minute + 1) * MINUTE_MS, "price": 150.0 * scale, "symbol": "BTC-PERP"}
    text = user_text(proposal(**moved), snapshot(**moved), features(ATR_PRICE=0.15 * scale), COSTS, VERSION)
    assert text == GOLDEN


@pytest.fixture(scope="module")
def texts_on():
    """Return the texts that a whole desk words on a tape whose prices are scaled and whose time is shifted."""

    def words_on(scale=1.0, days=0):
        first = days * DAY_MS // MINUTE_MS
        price = 128.0 * scale
        tape = [*stage.quiet(12, price=price, first=first), stage.explosive(first + 12, price=price)]
        texts = []

        class Listener:
            async def review(self, situation, tick_no):
                seen = situation.proposal, situation.snapshot, situation.features
                texts.append(user_text(*seen, COSTS, VERSION))
                return await OffGate(mode=GateMode.VETO).review(situation, tick_no)

        master = stage.desk(GATE_MODE="veto")
        master.gate = msgspec.structs.replace(master.gate, gate=Listener())
        stage.run(master, tape)
        assert len(texts) == 1
        return texts

    return words_on


@given(power=st.integers(-4, 6), days=st.integers(0, 20_000))
def test_a_market_at_another_level_on_another_day_is_told_in_the_same_bytes(texts_on, power, days):
    """A power of two scales every price without rounding; what is left of the level would show."""
    assert texts_on(2.0**power, days) == texts_on()


def test_the_break_even_chance_pays_for_the_costs_exactly():
    assert break_even_frac(PLAN, 0.0) == pytest.approx(1 / 3)
    even = break_even_frac(PLAN, 11.0)
    assert even * (200 - 11) - (1 - even) * (100 + 11) == pytest.approx(0.0)
    assert break_even_frac(PLAN, 300.0) > 1.0


def test_without_a_book_the_assumed_spread_is_told():
    bare = msgspec.structs.replace(snapshot(), spread_bps=None)
    assert Costs(fee_bps=3.5, half_spread_bps=4.0, slippage_bps=1.0).round_trip_bps(bare) == 17.0
    assert COSTS.round_trip_bps(snapshot()) == 11.0
