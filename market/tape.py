"""One symbol's minutes as columns, with everything beside them already joined as of its publication."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.errors import BadInput
from domain.market import MINUTE_MS, FundingSettlement
from market.joins import ReadingColumn, join_as_of, settle, side_series
from market.quality import (
    QualityLimits,
    gap_defect,
    missing_before,
    move_defect,
    premium_defect,
    reach_frac,
)
from market.recording import Floats, Ints
from market.screening import Mask, Screened

BAR_COLUMNS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Tape:
    """What a replay of one symbol reads.

    Parameters
    ----------
    open_ms
        Opening minute of each bar, rising, shape (n_bars,); each is known one minute later.
    bars
        Columns open, high, low, close, volume and, where the source has it, taker_buy_volume, each (n_bars,).
    imbalance_frac
        Taker-buy share rescaled to [-1, 1], NaN where there was no trade or no figure; None when the source has none.
    unsound
        Places whose bar is not a bar. defects: place -> reasons why the minute is unfit, `unsound` included.
    n_missing
        Place -> minutes lost before it, where any were. settlements: place -> funding settled in it.
    identity
        SHA-256 over symbol, kinds and figures: the same data give the same identity on any machine, from any path.
    """

    symbol: str
    open_ms: Ints
    bars: Mapping[str, Floats]
    imbalance_frac: Floats | None
    unsound: frozenset[int]
    defects: Mapping[int, tuple[str, ...]]
    n_missing: Mapping[int, int]
    settlements: Mapping[int, FundingSettlement]
    mark: ReadingColumn | None
    oracle: ReadingColumn | None
    premium: ReadingColumn | None
    funding: ReadingColumn | None
    open_interest: ReadingColumn | None
    assumed_spread_bps: float
    identity: str


def assemble_tape(
    symbol: str,
    bars: Screened,
    sides: Sequence[Screened],
    limits: QualityLimits,
    assumed_spread_bps: float,
) -> Tape:
    """Join one symbol's bars with the figures beside them; at most one recording of each kind.

    Raises BadInput when no bar of the recording is sound.
    """
    open_ms = bars.stamps_ms
    as_of_ms = open_ms + MINUTE_MS
    is_sound = np.ones(len(open_ms), dtype=np.bool_)
    is_sound[list(bars.unsound)] = False
    if not is_sound.any():
        raise BadInput(f"{bars.recording.name} has no usable bar in {len(open_ms):,} rows; see `data check`")
    beside = side_series(sides, limits)
    mark = join_as_of(as_of_ms, beside.mark)
    premium = join_as_of(as_of_ms, beside.premium)
    missing = missing_before(open_ms)
    return Tape(
        symbol=symbol,
        open_ms=open_ms,
        bars=bars.columns,
        imbalance_frac=_imbalance(bars),
        unsound=frozenset(bars.unsound),
        defects=_defects(bars, missing, is_sound, premium, limits),
        n_missing={place: int(missing[place]) for place in np.flatnonzero(missing).tolist()},
        settlements=settle(as_of_ms, _last_close(bars.columns["close"], is_sound), mark, beside),
        mark=mark,
        oracle=join_as_of(as_of_ms, beside.oracle),
        premium=premium,
        funding=join_as_of(as_of_ms, beside.funding),
        open_interest=join_as_of(as_of_ms, beside.open_interest),
        assumed_spread_bps=assumed_spread_bps,
        identity=_identity(symbol, (bars, *sides)),
    )


def _imbalance(bars: Screened) -> Floats | None:
    if "taker_buy_volume" not in bars.columns:
        return None
    volume = bars.columns["volume"]
    share = np.full(len(volume), np.nan)
    np.divide(bars.columns["taker_buy_volume"], volume, out=share, where=volume > 0.0)
    share[list(bars.unsound)] = np.nan
    return np.clip(2.0 * share - 1.0, -1.0, 1.0)


def _last_close(close: Floats, is_sound: Mask) -> Floats:
    latest = np.maximum.accumulate(np.where(is_sound, np.arange(len(close)), -1))
    return np.where(latest >= 0, close[latest], np.nan)


def _defects(
    bars: Screened,
    missing: Ints,
    is_sound: Mask,
    premium: ReadingColumn | None,
    limits: QualityLimits,
) -> dict[int, tuple[str, ...]]:
    defects: dict[int, tuple[str, ...]] = {place: (reason,) for place, reason in bars.unsound.items()}

    def add(place: int, reason: str) -> None:
        defects[place] = (*defects.get(place, ()), reason)

    for place in np.flatnonzero(missing > limits.max_gap_bars).tolist():
        add(place, gap_defect(int(missing[place])))
    reach = reach_frac(bars.columns["high"], bars.columns["low"], bars.columns["close"], is_sound)
    for place in np.flatnonzero(reach > limits.max_bar_move_frac).tolist():
        add(place, move_defect(float(reach[place]), limits))
    if premium is not None:
        is_wide = (premium.places >= 0) & (np.abs(premium.values[premium.places]) > limits.max_premium_bps)
        for place in np.flatnonzero(is_wide).tolist():
            add(place, premium_defect(float(premium.values[premium.places[place]]), limits))
    return defects


def _identity(symbol: str, recordings: Sequence[Screened]) -> str:
    digest = hashlib.sha256(symbol.encode())
    for screened in sorted(recordings, key=lambda one: one.recording.kind):
        digest.update(f"|{screened.recording.kind}|{len(screened.stamps_ms)}".encode())
        digest.update(screened.stamps_ms.astype("<i8").tobytes())
        for name in sorted(screened.columns):
            column = screened.columns[name]
            # One bit pattern for NaN: which one a reader leaves is not a property of the market.
            digest.update(f"|{name}".encode())
            digest.update(np.where(np.isnan(column), np.nan, column).astype("<f8").tobytes())
    return digest.hexdigest()
