"""What a tick saw, as the two JSON texts that `ticks` holds: the minute's own, and the readings beside the bar.

Symbol and time of a snapshot are columns of their own. The same snapshots always give the same texts.
"""

from functools import lru_cache
from typing import Final

import msgspec

from domain.errors import JournalCorrupt
from domain.market import Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot

Figures = tuple[Reading | None, ...]
"""The readings of a snapshot in the order of `Readings`."""


class Readings(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The figures of a snapshot that stay what they were until their source has a newer one."""

    mark: Reading | None = None
    oracle: Reading | None = None
    premium_bps: Reading | None = None
    funding_rate_hourly_frac: Reading | None = None
    open_interest_usd: Reading | None = None
    spread_bps: Reading | None = None


class Minute(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The rest of a snapshot: what is new with every minute, or was never there."""

    bar: Bar | None
    n_missing_bars: int = 0
    defects: tuple[str, ...] = ()
    bid_price: float | None = None
    ask_price: float | None = None
    imbalance_frac: float | None = None
    imbalance_source: ImbalanceSource = ImbalanceSource.NONE
    funding_settlement: FundingSettlement | None = None
    is_simulated: bool = False


_encode: Final = msgspec.json.Encoder().encode
_minute_of: Final = msgspec.json.Decoder(Minute).decode
_readings_of: Final = lru_cache(maxsize=256)(msgspec.json.Decoder(Readings).decode)


def minute(snapshot: Snapshot) -> str:
    """Return what the snapshot says of its own minute."""
    return _encode(
        Minute(
            snapshot.bar,
            snapshot.n_missing_bars,
            snapshot.defects,
            snapshot.bid_price,
            snapshot.ask_price,
            snapshot.imbalance_frac,
            snapshot.imbalance_source,
            snapshot.funding_settlement,
            snapshot.is_simulated,
        )
    ).decode()


def figures_of(snapshot: Snapshot) -> Figures:
    """Return the readings beside the bar."""
    return (
        snapshot.mark,
        snapshot.oracle,
        snapshot.premium_bps,
        snapshot.funding_rate_hourly_frac,
        snapshot.open_interest_usd,
        snapshot.spread_bps,
    )


def readings(figures: Figures) -> str:
    """Return the readings as JSON."""
    return _encode(Readings(*figures)).decode()


def snapshot_of(symbol: str, as_of_ms: int, minute_text: str, readings_text: str | None) -> Snapshot:
    """Return the snapshot that `minute` and `readings` wrote. The same text gives the same readings.

    Raises JournalCorrupt when the readings are gone.
    """
    if readings_text is None:
        raise JournalCorrupt(f"the readings that {symbol} showed at {as_of_ms} are missing; run `audit verify`")
    told, beside = _minute_of(minute_text), _readings_of(readings_text)
    fields = {name: getattr(part, name) for part in (told, beside) for name in part.__struct_fields__}
    return Snapshot(symbol=symbol, as_of_ms=as_of_ms, **fields)
