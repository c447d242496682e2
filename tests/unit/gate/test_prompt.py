"""One situation is one text, and nothing in it tells when, where or at what price it was."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domain.decisions import ExitReason, GateMode, Side
from domain.features import Regime
from domain.market import DAY_MS, MINUTE_MS
from domain.situation import OwnRecord, Situation
from gate.figures import FEATURES, MOST_TOLD
from gate.off import OffGate
from gate.prompt import Costs, break_even_frac, load_prompt
from settings import load_settings
from strategy.registry import STRATEGIES
from tests.flow import stage
from tests.unit.gate.questions import COSTS, PLAN, TESTS, builder, features, proposal, snapshot
from tests.unit.gate.situations import NOW_MS, any_situation, mirrored, resolved, whole
from tests.unit.gate.wording import MOST_BYTES, MOST_BYTES_WITH_MEMORY, leaks
from wiring.gate import build_prompt

GOLDEN = (
    '{"base_rate":{"n":45,"wins":15},"break_even_pct":37,"conviction_pct":70,'
    '"costs":{"fee_bps":3.5,"half_spread_bps":1,"round_trip_bps":11,"slippage_bps":1},'
    '"exits":{"max_hold_min":240,"partial_at_r":0,"partial_frac":0.5,"stop_atr":10,"stop_bps":100,"target_bps":200,'
    '"target_r":2,"trail_arm_bps":50,"trail_arm_r":0.5,"trail_bps":50,"trail_r":0.5},'
    '"market":{"atr_bps":10,"funding_8h_bps":0.8,"imbalance_frac":0.25,"interest_60m_pct":5.98,"premium_bps":-1.2,'
    '"range_60m_frac":0.89,"realised_vol_bps":7.8,"regime":"bull_trend","spread_bps":2,"trend_15m_bps":0.95,'
    '"trend_5m_bps":6.35,"trend_60m_bps":0.07,"trend_atr":1.62},'
    '"minute":{"body_atr":0.87,"return_bps":40,"volume_z":3.46},'
    '"own":{"exposure_frac":0.46,"last_r":[-1,1.9,-1,0.3],"minutes_since_trade":34,"open_positions":1,"today_r":-1,'
    '"trades":12,"wins":5},"prompt":"veto-2",'
    '"recent":{"returns_bps":[-6.5,2.6,-2.6,6.5,1.3,-3.9,5.2,0,-5.2,3.9,-1.3,-6.5,2.6,-2.6,6.5,1.3,-3.9,5.2,0,40],'
    '"volumes_z":[0.3,-0.2,-0.7,0.9,0.4,-0.1,-0.6,-1.1,0.5,0,-0.5,-1,0.6,0.2,-0.3,-0.8,0.8,0.3,-0.2,6.3]},'
    '"side":"BUY",'
    '"trigger":{"over":{"body_atr":0.37,"imbalance_frac":0.25,"premium_bps":21.2,"realised_vol_bps":52.2,'
    '"spread_bps":28,"volume_z":1.46},"rule":"e3"}}'
)
SHA256 = "d09a7b149b9f1a24fce711e590bec9be5872e4ab2777d21ecbfa9bc6e39a7698"
PAST = [resolved(300 + 61 * number, net_bps=-111 if number % 3 else 190) for number in range(45)]
# A whole situation is long; where one fails, its text is wanted all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
TURNED = ("imbalance_frac", "funding_8h_bps", "premium_bps", "trend_5m_bps", "trend_15m_bps", "trend_60m_bps")
TURNED_TOO = ("trend_atr", "body_atr", "return_bps")


def told(situation, n_similar=None):
    return builder(n_similar).words(situation).user


def bare(**figures):
    return Situation(proposal=proposal(), snapshot=snapshot(), features=features(**figures))


def test_the_text_of_a_known_situation_is_known_to_the_byte():
    assert told(whole(resolved=PAST)) == GOLDEN


def test_another_wording_of_the_prompt_is_another_version():
    prompt = load_prompt()
    assert (prompt.version, prompt.sha256) == ("veto-2", SHA256)


def test_the_whole_question_fits_its_budget():
    """Bytes, because a count of tokens would be one model's own; docs/gate.md says what they come to."""
    system = len(load_prompt().system)
    assert system + len(GOLDEN) <= MOST_BYTES
    assert system + len(told(whole(resolved=PAST), n_similar=5)) <= MOST_BYTES_WITH_MEMORY


@given(any_situation(n_resolved=60))
def test_no_situation_makes_a_question_longer_than_its_budget_or_tells_what_it_must_not(situation):
    words = builder(n_similar=5).words(situation)
    assert len(words.system) + len(words.user) <= MOST_BYTES_WITH_MEMORY
    assert leaks(words.user, situation) == []
    assert builder(n_similar=5).words(situation) == words


