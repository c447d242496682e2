"""What the journal must hold before real money moves: a backtest, paper on a live market, and the way to the size.

Nothing here opens a socket, and a run whose record was altered proves nothing.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from console.figures import count_text
from console.ladder import LEAST_TRADES, Rung, most_capital_usd
from console.proofs import Proof
from db.engines import file_of, parse_url
from db.experience import Experience, experience
from db.opening import open_journal
from db.reading import RecordedRun, runs
from db.store import Store
from db.verify import verify
from domain.errors import DeskError
from domain.record import Record

BACKTEST: Final = "backtest"
PAPER: Final = "paper"
LIVE: Final = "live"
MOST_ROWS: Final = 500_000
"""A longer run is not verified on the way to live: that takes more than a few seconds."""

Pairs = tuple[tuple[str, Any], ...]


class Case(Record, frozen=True, kw_only=True):
    """What is to be proven of a desk.

    decisions: the settings that decide, by name. market, venue: further settings that a paper and a live run must
    have on record to be of the same market and venue. exchange: whose market it is. least_minutes: how many minutes
    count as a proof. decisions_of: reads `decisions` out of a run's settings; None where they cannot be known.
    """

    is_risk_accepted: bool
    decisions: Mapping[str, Any]
    code_version: str
    least_minutes: int
    capital_usd: float
    exchange: str
    market: Pairs
    venue: Pairs
    decisions_of: Callable[[str], Mapping[str, Any] | None]


class Lived(Record, frozen=True, kw_only=True):
    """A run that decided alike, and what it has lived through. altered: the first altered row, None where none is."""

    run: RecordedRun
    settings: Mapping[str, Any]
    past: Experience
    altered: str | None

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.run.run_id

    @property
    def objection(self) -> str | None:
        """Say why the run proves nothing whatever it has lived through; None where it may."""
        if self.altered is not None:
            return f"its record was altered: {self.altered}"
        return None if self.past.halted_by is None else f"it ended in a halt: {self.past.halted_by}"


def live_proofs(case: Case, database_url: str) -> tuple[Proof, ...]:
    """Return every proof that live asks of the human and of the journal, in the order in which to get them."""
    accepted = "I_ACCEPT_THE_RISK" if case.is_risk_accepted else "no"
    advice = "" if case.is_risk_accepted else "read docs/live.md, then set LIVE_TRADING=I_ACCEPT_THE_RISK"
    risk = Proof(name="risk accepted", holds=case.is_risk_accepted, found=f"LIVE_TRADING is {accepted}", advice=advice)
    try:
        return (risk, *_of_the_journal(case, database_url))
    except DeskError as error:
        why = f"the journal cannot be asked: {error}"
        return (risk, *(Proof(name=name, holds=False, found=why) for name in ("backtest", "paper", "size")))


def _of_the_journal(case: Case, database_url: str) -> tuple[Proof, ...]:
    file = file_of(parse_url(database_url))
    if file is not None and not file.exists():
        return (_backtest_proof(case, (), None), _paper_proof(case, (), None), _size_proof(case, ()))
    with open_journal(database_url, writable=False) as store:
        recorded = runs(store)
        tests = [run for run in recorded if run.header.command == BACKTEST and run.finished_ms is not None]
        papers = [run for run in recorded if _is_on(case, run)]
        lives = [run for run in recorded if _is_at(case, run)]
        return (
            _backtest_proof(case, _lived(store, case, tests), _newest(tests)),
            _paper_proof(case, _lived(store, case, papers), _newest(papers)),
            _size_proof(case, _lived(store, case, lives)),
        )


def _is_on(case: Case, run: RecordedRun) -> bool:
    """Say whether a run was on paper, on this exchange's live market."""
    is_here = run.header.data_identity.startswith(f"live:{case.exchange}:")
    return is_here and _holds(_settings(run), (("MODE", PAPER), ("FEED", LIVE), *case.market))


def _is_at(case: Case, run: RecordedRun) -> bool:
    """Say whether a run traded live at this venue."""
    return _holds(_settings(run), (("MODE", LIVE), *case.venue))


def _holds(settings: Mapping[str, Any], pairs: Pairs) -> bool:
    return all(name in settings and settings[name] == value for name, value in pairs)


def _lived(store: Store, case: Case, candidates: Iterable[RecordedRun]) -> tuple[Lived, ...]:
    """Return those that decided alike, with what they have lived through."""
    alike = [run for run in candidates if case.decisions_of(run.header.settings_json) == case.decisions]
    return tuple(
        Lived(
            run=run,
            settings=_settings(run),
            past=experience(store, run),
            altered=_altered(store, run),
        )
        for run in alike
    )


