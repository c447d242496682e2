"""The ladder of sizes: every rung stands on the one below."""

from hypothesis import given
from hypothesis import strategies as st

from console.ladder import LEAST_TRADES, MICRO_USD, Rung, most_capital_usd

MINUTES = 1_440


def rung(capital_usd: float, n_minutes: int = MINUTES, n_trades: int = LEAST_TRADES) -> Rung:
    return Rung(capital_usd=capital_usd, n_minutes=n_minutes, n_trades=n_trades)


RUNGS = st.lists(
    st.builds(rung, st.floats(10, 1e6), st.integers(0, 2 * MINUTES), st.integers(0, 2 * LEAST_TRADES)), max_size=6
)


def test_it_begins_at_a_hundred_dollars() -> None:
    assert most_capital_usd([], MINUTES) == MICRO_USD == 100


def test_ten_times_what_has_stood_its_time_is_allowed_and_so_on() -> None:
    assert most_capital_usd([rung(100)], MINUTES) == 1_000
    assert most_capital_usd([rung(100), rung(1_000)], MINUTES) == 10_000
    assert most_capital_usd([rung(500), rung(100)], MINUTES) == 5_000
    assert most_capital_usd([rung(10)], MINUTES) == 100


def test_a_rung_that_was_left_out_carries_nothing() -> None:
    assert most_capital_usd([rung(5_000)], MINUTES) == MICRO_USD
    assert most_capital_usd([rung(100), rung(5_000)], MINUTES) == 1_000


def test_too_short_a_time_or_too_few_trades_prove_nothing() -> None:
    assert most_capital_usd([rung(100, MINUTES - 1)], MINUTES) == MICRO_USD
    assert most_capital_usd([rung(100, n_trades=LEAST_TRADES - 1)], MINUTES) == MICRO_USD


@given(RUNGS, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_were_made_does_not_matter_and_another_run_never_takes_away(
    lived: list[Rung], dice: object
) -> None:
    shuffled = list(lived)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    whole = most_capital_usd(lived, MINUTES)
    assert most_capital_usd(shuffled, MINUTES) == whole
    assert all(most_capital_usd(lived[:n], MINUTES) <= whole for n in range(len(lived)))


@given(RUNGS)
def test_nothing_beyond_ten_times_a_proven_size_is_ever_allowed(lived: list[Rung]) -> None:
    proven = [one.capital_usd for one in lived if one.n_minutes >= MINUTES and one.n_trades >= LEAST_TRADES]
    assert MICRO_USD <= most_capital_usd(lived, MINUTES) <= max([MICRO_USD, *(10 * capital for capital in proven)])
