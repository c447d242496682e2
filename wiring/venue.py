"""Where orders go: a live run's venue in the world, and a dry run's rehearsal. A run on paper makes none of this."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.reported import Reported
    from domain.instrument import Instrument
    from domain.ports import Venue
    from execution.gateway_client.broker import GatewayBroker
    from execution.gateway_client.rehearsal import Heard, RehearsingVenue
    from execution.live.broker import Broker
    from execution.live.venue import LiveVenue
    from settings import Settings

    Recorded = Callable[[str], Heard | None]
    Rehearsal = tuple[GatewayBroker, Callable[[Mapping[str, Instrument], Recorded], RehearsingVenue]]


def build_venue(settings: "Settings", run_id: str) -> "LiveVenue":
    """Build the venue in the world that a run trades at; nothing is opened or read yet."""
    import settings as part
    from desk.clock import SystemClock
    from execution.live.venue import LiveVenue
    from execution.live.wire import WireCode

    clock = SystemClock()
    code = WireCode(run_id, settings.symbols)
    return LiveVenue(build_broker(settings), part.venue_terms(settings), code, clock, clock.elapsed_s)


def build_broker(settings: "Settings") -> "Broker":
    """Build who carries orders to the venue. No key is read and nothing is opened by it."""
    import settings as part
    from configuration.choices import Execution
    from desk.clock import SystemClock

    clock = SystemClock()
    if settings.execution is Execution.CCXT:
        from execution.exchange.broker import CcxtBroker

        return CcxtBroker(part.ccxt_terms(settings), clock)
    return build_gateway(settings)


def build_gateway(settings: "Settings") -> "GatewayBroker":
    """Build the order gateway's client; the gateway must run in the mode that the settings name."""
    from desk.clock import SystemClock
    from execution.gateway_client.broker import GatewayBroker

    return GatewayBroker(settings.gateway_socket, settings.mode.value, SystemClock().now_ms)


def build_rehearsal(settings: "Settings", run_id: str) -> "Rehearsal":
    """Build what a dry run needs: the gateway's client, and who stands between it and the paper venue."""
    broker = build_gateway(settings)

    def rehearsing(instruments: "Mapping[str, Instrument]", recorded: "Recorded") -> "RehearsingVenue":
        return rehearsing_venue(settings, run_id, instruments, recorded, broker)

    return broker, rehearsing


def rehearsing_venue(
    settings: "Settings",
    run_id: str,
    instruments: "Mapping[str, Instrument]",
    recorded: "Recorded",
    gateway: "GatewayBroker | None" = None,
) -> "RehearsingVenue":
    """Build the venue of a dry run: paper with what live would trade with. gateway: None where all is on record."""
    from msgspec.structs import replace

    import settings as part
    from desk.clock import SystemClock
    from execution.gateway_client.rehearsal import RehearsingVenue
    from execution.live.wire import WireCode
    from execution.paper import PaperVenue

    terms = replace(part.paper_terms(settings), starting_cash_usd=settings.live_capital_usd)
    code = WireCode(run_id, settings.symbols)
    paper = PaperVenue(terms, instruments)
    return RehearsingVenue(paper, gateway, code, part.venue_terms(settings), SystemClock().now_ms, recorded)


def relived_venue(settings: "Settings", instruments: "Mapping[str, Instrument]", told: "Reported") -> "Venue":
    """Build the venue of a run that is lived through again from its record alone; nobody is asked."""
    from configuration.choices import Mode
    from desk.relived import RelivedVenue
    from execution.gateway_client.rehearsal import Heard

    if settings.mode is Mode.LIVE:
        return RelivedVenue(told.reports, told.refusals)
    return rehearsing_venue(settings, "", instruments, lambda order_id: Heard(refusal=told.refusals.get(order_id)))
