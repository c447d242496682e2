"""The stage of the proofs: a desk wired by `main.build` on quick windows, small markets, and cheats to plant in it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace as changed

import numpy as np

import main
from agents.master import MasterAgent
from agents.strategy import StrategyAgent
from backtest.prove.living import Build
from backtest.prove.minutes import SnapshotMarket, drained
from backtest.prove.proof import Check, Proof
from backtest.prove.prover import ProofPlan, prove
from backtest.prove.tapes import TapeMarket
from db.off import JournalOff
from domain.decisions import Side, Signal
from domain.features import Feature, Features, FloatArray
from domain.market import HOUR_MS, MINUTE_MS, Snapshot
from domain.ports import Feed
from execution.instruments import instrument
from market.gather import Gathered
from market.quality import QualityLimits
from market.recording import Recording, RecordingKind
from market.replay import replay_of
from market.screening import Screened, screen
from settings import exit_rules, load_settings
from strategy.rules import Answers, Strategy
from tests.flow.stage import QUICK

WARMUP = 8
START_MS = 1_746_403_200_000  # 2025-05-05 00:00 UTC
LIMITS = QualityLimits()
ONE = np.zeros(1)

Plant = Callable[[Feed], Strategy]


def desk(
    *plants: Plant,
    symbols: Sequence[str] = ("SOL-PERP",),
    change: Callable[[MasterAgent, Feed], None] | None = None,
    **knobs: str,
) -> Build:
    """Return a builder of quick desks, with strategies planted beside E3 and the funding fade."""
    settings = load_settings(None, {}, {**QUICK, "SYMBOLS": ",".join(symbols), **knobs})
    instruments = {symbol: instrument(symbol) for symbol in symbols}

    def build(feed: Feed) -> MasterAgent:
        master = main.build(settings, instruments, JournalOff())
        planted = [*master.strategies.strategies, *(plant(feed) for plant in plants)]
        master.strategies = master.exits.strategies = StrategyAgent(planted, exit_rules(settings))
        if master.gate.hindsight is not None:
            master.gate.hindsight.ledger.strategies = master.strategies
        if change is not None:
            change(master, feed)
        return master

    return build


def simulated(n_minutes: int, seed: int = 1, symbols: str = "SOL-PERP") -> SnapshotMarket:
    """Return minutes of the built-in market."""
    settings = load_settings(None, {}, {"FEED": "sim", "SYMBOLS": symbols, "SIM_SEED": str(seed)})
    return drained(main.build_feed(settings, n_minutes))


def recorded(n_minutes: int, seed: int = 1) -> list[Gathered]:
    """Return recordings in memory: bars, premium, Drift's hours, open interest, funding, a mark bar a quarter."""
    draw = np.random.default_rng(seed)
    stamps = START_MS + MINUTE_MS * np.arange(n_minutes)
    close = 150.0 * np.exp(np.cumsum(draw.normal(0.0, 8e-4, n_minutes)))
    opened = np.concatenate(([150.0], close[:-1]))
    volume = 1_000.0 * draw.lognormal(0.0, 0.8, n_minutes)
    bars = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.0003,
        "low": np.minimum(opened, close) * 0.9997,
        "close": close,
        "volume": volume,
        "taker_buy_volume": volume * draw.random(n_minutes),
    }
    quarters = stamps[::15]
    hours = np.arange(START_MS, int(stamps[-1]) + 1, HOUR_MS)
    oracle = 150.0 * np.exp(draw.normal(0.0, 0.002, len(hours)))
    drift = {
        "funding_rate_quote_per_base": oracle * draw.normal(0.0, 5e-5, len(hours)),
        "oracle_price_twap": oracle,
        "mark_price_twap": oracle * np.exp(draw.normal(0.0, 1e-3, len(hours))),
    }
    spot = close * np.exp(draw.normal(0.0, 6e-4, n_minutes))
    sides = (
        screened(RecordingKind.DRIFT, hours + 3_000, drift),
        screened(RecordingKind.PREMIUM, stamps, {"perp_close": close, "spot_close": spot}),
        screened(RecordingKind.OPEN_INTEREST, stamps[::5], {"open_interest_usd": 1e8 * draw.random(len(stamps[::5]))}),
        screened(RecordingKind.FUNDING, hours, {"funding_rate": draw.normal(0.0, 1e-4, len(hours))}),
        screened(RecordingKind.MARK, quarters, dict.fromkeys(("open", "high", "low", "close"), close[::15])),
    )
    return [Gathered(symbol="SOL-PERP", parts=(), bars=screened(RecordingKind.BARS, stamps, bars), sides=sides)]


def screened(kind: RecordingKind, stamps_ms: np.ndarray, columns: Mapping[str, FloatArray]) -> Screened:
    """Return figures in memory as a recording that was judged."""
    recording = Recording(
        name=f"{kind}.parquet", kind=kind, stamps=stamps_ms, columns=columns, row_word="row", first_row=1
    )
    return screen(recording, LIMITS)


def tape(
    n_minutes: int,
    seed: int = 1,
    feed_of: Callable[[Sequence[Gathered]], Feed] | None = None,
    *,
    without_drift: bool = False,
) -> TapeMarket:
    """Return a market of recordings, joined as in production unless another way is given.

    without_drift: its hourly mark comes before the mark bars' own, which then are not seen.
    """
    gathered = recorded(n_minutes, seed)
    if without_drift:
        gathered = [changed(one, sides=one.sides[1:]) for one in gathered]
    return TapeMarket(gathered, feed_of or honest_feed, LIMITS)


