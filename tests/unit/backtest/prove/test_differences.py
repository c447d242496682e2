import numpy as np
from msgspec.structs import replace

from backtest.prove.differences import PARTS, first_difference
from domain.decisions import Side, Signal
from domain.features import N_FEATURES, Feature, Features
from domain.tick import Outcome, TickRecord, TradingState
from tests.flow.stage import minute

VECTOR = np.arange(N_FEATURES, dtype=np.float64)
NO = Signal(
    strategy="e3", side=None, failed_mask=0b101, conviction_frac=0.0, reasons=("body is small", "spread is wide")
)
YES = Signal(strategy="e3", side=Side.BUY, failed_mask=0, conviction_frac=0.7, reasons=("explosive",))
RECORD = TickRecord(
    tick_no=4,
    snapshot=minute(3, 100.0, 101.0),
    state=TradingState.ACTIVE,
    outcome=Outcome.NO_SIGNAL,
    why="nothing",
    features=Features(vector=VECTOR),
    signals=(NO,),
    equity_microusd=10,
)


def changed(place, value):
    vector = VECTOR.copy()
    vector[place] = value
    return Features(vector=vector)


def told(other):
    difference = first_difference(RECORD, other)
    return difference.part, difference.figure, difference.expected, difference.got


def test_every_part_of_a_tick_is_compared():
    assert set(PARTS) == set(TickRecord.__struct_fields__)


def test_equal_records_do_not_differ():
    assert first_difference(RECORD, replace(RECORD, features=Features(vector=VECTOR.copy()))) is None


def test_the_cause_is_told_before_its_consequences():
    other = replace(RECORD, features=changed(Feature.VOLUME_Z, 9.5), signals=(YES,), outcome=Outcome.ENTERED)
    assert told(other) == ("features", "volume_z", "1.0", "9.5")


def test_a_figure_of_the_snapshot_is_named_by_its_path():
    bar = replace(RECORD.snapshot.bar, volume_base=7.0)
    assert told(replace(RECORD, snapshot=replace(RECORD.snapshot, bar=bar))) == (
        "snapshot", "bar.volume_base", "100.0", "7.0",
    )  # fmt: skip


def test_the_test_whose_answer_flipped_is_told_in_the_strategys_words():
    assert told(replace(RECORD, signals=(YES,))) == ("signals", "e3: body is small", "fails", "passes")
    other = replace(NO, failed_mask=0b001, reasons=("body is small",))
    assert told(replace(RECORD, signals=(other,))) == ("signals", "e3: spread is wide", "fails", "passes")


def test_another_side_with_the_same_tests_is_told_as_such():
    before, after = replace(RECORD, signals=(YES,)), replace(RECORD, signals=(replace(YES, side=Side.SELL),))
    difference = first_difference(before, after)
    assert (difference.figure, difference.expected, difference.got) == ("e3.side", "BUY", "SELL")


def test_what_is_there_once_and_not_again_became_nothing():
    difference = first_difference(RECORD, replace(RECORD, features=None))
    assert (difference.part, difference.expected, difference.got) == ("features", "features", "nothing")
    assert first_difference(RECORD, replace(RECORD, signals=())).got == "nothing"
