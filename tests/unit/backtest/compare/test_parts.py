from hypothesis import given
from hypothesis import strategies as st

from backtest.compare.journeys import MARK, Journey, Leg, Payment
from backtest.compare.parts import Part, parts_of

HOUR_MS = 3_600_000


def leg(lots: int = 100, price: int = 1_010_000, fee: int = 35_350, way: str = "target", at_ms: int = HOUR_MS) -> Leg:
    return Leg(
        lots=lots, price_microusd_per_lot=price, fee_microusd=fee, way=way, tick_no=9, as_of_ms=at_ms, filled_ms=at_ms
    )


def journey(
    lots: int = 100,
    price: int = 1_000_000,
    fee: int = 35_000,
    side: int = 1,
    legs: tuple[Leg, ...] | None = None,
    funding: tuple[Payment, ...] = (),
) -> Journey:
    """Return a long of 100 lots at 1 USD a lot, 3.5 bps fee, sold at 1.01."""
    return Journey(
        symbol="SOL-PERP",
        side=side,
        lots=lots,
        order_id="SOL-PERP-0-entry",
        decided_ms=0,
        decided_tick=1,
        exit_plan="{}",
        entry_price_microusd_per_lot=price,
        entry_fee_microusd=fee,
        entered_ms=0,
        entered_as_of_ms=60_000,
        legs=legs or (leg(),),
        funding=funding,
    )


def paid(amount: int, rate: int = 5, hour: int = 1) -> Payment:
    return Payment(settled_ms=hour * HOUR_MS, rate_quote_per_base_1e9=rate, amount_microusd=amount)


def test_the_same_trade_has_no_parts() -> None:
    assert parts_of(journey(), journey()) == {}


def test_another_fee_tier_is_fee_and_nothing_else() -> None:
    """2.0 bps instead of 3.5 on 100 USD in and 101 USD out: 20,000 + 20,200 less 35,000 + 35,350."""
    cheaper = journey(fee=20_000, legs=(leg(fee=20_200),))
    assert parts_of(journey(), cheaper) == {Part.FEE: 30_150}


def test_half_the_size_takes_half_of_gain_fees_and_funding() -> None:
    """Net of A: 1,000,000 - 70,350 - 2,000; the half of it is missing, and no rate or price has changed."""
    a = journey(funding=(paid(-2_000),))
    b = journey(lots=50, fee=17_500, legs=(leg(lots=50, fee=17_675),), funding=(paid(-1_000),))
    assert parts_of(a, b) == {Part.SIZE: -(1_000_000 - 70_350 - 2_000) // 2}


def test_a_dearer_entry_costs_its_price_and_the_fee_on_it() -> None:
    """100 lots 1,000 micro-dollars dearer cost 100,000, and 3.5 bps of them: 35."""
    b = journey(price=1_001_000, fee=35_035)
    assert parts_of(journey(), b) == {Part.ENTRY: -100_035}


def test_a_short_gains_by_a_dearer_entry() -> None:
    a, b = journey(side=-1), journey(side=-1, price=1_001_000, fee=35_035)
    assert parts_of(a, b) == {Part.ENTRY: 100_000 - 35}


def test_a_worse_exit_is_the_exits_and_a_mark_pays_no_fee() -> None:
    """Valued at 1.00 instead of sold at 1.01: a gain of 1,000,000 is gone, the exit's fee of 35,350 was not paid."""
    b = journey(legs=(leg(price=1_000_000, fee=0, way=MARK),))
    assert parts_of(journey(), b) == {Part.EXIT: -1_000_000 + 35_350}
    assert parts_of(b, journey()) == {Part.EXIT: 1_000_000 - 35_350}


def test_funding_at_another_rate_is_funding_and_of_other_hours_is_holding() -> None:
    assert parts_of(journey(funding=(paid(-500),)), journey(funding=(paid(-900, rate=9),))) == {Part.FUNDING: -400}
    long_held = journey(legs=(leg(at_ms=3 * HOUR_MS),), funding=(paid(-500), paid(-500, hour=3)))
    assert parts_of(journey(funding=(paid(-500),)), long_held) == {Part.HELD: -500}


def test_an_hour_that_was_held_and_not_paid_is_funding() -> None:
    assert parts_of(journey(funding=(paid(-500),)), journey()) == {Part.FUNDING: 500}


def test_the_rounding_of_a_fee_is_no_other_fee() -> None:
    """3.5 bps of 33 lots at 1.00001 USD are 11,550.1155, rounded up to 11,551."""
    a = journey(lots=33, price=1_000_000, fee=11_550, legs=(leg(lots=33),))
    b = journey(lots=33, price=1_000_010, fee=11_551, legs=(leg(lots=33),))
    assert Part.FEE not in parts_of(a, b)


LOTS = st.integers(1, 10**7)
PRICES = st.integers(1, 10**9)
MONEY = st.integers(-(10**9), 10**9)
LEGS = st.lists(
    st.builds(
        leg,
        lots=LOTS,
        price=PRICES,
        fee=st.integers(0, 10**8),
        way=st.sampled_from(["stop", "target", "partial", "liquidation", MARK]),
        at_ms=st.integers(1, 9).map(lambda hour: hour * HOUR_MS),
    ),
    min_size=1,
    max_size=3,
)
HOURS = st.dictionaries(st.integers(1, 9), st.tuples(MONEY, st.integers(-9, 9)), max_size=5)


@st.composite
def trips(draw: st.DrawFn, side: int) -> Journey:
    legs = tuple(draw(LEGS))
    hours = draw(HOURS)
    return journey(
        lots=sum(one.lots for one in legs),
        price=draw(PRICES),
        fee=draw(st.integers(0, 10**8)),
        side=side,
        legs=legs,
        funding=tuple(paid(amount, rate, hour) for hour, (amount, rate) in hours.items()),
    )


@given(data=st.data(), side=st.sampled_from([1, -1]))
def test_whatever_two_trades_were_their_parts_add_up_both_ways(data: st.DataObject, side: int) -> None:
    a, b = data.draw(trips(side)), data.draw(trips(side))
    assert sum(parts_of(a, b).values()) == b.net_microusd - a.net_microusd
    assert sum(parts_of(b, a).values()) == a.net_microusd - b.net_microusd
    assert parts_of(a, a) == {}
