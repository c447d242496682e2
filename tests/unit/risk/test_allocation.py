import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from risk.allocation import AllocationMethod, AllocationPolicy, part_of, shares_1e9, shrunk_means, shrunk_variances
from risk.sleeves import NOTHING_YET, SleeveRecord

RESULTS = st.lists(st.floats(-3.0, 5.0), max_size=40)
POLICIES = st.builds(
    AllocationPolicy,
    method=st.sampled_from([method for method in AllocationMethod if method is not AllocationMethod.NONE]),
    min_share_frac=st.floats(0.0, 1.0),
    max_share_frac=st.floats(0.01, 1.0),
    shrinkage_trades=st.integers(1, 1_000),
    min_trades=st.integers(1, 60),
)


def record_of(results):
    record = NOTHING_YET
    for one in results:
        record = record.with_trade(one)
    return record


RECORDS = st.lists(RESULTS.map(record_of), min_size=1, max_size=6)


@given(policy=POLICIES, records=RECORDS)
def test_shares_are_never_negative_and_add_up_to_at_most_all_of_the_capital(policy, records):
    shares = shares_1e9(policy, records)
    assert len(shares) == len(records)
    assert min(shares) >= 0
    assert sum(shares) <= 10**9
    assert max(shares) <= math.ceil(policy.max_share_frac * 10**9)


@given(policy=POLICIES, records=RECORDS, draw=st.data())
def test_sleeves_in_another_order_get_the_same_shares(policy, records, draw):
    order = draw.draw(st.permutations(range(len(records))))
    straight = shares_1e9(policy, records)
    assert shares_1e9(policy, [records[place] for place in order]) == tuple(straight[place] for place in order)


@given(policy=POLICIES, records=RECORDS)
def test_every_sleeve_keeps_its_floor(policy, records):
    floor = min(policy.min_share_frac, 1 / len(records), policy.max_share_frac)
    assert min(shares_1e9(policy, records)) >= math.floor(floor * 10**9) - 1


@given(records=RECORDS, k=st.integers(1, 500), further=st.integers(1, 500))
def test_more_shrinkage_draws_records_together(records, k, further):
    assume(sum(record.n_trades for record in records) > 0)
    for shrunk in (shrunk_means, shrunk_variances):
        less, more = (shrunk(AllocationPolicy(shrinkage_trades=n), records) for n in (k, k + further))
        assert max(more) - min(more) <= max(less) - min(less) + 1e-12


@given(records=st.lists(RESULTS.map(record_of), min_size=2, max_size=2), k=st.integers(1, 500))
def test_more_shrinkage_draws_two_shares_towards_equal(records, k):
    assume(all(record.n_trades > 0 and record.sum_r > 0 and record.variance_r2 > 0 for record in records))
    for method in (AllocationMethod.PERFORMANCE, AllocationMethod.INVERSE_VOLATILITY):
        gaps = []
        for n_prior in (k, 2 * k, 10**6):
            policy = AllocationPolicy(method=method, min_trades=1, min_share_frac=0.0, shrinkage_trades=n_prior)
            first, second = shares_1e9(policy, records)
            gaps.append(abs(first - second))
        assert gaps[0] + 2 >= gaps[1]
        assert gaps[1] + 2 >= gaps[2]


def test_performance_by_hand():
    # Means 0.6 of 20 trades and 0.1 of 80, the desk's is 0.2. With k = 20: 0.2 + 0.4 x 20/40 = 0.4, and
    # 0.2 - 0.1 x 80/100 = 0.12. Shares without floor: 0.4 / 0.52 and 0.12 / 0.52.
    records = [SleeveRecord(n_trades=20, sum_r=12.0), SleeveRecord(n_trades=80, sum_r=8.0)]
    policy = AllocationPolicy(method=AllocationMethod.PERFORMANCE, shrinkage_trades=20, min_share_frac=0.0)
    assert shares_1e9(policy, records) == (769_230_769, 230_769_230)


def test_inverse_volatility_by_hand():
    # Variances 4 of 50 trades and 1 of 50, 2.5 on average. With k = 50: 3.25 and 1.75. With a floor of 0.1 for each,
    # 0.8 is shared out by 1/sqrt: 0.1 + 0.8 x sqrt(1.75) / (sqrt(1.75) + sqrt(3.25)) = 0.4387...
    records = [
        SleeveRecord(n_trades=50, sum_r=0.0, sum_squared_r2=200.0),
        SleeveRecord(n_trades=50, sum_r=0.0, sum_squared_r2=50.0),
    ]
    policy = AllocationPolicy(method=AllocationMethod.INVERSE_VOLATILITY, shrinkage_trades=50, min_share_frac=0.1)
    low = 0.1 + 0.8 * math.sqrt(1.75) / (math.sqrt(1.75) + math.sqrt(3.25))
    assert shares_1e9(policy, records) == pytest.approx((low * 1e9, (1 - low) * 1e9), abs=2)


def test_a_short_record_shares_equally_and_a_desk_that_only_loses_keeps_the_floors():
    losers = [SleeveRecord(n_trades=20, sum_r=-5.0), SleeveRecord(n_trades=9, sum_r=-5.0)]
    policy = AllocationPolicy(method=AllocationMethod.PERFORMANCE)
    assert shares_1e9(policy, losers) == (500_000_000, 500_000_000)
    more = [losers[0], losers[1].with_trade(-1.0)]
    assert shares_1e9(policy, more) == (50_000_000, 50_000_000)


def test_without_a_method_every_sleeve_may_use_all_of_the_capital():
    assert shares_1e9(AllocationPolicy(), [NOTHING_YET] * 3) == (10**9,) * 3


@given(amount=st.integers(-(10**15), 10**15), share=st.integers(0, 10**9))
def test_a_part_is_the_exact_product_rounded_down(amount, share):
    assert part_of(amount, share) == max(0, amount * share // 10**9)


@pytest.mark.parametrize(
    "wrong", [{"min_share_frac": -0.1}, {"max_share_frac": 0.0}, {"shrinkage_trades": 0}, {"min_trades": 0}]
)
def test_an_impossible_policy_is_refused(wrong):
    with pytest.raises(ValueError, match="impossible"):
        AllocationPolicy(**wrong)
