import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import DAY_MS, MINUTE_MS
from risk.counters import RiskCounters
from tests.unit.risk.cases import trade

DAY_20000_MS = 20_000 * DAY_MS
MONEY = st.integers(min_value=-(10**12), max_value=10**12)
STEPS_MS = st.integers(min_value=0, max_value=DAY_MS // 3)
FACTS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "trade", "entry", "exit", "acknowledge"]),
        STEPS_MS,
        MONEY,
        st.integers(min_value=0, max_value=10**9),
    ),
    max_size=60,
)


def fold(counters: RiskCounters, facts, start_ms: int = DAY_20000_MS) -> int:
    """Feed facts in order; return the time reached."""
    now_ms = start_ms
    for kind, step_ms, money, risk in facts:
        now_ms += step_ms
        if kind == "tick":
            counters.on_tick(now_ms, money)
        elif kind == "trade":
            counters.on_trade(trade(money, now_ms, risk_microusd=risk))
        elif kind == "acknowledge":
            counters.acknowledge_drawdown(money)
        else:
            counters.on_order(now_ms, reduce_only=kind == "exit")
    return now_ms


def restarted(counters: RiskCounters) -> RiskCounters:
    """Carry the memory through JSON text into a new desk."""
    reborn = RiskCounters()
    reborn.restore(json.loads(json.dumps(counters.state())))
    return reborn


@given(FACTS)
def test_what_is_restored_from_json_equals_what_was_saved(facts):
    counters = RiskCounters()
    fold(counters, facts)
    assert restarted(counters) == counters
    assert restarted(counters).view() == counters.view()


@given(FACTS, FACTS)
def test_a_restart_in_the_middle_changes_nothing(before, after):
    uninterrupted, first = RiskCounters(), RiskCounters()
    fold(uninterrupted, after, fold(uninterrupted, before))
    now_ms = fold(first, before)
    second = restarted(first)
    fold(second, after, now_ms)
    assert second == uninterrupted


@given(FACTS)
def test_the_same_facts_told_again_lead_to_the_same_memory(facts):
    """The lead's recovery recomputes the counters from the recorded ticks; both ways must agree."""
    told, told_again = RiskCounters(), RiskCounters()
    fold(told, facts)
    fold(told_again, facts)
    assert told == told_again


