"""Two runs compared: what they were begun with, where they part, and what every difference in profit comes from."""

from collections.abc import Sequence
from typing import Final

from backtest.compare.alignment import Alignment, Kind, Meeting
from backtest.compare.attribution import attribute
from backtest.compare.causes import Cause, Share
from backtest.compare.headers import SettingDifference, Side, differing_settings, refuse_other_markets
from backtest.compare.journeys import Journey
from backtest.compare.pairs import gather
from backtest.compare.rounding import cents_of, cents_that_add_up
from db.pairing import Line, PairedRun
from db.readable import Readable
from db.reading import decision
from domain.record import Record

N_EXAMPLES: Final = 3


class CauseRow(Record, frozen=True, kw_only=True):
    """One cause with all it explains. cents: as printed, the column adds up. n_trades: trades with a share in it.

    examples: the most expensive shares, the largest first.
    """

    cause: Cause
    rule: str
    is_knock_on: bool
    microusd: int
    cents: int
    n_trades: int
    examples: tuple[Share, ...]


class Decided(Record, frozen=True, kw_only=True):
    """How one run decided a minute."""

    tick_no: int
    state: str
    outcome: str
    why: str


class FirstDifference(Record, frozen=True, kw_only=True):
    """The first minute decided otherwise. a, b: None where a run has no row. kinds: all in which it differs."""

    symbol: str
    as_of_ms: int
    kinds: tuple[Kind, ...]
    a: Decided | None
    b: Decided | None


class Minutes(Record, frozen=True, kw_only=True):
    """Minutes of a symbol, counted within the span both runs cover. by_kind: one minute can count for several.

    n_equal: the same in every respect. n_alike: decided alike. n_outside: of either run, beyond the other's span.
    """

    n_common: int
    n_only_a: int
    n_only_b: int
    n_outside: int
    n_equal: int
    n_alike: int
    by_kind: tuple[tuple[Kind, int], ...]

    @property
    def parity_frac(self) -> float:
        """Share of the minutes that were decided alike."""
        return self.n_alike / (self.n_common + self.n_only_a + self.n_only_b)


class Comparison(Record, frozen=True, kw_only=True):
    """The whole answer. difference = net(B) - net(A) = all causes + unexplained, in micro-dollars and in cents.

    difference comes from the recorded equities, the causes from the recorded executions: `unexplained_microusd` is
    what the one says and the other does not, and is 0 where the journal's own books add up.
    """

    a: Side
    b: Side
    settings: tuple[SettingDifference, ...]
    is_identical: bool
    minutes: Minutes
    first_difference: FirstDifference | None
    difference_microusd: int
    difference_cents: int
    causes: tuple[CauseRow, ...]
    unexplained_microusd: int
    unexplained_cents: int
    n_pairs: int


def compare(store_a: Readable, run_a: str, store_b: Readable, run_b: str) -> Comparison:
    """Compare two runs of one journal or of two.

    Raises BadInput for an unknown run, one without ticks, other symbols or lots, and runs without a minute in common.
    """
    a, b = PairedRun(store_a, run_a), PairedRun(store_b, run_b)
    refuse_other_markets(a, b)
    evidence = gather(a, b)
    sides = _side(a, evidence.a.journeys), _side(b, evidence.b.journeys)
    shares = attribute(evidence)
    difference = sides[1].net_microusd - sides[0].net_microusd
    unexplained = difference - sum(share.microusd for share in shares)
    difference_cents = cents_of(sides[1].net_microusd) - cents_of(sides[0].net_microusd)
    rows, unexplained_cents = _rows(shares, unexplained, difference_cents)
    settings = differing_settings(a.found.header, b.found.header)
    minutes = _minutes(evidence.alignment)
    return Comparison(
        a=sides[0],
        b=sides[1],
        settings=settings,
        is_identical=_is_identical(minutes, shares, unexplained),
        minutes=minutes,
        first_difference=_first_difference(evidence.alignment.first_difference, (store_a, a), (store_b, b)),
        difference_microusd=difference,
        difference_cents=difference_cents,
        causes=rows,
        unexplained_microusd=unexplained,
        unexplained_cents=unexplained_cents,
        n_pairs=len(evidence.pairs),
    )


