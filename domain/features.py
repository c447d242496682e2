"""The figures a strategy may look at, as one vector with named places."""

from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.record import Record

FloatArray = NDArray[np.float64]


class Feature(IntEnum):
    """The place of each figure in the feature vector. NaN in a place means absent."""

    BODY_OVER_ATR = 0
    VOLUME_Z = 1
    BOOK_IMBALANCE = 2
    PREMIUM_BPS = 3
    FUNDING_RATE_HOURLY_FRAC = 4
    OPEN_INTEREST_USD = 5
    REALISED_VOL_BPS = 6
    SPREAD_BPS = 7
    ATR_PRICE = 8
    RETURN_BPS = 9
    TREND_STRENGTH = 10
    DRAWDOWN_BPS = 11
    REGIME = 12


N_FEATURES: Final = len(Feature)


class Regime(StrEnum):
    """The state of the market, by the rules in `indicators/regime.py`."""

    CHOP = "chop"
    BULL_TREND = "bull_trend"
    BEAR_TREND = "bear_trend"
    HIGH_VOLATILITY = "high_volatility"
    CRASH = "crash"


REGIME_BY_CODE: Final = tuple(Regime)
_REGIME: Final = int(Feature.REGIME)


class Features(Record, frozen=True, kw_only=True, gc=False, eq=False):
    """One warm set of figures. vector: shape (N_FEATURES,), float64, never written to again.

    body_over_atr: signed candle body over ATR. volume_z: z-score of the bar's volume in its window.
    realised_vol_bps: standard deviation of one-minute log returns. trend_strength: gap of the fast over the
    slow EMA in ATRs. drawdown_bps: fall of the close below the highest close of the window, >= 0.
    """

    vector: FloatArray

    def __eq__(self, other: object) -> bool:
        """Compare bit for bit, NaN equal to NaN."""
        return isinstance(other, Features) and self.vector.tobytes() == other.vector.tobytes()

    def __ne__(self, other: object) -> bool:
        """Say the opposite; msgspec's own inequality would compare identities."""
        return not self == other

    def __hash__(self) -> int:
        """Hash the bits, so that equal features hash alike."""
        return hash(self.vector.tobytes())

    def value(self, feature: Feature) -> float | None:
        """Return one figure, or None when it is absent."""
        number = float(self.vector.item(feature))
        return None if number != number else number

    @property
    def regime(self) -> Regime:
        """The regime these figures were seen in."""
        return REGIME_BY_CODE[int(self.vector.item(_REGIME))]

    def as_dict(self) -> dict[str, float | None]:
        """Return every figure by its lower-case name, regime excluded."""
        return {place.name.lower(): self.value(place) for place in Feature if place is not Feature.REGIME}
