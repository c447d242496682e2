"""Features in words: each figure with its unit, and which figures a strategy's reason speaks of."""

from collections.abc import Callable
from typing import Final

from console.figures import ABSENT, bps_text
from domain.features import Feature, Features

BPS_PER_ONE: Final = 1e4

LABEL: Final[dict[Feature, str]] = {
    Feature.BODY_OVER_ATR: "body of the bar",
    Feature.VOLUME_Z: "volume z-score",
    Feature.BOOK_IMBALANCE: "imbalance",
    Feature.PREMIUM_BPS: "premium",
    Feature.FUNDING_RATE_HOURLY_FRAC: "funding",
    Feature.OPEN_INTEREST_USD: "open interest",
    Feature.REALISED_VOL_BPS: "realised volatility",
    Feature.SPREAD_BPS: "spread",
    Feature.ATR_PRICE: "average true range",
    Feature.RETURN_BPS: "move of the bar",
    Feature.TREND_STRENGTH: "trend",
    Feature.DRAWDOWN_BPS: "fall from the window's high",
}

_WRITE: Final[dict[Feature, Callable[[float], str]]] = {
    Feature.BODY_OVER_ATR: lambda value: f"{value:+.2f} ATR",
    Feature.VOLUME_Z: lambda value: f"{value:+.2f} standard deviations",
    Feature.BOOK_IMBALANCE: lambda value: f"{value:+.2f} (-1 all sellers, +1 all buyers)",
    Feature.PREMIUM_BPS: lambda value: bps_text(value, is_signed=True),
    Feature.FUNDING_RATE_HOURLY_FRAC: lambda value: funding_text(value),
    Feature.OPEN_INTEREST_USD: lambda value: f"{value:,.0f} USD",
    Feature.REALISED_VOL_BPS: lambda value: f"{value:,.1f} bps a minute",
    Feature.SPREAD_BPS: bps_text,
    Feature.ATR_PRICE: lambda value: f"{value:,.4g} USD",
    Feature.RETURN_BPS: lambda value: bps_text(value, is_signed=True),
    Feature.TREND_STRENGTH: lambda value: f"fast average {value:+.2f} ATR over the slow one",
    Feature.DRAWDOWN_BPS: bps_text,
}

# The nouns a reason may use. A strategy that comes later is understood as far as it speaks the same language.
_NOUNS: Final[tuple[tuple[str, Feature], ...]] = (
    ("body", Feature.BODY_OVER_ATR),
    ("direction", Feature.BODY_OVER_ATR),
    ("move", Feature.RETURN_BPS),
    ("volume z", Feature.VOLUME_Z),
    ("imbalance", Feature.BOOK_IMBALANCE),
    ("funding", Feature.FUNDING_RATE_HOURLY_FRAC),
    ("premium", Feature.PREMIUM_BPS),
    ("open interest", Feature.OPEN_INTEREST_USD),
    ("volatility", Feature.REALISED_VOL_BPS),
    ("spread", Feature.SPREAD_BPS),
    ("trend", Feature.TREND_STRENGTH),
    ("drawdown", Feature.DRAWDOWN_BPS),
)


def funding_text(hourly_frac: float) -> str:
    """Write a funding rate: bps of the notional an hour, positive when longs pay."""
    payer = "longs pay" if hourly_frac > 0 else "shorts pay" if hourly_frac < 0 else "nobody pays"
    return f"{hourly_frac * BPS_PER_ONE:+.4f} bps an hour, {payer}"


def feature_text(features: Features, place: Feature) -> str:
    """Write one figure with its unit, or that it is unknown."""
    value = features.value(place)
    return ABSENT if value is None else _WRITE[place](value)


def figures_behind(reason: str, features: Features | None) -> str:
    """Return the figures that a failed test's words speak of, as they were: `body of the bar +0.31 ATR`.

    Empty when there were no features, or when the words name no figure of the feature vector.
    """
    if features is None:
        return ""
    places = dict.fromkeys(place for noun, place in _NOUNS if noun in reason)
    return ", ".join(f"{LABEL[place]} {feature_text(features, place)}" for place in places)