@pytest.mark.parametrize(
    "leak",
    [
        '"2025-05-01"',
        '"17:45"',
        "1746115200000",
        '"SOL-PERP"',
        '"SOLUSDT"',
        "150.37",
        '"a body of 0.87 ATR"',
        "64250.5",
    ],
)
def test_a_leak_of_any_kind_is_seen(leak):
    situation = msgspec.structs.replace(whole(), proposal=proposal(NOW_MS, price=150.37))
    assert leaks(GOLDEN.replace('"regime":"bull_trend"', f'"regime":{leak}'), situation)


def test_every_word_that_can_be_told_is_a_plain_one():
    """No situation can bring another: a rule's name is in the registry, a regime and an exit in their enums."""
    words = [*STRATEGIES, *Regime, *ExitReason, *Side.__members__, *(one.name for one in FEATURES.values())]
    assert [word for word in words if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,32}", word)] == []


def test_a_figure_that_is_not_known_is_null_and_a_negative_zero_is_a_zero():
    document = json.loads(told(bare(RETURN_BPS=-0.01, SPREAD_BPS=float("nan"))))
    assert document["market"]["spread_bps"] is None
    assert document["trigger"]["over"]["spread_bps"] is None
    assert document["base_rate"] is None
    assert '"return_bps":0,' in told(bare(RETURN_BPS=-0.01))


def test_a_figure_beyond_every_measure_is_told_as_the_largest():
    minute = json.loads(told(bare(VOLUME_Z=1e12, BODY_OVER_ATR=float("-inf"))))["minute"]
    assert (minute["volume_z"], minute["body_atr"]) == (MOST_TOLD, -MOST_TOLD)


def test_a_rule_whose_thresholds_nobody_gave_is_told_without_margins():
    stranger = msgspec.structs.replace(proposal(), strategy="house_rule")
    document = json.loads(told(msgspec.structs.replace(bare(), proposal=stranger)))
    assert document["trigger"] == {"over": {}, "rule": "house_rule"}


def test_a_minute_without_a_bar_is_null_and_so_are_the_returns_beside_it():
    situation = whole()
    recent = tuple(one for one in situation.recent if one.as_of_ms != NOW_MS - 3 * MINUTE_MS)
    gap = msgspec.structs.replace(situation.recent[-8], bar=None, defects=("no bar",))
    recent = tuple(gap if one.as_of_ms == gap.as_of_ms else one for one in recent)
    seen = json.loads(told(msgspec.structs.replace(situation, recent=recent)))["recent"]
    is_missing = [one is None for one in seen["returns_bps"]]
    assert [place for place, missing in enumerate(is_missing) if missing] == [12, 13, 16, 17]
    assert [place for place, one in enumerate(seen["volumes_z"]) if one is None] == [12, 16]
    assert 0 not in [one for one, missing in zip(seen["returns_bps"], is_missing, strict=True) if missing]


@given(scale=st.floats(1e-3, 1e6), minute=st.integers(1_000, 50_000_000))
def test_the_level_and_the_time_of_a_proposal_leave_no_trace(scale, minute):
    now_ms = minute * MINUTE_MS
    past = [resolved(300 + 61 * number, -111 if number % 3 else 190, now_ms=now_ms) for number in range(45)]
    moved = whole(150.0 * scale, now_ms, resolved=past)
    asked = msgspec.structs.replace(moved.proposal, symbol="BTC-PERP")
    assert told(msgspec.structs.replace(moved, proposal=asked)) == GOLDEN


@pytest.fixture(scope="module")
def texts_on():
    """Return the texts that a whole desk words on a tape whose prices are scaled and whose time is shifted."""

    def words_on(scale=1.0, days=0):
        first = days * DAY_MS // MINUTE_MS
        price = 128.0 * scale
        tape = [*stage.quiet(70, price=price, first=first), stage.explosive(first + 70, price=price)]
        texts = []

        class Listener:
            async def review(self, situation, tick_no):
                texts.append(told(situation))
                return await OffGate(mode=GateMode.VETO).review(situation, tick_no)

        master = stage.desk(GATE_MODE="veto")
        master.gate = msgspec.structs.replace(master.gate, gate=Listener())
        stage.run(master, tape)
        assert len(texts) == 1
        assert "null" not in json.dumps(json.loads(texts[0])["recent"])
        return texts

    return words_on


@hypothesis_settings(max_examples=25)
@given(power=st.integers(-4, 6), days=st.integers(0, 20_000))
def test_a_market_at_another_level_on_another_day_is_told_in_the_same_bytes(texts_on, power, days):
    """A power of two scales every price without rounding; what is left of the level would show."""
    assert texts_on(2.0**power, days) == texts_on()


