"""The gateway's own limits, from a file that only its operator writes. The desk cannot lift them.

All arithmetic is on the program's integers: size in 1e-9 base (`base_raw`), price and quote in 1e-6 (`price_raw`,
`notional_raw`).
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from execution.gateway.codes import CannotStart, Code, Refused
from execution.gateway.private import read_private

MOST_POLICY_BYTES = 65_536
BASE_PRECISION = 1_000_000_000
BPS = 10_000
MOST_EXACT = 2**53 - 1
ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What one symbol may do. market_index: the program's number of it. most_base_raw: size cap of one order."""

    market_index: int
    most_base_raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The figures of the policy; every one is an integer and none has a default.

    Attributes
    ----------
    sub_account: the program's number of the account that trades.
    orders_per_minute, reducing_orders_per_minute: for orders that may add risk, and for reduce-only ones.
    daily_notional_raw: most quote (1e-6) of orders that may add risk, per UTC day.
    price_band_bps: farthest an executable price may lie from the oracle's. trigger_band_bps: the same for trigger
    prices.
    most_life_s: longest time until an auction order's `max_ts_s`.
    most_oracle_age_slots, most_oracle_confidence_bps: an oracle beyond either is unfit.
    compute_units, priority_fee_micro_lamports: what each transaction asks and pays for.
    """

    sub_account: int
    orders_per_minute: int
    reducing_orders_per_minute: int
    daily_notional_raw: int
    price_band_bps: int
    trigger_band_bps: int
    most_life_s: int
    most_oracle_age_slots: int
    most_oracle_confidence_bps: int
    compute_units: int
    priority_fee_micro_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole file. network: the genesis hash of the cluster that is meant. authority: the wallet's address.

    halted: an operator's halt, which no request lifts. digest: SHA-256 of the file's bytes.
    """

    network: str
    authority: str
    halted: bool
    limits: Limits
    symbols: Mapping[str, Symbol]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The market's own figures, from chain: the oracle's price and the program's steps, all raw."""

    oracle_price_raw: int
    base_step_raw: int
    price_step_raw: int
    least_base_raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the log says was used: orders of the last minute, quote of this UTC day."""

    n_orders: int
    n_reducing_orders: int
    notional_raw: int


def load_policy(path: Path) -> Policy:
    """Read the policy, or raise `CannotStart` with the first thing that is wrong."""
    content = read_private(path, "the policy", MOST_POLICY_BYTES)
    try:
        found = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:
        raise CannotStart(f"the policy {path} cannot be read: {error}") from None
    expected = {"network", "authority", "halted", "limits", "symbols"}
    _hold_names(f"the policy {path}", found, expected)
    for name in ("network", "authority"):
        if not isinstance(found[name], str) or not ADDRESS.fullmatch(found[name]):
            raise CannotStart(f"the policy {path}: {name} must be 32 bytes in base58")
    if type(found["halted"]) is not bool:
        raise CannotStart(f"the policy {path}: halted must be true or false")
    symbols = _table(path, found, "symbols")
    return Policy(
        network=found["network"],
        authority=found["authority"],
        halted=found["halted"],
        limits=Limits(**_integers(f"the policy {path}, [limits]", _table(path, found, "limits"), Limits)),
        symbols={
            name: Symbol(**_integers(f"the policy {path}, [symbols.{name}]", _table(path, symbols, name), Symbol))
            for name in symbols
        },
        digest=hashlib.sha256(content).hexdigest(),
    )


def _table(path: Path, found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = found[name]
    if not isinstance(table, dict):
        raise CannotStart(f"the policy {path}: {name} must be a table")
    return table


def _integers(where: str, found: Mapping[str, Any], shape: type[Limits] | type[Symbol]) -> dict[str, int]:
    _hold_names(where, found, {field.name for field in fields(shape)})
    for name, value in found.items():
        if type(value) is not int or not 0 <= value <= MOST_EXACT:
            raise CannotStart(f"{where}: {name} must be an integer 0..{MOST_EXACT}")
    return dict(found)


def _hold_names(where: str, found: Mapping[str, Any], expected: set[str]) -> None:
    if unknown := sorted(found.keys() - expected):
        raise CannotStart(f"{where}: {unknown[0]} is not known; allowed are {', '.join(sorted(expected))}")
    if missing := sorted(expected - found.keys()):
        raise CannotStart(f"{where}: {missing[0]} is missing")


def judge(policy: Policy, order: Mapping[str, Any], grid: Grid, usage: Usage, now_ms: int, *, halted: bool) -> int:
    """Return the order's notional (1e-6 quote) when it may pass; raise `Refused` with the first rule that it breaks."""
    symbol = policy.symbols.get(order["symbol"])
    if symbol is None:
        raise Refused(
            Code.SYMBOL_NOT_ALLOWED, f"{order['symbol']} is not in {', '.join(policy.symbols) or 'an empty list'}"
        )
    if halted and not order["reduce_only"]:
        raise Refused(Code.HALTED, "the order is not reduce-only")
    if order["base_raw"] > symbol.most_base_raw:
        raise Refused(Code.SIZE_OVER_CAP, f"{order['base_raw']} of at most {symbol.most_base_raw}")
    _hold_grid(order, grid)
    _hold_band(policy.limits, order, grid.oracle_price_raw)
    _hold_expiry(policy.limits, order, now_ms)
    notional_raw = notional(order, grid.oracle_price_raw)
    _hold_usage(policy.limits, usage, order["reduce_only"], notional_raw)
    return 0 if order["reduce_only"] else notional_raw


