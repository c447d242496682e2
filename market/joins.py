"""Join slower figures to minutes as of their publication, and lay funding settlements on the minute that sees them.

Nothing here looks ahead: a figure counts from the instant it was known, and a truncated tape joins
to the same figures as the whole one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.market import HOUR_MS, MINUTE_MS, FundingSettlement
from market.quality import QualityLimits
from market.recording import Floats, Ints, RecordingKind
from market.screening import Screened

BPS: Final = 10_000.0
EXCHANGE_INTERVAL_MS: Final = 8 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Series:
    """One figure as it was published. known_ms: rising, when each value became known; both of shape (n_values,)."""

    source: str
    known_ms: Ints
    values: Floats
    max_age_ms: int


@dataclass(frozen=True, slots=True)
class ReadingColumn:
    """Which published figure each minute shows.

    places: shape (n_minutes,), into the figures; -1 where none is fresh enough.
    values, known_ms, source_nos: shape (n_figures,); sources: by number.
    """

    places: NDArray[np.int64]
    values: Floats
    known_ms: Ints
    source_nos: NDArray[np.int64]
    sources: tuple[str, ...]

    def at(self, place: int) -> tuple[float, str, int]:
        """Return value, source and the instant it was known of the figure at `place`."""
        return float(self.values[place]), self.sources[self.source_nos[place]], int(self.known_ms[place])


@dataclass(frozen=True, slots=True)
class SideSeries:
    """The published figures beside the bars, per snapshot field in order of preference, and the funding settled."""

    mark: tuple[Series, ...]
    oracle: tuple[Series, ...]
    premium: tuple[Series, ...]
    funding: tuple[Series, ...]
    open_interest: tuple[Series, ...]
    drift_settlements: Series | None
    exchange_settlements: Series | None
    exchange_interval_ms: int


def join_as_of(as_of_ms: Ints, preferred: Sequence[Series]) -> ReadingColumn | None:
    """Give every minute the latest figure known by then and not too old, from the first series that has one.

    Returns None when no minute gets any. as_of_ms: rising, shape (n_minutes,).
    """
    places = np.full(len(as_of_ms), -1, dtype=np.int64)
    offset = 0
    for series in preferred:
        latest = np.searchsorted(series.known_ms, as_of_ms, side="right") - 1
        is_fresh = latest >= 0
        is_fresh[is_fresh] = as_of_ms[is_fresh] - series.known_ms[latest[is_fresh]] <= series.max_age_ms
        chosen = is_fresh & (places < 0)
        places[chosen] = latest[chosen] + offset
        offset += len(series.values)
    if offset == 0 or (places < 0).all():
        return None
    return ReadingColumn(
        places=places,
        values=np.concatenate([series.values for series in preferred]),
        known_ms=np.concatenate([series.known_ms for series in preferred]),
        source_nos=np.repeat(np.arange(len(preferred)), [len(series.values) for series in preferred]),
        sources=tuple(series.source for series in preferred),
    )


def side_series(sides: Sequence[Screened], limits: QualityLimits) -> SideSeries:
    """Turn recordings into figures in the snapshot's units, each dated when it became known.

    A mark bar is known at its close, a premium minute at its end, everything else at its own stamp. Of one figure
    from two sources the finer comes first: an oracle file before Drift's hourly TWAP, a one-minute premium before
    the one of Drift's TWAPs, but Drift's funding and mark before the exchange's.
    """
    found = {side.recording.kind: side for side in sides}
    drift, premium = found.get(RecordingKind.DRIFT), found.get(RecordingKind.PREMIUM)
    funding, mark = found.get(RecordingKind.FUNDING), found.get(RecordingKind.MARK)
    oracle, interest = found.get(RecordingKind.ORACLE), found.get(RecordingKind.OPEN_INTEREST)
    interval_ms = EXCHANGE_INTERVAL_MS if funding is None or funding.step_ms is None else funding.step_ms
    drift_age, hours = limits.max_drift_age_ms, interval_ms / HOUR_MS
    return SideSeries(
        mark=(
            *_series(drift, "mark_price_twap", drift_age),
            *_series(mark, "close", limits.max_mark_age_ms, lag_ms=_mark_step_ms(mark)),
        ),
        oracle=(
            *_series(oracle, "oracle_price", limits.max_oracle_age_ms),
            *_series(drift, "oracle_price_twap", drift_age),
        ),
        premium=(
            *_ratio_bps(premium, "perp_close", "spot_close", limits.max_premium_age_ms, lag_ms=MINUTE_MS),
            *_ratio_bps(drift, "mark_price_twap", "oracle_price_twap", drift_age, lag_ms=0),
        ),
        funding=(
            *_drift_rate(drift, drift_age),
            *_series(funding, "funding_rate", limits.max_exchange_funding_age_ms, scale=1.0 / hours),
        ),
        open_interest=_series(interest, "open_interest_usd", limits.max_open_interest_age_ms),
        drift_settlements=next(iter(_series(drift, "funding_rate_quote_per_base", drift_age)), None),
        exchange_settlements=next(iter(_series(funding, "funding_rate", limits.max_exchange_funding_age_ms)), None),
        exchange_interval_ms=interval_ms,
    )


def settle(
    as_of_ms: Ints, last_close: Floats, mark: ReadingColumn | None, sides: SideSeries
) -> dict[int, FundingSettlement]:
    """Lay every funding settlement on the first minute that closes at or after it.

    Settlements of one gap are summed into one, dated the last of them. An exchange rate (a fraction) becomes quote
    per base at the mark then fresh, else at the last close; it counts only where no Drift record has
    settled the same hours.
    Settlements before the first minute, or at its opening instant, belong to nobody here.

    Parameters
    ----------
    as_of_ms, last_close
        Shape (n_minutes,). last_close: close of the last sound bar up to the minute, NaN before the first.

    Returns
    -------
    dict
        Minute's place -> settlement.
    """
    events: list[tuple[int, int, str]] = []
    if sides.drift_settlements is not None:
        drift = sides.drift_settlements
        rows = zip(drift.known_ms.tolist(), drift.values.tolist(), strict=True)
        events += [(settled_ms, round(rate * 1e9), drift.source) for settled_ms, rate in rows]
    events += _exchange_events(as_of_ms, last_close, mark, sides)
    settled: dict[int, FundingSettlement] = {}
    for settled_ms, rate, source in sorted(events):
        place = int(np.searchsorted(as_of_ms, settled_ms, side="left"))
        if settled_ms <= as_of_ms[0] - MINUTE_MS or place == len(as_of_ms):
            continue
        earlier = settled.get(place)
        if earlier is not None:
            rate += earlier.rate_quote_per_base_1e9
            source = source if earlier.source == source else f"{earlier.source}+{source}"
        settled[place] = FundingSettlement(rate_quote_per_base_1e9=rate, settled_ms=settled_ms, source=source)
    return settled


def _exchange_events(
    as_of_ms: Ints, last_close: Floats, mark: ReadingColumn | None, sides: SideSeries
) -> list[tuple[int, int, str]]:
    funding = sides.exchange_settlements
    if funding is None:
        return []
    drift_ms = np.empty(0, dtype=np.int64) if sides.drift_settlements is None else sides.drift_settlements.known_ms
    events = []
    for settled_ms, rate_frac in zip(funding.known_ms.tolist(), funding.values.tolist(), strict=True):
        place = int(np.searchsorted(as_of_ms, settled_ms, side="left"))
        # Only Drift records already known count, or the tape would look ahead at the seam of the two sources. One
        # that settles in the first half hour closes the hour before the interval: it covers none of it.
        first = np.searchsorted(drift_ms, settled_ms - sides.exchange_interval_ms + HOUR_MS // 2, side="right")
        if place == len(as_of_ms) or first < np.searchsorted(drift_ms, settled_ms, side="right"):
            continue
        price = float(last_close[place])
        if mark is not None and mark.places[place] >= 0:
            price = mark.at(int(mark.places[place]))[0]
        if price > 0.0:
            events.append((settled_ms, round(rate_frac * price * 1e9), funding.source))
    return events


def _mark_step_ms(mark: Screened | None) -> int:
    return EXCHANGE_INTERVAL_MS if mark is None or mark.step_ms is None else mark.step_ms


def _series(
    side: Screened | None, name: str, max_age_ms: int, *, lag_ms: int = 0, scale: float | None = None
) -> tuple[Series, ...]:
    if side is None:
        return ()
    values = side.columns[name] if scale is None else side.columns[name] * scale
    return (Series(side.recording.kind, side.stamps_ms + lag_ms, values, max_age_ms),)


def _ratio_bps(side: Screened | None, upper: str, lower: str, max_age_ms: int, *, lag_ms: int) -> tuple[Series, ...]:
    if side is None:
        return ()
    values = (side.columns[upper] / side.columns[lower] - 1.0) * BPS
    return (Series(side.recording.kind, side.stamps_ms + lag_ms, values, max_age_ms),)


def _drift_rate(side: Screened | None, max_age_ms: int) -> tuple[Series, ...]:
    if side is None:
        return ()
    values = side.columns["funding_rate_quote_per_base"] / side.columns["oracle_price_twap"]
    return (Series(side.recording.kind, side.stamps_ms, values, max_age_ms),)
