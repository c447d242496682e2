"""Who watches a run: a view for the person, lines for the log. Both see every tick, neither may slow the desk down."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console

from console.live import LiveView
from console.logs import TickLog, close_logging, configure_logging, log_tick
from console.plain import PlainView, SilentView
from db.engines import parse_url
from domain.instrument import Instrument
from domain.tick import Outcome, TickRecord

View = LiveView | PlainView | SilentView

NOTIFIED: Final = ("notify_critical", "notify_warning", "notify_info", "notify_summary")
N_BYTES_PER_MB: Final = 1_000_000
# Held here because looking a member up on its enum costs more than the rest of a quiet tick.
UNFIT: Final = Outcome.UNFIT
HALTED: Final = Outcome.HALTED


class Watching:
    """Shows every tick to the view and writes to the log.

    is_full_speed: a line costs more than a tick, so only deeds (orders, fills, trades) and new trouble get one;
    otherwise every tick does.
    """

    __slots__ = ("_is_full_speed", "_logger", "_trouble", "_view")

    def __init__(self, view: View, logger: TickLog, *, is_full_speed: bool) -> None:
        """Take both."""
        self._view = view
        self._logger = logger
        self._is_full_speed = is_full_speed
        self._trouble: dict[str, str] = {}

    def on_tick(self, record: TickRecord) -> None:
        """Pass one tick on."""
        self._view.on_tick(record)
        if not self._is_full_speed:
            log_tick(self._logger, record, quiet_level=logging.INFO)
        elif record.orders or record.fills or record.trades:
            log_tick(self._logger, record)
        elif record.outcome is UNFIT or record.outcome is HALTED:
            self._log_new_trouble(record)
        elif self._trouble:
            self._trouble.pop(record.snapshot.symbol, None)

    def on_gate(self, text: str, *, is_ready: bool) -> None:
        """Say what was found of the gate, where somebody watches and in the log."""
        self._view.say(text)
        self._logger.log(logging.INFO if is_ready else logging.WARNING, "gate", told=text)

    def _log_new_trouble(self, record: TickRecord) -> None:
        symbol = record.snapshot.symbol
        if self._trouble.get(symbol) != record.why:
            self._trouble[symbol] = record.why
            log_tick(self._logger, record)


@contextmanager
def watching(
    settings: Any,
    title: str,
    n_minutes: int | None,
    instruments: Mapping[str, Instrument],
    *,
    as_json: bool,
    is_simulated: bool,
) -> Iterator[tuple[View, Watching]]:
    """Open log and view for one run, and close them after it. Raises BadInput when the log cannot be written."""
    logger = configure_logging(
        settings.log_level.value,
        settings.log_file,
        int(settings.log_file_max_mb * N_BYTES_PER_MB),
        settings.log_file_keep,
        to_console=False,
        known_secrets=(*secrets_of(settings.database_url.get_secret_value()), *addresses_of(settings)),
    )
    try:
        with _view(title, n_minutes, instruments, as_json=as_json, is_simulated=is_simulated) as view:
            yield view, Watching(view, logger, is_full_speed=is_full_speed(settings))
    finally:
        close_logging()


def is_full_speed(settings: Any) -> bool:
    """Say whether the tape is walked as fast as it goes."""
    return settings.speed == "max" or (settings.speed == "auto" and settings.feed != "live" and not has_terminal())


def has_terminal() -> bool:
    """Say whether somebody watches."""
    return Console().is_terminal


def secrets_of(database_url: str) -> tuple[str, ...]:
    """Return what must never be printed of a journal's address: its password, as it is and as a URL writes it."""
    password = parse_url(database_url).password
    return () if not password else (str(password), quote(str(password), safe=""))


def addresses_of(settings: Any) -> tuple[str, ...]:
    """Return the addresses of those who are notified: they hold tokens."""
    lists = (getattr(settings, name).get_secret_value() for name in NOTIFIED)
    return tuple(one.strip() for text in lists for one in (text, *text.split(",")) if one.strip())


def _view(
    title: str, n_minutes: int | None, instruments: Mapping[str, Instrument], *, as_json: bool, is_simulated: bool
) -> View:
    if as_json:
        return SilentView()
    if has_terminal():
        return LiveView(Console(), title, n_minutes, instruments, is_simulated=is_simulated)
    return PlainView(Console(stderr=True), title, n_minutes, instruments, is_simulated=is_simulated)
