"""The built-in simulated market as a feed. Nothing here ever happened, and every snapshot says so."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from domain.errors import BadInput
from domain.features import FloatArray
from domain.market import HOUR_MS, MINUTE_MS, Bar, FundingSettlement, ImbalanceSource, Reading, Snapshot
from market import sim_kernel
from market.sim_kernel import Symbol
from market.sim_parameters import SimParameters, SimSymbol
from market.sim_regime import (
    N_MARKET_COLUMNS,
    N_MARKET_NORMALS,
    N_MARKET_STATE,
    N_MARKET_UNIFORMS,
    advance_market,
)

SOURCE: Final = "sim"
ALGORITHM_VERSION: Final = 1
BLOCK_MINUTES: Final = 1_440
_BOOK: Final = ImbalanceSource.BOOK


class _MarketBlocks:
    """The shared stream: the same for every symbol, however many there are."""

    __slots__ = ("_first_ms", "_generator", "_parameters", "_state")

    def __init__(self, parameters: SimParameters) -> None:
        self._parameters = parameters
        self._first_ms = parameters.start_ms
        self._generator = _generator(parameters.seed, "")
        self._state = np.zeros(N_MARKET_STATE)
        self._state[1] = parameters.market.slow_sd * self._generator.standard_normal()

    def next_block(self) -> tuple[FloatArray, FloatArray]:
        """Return the next block's market rows and the shared normals of the price paths."""
        rows = np.empty((BLOCK_MINUTES, N_MARKET_COLUMNS))
        normals = self._generator.standard_normal((BLOCK_MINUTES, sim_kernel.N_STEPS + N_MARKET_NORMALS))
        uniforms = self._generator.random((BLOCK_MINUTES, N_MARKET_UNIFORMS))
        first_minute = self._first_ms // MINUTE_MS
        slow_normals = normals[:, sim_kernel.N_STEPS :]
        advance_market(self._state, first_minute, slow_normals, uniforms, self._parameters.market, rows)
        self._first_ms += BLOCK_MINUTES * MINUTE_MS
        return rows, normals


class _SymbolBlocks:
    """One symbol's own stream: the same whichever other symbols are asked for."""

    __slots__ = ("_figures", "_first_ms", "_generator", "_parameters", "_state", "symbol")

    def __init__(self, parameters: SimParameters, symbol: str) -> None:
        self.symbol = symbol
        self._parameters = parameters
        self._first_ms = parameters.start_ms
        self._generator = _generator(parameters.seed, symbol)
        self._figures = _figures(parameters, parameters.of(symbol))
        self._state = self._opening_state()

    def next_block(self, market_rows: FloatArray, market_normals: FloatArray) -> FloatArray:
        """Return the next BLOCK_MINUTES minutes, shape (BLOCK_MINUTES, N_COLUMNS)."""
        rows = np.empty((BLOCK_MINUTES, sim_kernel.N_COLUMNS))
        normals = self._generator.standard_normal((BLOCK_MINUTES, sim_kernel.N_NORMALS))
        uniforms = self._generator.random((BLOCK_MINUTES, sim_kernel.N_UNIFORMS))
        market, dynamics = self._parameters.market, self._parameters.dynamics
        sim_kernel.advance_symbol(
            self._state,
            self._first_ms,
            market_rows,
            market_normals,
            normals,
            uniforms,
            self._figures,
            market,
            dynamics,
            rows,
        )
        self._first_ms += BLOCK_MINUTES * MINUTE_MS
        return rows

    def _opening_state(self) -> FloatArray:
        """Draw where the mean-reverting figures stand, as if the market had always been open."""
        dynamics = self._parameters.dynamics
        slow_volume, slow_premium = self._generator.standard_normal(2)
        drawn_bps = self._parameters.market.regime_premium_bps[0] + dynamics.premium_slow_sd * slow_premium
        premium_bps = sim_kernel.within(drawn_bps, sim_kernel.MAX_PREMIUM_BPS)
        state = np.zeros(sim_kernel.N_STATE)
        state[sim_kernel.VOLUME_SLOW] = dynamics.volume_slow_sd * slow_volume
        state[sim_kernel.PREMIUM_SLOW] = state[sim_kernel.MARK_PREMIUM] = premium_bps
        state[sim_kernel.LAST_CLOSE] = sim_kernel.on_tick(self._figures.start_price, self._figures)
        state[sim_kernel.ORACLE_SUM] = self._figures.start_price / (1.0 + premium_bps * 1e-4)
        state[sim_kernel.MARK_SUM] = self._figures.start_price
        state[sim_kernel.N_SUMMED] = 1.0
        state[sim_kernel.RATE_MS] = math.nan
        return state


