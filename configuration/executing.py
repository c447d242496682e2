"""Knobs of the way to a venue: paper, dry run or live, and what stands between the desk and real money."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel

from configuration.choices import CcxtVenue, Execution, Mode, RiskAccepted
from configuration.knob import Number, Whole, knob
from configuration.living import address
from configuration.running import NamedPath


def _sealed(url: str) -> str:
    """Refuse an address to which orders would travel in the open, or that holds a login."""
    parts = urlsplit(url)
    if "@" in parts.netloc or not url.isprintable():
        raise ValueError("not an address alone")
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ValueError("neither encrypted nor on this machine")
    return url


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class ExecutionKnobs(BaseModel):
    """Orders. Out of the box they are filled on paper; everything below MODE matters in dry_run and live alone."""

    mode: Mode = knob(Mode.PAPER, "", "paper fills by itself; dry_run rehearses each order; live trades (docs/live.md)")
    execution: Execution = knob(
        Execution.GATEWAY, "", "who takes the orders: the order gateway, or an exchange by ccxt"
    )
    live_trading: RiskAccepted = knob(
        RiskAccepted.NO, "", "live asks for I_ACCEPT_THE_RISK, and for the other proofs", decides=False
    )
    live_capital_usd: Number = knob(
        100.0, "USD", "what a live desk trades with, whatever the account holds beside it", ge=10, le=1_000_000
    )
    live_max_slippage_bps: Number = knob(
        30.0, "bps", "how far beyond the price it was decided on an entry may fill", gt=0, le=1_000
    )
    live_exit_slippage_bps: Number = knob(
        150.0, "bps", "how far beyond the price it was decided on an exit may fill", gt=0, le=2_000
    )
    live_order_life_s: Number = knob(15.0, "seconds", "how old a decision may be when its order leaves", ge=1, le=60)
    live_cash_tolerance_usd: Number = knob(
        1.0, "USD", "how far our cash and the venue's may drift apart before the desk halts", gt=0, le=10_000
    )
    proof_paper_minutes: Whole = knob(
        1440,
        "minutes",
        "live minutes on paper, with these settings, that live asks for",
        ge=1,
        le=525_600,
        decides=False,
    )
    gateway_socket: NamedPath = knob(
        Path("state/gateway.sock"), "", "the order gateway's socket (docs/gateway.md)", allowed="a path", decides=False
    )
    ccxt_venue: CcxtVenue = knob(CcxtVenue.BYBIT, "", "the exchange of EXECUTION=ccxt")
    ccxt_testnet: bool = knob(True, "", "trade on the exchange's test network", allowed="true or false")
    ccxt_key_file: str = knob(
        "", "", "0600 file with the exchange's key; read in live alone (docs/live.md)", allowed="a path", decides=False
    )
    # On record like the venue's name: a rehearsal must never pass for the real thing.
    ccxt_url: Annotated[str, AfterValidator(address), AfterValidator(_sealed)] = knob(
        "",
        "",
        "address that takes the exchange's place, for rehearsal",
        allowed="empty, https://HOST:PORT, or http://HOST:PORT on this machine: signed orders go there",
    )