@given(st.lists(st.tuples(STEPS_MS, st.integers(min_value=1, max_value=10**12)), min_size=1, max_size=80))
def test_day_start_peak_and_drawdown_agree_with_a_plain_look_at_the_whole_history(steps):
    counters, now_ms, history = RiskCounters(), DAY_20000_MS, []
    for step_ms, equity in steps:
        now_ms += step_ms
        history.append((now_ms, equity))
        counters.on_tick(now_ms, equity)
    today = [equity for at_ms, equity in history if at_ms // DAY_MS == now_ms // DAY_MS]
    peaks = [max(equity for _, equity in history[: i + 1]) for i in range(len(history))]
    falls = [(peak - equity) / peak for peak, (_, equity) in zip(peaks, history, strict=True)]
    view = counters.view()
    assert view.day_start_of(now_ms) == today[0]
    assert view.peak_equity_microusd == peaks[-1]
    assert view.worst_drawdown_frac == max(falls)


def test_the_day_begins_at_midnight_utc_and_not_a_millisecond_before():
    counters = RiskCounters()
    counters.on_tick(DAY_20000_MS - MINUTE_MS, 1_000)
    counters.on_tick(DAY_20000_MS - 1, 900)
    assert counters.view().day_start_of(DAY_20000_MS - 1) == 1_000
    counters.on_tick(DAY_20000_MS, 800)
    counters.on_tick(DAY_20000_MS + DAY_MS - 1, 700)
    view = counters.view()
    assert view.day_start_of(DAY_20000_MS) == view.day_start_of(DAY_20000_MS + DAY_MS - 1) == 800


def test_a_day_that_was_not_seen_has_no_starting_equity():
    counters = RiskCounters()
    assert counters.view().day_start_of(DAY_20000_MS) is None
    counters.on_tick(DAY_20000_MS, 1_000)
    assert counters.view().day_start_of(DAY_20000_MS - 1) is None
    assert counters.view().day_start_of(DAY_20000_MS + DAY_MS) is None


def test_a_drawdown_stays_on_record_after_the_equity_has_recovered_and_made_new_peaks():
    counters = RiskCounters()
    for minute, equity in enumerate((1_000, 800, 1_000, 1_500)):
        counters.on_tick(DAY_20000_MS + minute * MINUTE_MS, equity)
    assert counters.worst_drawdown_frac == 0.2
    assert counters.peak_equity_microusd == 1_500


def test_only_an_acknowledgement_forgets_the_drawdown_and_it_measures_afresh():
    counters = RiskCounters()
    counters.on_tick(DAY_20000_MS, 1_000)
    counters.on_tick(DAY_20000_MS + MINUTE_MS, 800)
    counters.acknowledge_drawdown(800)
    assert (counters.worst_drawdown_frac, counters.peak_equity_microusd) == (0.0, 800)
    counters.on_tick(DAY_20000_MS + 2 * MINUTE_MS, 720)
    assert counters.worst_drawdown_frac == 0.1


def test_an_account_that_never_had_a_positive_equity_is_in_full_drawdown():
    counters = RiskCounters()
    counters.on_tick(DAY_20000_MS, 0)
    counters.on_tick(DAY_20000_MS + MINUTE_MS, -5)
    assert counters.worst_drawdown_frac == 1.0


def test_losses_in_a_row_are_counted_and_the_longest_run_of_the_day_is_kept():
    counters = RiskCounters()
    for minute, net in enumerate((-1, -1, -1, 5, -1)):
        counters.on_trade(trade(net, DAY_20000_MS + minute * MINUTE_MS))
    assert counters.n_consecutive_losses == 1
    assert counters.view().losing_streak_of(DAY_20000_MS + DAY_MS - 1) == 3


def test_a_break_even_trade_ends_a_streak_and_starts_no_cooldown_after_loss():
    counters = RiskCounters()
    counters.on_trade(trade(-1, DAY_20000_MS))
    counters.on_trade(trade(0, DAY_20000_MS + MINUTE_MS))
    assert counters.n_consecutive_losses == 0
    assert (counters.last_loss_ms, counters.last_trade_ms) == (DAY_20000_MS, DAY_20000_MS + MINUTE_MS)


def test_the_streak_of_yesterday_is_forgotten_at_midnight():
    counters = RiskCounters()
    for minute in range(4):
        counters.on_trade(trade(-1, DAY_20000_MS - (4 - minute) * MINUTE_MS))
    view = counters.view()
    assert view.losing_streak_of(DAY_20000_MS - 1) == 4
    assert view.losing_streak_of(DAY_20000_MS) == 0
    counters.on_trade(trade(-1, DAY_20000_MS))
    assert counters.view().losing_streak_of(DAY_20000_MS) == 1


def test_a_trade_of_yesterday_reported_after_midnight_does_not_touch_todays_streak():
    counters = RiskCounters()
    counters.on_trade(trade(-1, DAY_20000_MS + MINUTE_MS))
    counters.on_trade(trade(5, DAY_20000_MS - 1))
    assert counters.n_consecutive_losses == 1
    assert counters.last_trade_ms == DAY_20000_MS + MINUTE_MS


def test_entries_are_counted_over_sixty_seconds_and_exits_are_counted_apart():
    counters = RiskCounters()
    for second in (0, 30, 59, 60):
        counters.on_order(DAY_20000_MS + second * 1_000)
        counters.on_order(DAY_20000_MS + second * 1_000, reduce_only=True)
    view = counters.view()
    assert view.n_entries_in_minute(DAY_20000_MS + 60_000) == 3
    assert view.n_entries_in_minute(DAY_20000_MS + 89_999) == 3
    assert view.n_entries_in_minute(DAY_20000_MS + 90_000) == 2
    assert (view.n_entry_orders, view.n_exit_orders) == (4, 4)


@given(st.lists(st.sampled_from([0, 1, 29_999, 30_000, 30_001, 59_999, 60_000]), max_size=40))
def test_the_memory_of_entry_orders_never_outgrows_one_minute_and_never_loses_one_of_it(steps_ms):
    counters, now_ms, sent = RiskCounters(), DAY_20000_MS, []
    for step_ms in steps_ms:
        now_ms += step_ms
        counters.on_order(now_ms)
        sent.append(now_ms)
    recent = [at_ms for at_ms in sent if now_ms - at_ms < MINUTE_MS]
    assert list(counters.entry_order_ms) == recent
    assert counters.view().n_entries_in_minute(now_ms) == len(recent)


def test_the_record_for_kelly_is_kept_in_r_and_a_trade_without_known_risk_is_left_out():
    counters = RiskCounters()
    for minute, (net, risk) in enumerate(((100, 50), (-25, 50), (0, 50), (70, 0))):
        counters.on_trade(trade(net, DAY_20000_MS + minute, risk_microusd=risk))
    view = counters.view()
    assert (view.n_trades, view.n_wins, view.n_losses) == (3, 1, 1)
    assert (view.win_sum_r, view.loss_sum_r) == (2.0, 0.5)


@pytest.mark.parametrize(
    "damage",
    [
        {"n_wins": 5},
        {"worst_drawdown_frac": -0.1},
        {"peak_equity_microusd": "much"},
        {"n_consecutive_losses": 3},
        {"trough_equity_microusd": 10**15},
        {"loss_sum_r": -1.0},
        {"surprise": 1},
    ],
)
def test_a_damaged_state_is_refused_and_leaves_the_memory_alone(damage):
    counters = RiskCounters()
    counters.on_tick(DAY_20000_MS, 1_000)
    before = counters.state()
    with pytest.raises(ValueError, match="not risk counters"):
        counters.restore(before | damage)
    assert counters.state() == before


def test_a_state_with_a_missing_figure_is_refused():
    state = RiskCounters().state()
    del state["day_end_ms"]
    with pytest.raises(ValueError, match="day_end_ms"):
        RiskCounters().restore(state)
