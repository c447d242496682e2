"""What the charts of a report are drawn from: columns of whole numbers, small enough for one file."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from backtest.export import result_r
from backtest.outcome import IntArray
from backtest.report.account import Exposure, costs, drawdown_frac
from backtest.report.decimation import Bars, bars_of, kept_places, run_lengths, step_for
from backtest.story import Deed, RunStory, SymbolTape, ToldTrade
from domain.decisions import Side
from domain.features import REGIME_BY_CODE
from domain.instrument import Instrument

N_MOST_POINTS: Final = 40_000
N_MOST_BARS: Final = 600_000
_SECOND_MS: Final = 1_000
_MILLION: Final = 1_000_000


class Phrases:
    """Texts told once and referred to by number: the same few reasons come all day."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers: Final[dict[str, int]] = {}

    def number(self, text: str) -> int:
        """Return the number of a text, the same one each time."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All of them, in the order of their numbers."""
        return list(self._numbers)


def payload(story: RunStory, held: Exposure) -> dict[str, Any]:
    """Return everything the page draws, ready for JSON. Differences are between neighbours, the first one from 0.

    account: at_s, equity (in unit_usd), drawdown_ppm, gross_ppm and net_ppm (over the equity, millionths).
    markets: bars as `_market` writes them. trades, deeds: columns; words: the texts their numbers name. costs: in
    micro-dollars.
    """
    phrases = Phrases()
    n_minutes = max(sum(len(tape.close_ms) for tape in story.tapes), 1)
    step_minutes = step_for(n_minutes, N_MOST_BARS)
    return {
        "symbols": list(story.outcome.symbols),
        "regimes": [regime.value.replace("_", " ") for regime in REGIME_BY_CODE],
        "account": _account(story, held),
        "markets": [_market(tape, story.instruments[tape.symbol], step_minutes) for tape in story.tapes],
        "trades": _trades(story, phrases),
        "deeds": _deeds(story, phrases),
        "costs": _costs(story),
        "words": phrases.texts,
    }


def _costs(story: RunStory) -> dict[str, int]:
    paid = costs(story)
    return {name.removesuffix("_microusd"): getattr(paid, name) for name in paid.__struct_fields__}


