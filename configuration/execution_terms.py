"""Where orders go in the world, and on what terms, as the parts are built with it."""

from typing import TYPE_CHECKING, Final

from configuration.knobs import Settings
from configuration.making import made

if TYPE_CHECKING:
    from execution.exchange.terms import CcxtTerms
    from execution.live.terms import VenueTerms


ONE: Final = 1
"""The order gateway takes one request after the other; each is looked at once more when its turn comes."""
MANY: Final = 64


def live_capital_microusd(settings: Settings) -> int:
    """Return what a live desk's books begin with."""
    from domain.instrument import MICROUSD_PER_USD

    return round(settings.live_capital_usd * MICROUSD_PER_USD)


def venue_terms(settings: Settings) -> "VenueTerms":
    """Return on what terms the desk trades at a venue in the world."""
    from configuration.choices import Execution
    from execution.live.terms import VenueTerms

    return made(
        VenueTerms,
        n_at_once=ONE if settings.execution is Execution.GATEWAY else MANY,
        capital_usd=settings.live_capital_usd,
        entry_slippage_bps=settings.live_max_slippage_bps,
        exit_slippage_bps=settings.live_exit_slippage_bps,
        order_life_s=settings.live_order_life_s,
        cash_tolerance_usd=settings.live_cash_tolerance_usd,
    )


def ccxt_terms(settings: Settings) -> "CcxtTerms":
    """Return which exchange takes the orders of EXECUTION=ccxt."""
    from execution.exchange.terms import CcxtTerms

    return made(
        CcxtTerms,
        exchange=settings.ccxt_venue.value,
        key_file=settings.ccxt_key_file,
        testnet=settings.ccxt_testnet,
        url=settings.ccxt_url,
    )