class SimFeed:
    """A seeded market that never existed, minute by minute. The plug `sim` of the `Feed` port.

    The first minutes of a longer run are those of a shorter one, and a symbol's minutes do not depend on which other
    symbols are asked for. The same seed gives the same market on the same version of numpy.
    """

    __slots__ = ("_minutes", "_parameters", "_symbols", "n_minutes")

    def __init__(self, parameters: SimParameters, symbols: Sequence[str], n_minutes: int | None) -> None:
        """Prepare a run of n_minutes (None = without end). Raises BadInput without symbols, or with one named twice."""
        if not symbols or len(set(symbols)) < len(symbols) or not all(symbols):
            raise BadInput(
                f"the simulated market needs one or more different symbols, not {', '.join(symbols) or 'none'}"
            )
        if n_minutes is not None and n_minutes < 0:
            raise BadInput(f"the simulated market cannot run for {n_minutes} minutes; 0 or more are allowed")
        self.n_minutes = n_minutes
        self._parameters = parameters
        self._symbols = tuple(symbols)
        self._minutes = islice(_minutes(parameters, self._symbols), n_minutes)

    async def next_minute(self) -> Sequence[Snapshot] | None:
        """Return one simulated snapshot per symbol, in the order asked for; None when the run is over."""
        return next(self._minutes, None)

    @property
    def data_identity(self) -> str:
        """The fingerprint of what this feed will say: parameters, symbols and the version of the algorithm."""
        told = msgspec.json.encode([ALGORITHM_VERSION, self._parameters, self._symbols])
        return f"sim:{hashlib.sha256(told).hexdigest()}"

    def describe(self) -> str:
        """Say in one line what this market is."""
        start = datetime.fromtimestamp(self._parameters.start_ms / 1_000, UTC)
        length = "without end" if self.n_minutes is None else f"{self.n_minutes} minutes"
        return (
            f"SIMULATED market, not real: {', '.join(self._symbols)}, {length} from {start:%Y-%m-%d %H:%M} UTC, "
            f"seed {self._parameters.seed}"
        )


def _minutes(parameters: SimParameters, symbols: tuple[str, ...]) -> Iterator[tuple[Snapshot, ...]]:
    market = _MarketBlocks(parameters)
    blocks = [_SymbolBlocks(parameters, symbol) for symbol in symbols]
    first_ms = parameters.start_ms
    while True:
        shared, normals = market.next_block()
        yield from zip(
            *(_snapshots(block.symbol, first_ms, block.next_block(shared, normals)) for block in blocks), strict=True
        )
        first_ms += BLOCK_MINUTES * MINUTE_MS


def _snapshots(symbol: str, first_ms: int, rows: FloatArray) -> Iterator[Snapshot]:
    """Build records from kernel rows; the columns are unpacked in the kernel's order."""
    open_ms = first_ms
    funding: Reading | None = None
    for at, row in enumerate(rows[:, : sim_kernel.N_EVERY_MINUTE].tolist()):
        opened, high, low, close, volume, taker_buy, *beside = row
        bid, ask, spread, imbalance, mark, oracle, premium, interest = beside
        close_ms = open_ms + MINUTE_MS
        settlement = None
        if funding is None or open_ms % HOUR_MS == 0:
            funding, settlement = _funding(rows[at, sim_kernel.N_EVERY_MINUTE :].tolist())
        yield Snapshot(
            symbol=symbol,
            as_of_ms=close_ms,
            bar=Bar(
                open_ms=open_ms,
                close_ms=close_ms,
                open_price=opened,
                high_price=high,
                low_price=low,
                close_price=close,
                volume_base=volume,
                taker_buy_base=taker_buy,
            ),
            bid_price=bid,
            ask_price=ask,
            spread_bps=Reading(value=spread, source=SOURCE, as_of_ms=close_ms),
            imbalance_frac=imbalance,
            imbalance_source=_BOOK,
            mark=Reading(value=mark, source=SOURCE, as_of_ms=close_ms),
            oracle=Reading(value=oracle, source=SOURCE, as_of_ms=close_ms),
            premium_bps=Reading(value=premium, source=SOURCE, as_of_ms=close_ms),
            funding_rate_hourly_frac=funding,
            open_interest_usd=Reading(value=interest, source=SOURCE, as_of_ms=close_ms),
            funding_settlement=settlement,
            is_simulated=True,
        )
        open_ms = close_ms


def _funding(columns: Sequence[float]) -> tuple[Reading | None, FundingSettlement | None]:
    """Return the last settled rate, None before the first, and the settlement itself when it fell into this minute."""
    rate_frac, settled_ms, rate_1e9 = columns
    if math.isnan(settled_ms):
        return None, None
    reading = Reading(value=rate_frac, source=SOURCE, as_of_ms=int(settled_ms))
    if math.isnan(rate_1e9):
        return reading, None
    return reading, FundingSettlement(rate_quote_per_base_1e9=int(rate_1e9), settled_ms=int(settled_ms), source=SOURCE)


def _generator(seed: int, symbol: str) -> np.random.Generator:
    """Give each symbol a stream of its own; the empty name is the shared market's."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=tuple(symbol.encode()))))


def _figures(parameters: SimParameters, known: SimSymbol) -> Symbol:
    return Symbol(
        start_price=known.start_price,
        ticks_per_unit=known.ticks_per_unit,
        median_vol=known.median_vol_bps * 1e-4,
        market_share_frac=known.market_share_frac,
        volume_base=known.volume_usd / known.start_price,
        spread_bps=known.spread_bps,
        open_interest_base=known.open_interest_usd / known.start_price,
        funding_offset_den=parameters.funding_offset_den,
        funding_clamp_den=parameters.funding_clamp_den,
    )
