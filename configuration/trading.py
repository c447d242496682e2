"""What a mode that reaches a venue demands of the other settings. On paper none of it counts."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from configuration.choices import Execution, FeedKind, Mode, RiskAccepted
from configuration.knob import written
from configuration.knobs import Settings
from domain.decisions import GateMode

CAPITAL_OVER_TOLERANCE: Final = 10


class Demand(NamedTuple):
    """A knob that a mode does not take as it is. allowed: what it asks for instead, and why."""

    name: str
    allowed: str


def unmet(settings: Settings) -> Iterator[Demand]:
    """Yield every setting that MODE does not take, in no order; nothing on paper."""
    if settings.mode is Mode.PAPER:
        return
    if settings.feed is not FeedKind.LIVE:
        yield Demand("FEED", f"live, because MODE is {settings.mode.value} and a venue trades at the market's own time")
    yield from _at_any_venue(settings)
    if settings.execution is Execution.CCXT:
        yield from _at_an_exchange(settings)
    if settings.mode is Mode.LIVE and settings.live_trading is not RiskAccepted.YES:
        yield Demand("LIVE_TRADING", f"{RiskAccepted.YES.value}, because MODE is live; docs/live.md says what else")


def _at_any_venue(settings: Settings) -> Iterator[Demand]:
    entry_bps, capital_usd = settings.live_max_slippage_bps, settings.live_capital_usd
    if settings.live_exit_slippage_bps < entry_bps:
        yield Demand(
            "LIVE_EXIT_SLIPPAGE_BPS",
            f"at least LIVE_MAX_SLIPPAGE_BPS, which is {written(entry_bps)}: no exit may fill harder than an entry",
        )
    if settings.live_cash_tolerance_usd * CAPITAL_OVER_TOLERANCE > capital_usd:
        yield Demand("LIVE_CASH_TOLERANCE_USD", f"at most a tenth of LIVE_CAPITAL_USD, which is {written(capital_usd)}")
    longest_s = settings.live_grace_s + settings.gate_deadline_s
    if settings.gate_mode is GateMode.VETO and settings.live_order_life_s < longest_s:
        yield Demand(
            "LIVE_ORDER_LIFE_S",
            f"at least LIVE_GRACE_S and GATE_DEADLINE_S together, which is {written(longest_s)}: the gate's yes would "
            "come too late",
        )
    if settings.gate_cassette.is_replay:
        yield Demand("GATE_CASSETTE", f"off or record, because MODE is {settings.mode.value}: no recording may say yes")


def _at_an_exchange(settings: Settings) -> Iterator[Demand]:
    if settings.mode is Mode.DRY_RUN:
        yield Demand(
            "EXECUTION",
            "gateway, because MODE is dry_run and only the order gateway can rehearse an order unsent; an exchange is "
            "rehearsed on its test network, with MODE=live and CCXT_TESTNET=true (docs/live.md)",
        )
        return
    if not settings.ccxt_key_file or not settings.ccxt_key_file.isprintable():
        yield Demand("CCXT_KEY_FILE", "the 0600 file with the exchange's key, because MODE is live and EXECUTION ccxt")
    if settings.live_exchange.value != settings.ccxt_venue.value:
        yield Demand(
            "LIVE_EXCHANGE",
            f"{settings.ccxt_venue.value}, because EXECUTION is ccxt and CCXT_VENUE sends orders there: "
            "a desk listens to the exchange it trades on",
        )
    if settings.live_markets:
        named = ", ".join(entry.partition("=")[0] for entry in settings.live_markets)
        yield Demand(
            "LIVE_MARKETS",
            f"empty, because EXECUTION is ccxt and orders for {named} go to the usual market: a desk listens to the "
            "market it trades on",
        )
    if settings.live_url and not settings.ccxt_url:
        yield Demand(
            "LIVE_URL",
            "empty like CCXT_URL, because MODE is live: no order to an exchange rests on a stand-in's market",
        )