def notional(order: Mapping[str, Any], oracle_price_raw: int) -> int:
    """Return the most quote (1e-6, rounded up) that the order may turn over: its size at its highest price."""
    highest: int = max(oracle_price_raw, order.get("price_raw", 0), order.get("trigger_price_raw", 0))
    highest += max(0, order.get("oracle_offset_raw", 0))
    base_raw: int = order["base_raw"]
    return -(-base_raw * highest // BASE_PRECISION)


def executable_prices(order: Mapping[str, Any], oracle_price_raw: int) -> list[int]:
    """Return every price at which the order, once it is live, may trade: limit and both ends of its auction."""
    shift = oracle_price_raw if order["kind"] == "oracle" else 0
    names = ("oracle_offset_raw", "price_raw", "auction_start_raw", "auction_end_raw")
    return [order[name] + shift for name in names if name in order]


def _hold_grid(order: Mapping[str, Any], grid: Grid) -> None:
    if order["base_raw"] % grid.base_step_raw:
        raise Refused(Code.OFF_GRID, f"base_raw is not a multiple of {grid.base_step_raw}")
    if order["base_raw"] < grid.least_base_raw and not order["reduce_only"]:
        raise Refused(Code.OFF_GRID, f"base_raw is below the market's least, {grid.least_base_raw}")
    for name in ("price_raw", "trigger_price_raw", "oracle_offset_raw"):
        if order.get(name, 0) % grid.price_step_raw:
            raise Refused(Code.OFF_GRID, f"{name} is not a multiple of {grid.price_step_raw}")


def _hold_band(limits: Limits, order: Mapping[str, Any], oracle_price_raw: int) -> None:
    trigger = order.get("trigger_price_raw")
    if trigger is not None:
        _hold_near("trigger_price_raw", trigger, oracle_price_raw, limits.trigger_band_bps)
    for price in executable_prices(order, oracle_price_raw):
        _hold_near("a price", price, trigger or oracle_price_raw, limits.price_band_bps)


def _hold_near(what: str, price: int, reference: int, band_bps: int) -> None:
    if price <= 0 or abs(price - reference) * BPS > band_bps * reference:
        raise Refused(Code.PRICE_OUT_OF_BAND, f"{what} is {price}, allowed are {band_bps} bps around {reference}")


def _hold_expiry(limits: Limits, order: Mapping[str, Any], now_ms: int) -> None:
    life_s = order.get("max_ts_s", now_ms // 1000 + 1) - now_ms // 1000
    bounded = order["kind"] in {"market", "oracle"}
    if life_s <= 0 or (bounded and life_s > limits.most_life_s):
        raise Refused(Code.BAD_EXPIRY, f"the order would live {life_s} s, allowed are 1..{limits.most_life_s}")


def _hold_usage(limits: Limits, usage: Usage, reduces: bool, notional_raw: int) -> None:
    used, most = (
        (usage.n_reducing_orders, limits.reducing_orders_per_minute)
        if reduces
        else (usage.n_orders, limits.orders_per_minute)
    )
    if used >= most:
        raise Refused(Code.TOO_MANY_ORDERS, f"{used} in the last minute, {most} are allowed")
    if not reduces and usage.notional_raw + notional_raw > limits.daily_notional_raw:
        raise Refused(
            Code.DAILY_NOTIONAL, f"{usage.notional_raw} used and {notional_raw} asked of {limits.daily_notional_raw}"
        )
