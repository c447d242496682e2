"""What two runs were begun with, compared name by name."""

import json
from typing import Final

from db.chain import RunHeader
from db.pairing import PairedRun
from domain.errors import BadInput
from domain.record import Record

Value = str | int | float | bool | list[str] | None


class SettingDifference(Record, frozen=True, kw_only=True):
    """One setting with another value. None: the run does not know the name."""

    name: str
    a: Value
    b: Value


class Side(Record, frozen=True, kw_only=True):
    """One of the two runs as it stands over the comparison. Money in micro-dollars; net = equity - starting equity."""

    run_id: str
    command: str
    code_version: str
    data_identity: str
    symbols: tuple[str, ...]
    is_simulated: bool
    is_finished: bool
    n_ticks: int
    first_ms: int
    last_ms: int
    starting_microusd: int
    equity_microusd: int
    n_trades: int
    n_open: int

    @property
    def net_microusd(self) -> int:
        """Profit after fees and funding, open positions at their mark."""
        return self.equity_microusd - self.starting_microusd


ABSENT: Final = None


def differing_settings(a: RunHeader, b: RunHeader) -> tuple[SettingDifference, ...]:
    """Return the settings that differ, in the order of their names."""
    ours, theirs = _settings(a), _settings(b)
    return tuple(
        SettingDifference(name=name, a=ours.get(name, ABSENT), b=theirs.get(name, ABSENT))
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name, ABSENT) != theirs.get(name, ABSENT)
    )


def refuse_other_markets(a: PairedRun, b: PairedRun) -> None:
    """Raise BadInput where two runs trade other symbols, or count prices and sizes in other steps."""
    ours, theirs = a.found.header, b.found.header
    if set(ours.symbols) != set(theirs.symbols):
        raise BadInput(
            f"run {ours.run_id} trades {', '.join(ours.symbols)} and run {theirs.run_id} trades "
            f"{', '.join(theirs.symbols)}: only runs of the same symbols can be compared"
        )
    for symbol in ours.symbols:
        x, y = a.instruments[symbol], b.instruments[symbol]
        if x.lot_size_base != y.lot_size_base:
            raise BadInput(
                f"a lot of {symbol} is {x.lot_size_base} in run {ours.run_id} and {y.lot_size_base} in run "
                f"{theirs.run_id}: their sizes cannot be compared"
            )


def _settings(header: RunHeader) -> dict[str, Value]:
    try:
        told = json.loads(header.settings_json)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise BadInput(f"the settings of run {header.run_id} are not readable")
    return told
