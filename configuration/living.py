"""Knobs of the live market: which exchange, by which names, and how patient the desk is with it."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel

from configuration.choices import LiveExchange
from configuration.knob import CommaList, Number, Whole, knob


def address(url: str) -> str:
    """Return an address without a path, or an empty text. Raises ValueError."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query):
        raise ValueError("not an address")
    return url.rstrip("/")


def _pairs(entries: tuple[str, ...]) -> tuple[str, ...]:
    named = [entry.partition("=") for entry in entries]
    if not all(symbol and market for symbol, _, market in named) or len({one[0] for one in named}) < len(named):
        raise ValueError("not SYMBOL=MARKET")
    return entries


class LiveKnobs(BaseModel):
    """The live market, with FEED=live. It needs no key: the desk only looks."""

    # Hardly one decides by itself: what the exchange said is on record, and the run's data identity names it.
    live_exchange: LiveExchange = knob(LiveExchange.BYBIT, "", "the exchange that is listened to", decides=False)
    live_markets: Annotated[CommaList, AfterValidator(_pairs)] = knob(
        (),
        "",
        "names of markets where the rule (SOL-PERP is SOL/USDT:USDT) does not hold",
        allowed="a comma list of SYMBOL=MARKET such as SOL-PERP=SOL/USDC:USDC",
        decides=False,
    )
    live_warmup_bars: Whole = knob(
        300,
        "bars",
        "closed minutes fetched before the first live one; no entry rests on them",
        ge=0,
        le=10_000,
        decides=False,
    )
    live_grace_s: Number = knob(
        3.0,
        "seconds",
        "how long a closed bar waits for its successor before it is asked for",
        ge=0.5,
        le=15,
        decides=False,
    )
    # On record: what was heard from a stand-in must never pass for a live market.
    live_url: Annotated[str, AfterValidator(address)] = knob(
        "",
        "",
        "address that takes the exchange's place, for rehearsal",
        allowed="empty, http://HOST:PORT or https://HOST:PORT",
    )
