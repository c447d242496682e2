import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.funding import hourly_funding_rate_1e9
from domain.market import HOUR_MS, MINUTE_MS, ImbalanceSource, Snapshot
from market.sim import BLOCK_MINUTES, SimFeed
from market.sim_parameters import Dynamics, Market, SimParameters, SimSymbol

DEFAULTS = SimParameters()
SYMBOLS = ("SOL-PERP", "BTC-PERP")
OVER_A_BLOCK = BLOCK_MINUTES + 120


def minutes(feed: SimFeed) -> list[tuple[Snapshot, ...]]:
    async def drain() -> list[tuple[Snapshot, ...]]:
        seen = []
        while (minute := await feed.next_minute()) is not None:
            seen.append(tuple(minute))
        return seen

    return asyncio.run(drain())


def one(symbol: str, n_minutes: int, parameters: SimParameters = DEFAULTS) -> list[Snapshot]:
    return [minute[0] for minute in minutes(SimFeed(parameters, [symbol], n_minutes))]


@pytest.fixture(scope="module")
def two_days() -> list[tuple[Snapshot, ...]]:
    return minutes(SimFeed(DEFAULTS, SYMBOLS, OVER_A_BLOCK))


def test_the_same_seed_is_the_same_market_and_another_seed_is_another(two_days: list[tuple[Snapshot, ...]]) -> None:
    assert minutes(SimFeed(DEFAULTS, SYMBOLS, OVER_A_BLOCK)) == two_days
    assert minutes(SimFeed(SimParameters(seed=8), SYMBOLS, 10)) != two_days[:10]


@pytest.mark.parametrize("n_minutes", [0, 1, BLOCK_MINUTES - 1, BLOCK_MINUTES, BLOCK_MINUTES + 1])
def test_a_shorter_run_is_the_beginning_of_a_longer_one(n_minutes: int, two_days: list[tuple[Snapshot, ...]]) -> None:
    assert minutes(SimFeed(DEFAULTS, SYMBOLS, n_minutes)) == two_days[:n_minutes]


def test_a_symbol_does_not_depend_on_its_company(two_days: list[tuple[Snapshot, ...]]) -> None:
    assert one("BTC-PERP", OVER_A_BLOCK) == [minute[1] for minute in two_days]


def test_minutes_follow_each_other_without_a_seam(two_days: list[tuple[Snapshot, ...]]) -> None:
    expected_ms = DEFAULTS.start_ms
    last_close = {symbol: DEFAULTS.of(symbol).start_price for symbol in SYMBOLS}
    for minute in two_days:
        assert tuple(snapshot.symbol for snapshot in minute) == SYMBOLS
        for snapshot in minute:
            bar = snapshot.bar
            assert bar is not None
            assert (bar.open_ms, bar.close_ms, snapshot.as_of_ms) == (
                expected_ms,
                expected_ms + MINUTE_MS,
                bar.close_ms,
            )
            assert bar.open_price == last_close[snapshot.symbol]
            last_close[snapshot.symbol] = bar.close_price
        expected_ms += MINUTE_MS


def test_every_snapshot_says_that_it_is_simulated_and_is_whole(two_days: list[tuple[Snapshot, ...]]) -> None:
    for minute in two_days:
        for snapshot in minute:
            assert snapshot.is_simulated
            assert snapshot.is_fit
            assert snapshot.imbalance_source is ImbalanceSource.BOOK
            readings = (
                snapshot.spread_bps,
                snapshot.mark,
                snapshot.oracle,
                snapshot.premium_bps,
                snapshot.funding_rate_hourly_frac,
                snapshot.open_interest_usd,
            )
            assert {reading.source for reading in readings if reading is not None} == {"sim"}
            assert None not in readings


def assert_consistent(snapshot: Snapshot) -> None:
    bar = snapshot.bar
    assert bar is not None
    assert snapshot.bid_price is not None
    assert snapshot.ask_price is not None
    assert snapshot.mark is not None
    assert snapshot.oracle is not None
    assert snapshot.premium_bps is not None
    assert snapshot.spread_bps is not None
    assert snapshot.open_interest_usd is not None
    assert snapshot.imbalance_frac is not None
    assert bar.taker_buy_base is not None
    assert 0.0 < snapshot.bid_price < snapshot.ask_price
    assert 0.0 <= bar.taker_buy_base <= bar.volume_base
    assert -1.0 <= snapshot.imbalance_frac <= 1.0
    assert snapshot.mark.value > 0.0
    assert snapshot.oracle.value > 0.0
    assert snapshot.open_interest_usd.value > 0.0
    premium_bps = 1e4 * (bar.close_price / snapshot.oracle.value - 1.0)
    assert snapshot.premium_bps.value == pytest.approx(premium_bps, abs=1e-6)
    mid = (snapshot.bid_price + snapshot.ask_price) / 2.0
    spread_bps = 1e4 * (snapshot.ask_price - snapshot.bid_price) / mid
    assert snapshot.spread_bps.value == pytest.approx(spread_bps, rel=1e-6)