def _account(story: RunStory, held: Exposure) -> dict[str, Any]:
    curve = story.outcome.curve
    depth = drawdown_frac(curve)
    kept = kept_places(curve.equity_microusd, depth, N_MOST_POINTS)
    # Seven digits are enough for a picture: a cent on ten thousand dollars.
    unit_microusd = 10 ** max(len(str(abs(curve.starting_microusd))) - 7, 0)
    return {
        "n_minutes": len(curve.close_ms),
        "unit_usd": unit_microusd / _MILLION,
        "starting": round(curve.starting_microusd / unit_microusd),
        "at_s": _differences(curve.close_ms[kept] // _SECOND_MS),
        "equity": _differences(np.rint(curve.equity_microusd[kept] / unit_microusd)),
        "drawdown_ppm": _whole(depth[kept] * _MILLION),
        "gross_ppm": run_lengths(np.rint(held.gross_frac[kept] * _MILLION).astype(np.int64)),
        "net_ppm": run_lengths(np.rint(held.net_frac[kept] * _MILLION).astype(np.int64)),
    }


def _market(tape: SymbolTape, instrument: Instrument, step_minutes: int) -> dict[str, Any]:
    """Return bars in ticks: open from the close before, close from the open, high and low from the body.

    opens: run lengths of the time between neighbours, in seconds, the first one from 0.
    """
    bars = bars_of(tape, step_minutes)
    opens, highs, lows, closes = _ticks(bars, instrument)
    body = np.column_stack([opens, closes])
    return {
        "symbol": tape.symbol,
        "tick": instrument.tick,
        "decimals": max(-int(instrument.tick_size_price.normalize().as_tuple().exponent), 0),
        "base": tape.symbol.split("-", 1)[0],
        "lot": instrument.lot,
        "step_s": bars.step_ms // _SECOND_MS,
        "opens": run_lengths(np.diff(bars.open_ms // _SECOND_MS, prepend=0)),
        "open": _whole(opens - np.append(0, closes[:-1])[: len(opens)]),
        "close": _whole(closes - opens),
        "high": _whole(highs - body.max(axis=1)) if len(opens) else [],
        "low": _whole(body.min(axis=1) - lows) if len(opens) else [],
        "regime": run_lengths(bars.regime),
    }


def _ticks(bars: Bars, instrument: Instrument) -> Sequence[IntArray]:
    ticks = np.rint(bars.prices / instrument.tick).astype(np.int64)
    return [ticks[:, column] for column in range(4)]


def _trades(story: RunStory, phrases: Phrases) -> dict[str, list[Any]]:
    told = story.trades
    trades = [one.trade for one in told]

    def texts(of: Iterable[str]) -> list[int]:
        return [phrases.number(text) for text in of]

    return {
        "market": [story.outcome.symbols.index(trade.symbol) for trade in trades],
        "side": [int(trade.side) for trade in trades],
        "lots": [trade.size_lots for trade in trades],
        "entry": [trade.entry_ticks for trade in trades],
        "exit": [trade.exit_ticks for trade in trades],
        "opened_s": [trade.opened_ms // _SECOND_MS for trade in trades],
        "closed_s": [trade.closed_ms // _SECOND_MS for trade in trades],
        "gross": [trade.gross_microusd for trade in trades],
        "fees": [trade.fees_microusd for trade in trades],
        "slippage": [trade.slippage_microusd for trade in trades],
        "funding": [trade.funding_microusd for trade in trades],
        "r": [None if (result := result_r(trade)) is None else round(result, 4) for trade in trades],
        "risk": [trade.risk_microusd for trade in trades],
        "conviction": [round(trade.conviction_frac, 3) for trade in trades],
        "mae_bps": [round(trade.mae_bps, 1) for trade in trades],
        "mfe_bps": [round(trade.mfe_bps, 1) for trade in trades],
        "strategy": texts(trade.strategy for trade in trades),
        "regime": texts(trade.regime.value.replace("_", " ") for trade in trades),
        "way_out": texts(trade.exit_reason.value.replace("_", " ") for trade in trades),
        "entry_why": texts(one.entry_why for one in told),
        "exit_why": texts(one.exit_why for one in told),
        "tick_no": [one.tick_no for one in told],
    }


def _deeds(story: RunStory, phrases: Phrases) -> dict[str, list[Any]]:
    """Return the executions. trade: place of the trade it belongs to, None while its position is open."""
    owners = _owners(story.trades, story.deeds)
    fills = [deed.fill for deed in story.deeds]
    return {
        "market": [story.outcome.symbols.index(fill.symbol) for fill in fills],
        "at_s": [fill.filled_ms // _SECOND_MS for fill in fills],
        "side": [1 if fill.side is Side.BUY else -1 for fill in fills],
        "price": [fill.price_ticks for fill in fills],
        "lots": [fill.size_lots for fill in fills],
        "way_out": [
            None if fill.exit_reason is None else phrases.number(fill.exit_reason.value.replace("_", " "))
            for fill in fills
        ],
        "why": [phrases.number(deed.why) for deed in story.deeds],
        "tick_no": [deed.tick_no for deed in story.deeds],
        "trade": owners,
    }


def _owners(told: Sequence[ToldTrade], deeds: Sequence[Deed]) -> list[int | None]:
    """Follow each market's fills: from an entry on, everything belongs to its trade until the next entry."""
    places = {one.trade.client_order_id: place for place, one in enumerate(told)}
    current: dict[str, int | None] = {}
    owners = []
    for deed in deeds:
        if deed.fill.exit_reason is None:
            current[deed.fill.symbol] = places.get(deed.fill.client_order_id)
        owners.append(current.get(deed.fill.symbol))
    return owners


def _differences(values: Any) -> list[int]:
    return _whole(np.diff(np.asarray(values), prepend=0))


def _whole(values: Any) -> list[int]:
    whole: list[int] = np.rint(values).astype(np.int64).tolist()
    return whole
