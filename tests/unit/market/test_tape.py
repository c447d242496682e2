import math

import pytest

from domain.errors import BadInput
from market.quality import QualityLimits
from market.recording import RecordingKind
from market.tape import assemble_tape

LIMITS = QualityLimits()


def tape_of(screened, columns, sides=(), limits=LIMITS):
    return assemble_tape("SOL-PERP", screened(RecordingKind.BARS, columns, limits), sides, limits, 2.0)


def test_the_identity_is_of_the_figures_and_the_symbol_alone(bar_columns, screened):
    columns = bar_columns(10)
    again = tape_of(screened, bar_columns(10))
    assert tape_of(screened, columns).identity == again.identity
    copied = {name: [*column[:4], column[3], *column[4:]] for name, column in columns.items()}
    assert tape_of(screened, copied).identity == again.identity
    other = assemble_tape("BTC-PERP", screened(RecordingKind.BARS, columns), (), LIMITS, 2.0)
    columns["close"][9] += 1e-9
    assert len({again.identity, other.identity, tape_of(screened, columns).identity}) == 3


def test_what_stands_beside_the_bars_is_part_of_the_identity(bar_columns, screened):
    columns = bar_columns(10)
    oracle = screened(RecordingKind.ORACLE, {"ts": columns["ts"][:1], "oracle_price": [5.0]})
    assert tape_of(screened, columns).identity != tape_of(screened, columns, [oracle]).identity


def test_every_reason_of_an_unfit_minute_is_kept(bar_columns, screened):
    columns = {name: [*column[:3], *column[5:]] for name, column in bar_columns(9).items()}
    columns["close"][3] = math.nan
    tape = tape_of(screened, columns)
    assert tape.defects == {
        3: ("price or volume is not a number in row 4 of bars.parquet", "gap of 2 minutes before this bar")
    }
    assert tape.n_missing == {3: 2}


def test_a_gap_within_the_limit_is_told_but_fit(bar_columns, screened):
    columns = {name: [*column[:3], *column[4:]] for name, column in bar_columns(9).items()}
    tape = tape_of(screened, columns, limits=QualityLimits(max_gap_bars=1))
    assert (tape.defects, tape.n_missing) == ({}, {3: 1})


def test_a_bad_print_makes_its_own_minute_and_the_return_from_it_unfit(bar_columns, screened):
    columns = bar_columns(9)
    for name in ("open", "high", "low", "close"):
        columns[name][4] *= 1.5
    tape = tape_of(screened, columns)
    assert sorted(tape.defects) == [4, 5]
    assert "likely a bad print" in tape.defects[4][0]


def test_an_unbelievable_premium_makes_the_minutes_that_show_it_unfit(bar_columns, screened):
    columns = bar_columns(9)
    figures = {"ts": [columns["ts"][2]], "perp_close": [106.0], "spot_close": [100.0]}
    tape = tape_of(screened, columns, [screened(RecordingKind.PREMIUM, figures)])
    assert sorted(tape.defects) == [2, 3, 4, 5]
    assert "premium of 600.0 bps" in tape.defects[2][0]


def test_the_taker_share_becomes_an_imbalance_and_is_absent_where_nothing_traded(bar_columns, screened):
    columns = bar_columns(4, taker=True)
    columns["volume"][1] = columns["taker_buy_volume"][1] = 0.0
    columns["taker_buy_volume"][2] = math.nan
    imbalance = tape_of(screened, columns).imbalance_frac
    assert imbalance is not None
    assert imbalance.tolist() == pytest.approx([0.5, math.nan, math.nan, 0.5], nan_ok=True)
    assert tape_of(screened, bar_columns(4)).imbalance_frac is None


def test_a_recording_without_one_sound_bar_is_refused(bar_columns, screened):
    columns = bar_columns(3)
    columns["close"] = [math.nan] * 3
    with pytest.raises(BadInput, match="has no usable bar in 3 rows"):
        tape_of(screened, columns)
