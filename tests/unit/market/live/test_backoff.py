"""How long the next attempt is waited for."""

from hypothesis import given
from hypothesis import strategies as st

from market.live.backoff import FIRST_MS, Backoff


@given(st.integers(0, 1000), st.text(max_size=9), st.integers(FIRST_MS, 120_000))
def test_pauses_grow_twofold_up_to_the_longest_and_begin_again_after_a_success(seed, name, max_ms):
    backoff = Backoff(seed, name, max_ms)
    for number in range(20):
        size_ms = min(max_ms, FIRST_MS * 2**number)
        assert size_ms // 2 <= backoff.failed() <= size_ms
    backoff.succeeded()
    assert backoff.failed() <= FIRST_MS


def test_the_same_seed_gives_the_same_pauses_and_two_names_do_not_march_in_step():
    def pauses(name):
        backoff = Backoff(7, name, 60_000)
        return [backoff.failed() for _ in range(6)]

    assert pauses("bars SOL-PERP") == pauses("bars SOL-PERP")
    assert pauses("bars SOL-PERP") != pauses("bars BTC-PERP")
