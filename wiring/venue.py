"""Where orders go: the venue in the world that a live run trades at. A run on paper makes none of this."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from execution.live.broker import Broker
    from execution.live.venue import LiveVenue
    from settings import Settings


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
    from execution.gateway_client.broker import GatewayBroker

    return GatewayBroker(settings.gateway_socket, settings.mode.value, clock.now_ms)