def _altered(store: Store, run: RecordedRun) -> str | None:
    if (run.n_rows or 0) > MOST_ROWS:
        return None
    first = verify(store, run.run_id).first
    return None if first is None else first.sentence


def _newest(candidates: Sequence[RecordedRun]) -> RecordedRun | None:
    return candidates[-1] if candidates else None


def _backtest_proof(case: Case, lived: Sequence[Lived], newest: RecordedRun | None) -> Proof:
    """Take a backtest by the minutes it spans: an hour's tape proves nothing of a day's trading."""
    if not lived:
        found = "no finished backtest with these settings is on record" + _unlike(case, newest)
        return Proof(name="backtest", holds=False, found=found, advice="`python main.py backtest --data FILE...`")
    best = max(lived, key=lambda one: (one.altered is None, one.past.n_spanned))
    found = f"{best.run_id}: {_minutes(best.past.n_spanned)} of tape, {_trades(best.past.n_trades)}"
    if best.altered is not None:
        return Proof(name="backtest", holds=False, found=f"{found}; its record was altered: {best.altered}")
    if best.past.n_spanned < case.least_minutes:
        advice = f"take a tape of {_minutes(case.least_minutes)} or more (PROOF_PAPER_MINUTES)"
        return Proof(name="backtest", holds=False, found=found, advice=advice)
    return Proof(name="backtest", holds=True, found=found, advice=_other_code(case, best))


def _paper_proof(case: Case, lived: Sequence[Lived], newest: RecordedRun | None) -> Proof:
    if not lived:
        found = f"no paper run on {case.exchange}'s live market with these settings is on record"
        advice = "`python main.py paper --feed live`, and let it run"
        return Proof(name="paper", holds=False, found=found + _unlike(case, newest), advice=advice)
    best = max(lived, key=lambda one: (one.objection is None, one.past.n_minutes))
    found = f"{best.run_id}: {_minutes(best.past.n_minutes)} live, {_trades(best.past.n_trades)}"
    if best.objection is not None:
        return Proof(name="paper", holds=False, found=f"{found}; {best.objection}", advice=_go_on(best))
    if best.past.n_minutes < case.least_minutes:
        found = f"{found}; {_minutes(case.least_minutes)} are asked for (PROOF_PAPER_MINUTES)"
        return Proof(name="paper", holds=False, found=found, advice=_go_on(best))
    return Proof(name="paper", holds=True, found=found, advice=_other_code(case, best))


def _size_proof(case: Case, lived: Sequence[Lived]) -> Proof:
    climbed = [
        Rung(
            capital_usd=float(one.settings["LIVE_CAPITAL_USD"]),
            n_minutes=one.past.n_minutes,
            n_trades=one.past.n_trades,
        )
        for one in lived
        if one.objection is None and "LIVE_CAPITAL_USD" in one.settings
    ]
    most_usd = most_capital_usd(climbed, case.least_minutes)
    found = f"LIVE_CAPITAL_USD is {case.capital_usd:,.10g}, and up to {most_usd:,.10g} is proven"
    if case.capital_usd <= most_usd:
        return Proof(name="size", holds=True, found=found)
    advice = (
        f"trade {most_usd:,.10g} first: a live run of {_minutes(case.least_minutes)} and {LEAST_TRADES} closed trades "
        "at one size, without a halt at its end, allows ten times that size"
    )
    return Proof(name="size", holds=False, found=found, advice=advice)


def _unlike(case: Case, newest: RecordedRun | None) -> str:
    """Say in what the newest run of the kind decided otherwise."""
    if newest is None:
        return ""
    then = case.decisions_of(newest.header.settings_json)
    if then is None:
        return f"; {newest.run_id} is of another version's settings"
    other = [name for name, value in case.decisions.items() if then[name] != value]
    more = f" and {len(other) - 1} more" if len(other) > 1 else ""
    return f"; {newest.run_id} had another {other[0]}{more}" if other else ""


def _other_code(case: Case, best: Lived) -> str:
    then = best.run.header.code_version
    if then == case.code_version:
        return ""
    return f"it was made by the code {then}, and this is {case.code_version}: what has changed since is not proven"


def _go_on(best: Lived) -> str:
    is_open = best.run.finished_ms is None and best.altered is None
    again = f" --run-id {best.run_id}" if is_open else ""
    return f"`python main.py paper --feed live{again}`, and let it run"


def _settings(run: RecordedRun) -> Mapping[str, Any]:
    try:
        recorded = json.loads(run.header.settings_json)
    except ValueError:
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _minutes(n_minutes: int) -> str:
    return count_text(n_minutes, "minute")


def _trades(n_trades: int) -> str:
    return count_text(n_trades, "closed trade")
