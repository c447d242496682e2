import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.sleeves import NOTHING_YET, SleeveLedger
from tests.unit.risk.cases import NOON_MS, trade

NETS = st.lists(st.integers(-200_000_000, 200_000_000), max_size=20)


@given(nets=NETS)
def test_the_ledger_keeps_count_sum_and_spread_in_r(nets):
    ledger = SleeveLedger()
    for net in nets:
        ledger.on_trade(trade(net, NOON_MS))
    record, results = ledger.view().record_of(("e3", "SOL-PERP")), [net / 50_000_000 for net in nets]
    assert record.n_trades == len(nets)
    assert record.sum_r == pytest.approx(sum(results))
    mean = sum(results) / max(len(results), 1)
    spread = sum((one - mean) ** 2 for one in results) / max(len(results), 1)
    assert record.variance_r2 == pytest.approx(spread, abs=1e-9)
    assert ledger.view().desk == record


def test_a_trade_without_a_measurable_risk_is_left_out_and_a_stranger_has_no_record():
    ledger = SleeveLedger()
    ledger.on_trade(trade(5, NOON_MS, risk_microusd=0))
    assert ledger == SleeveLedger()
    assert ledger.view().record_of(("e3", "BTC-PERP")) == NOTHING_YET