def _is_identical(minutes: Minutes, shares: Sequence[Share], unexplained: int) -> bool:
    """Say whether the runs saw, decided and earned the same; settings that changed nothing do not count."""
    is_whole = minutes.n_equal == minutes.n_common and not (minutes.n_only_a or minutes.n_only_b or minutes.n_outside)
    return is_whole and not shares and unexplained == 0


def _side(run: PairedRun, journeys: Sequence[Journey]) -> Side:
    header, first, last = run.found.header, run.first, run.last
    return Side(
        run_id=header.run_id,
        command=header.command,
        code_version=header.code_version,
        data_identity=header.data_identity,
        symbols=header.symbols,
        is_simulated=header.is_simulated,
        is_finished=run.found.finished_ms is not None,
        n_ticks=run.n_ticks(),
        first_ms=first.as_of_ms,
        last_ms=last.as_of_ms,
        # On its first tick a run holds nothing yet: what it has is what it began with.
        starting_microusd=first.equity_microusd,
        equity_microusd=last.equity_microusd,
        n_trades=sum(not journey.is_open for journey in journeys),
        n_open=sum(journey.is_open for journey in journeys),
    )


def _rows(shares: Sequence[Share], unexplained: int, total_cents: int) -> tuple[tuple[CauseRow, ...], int]:
    grouped: dict[tuple[Cause, str, bool], list[Share]] = {}
    for share in shares:
        grouped.setdefault((share.blame.cause, share.blame.rule, share.blame.is_knock_on), []).append(share)
    groups = sorted(grouped.items(), key=lambda group: (-abs(_total(group[1])), group[0]))
    amounts = [_total(found) for _, found in groups]
    # The unexplained row takes part only where it is not nothing, so that no leftover cent lands on it.
    cents = cents_that_add_up(amounts + ([unexplained] if unexplained else []), total_cents)
    rows = tuple(
        CauseRow(
            cause=cause,
            rule=rule,
            is_knock_on=is_knock_on,
            microusd=amount,
            cents=cent,
            n_trades=len({(share.symbol, share.decided_ms, share.side) for share in found}),
            examples=tuple(sorted(found, key=lambda share: (-abs(share.microusd), share.decided_ms))[:N_EXAMPLES]),
        )
        for ((cause, rule, is_knock_on), found), amount, cent in zip(groups, amounts, cents, strict=False)
    )
    return rows, cents[-1] if unexplained else 0


def _total(shares: Sequence[Share]) -> int:
    return sum(share.microusd for share in shares)


def _minutes(alignment: Alignment) -> Minutes:
    return Minutes(
        n_common=alignment.n_common,
        n_only_a=alignment.n_only_a,
        n_only_b=alignment.n_only_b,
        n_outside=alignment.n_outside,
        n_equal=alignment.n_equal,
        n_alike=alignment.n_alike,
        by_kind=tuple((kind, alignment.counts[kind]) for kind in Kind if alignment.counts[kind]),
    )


def _first_difference(
    meeting: Meeting | None, a: tuple[Readable, PairedRun], b: tuple[Readable, PairedRun]
) -> FirstDifference | None:
    if meeting is None:
        return None
    return FirstDifference(
        symbol=meeting.symbol,
        as_of_ms=meeting.as_of_ms,
        kinds=tuple(kind for kind in Kind if kind in meeting.kinds),
        a=_decided(meeting.a, *a),
        b=_decided(meeting.b, *b),
    )


def _decided(line: Line | None, store: Readable, run: PairedRun) -> Decided | None:
    if line is None:
        return None
    why = decision(store, run.found.run_id, line.id).record.why
    return Decided(tick_no=line.tick_no, state=line.state, outcome=line.outcome, why=why)
