"""What a user asks to be fetched, understood and checked before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.errors import BadInput
from domain.market import MINUTE_MS
from market.history.drift_facts import DRIFT_VENUES, KINDS
from market.history.exchange_facts import EXCHANGES
from market.history.series import Kind, Series, day_at, day_of, days_between, start_ms
from market.naming import is_symbol
from market.recording import utc_text


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """Every series to fetch, all for the same days.

    market: the exchange's own name of the one symbol, if given. warning: what will be missing, known beforehand.
    """

    exchange: str
    series: tuple[Series, ...]
    days: Sequence[date]
    market: str | None
    warning: str | None = None


def plan_fetch(
    exchange: str,
    symbols: Sequence[str],
    first: str,
    last: str | None,
    what: str | None,
    market: str | None,
    now_ms: int,
) -> FetchPlan:
    """Read a user's words.

    first, last: UTC days, both fetched; last is today when None. what: a comma list of kinds, None for all.
    Raises BadInput, naming what is wrong and what is allowed.
    """
    known = kinds_of(exchange)
    for symbol in symbols:
        if not is_symbol(symbol):
            raise BadInput(f"symbol {symbol!r} is unknown; names like SOL-PERP are allowed")
    if market is not None and exchange in DRIFT_VENUES:
        raise BadInput(f"{exchange} calls its markets as the desk does; leave --market out")
    if market is not None and len(set(symbols)) != 1:
        raise BadInput("--market names the market of one --symbol; give one symbol at a time")
    today = day_at(now_ms)
    begin, end = day_of(first), today if last is None else day_of(last)
    if begin > today:
        raise BadInput(f"--from {begin} has not begun yet; today is {today} in UTC")
    if begin > end:
        raise BadInput(f"--from {begin} comes after --to {end}; the first day must not be later than the last")
    series = tuple(Series(kind, exchange, symbol) for symbol in dict.fromkeys(symbols) for kind in _kinds(what, known))
    days = days_between(begin, min(end, today))
    return FetchPlan(exchange, series, days, market, _warning(exchange, series, begin, now_ms))


def kinds_of(exchange: str) -> Sequence[Kind]:
    """Return what can be fetched from an exchange. Raises BadInput when it is unknown."""
    if exchange in DRIFT_VENUES:
        return KINDS
    if exchange in EXCHANGES:
        return EXCHANGES[exchange].kinds
    raise BadInput(f"exchange {exchange!r} is unknown; {', '.join(sorted({*EXCHANGES, *DRIFT_VENUES}))} are allowed")


def _warning(exchange: str, series: Sequence[Series], begin: date, now_ms: int) -> str | None:
    """Say so where days are asked for that an exchange no longer shows bars of."""
    n_kept = EXCHANGES[exchange].n_bars_kept if exchange in EXCHANGES else None
    if n_kept is None or not any(one.kind is Kind.BARS for one in series):
        return None
    oldest_ms = (now_ms // MINUTE_MS - n_kept) * MINUTE_MS
    if start_ms(begin) >= oldest_ms:
        return None
    return (
        f"{exchange} shows its newest {n_kept:,} minutes and none before {utc_text(oldest_ms)} UTC: "
        f"bars of before that are gaps, and days of before that are empty, unless they were fetched in time"
    )


def _kinds(what: str | None, known: Sequence[Kind]) -> Sequence[Kind]:
    if what is None:
        return known
    words = [word.strip() for word in what.split(",")]
    for word in words:
        if word not in known:
            raise BadInput(f"--what {word!r} is unknown here; a comma list of {', '.join(known)} is allowed")
    return tuple(dict.fromkeys(Kind(word) for word in words))
