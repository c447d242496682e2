"""A journal of runs that the desk itself has lived, in whatever mode is written down: what proofs are made of."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import main
from cli.live_plan import live_plan
from console.live_proofs import Case, live_proofs
from console.proofs import Proof
from db.chain import RunHeader
from db.experience import experience
from db.opening import open_journal
from db.reading import find_run
from domain.market import Snapshot
from domain.tick import TradingState
from execution.instruments import instrument
from settings import load_settings, settings_json
from tests.flow.stage import QUICK, explosive, quiet

OFTEN = {
    **QUICK,
    "PROOF_PAPER_MINUTES": "20",
    "EXIT_MAX_HOLD_BARS": "1",
    "RISK_COOLDOWN_AFTER_TRADE_S": "0",
    "RISK_COOLDOWN_AFTER_LOSS_S": "0",
    "RISK_MAX_CONSECUTIVE_LOSSES": "1000",
    "RISK_MAX_DAILY_LOSS_PCT": "100",
    "RISK_MAX_DRAWDOWN_PCT": "100",
    "SIZING_KELLY_FRACTION": "0",
}
LIVE = {"MODE": "live", "FEED": "live", "LIVE_TRADING": "I_ACCEPT_THE_RISK"}
AT_BYBIT = {**LIVE, "EXECUTION": "ccxt", "CCXT_KEY_FILE": "bybit.key", "CCXT_TESTNET": "false"}
WARM = 8


def busy(n_trades: int) -> list[Snapshot]:
    """Return minutes on which the desk opens and closes so many trades, one after the other."""
    minutes = quiet(WARM)
    for _ in range(n_trades):
        minutes += [explosive(len(minutes)), *quiet(9, first=len(minutes) + 1)]
    return minutes


@dataclass
class Records:
    """A journal, and how runs come into it: the desk lives through minutes, in whatever mode is written down."""

    url: str

    def case(self, **knobs: str) -> Case:
        return live_plan(load_settings(None, {}, {**OFTEN, **LIVE, **knobs}), main.build_feed).case

    def proofs(self, **knobs: str) -> dict[str, Proof]:
        return {proof.name: proof for proof in live_proofs(self.case(**knobs), self.url)}

    def live(
        self,
        run_id: str,
        minutes: Sequence[Snapshot],
        *,
        is_finished: bool = True,
        halted_by: str | None = None,
        state: TradingState = TradingState.ACTIVE,
        data: str = "live:bybit:ab",
        code: str | None = None,
        **knobs: str,
    ) -> None:
        chosen = load_settings(None, {}, {**OFTEN, **knobs})
        instruments = {symbol: instrument(symbol) for symbol in chosen.symbols}
        command = "backtest" if chosen.feed == "replay" else chosen.mode.value
        header = RunHeader(
            run_id=run_id,
            command=command,
            settings_json=settings_json(chosen),
            code_version=code or self.case().code_version,
            data_identity=data,
            symbols=chosen.symbols,
            instruments_json="[]",
        )
        with open_journal(self.url, writable=True) as store:
            journal = store.begin(header, 1)
            master = main.build(chosen, instruments, journal)
            journal.event("active", "reconciled after 0 ticks", 2)

            async def go() -> None:
                for snapshot in minutes:
                    journal.append(await master.tick(snapshot, state))

            asyncio.run(go())
            if halted_by is not None:
                journal.event("halt", halted_by, 3)
            journal.commit()
            if is_finished:
                journal.finish("{}", 4)

    def closed(self, run_id: str) -> int:
        with open_journal(self.url, writable=False) as store:
            return experience(store, find_run(store, run_id)).n_trades

    def paper(self, run_id: str, minutes: Sequence[Snapshot], **knobs: str) -> None:
        self.live(run_id, minutes, FEED="live", **knobs)

    def backtest(self, run_id: str, minutes: Sequence[Snapshot], **knobs: str) -> None:
        self.live(run_id, minutes, data="tape", FEED="replay", **knobs)


def altered(url: str, sql: str) -> None:
    """Change a journal behind the desk's back."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as intruder:
        for (name,) in intruder.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            intruder.execute(f"DROP TRIGGER {name}")
        intruder.execute(sql)
