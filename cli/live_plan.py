"""What a desk that would reach a venue has to prove, from its settings; and that it does, before anything is opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.options import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.live_checkup import LivePlan
    from console.live_proofs import Case
    from settings import Settings

# The proofs tell these two in their own words.
TOLD_BY_A_PROOF = ("LIVE_TRADING", "CCXT_KEY_FILE")


def live_plan(settings: "Settings", build_feed: "Callable[..., Any]") -> "LivePlan":
    """Return what stands between these settings and a venue."""
    from configuration.choices import Execution, FeedKind, Mode
    from configuration.knob import written
    from configuration.trading import unmet
    from console.live_checkup import LivePlan

    is_ccxt, is_paper = settings.execution is Execution.CCXT, settings.mode is Mode.PAPER
    return LivePlan(
        mode=settings.mode.value,
        case=_case(settings),
        unmet=tuple(
            (name, written(getattr(settings, name.lower())), allowed)
            for name, allowed in unmet(settings)
            if name not in TOLD_BY_A_PROOF
        ),
        gateway_socket=None if is_paper or is_ccxt else settings.gateway_socket,
        key_file=Path(settings.ccxt_key_file) if is_ccxt and settings.mode is Mode.LIVE else None,
        build_feed=(lambda: build_feed(settings, None)) if settings.feed is FeedKind.LIVE else None,
        ask_venue=None if is_paper or is_ccxt else lambda: _ask_gateway(settings),
    )


def _ask_gateway(settings: "Settings") -> "Iterator[tuple[str, bool, str]]":
    from console.gateway_look import ask_gateway
    from wiring.venue import build_gateway

    return ask_gateway(build_gateway(settings), settings.symbols)


def _case(settings: "Settings") -> "Case":
    from configuration.choices import Execution, RiskAccepted
    from console.live_proofs import Case
    from desk.version import code_version
    from settings import recorded_decisions, settings_json

    mine = settings_json(settings)
    is_ccxt = settings.execution is Execution.CCXT
    venue = ("EXECUTION", *(("CCXT_VENUE", "CCXT_TESTNET", "CCXT_URL") if is_ccxt else ()))
    return Case(
        is_risk_accepted=settings.live_trading is RiskAccepted.YES,
        decisions=recorded_decisions(mine) or {},
        code_version=code_version(ROOT),
        least_minutes=settings.proof_paper_minutes,
        capital_usd=settings.live_capital_usd,
        exchange=settings.live_exchange.value,
        market=_pairs(mine, ("LIVE_URL",)),
        venue=_pairs(mine, venue),
        decisions_of=recorded_decisions,
    )


def _pairs(settings_json: str, names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    import json

    values: Mapping[str, Any] = json.loads(settings_json)
    return tuple((name, values[name]) for name in names)