def honest_feed(gathered: Sequence[Gathered]) -> Feed:
    """Join recordings as `main.py` does."""
    return replay_of(gathered, LIMITS, 2.0)


def early(kind: RecordingKind, by_ms: int) -> Callable[[Sequence[Gathered]], Feed]:
    """Return a way to join one kind of figure `by_ms` before it was known."""

    def feed_of(gathered: Sequence[Gathered]) -> Feed:
        return honest_feed([changed(one, sides=tuple(shifted(side) for side in one.sides)) for one in gathered])

    def shifted(side: Screened) -> Screened:
        return changed(side, stamps_ms=side.stamps_ms - by_ms) if side.recording.kind is kind else side

    return feed_of


def proven(build: Build, market: SnapshotMarket, tape: TapeMarket | None = None, **plan: int) -> Proof:
    """Make a proof."""
    return prove(build, market, tape, ProofPlan(**plan))


def checks(proof: Proof) -> set[Check]:
    """Return which checks found something."""
    return {finding.check for finding in proof.findings}


def minutes_of(feed: Feed) -> list[Sequence[Snapshot]]:
    """Return everything a feed says."""

    async def drain() -> list[Sequence[Snapshot]]:
        said = []
        while (minute := await feed.next_minute()) is not None:
            said.append(minute)
        return said

    return asyncio.run(drain())


def snapshots_of(minutes: Iterable[Sequence[Snapshot]]) -> list[Snapshot]:
    """Return every snapshot of some minutes, in order."""
    return [snapshot for minute in minutes for snapshot in minute]


class Planted:
    """A strategy that buys whenever `wishes(place, vector)` says so, `place` being the minute at hand as it counts."""

    parameters = ONE
    grounds = ()

    def __init__(self, name: str, phrase: str, wishes: Callable[[int, FloatArray], bool]) -> None:
        self.name = name
        self._answers = Answers(name, (phrase,), "it knows")
        self._wishes = wishes
        self._place = WARMUP - 2

    def failed_tests(self, vector: FloatArray, parameters: FloatArray) -> int:
        self._place += 1
        return 0 if self._wishes(self._place, vector) else 1

    def no(self, failed_mask: int) -> Signal:
        return self._answers.no(failed_mask)

    def fire(self, features: Features) -> Signal:
        return self._answers.yes(1, 0.6)

    def wants_out(self, features: Features, side: Side) -> str | None:
        return None


def close_of(feed: Feed, place: int) -> float:
    """Look at a minute's close in the feed itself; NaN beyond its end."""
    minutes = getattr(feed, "minutes", ())
    return minutes[place][0].bar.close_price if place < len(minutes) else float("nan")


def peeks_at_the_next_close(feed: Feed) -> Strategy:
    return Planted(
        "peeker", "the next close is not higher", lambda place, _: close_of(feed, place + 1) > close_of(feed, place)
    )


def knows_the_highest_close(feed: Feed) -> Strategy:
    minutes = getattr(feed, "minutes", ())
    highest = max((minute[0].bar.close_price for minute in minutes), default=1.0)
    return Planted(
        "normaliser",
        "the close is far from the tape's highest",
        lambda place, _: close_of(feed, place) > 0.997 * highest,
    )


def falls_off_an_early_end(n_minutes: int) -> Plant:
    """Look one minute ahead without asking whether there is one, except at the end everybody knows."""

    def plant(feed: Feed) -> Strategy:
        minutes = feed.minutes  # type: ignore[attr-defined]  # a cheat knows what it holds
        return Planted(
            "faller",
            "the next minute has a price",
            lambda place, _: minutes[min(place + 1, n_minutes - 1)][0].bar.close_price < 0.0,
        )

    return plant


def peeks_into_the_tape(feed: Feed) -> Strategy:
    """Read the joined columns of the replay itself; on another feed it has nothing to read."""
    players = getattr(feed, "_players", ())
    close = players[0]._tape.bars["close"] if players else np.zeros(0)
    return Planted(
        "tape_reader",
        "the tape falls",
        lambda place, _: place + 1 < len(close) and bool(close[place + 1] > close[place]),
    )


def counts_from_the_start(feed: Feed) -> Strategy:
    return Planted("counter", "it is not the seventh minute", lambda place, _: place % 7 == 0)


def centred_volume(master: MasterAgent, feed: Feed) -> None:
    """Replace the volume's z-score by one over a window that has the bar in its middle."""
    master.market_data = CentredAgent(master.market_data, feed)  # type: ignore[assignment]  # a cheat is no agent


class CentredAgent:
    """A market data agent one of whose indicators uses a centred window."""

    def __init__(self, honest: object, feed: Feed) -> None:
        self._honest, self._feed, self._place = honest, feed, -1

    def observe(self, snapshot: Snapshot) -> Features | None:
        self._place += 1
        features = self._honest.observe(snapshot)  # type: ignore[attr-defined]
        if features is None:
            return None
        around = [minute[0].bar.volume_base for minute in self._feed.minutes[self._place - 3 : self._place + 4]]  # type: ignore[attr-defined]
        vector = features.vector.copy()
        vector[Feature.VOLUME_Z] = (snapshot.bar.volume_base - np.mean(around)) / (np.std(around) or 1.0)
        return Features(vector=vector)

    def warmth(self, symbol: str) -> str:
        return str(self._honest.warmth(symbol))  # type: ignore[attr-defined]