def turned(document):
    """Return what a question about the mirrored market says: these fields with the other sign, the rest as it is."""
    for part in (document["market"], document["minute"]):
        for name in {*TURNED, *TURNED_TOO} & part.keys():
            part[name] = part[name] and -part[name]
    document["recent"]["returns_bps"] = [one and -one for one in document["recent"]["returns_bps"]]
    place = document["market"]["range_60m_frac"]
    document["market"]["range_60m_frac"] = None if place is None else pytest.approx(1 - place, abs=0.0101)
    document["side"] = {"BUY": "SELL", "SELL": "BUY"}[document["side"]]
    other = {"bull_trend": "bear_trend", "bear_trend": "bull_trend"}
    document["market"]["regime"] = other.get(document["market"]["regime"], document["market"]["regime"])
    return document


def within_a_rounding(document):
    """Let a figure that came from prices differ by one in its last digit: a mirrored price is not exact."""
    document["recent"]["returns_bps"] = [
        one and pytest.approx(one, abs=0.101) for one in document["recent"]["returns_bps"]
    ]
    for span in (5, 15, 60):
        slope = document["market"][f"trend_{span}m_bps"]
        document["market"][f"trend_{span}m_bps"] = None if slope is None else pytest.approx(slope, abs=0.0101)
    return document


def test_the_mirrored_market_is_told_as_the_same_trade_on_the_other_side():
    mirror = told(mirrored(whole(resolved=PAST)), n_similar=5)
    assert json.loads(mirror) == turned(json.loads(told(whole(resolved=PAST), n_similar=5)))


@given(any_situation(n_resolved=60))
def test_any_mirrored_market_turns_what_has_a_direction_and_nothing_else(situation):
    straight = turned(json.loads(told(situation, n_similar=5)))
    assert json.loads(told(mirrored(situation), n_similar=5)) == within_a_rounding(straight)


@given(any_situation(n_resolved=60), st.lists(st.tuples(st.integers(-50, 900), st.integers(1, 900)), max_size=40))
def test_what_became_known_only_later_changes_no_byte(situation, later):
    """Triggers that end after the proposal, whenever they were made, are not there for it."""
    asked = situation.proposal
    unknown = [
        resolved(made_ago, n_bars=made_ago + late, now_ms=asked.as_of_ms, strategy=asked.strategy)
        for made_ago, late in later
        if made_ago + late > 0
    ]
    everything = sorted([*situation.resolved, *unknown], key=lambda one: one.outcome.resolved_ms)
    known = [one for one in everything if one.outcome.resolved_ms <= asked.as_of_ms]
    assert len(known) == len(situation.resolved)
    with_them, without = (msgspec.structs.replace(situation, resolved=one) for one in (everything, known))
    assert told(with_them, n_similar=5) == told(without, n_similar=5)


def test_with_the_memory_off_nothing_is_said_of_similar_triggers():
    assert "similar" not in json.loads(told(whole(resolved=PAST)))
    assert json.loads(told(whole(), n_similar=5))["similar"] == []


def test_the_knobs_of_the_memory_reach_the_question():
    off, on = ({}, {"GATE_MEMORY": "on", "GATE_MEMORY_NEIGHBOURS": "2"})
    assert build_prompt(load_settings(None, {}, off)).n_similar is None
    words = build_prompt(load_settings(None, {}, on)).words(whole(resolved=PAST))
    assert len(json.loads(words.user)["similar"]) == 2


def test_a_desk_that_has_not_traded_says_so():
    own = json.loads(told(whole(own=OwnRecord())))["own"]
    assert own == {
        "exposure_frac": 0, "last_r": [], "minutes_since_trade": None, "open_positions": 0, "today_r": 0,
        "trades": 0, "wins": 0,
    }  # fmt: skip


def test_every_margin_told_is_one_of_the_rules_own_thresholds():
    for rule, tests in TESTS.items():
        asked = msgspec.structs.replace(whole().proposal, strategy=rule)
        over = json.loads(told(whole(proposal=asked)))["trigger"]["over"]
        assert over.keys() == {FEATURES[test.figure].name for test in tests}


def test_the_break_even_chance_pays_for_the_costs_exactly():
    assert break_even_frac(PLAN, 0.0) == pytest.approx(1 / 3)
    even = break_even_frac(PLAN, 11.0)
    assert even * (200 - 11) - (1 - even) * (100 + 11) == pytest.approx(0.0)
    assert break_even_frac(PLAN, 300.0) > 1.0
    assert builder().words(whole()).break_even_frac == even


def test_without_a_book_the_assumed_spread_is_told():
    unseen = msgspec.structs.replace(snapshot(), spread_bps=None)
    assert Costs(fee_bps=3.5, half_spread_bps=4.0, slippage_bps=1.0).round_trip_bps(unseen) == 17.0
    assert COSTS.round_trip_bps(snapshot()) == 11.0
