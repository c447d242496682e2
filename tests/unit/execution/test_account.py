"""The paper account's arithmetic: whole micro-dollars, and bounds that are safe."""

from hypothesis import given
from hypothesis import strategies as st

from domain.account import Levels
from execution.account import Holding, Market, PaperAccount
from execution.instruments import INSTRUMENTS

SOL, BTC = Market.of(INSTRUMENTS["SOL-PERP"]), Market.of(INSTRUMENTS["BTC-PERP"])
SIZES = st.integers(min_value=-20_000, max_value=20_000).filter(bool)


def holding(market: Market, lots: int, entry_ticks: int) -> Holding:
    """Hold so many lots, marked where they were bought."""
    levels = Levels(stop_ticks=1, target_ticks=10**9)
    return Holding(market, "entry", lots, entry_ticks, levels, entry_ticks * market.tick)


def test_an_instrument_is_translated_once_into_plain_numbers() -> None:
    assert (SOL.tick, SOL.unit, SOL.lot_size_1e9, SOL.initial_bps, SOL.maintenance_bps) == (
        0.001,
        10,
        10_000_000,
        500,
        300,
    )
    assert (BTC.maintenance_bps, BTC.liquidator_fee_bps) == (200, 50.0)


@given(SIZES, st.integers(min_value=1, max_value=20_000), st.integers(min_value=1, max_value=10**6))
def test_closing_in_two_parts_books_what_closing_at_once_books(lots: int, first: int, fill_ticks: int) -> None:
    whole, parts = PaperAccount(10**10), PaperAccount(10**10)
    for account in (whole, parts):
        account.holdings["SOL-PERP"] = holding(SOL, lots, 150_000)
    expected = whole.cash_microusd + whole.holdings["SOL-PERP"].unrealised_microusd(fill_ticks)
    whole.reduce(whole.holdings["SOL-PERP"], abs(lots), fill_ticks)
    first = min(first, abs(lots))
    parts.reduce(parts.holdings["SOL-PERP"], first, fill_ticks)
    if first < abs(lots):
        parts.reduce(parts.holdings["SOL-PERP"], abs(lots) - first, fill_ticks)
    assert whole.cash_microusd == parts.cash_microusd == expected
    assert whole.holdings == parts.holdings == {}


@given(SIZES, SIZES, st.integers(min_value=10**8, max_value=10**11), st.floats(min_value=-3.0, max_value=0.999))
def test_within_the_safe_bounds_no_combination_of_marks_is_short_of_margin(
    sol_lots: int, btc_lots: int, cash: int, share: float
) -> None:
    """`share` of the way from the mark to the bound, in both positions at once; negative is away from it."""
    account = PaperAccount(cash)
    account.holdings = {"SOL-PERP": holding(SOL, sol_lots, 150_000), "BTC-PERP": holding(BTC, btc_lots, 950_000)}
    if account.shortage_microusd() > -1_000_000:
        return
    account.refresh_bounds()
    for held in account.holdings.values():
        bound = held.safe_low if held.lots > 0 else held.safe_high
        moved = held.mark_price + share * (bound - held.mark_price)
        if held.safe_low < moved < held.safe_high and moved > 0.0:
            held.mark_price = moved
    assert account.shortage_microusd() <= 0
