"""What a proof says: where the future was cut, what was compared, and the first decision that changed each time."""

from enum import StrEnum

from backtest.prove.futures import Future
from backtest.prove.markets import Level
from domain.record import Record


class Check(StrEnum):
    """What was asked of the desk.

    REPEATED: the same market again. VEILED: a wrong future before every minute. TRUNCATED: no future after a cut.
    SCRAMBLED: another future after a cut. WARM_UP: the tape begins later.
    """

    REPEATED = "repeated"
    VEILED = "veiled"
    TRUNCATED = "truncated"
    SCRAMBLED = "scrambled"
    WARM_UP = "warm_up"


class CutReason(StrEnum):
    """Why the future was cut there."""

    WARM_UP = "inside the warm-up"
    ENTRY = "just after an entry signal"
    EXIT = "right before an exit"
    DAY = "at a day boundary"
    RANDOM = "drawn at random"


class Cut(Record, frozen=True, kw_only=True):
    """A minute after which the future was replaced. as_of_ms: the last close that was known. place: its number."""

    place: int
    as_of_ms: int
    reason: CutReason


class Difference(Record, frozen=True, kw_only=True):
    """The first figure of a tick that came out otherwise. part: of the tick's record; expected, got: in words."""

    part: str
    figure: str
    expected: str
    got: str


class Finding(Record, frozen=True, kw_only=True):
    """The first decision that changed in one check.

    cut_ms: the last close known (or the first minute of a later start); None where every minute was a cut.
    future: what stood after it, where something did. culprit: who is at fault, as far as can be known.
    """

    check: Check
    level: Level
    symbol: str
    as_of_ms: int
    tick_no: int
    difference: Difference
    culprit: str
    cut_ms: int | None = None
    future: Future | None = None


class FigureWarmth(Record, frozen=True, kw_only=True):
    """How one figure forgets where the tape began, the worst over all later starts.

    worst_frac: largest relative difference after the warm-up; last_frac: the same near the end of the span compared.
    settled_bars: bars from the start until it stays below 1e-9; None when it did not within the span.
    """

    figure: str
    worst_frac: float
    last_frac: float
    settled_bars: int | None


class Warmth(Record, frozen=True, kw_only=True):
    """What later starts of the tape showed. warmup_bars: bars before the first features, as configured.

    n_answers: strategies' answers compared after the warm-up. n_changed: those that came out otherwise because a
    figure had not settled. n_near: those that changed after everything had settled, on a figure within its difference
    of the threshold. n_regimes_changed: ticks in another regime. is_whole: the tape was long enough for all to settle.
    """

    warmup_bars: int
    span_bars: int
    starts_ms: tuple[int, ...]
    n_bars: int
    n_answers: int
    n_changed: int
    n_near: int
    n_regimes_changed: int
    is_whole: bool
    figures: tuple[FigureWarmth, ...]


class Proof(Record, frozen=True, kw_only=True):
    """The whole proof. n_minutes: of the tape. n_bars_compared: ticks held against the whole run's, over n_runs runs.

    findings: in the order of the checks. warnings: what is no fault but should be known.
    """

    seed: int
    symbols: tuple[str, ...]
    n_minutes: int
    first_ms: int
    last_ms: int
    cuts: tuple[Cut, ...]
    n_runs: int
    n_bars_compared: int
    findings: tuple[Finding, ...]
    warmth: Warmth | None
    warnings: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Say whether nothing was found."""
        return not self.findings
