"""How a figure is told to a model: a relative unit, fixed rounding, at most four digits before the point."""

from typing import Final, NamedTuple

from domain.features import Feature

BPS: Final = 10_000.0
FUNDING_HOURS: Final = 8
MOST_TOLD: Final = 9_999
"""Whatever lies beyond is told as this: a figure so far out says nothing more, and a price level never fits."""

RATIO_DIGITS: Final = 2
BPS_DIGITS: Final = 1


class Wording(NamedTuple):
    """How one feature is told. factor: from the feature's own unit to the one in `name`."""

    name: str
    factor: float
    digits: int


# Open interest and the ATR are levels: the one is told as a change, the other over the price.
FEATURES: Final = {
    Feature.BODY_OVER_ATR: Wording("body_atr", 1.0, RATIO_DIGITS),
    Feature.VOLUME_Z: Wording("volume_z", 1.0, RATIO_DIGITS),
    Feature.BOOK_IMBALANCE: Wording("imbalance_frac", 1.0, RATIO_DIGITS),
    Feature.PREMIUM_BPS: Wording("premium_bps", 1.0, BPS_DIGITS),
    Feature.FUNDING_RATE_HOURLY_FRAC: Wording("funding_8h_bps", FUNDING_HOURS * BPS, RATIO_DIGITS),
    Feature.REALISED_VOL_BPS: Wording("realised_vol_bps", 1.0, BPS_DIGITS),
    Feature.SPREAD_BPS: Wording("spread_bps", 1.0, BPS_DIGITS),
    Feature.RETURN_BPS: Wording("return_bps", 1.0, BPS_DIGITS),
    Feature.TREND_STRENGTH: Wording("trend_atr", 1.0, RATIO_DIGITS),
}


def told(figure: float | None, digits: int) -> float | None:
    """Return a figure as it is told, None where it is not known. A whole number has no point, a zero no sign."""
    if figure is None or figure != figure:
        return None
    rounded = round(min(max(figure, -MOST_TOLD), MOST_TOLD), digits)
    return int(rounded) if rounded == int(rounded) else rounded
