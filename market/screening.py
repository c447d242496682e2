"""Judge a recording row by row: what is repaired, what makes a minute unfit, what makes the file unusable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInput
from domain.market import MINUTE_MS
from market.quality import (
    PRICE_CEILING,
    VOLUME_CEILING,
    QualityLimits,
    gap_defect,
    missing_before,
    move_defect,
    reach_frac,
)
from market.recording import Finding, Flaw, Floats, Ints, Recording, RecordingKind, Severity
from market.stamps import MILLISECONDS, UNITS, UNKNOWN, in_milliseconds, unit_places

Mask = NDArray[np.bool_]

# A taker part summed elsewhere may exceed its total by the last digits.
_ROUNDING_FRAC: Final = 1e-9
_IN_WORDS: Final[Mapping[Flaw, str]] = {
    Flaw.NOT_A_NUMBER: "price or volume is not a number",
    Flaw.BAD_PRICE: "price is zero, negative or absurd",
    Flaw.BROKEN_BAR: "high and low do not enclose open and close",
    Flaw.BAD_VOLUME: "volume is negative, absurd or less than its taker part",
}


@dataclass(frozen=True, slots=True)
class Screened:
    """A recording after judgement.

    Parameters
    ----------
    stamps_ms, columns
        The rows kept, of shape (n_kept,). Bars that cannot be believed are kept (the minute existed) and named in
        `unsound`; a row of any other kind that cannot be believed is left out.
    unsound
        Place among the kept rows -> why its bar is not a bar.
    step_ms
        The usual distance between rows; None with fewer than two.
    """

    recording: Recording
    stamps_ms: Ints
    columns: Mapping[str, Floats]
    unsound: Mapping[int, str]
    findings: tuple[Finding, ...]
    step_ms: int | None

    def refuse_if_unusable(self) -> None:
        """Raise BadInput with the first reason why the file cannot be used, if there is one."""
        for finding in self.findings:
            if finding.severity is Severity.REFUSED:
                raise BadInput(finding.reason)


def screen(recording: Recording, limits: QualityLimits) -> Screened:
    """Find every flaw of a recording. Nothing is raised: a file beyond use carries a finding that says so."""
    findings: list[Finding] = []
    units = unit_places(recording.stamps)
    bad_unit = _bad_unit(recording, units)
    if bad_unit is not None:
        nothing: dict[str, Floats] = {name: column[:0] for name, column in recording.columns.items()}
        return Screened(recording, recording.stamps[:0], nothing, {}, (bad_unit,), None)
    unit = int(units[0])
    if unit != MILLISECONDS:
        reason = f"time stamps of {recording.name} are in {UNITS[unit]}; read as such"
        findings.append(_finding(recording, Flaw.STAMP_UNIT, Severity.NOTE, np.array([0]), reason, len(units)))
    stamps_ms = in_milliseconds(recording.stamps, unit)
    findings += _order_findings(recording, stamps_ms)
    kept = np.flatnonzero(np.append(True, np.diff(stamps_ms) != 0))
    stamps_ms = stamps_ms[kept]
    columns = {name: column[kept] for name, column in recording.columns.items()}
    step_ms = int(np.median(np.diff(stamps_ms))) if len(stamps_ms) > 1 else None
    if recording.kind is RecordingKind.BARS:
        unsound, more = _judge_bars(recording, kept, stamps_ms, columns, limits)
        return Screened(recording, stamps_ms, columns, unsound, (*findings, *more), step_ms)
    is_bad = _bad_figures(recording.kind, columns)
    if is_bad.any():
        n_bad, place = int(is_bad.sum()), int(kept[is_bad][0])
        reason = f"{recording.where(place)} holds no possible figure ({n_bad} such rows left out)"
        findings.append(_finding(recording, Flaw.BAD_FIGURE, Severity.UNFIT, kept[is_bad], reason))
    good = {name: column[~is_bad] for name, column in columns.items()}
    return Screened(recording, stamps_ms[~is_bad], good, {}, tuple(findings), step_ms)


def _finding(
    recording: Recording, flaw: Flaw, severity: Severity, places: Ints, reason: str, n_rows: int | None = None
) -> Finding:
    return Finding(
        flaw=flaw,
        severity=severity,
        n_rows=len(places) if n_rows is None else n_rows,
        first_row=recording.row(places[0]),
        reason=reason,
    )


def _bad_unit(recording: Recording, units: NDArray[np.int8]) -> Finding | None:
    lost = np.flatnonzero(units == UNKNOWN)
    if len(lost):
        reason = (
            f"{recording.where(lost[0])} has time stamp {recording.stamps[lost[0]]}, which is no time between 2009 "
            f"and 2100 in seconds, milliseconds, microseconds or nanoseconds"
        )
        return _finding(recording, Flaw.STAMP_UNIT, Severity.REFUSED, lost, reason)
    other = np.flatnonzero(units != units[0])
    if len(other):
        place = other[0]
        reason = (
            f"{recording.where(place)} has a time stamp in {UNITS[units[place]]} after stamps in {UNITS[units[0]]}; "
            f"one unit in a file is allowed"
        )
        return _finding(recording, Flaw.STAMP_UNIT, Severity.REFUSED, other, reason)
    return None


def _order_findings(recording: Recording, stamps_ms: Ints) -> list[Finding]:
    findings = []
    steps = np.diff(stamps_ms)
    backward = np.flatnonzero(steps < 0) + 1
    if len(backward):
        reason = (
            f"{recording.where(backward[0])} is earlier than the row before it ({len(backward)} such rows); "
            f"rows must come in time order"
        )
        findings.append(_finding(recording, Flaw.DISORDER, Severity.REFUSED, backward, reason))
    again = np.flatnonzero(steps == 0) + 1
    is_same = np.ones(len(again), dtype=np.bool_)
    for column in recording.columns.values():
        is_same &= (column[again] == column[again - 1]) | (np.isnan(column[again]) & np.isnan(column[again - 1]))
    if not is_same.all():
        clash = again[~is_same]
        reason = f"{recording.where(clash[0])} repeats the time stamp before it with other figures; which one is true?"
        findings.append(_finding(recording, Flaw.CONFLICT, Severity.REFUSED, clash, reason))
    if is_same.any():
        copies = again[is_same]
        reason = f"{recording.where(copies[0])} repeats the row before it ({len(copies)} such rows dropped)"
        findings.append(_finding(recording, Flaw.DUPLICATE, Severity.NOTE, copies, reason))
    return findings


def _judge_bars(
    recording: Recording,
    kept: Ints,
    stamps_ms: Ints,
    columns: Mapping[str, Floats],
    limits: QualityLimits,
) -> tuple[dict[int, str], list[Finding]]:
    findings = _grid_findings(recording, kept, stamps_ms)
    masks = unsound_masks(columns)
    is_sound = ~np.logical_or.reduce([mask for mask, _ in masks.values()])
    unsound: dict[int, str] = {}
    for flaw, (mask, words) in masks.items():
        places = np.flatnonzero(mask)
        if len(places) == 0:
            continue
        for place in places.tolist():
            unsound.setdefault(place, f"{words} in {recording.where(kept[place])}")
        reason = f"{words} in {recording.where(kept[places[0]])} ({len(places)} such rows)"
        findings.append(_finding(recording, flaw, Severity.UNFIT, kept[places], reason))
    if not findings or findings[0].severity is not Severity.REFUSED:
        findings += _continuity_findings(recording, kept, stamps_ms, columns, is_sound, limits)
    return unsound, findings


def _grid_findings(recording: Recording, kept: Ints, stamps_ms: Ints) -> list[Finding]:
    off = np.flatnonzero(stamps_ms % MINUTE_MS)
    if len(off):
        reason = (
            f"{recording.where(kept[off[0]])} does not open on a whole minute; stamps are the bars' opening minutes"
        )
        return [_finding(recording, Flaw.STAMP_OFF_GRID, Severity.REFUSED, kept[off], reason)]
    steps = np.diff(stamps_ms)
    forward = steps[steps > 0]
    if len(forward) and forward.min() > MINUTE_MS:
        reason = f"{recording.name} has a bar every {forward.min() // MINUTE_MS} minutes; 1-minute bars are needed"
        return [_finding(recording, Flaw.STEP, Severity.REFUSED, kept[:1], reason, len(kept))]
    return []


def unsound_masks(columns: Mapping[str, Floats]) -> dict[Flaw, tuple[Mask, str]]:
    """Return per flaw which bars have it, shape (n_bars,), and the flaw in words.

    Together they are the negation of `Bar`'s own check; a bar is counted under the first flaw that applies.
    """
    open_, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    volume = columns["volume"]
    prices = (open_, high, low, close)
    not_a_number = np.logical_or.reduce([np.isnan(column) for column in (*prices, volume)])
    bad_price = np.logical_or.reduce([(price <= 0.0) | (price >= PRICE_CEILING) for price in prices])
    broken = ~((low <= open_) & (open_ <= high) & (low <= close) & (close <= high))
    bad_volume = ~((volume >= 0.0) & (volume < VOLUME_CEILING))
    if "taker_buy_volume" in columns:
        taker = columns["taker_buy_volume"]
        bad_volume |= (taker < 0.0) | (taker > volume * (1.0 + _ROUNDING_FRAC))
    found = {
        Flaw.NOT_A_NUMBER: not_a_number,
        Flaw.BAD_PRICE: bad_price,
        Flaw.BROKEN_BAR: broken,
        Flaw.BAD_VOLUME: bad_volume,
    }
    seen = np.zeros(len(volume), dtype=np.bool_)
    masks: dict[Flaw, tuple[Mask, str]] = {}
    for flaw, mask in found.items():
        masks[flaw] = (mask & ~seen, _IN_WORDS[flaw])
        seen |= mask
    return masks


def why_unsound(open_: float, high: float, low: float, close: float, volume: float) -> str | None:
    """Return what `unsound_masks` would say of one bar; None = it is sound. Arrays of one cost fifty times as much."""
    flaw: Flaw | None = None
    if not (low <= open_ <= high and low <= close <= high and low > 0.0 and high < PRICE_CEILING):
        prices = (open_, high, low, close)
        if any(math.isnan(one) for one in (*prices, volume)):
            flaw = Flaw.NOT_A_NUMBER
        elif any(price <= 0.0 or price >= PRICE_CEILING for price in prices):
            flaw = Flaw.BAD_PRICE
        else:
            flaw = Flaw.BROKEN_BAR
    elif not 0.0 <= volume < VOLUME_CEILING:
        flaw = Flaw.NOT_A_NUMBER if math.isnan(volume) else Flaw.BAD_VOLUME
    return None if flaw is None else _IN_WORDS[flaw]


def _continuity_findings(
    recording: Recording,
    kept: Ints,
    stamps_ms: Ints,
    columns: Mapping[str, Floats],
    is_sound: Mask,
    limits: QualityLimits,
) -> list[Finding]:
    findings = []
    missing = missing_before(stamps_ms)
    gaps = np.flatnonzero(missing > 0)
    if len(gaps):
        total, longest = int(missing[gaps].sum()), int(missing.max())
        severity = Severity.UNFIT if longest > limits.max_gap_bars else Severity.NOTE
        reason = (
            f"{gap_defect(int(missing[gaps[0]]))} in {recording.where(kept[gaps[0]])} "
            f"({len(gaps)} gaps, {total} minutes missing, the longest {longest})"
        )
        findings.append(_finding(recording, Flaw.GAP, severity, kept[gaps], reason))
    reach = reach_frac(columns["high"], columns["low"], columns["close"], is_sound)
    far = np.flatnonzero(reach > limits.max_bar_move_frac)
    if len(far):
        reason = f"{move_defect(float(reach[far[0]]), limits)} in {recording.where(kept[far[0]])}"
        findings.append(_finding(recording, Flaw.MOVE, Severity.UNFIT, kept[far], reason))
    return findings


def _bad_figures(kind: RecordingKind, columns: Mapping[str, Floats]) -> Mask:
    bad = np.logical_or.reduce([~np.isfinite(column) for column in columns.values()])
    for name, column in columns.items():
        if name in ("funding_rate", "funding_rate_quote_per_base"):
            # As a fraction of price a rate of one would take the whole position at one settlement.
            scale = columns["oracle_price_twap"] if kind is RecordingKind.DRIFT else 1.0
            bad |= ~(np.abs(column) < scale)
        elif kind is RecordingKind.OPEN_INTEREST:
            bad |= ~((column >= 0.0) & (column < VOLUME_CEILING))
        else:
            bad |= ~((column > 0.0) & (column < PRICE_CEILING))
    return np.asarray(bad, dtype=np.bool_)