def test_the_figures_of_a_snapshot_agree_with_each_other(two_days: list[tuple[Snapshot, ...]]) -> None:
    for minute in two_days:
        for snapshot in minute:
            assert_consistent(snapshot)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**63 - 1),
    start_price=st.floats(0.01, 1e6),
    vol_bps=st.floats(0.01, 500.0),
    kick=st.floats(0.0, 10.0),
    fast_sd=st.floats(0.0, 50.0),
    flow=st.floats(0.0, 100.0),
    jumps=st.floats(0.0, 1_440.0),
)
def test_no_parameters_make_an_impossible_snapshot(
    seed: int, start_price: float, vol_bps: float, kick: float, fast_sd: float, flow: float, jumps: float
) -> None:
    """Each snapshot is checked by its own record as well, which raises on a price no market can print."""
    wild = SimParameters(
        seed=seed,
        symbols=(SimSymbol(symbol="WILD", start_price=start_price, median_vol_bps=vol_bps),),
        market=Market(jumps_a_day=jumps, regime_premium_bps=(-1e5, 1e5, 0.0, 0.0, 0.0)),
        dynamics=Dynamics(kick=kick, fast_sd=fast_sd, premium_flow_frac=flow, volume_move_power=flow),
    )
    for snapshot in one("WILD", 700, wild):
        assert_consistent(snapshot)


def test_prices_lie_on_the_ticks_of_the_symbol(two_days: list[tuple[Snapshot, ...]]) -> None:
    for snapshot in (minute[0] for minute in two_days):
        assert snapshot.bar is not None
        for price in (snapshot.bar.high_price, snapshot.bar.close_price, snapshot.bid_price, snapshot.ask_price):
            assert price is not None
            assert price == round(price, 3)


def test_funding_settles_on_the_hour_with_the_averages_of_the_hour_before() -> None:
    snapshots = one("SOL-PERP", OVER_A_BLOCK)
    n_settled = 0
    for at, snapshot in enumerate(snapshots):
        assert (snapshot.funding_settlement is not None) == (at % 60 == 0)
        if snapshot.funding_settlement is None or at == 0:
            continue
        hour = snapshots[at - 60 : at]
        mark_1e6, oracle_1e6 = (
            sum(round(1e6 * reading.value) for reading in readings if reading is not None) / 60
            for readings in ((s.mark for s in hour), (s.oracle for s in hour))
        )
        expected = hourly_funding_rate_1e9(round(mark_1e6), round(oracle_1e6), 5_000, 33)
        settlement, rate = snapshot.funding_settlement, snapshot.funding_rate_hourly_frac
        assert settlement.rate_quote_per_base_1e9 == pytest.approx(expected, abs=90)
        assert settlement.settled_ms == snapshot.as_of_ms - MINUTE_MS
        assert rate is not None
        assert rate.as_of_ms == settlement.settled_ms
        assert rate.value == pytest.approx(settlement.rate_quote_per_base_1e9 * 1e-3 / oracle_1e6, rel=1e-6)
        n_settled += 1
    assert n_settled == OVER_A_BLOCK // 60 - 1


def test_a_run_that_starts_inside_an_hour_settles_when_the_hour_ends() -> None:
    late = SimParameters(start_ms=DEFAULTS.start_ms + 17 * MINUTE_MS)
    snapshots = one("SOL-PERP", 120, late)
    settled = [s.as_of_ms for s in snapshots if s.funding_settlement is not None]
    assert {s.funding_rate_hourly_frac for s in snapshots[:43]} == {None}
    assert None not in {s.funding_rate_hourly_frac for s in snapshots[43:]}
    assert settled == [DEFAULTS.start_ms + HOUR_MS + MINUTE_MS, DEFAULTS.start_ms + 2 * HOUR_MS + MINUTE_MS]


def test_the_identity_names_the_market_and_nothing_else() -> None:
    identity = SimFeed(DEFAULTS, SYMBOLS, 10).data_identity
    assert identity == SimFeed(SimParameters(), SYMBOLS, None).data_identity
    others = [
        SimFeed(SimParameters(seed=8), SYMBOLS, 10),
        SimFeed(SimParameters(start_ms=0), SYMBOLS, 10),
        SimFeed(msgspec.structs.replace(DEFAULTS, dynamics=Dynamics(kick=0.06)), SYMBOLS, 10),
        SimFeed(DEFAULTS, ["SOL-PERP"], 10),
    ]
    assert len({identity, *(other.data_identity for other in others)}) == 5


def test_the_feed_says_in_a_line_that_its_market_is_not_real() -> None:
    line = SimFeed(DEFAULTS, SYMBOLS, 1_440).describe()
    assert line == "SIMULATED market, not real: SOL-PERP, BTC-PERP, 1440 minutes from 2025-01-01 00:00 UTC, seed 7"
    assert "without end" in SimFeed(DEFAULTS, SYMBOLS, None).describe()


@pytest.mark.parametrize("symbols", [[], ["SOL-PERP", "SOL-PERP"], [""]])
def test_no_symbol_or_one_named_twice_is_bad_input(symbols: list[str]) -> None:
    with pytest.raises(BadInput, match="different symbols"):
        SimFeed(DEFAULTS, symbols, 10)


def test_a_negative_length_is_bad_input() -> None:
    with pytest.raises(BadInput, match="-1 minutes"):
        SimFeed(DEFAULTS, SYMBOLS, -1)
