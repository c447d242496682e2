"""What differs between the exchanges that orders can be sent to, as data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.record import Record

DAY_MS: Final = 86_400_000


class ExchangeFacts(Record, frozen=True, kw_only=True):
    """One exchange.

    title: its name for people. suffix: what follows the base in its id of a perpetual. life_ms: an order that reaches
    it later than this after it was signed is refused. settle_ms: how long after that nothing can come up any more,
    so that an order which is looked for in vain was never there. refuses_known_ids: it never takes an id twice;
    where False we ask before we send. keeps_ms: how far back executions can be had, most_executions: how many;
    None = without a limit. liquidator_fee_frac, funding_clamp_den: for the instrument, on the cautious side.
    notional_headroom: smallest order over the exchange's least notional at the price of the moment.
    """

    title: str
    suffix: str
    life_ms: int
    settle_ms: int
    refuses_known_ids: bool
    liquidator_fee_frac: float
    funding_clamp_den: int
    keeps_ms: int | None = None
    most_executions: int | None = None
    notional_headroom: float = 1.25


EXCHANGES: Final[Mapping[str, ExchangeFacts]] = MappingProxyType(
    {
        "bybit": ExchangeFacts(
            title="Bybit",
            suffix="USDT",
            life_ms=5_000,
            settle_ms=3_000,
            refuses_known_ids=True,
            liquidator_fee_frac=0.01,
            funding_clamp_den=16,
            keeps_ms=729 * DAY_MS,
        ),
        "hyperliquid": ExchangeFacts(
            title="Hyperliquid",
            suffix="",
            life_ms=5_000,
            settle_ms=3_000,
            refuses_known_ids=False,
            liquidator_fee_frac=0.01,
            funding_clamp_den=1,
            most_executions=10_000,
        ),
    }
)
