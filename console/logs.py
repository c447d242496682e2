"""The log: lines for a person on stderr, JSON in a rotating file that is zipped as it turns, one line a tick."""

import gzip
import logging
import logging.handlers
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol

import structlog
from structlog.processors import ExceptionRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from console.figures import when_text
from console.outcomes import TROUBLE, is_notable
from console.redaction import Redactor
from domain.errors import BadInput
from domain.instrument import usd
from domain.tick import TickRecord

LOGGER = "tidegate"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
TALKATIVE = ("alembic", "apscheduler", "sqlalchemy", "httpx", "numba", "asyncio")


class TickLog(Protocol):
    """As much of a logger as a tick needs."""

    def is_enabled_for(self, level: int) -> bool:
        """Say whether a line of this level would be written."""
        ...

    def log(self, level: int, event: str, **fields: Any) -> Any:
        """Write one line."""
        ...


class ZippedFileHandler(logging.handlers.RotatingFileHandler):
    """Rotates by size; a turned file becomes `NAME.N.gz`. Only one process may write one file.

    A line that cannot be written (disk full) is lost with one word on stderr: the log never stops the desk.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        """Open the file. max_bytes: size at which it turns. keep: how many zipped files stay."""
        super().__init__(path, maxBytes=max_bytes, backupCount=keep, encoding="utf-8")
        self._has_complained = False

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the name is the standard library's
        """Say whether the file is full. It may pass its size by one line, which saves writing each line twice."""
        return self.maxBytes > 0 and self.stream is not None and self.stream.tell() >= self.maxBytes

    def rotation_filename(self, default_name: str) -> str:
        """Name a turned file."""
        return f"{default_name}.gz"

    def rotate(self, source: str, dest: str) -> None:
        """Zip the full file under its turned name and remove it."""
        with Path(source).open("rb") as full, gzip.open(dest, "wb") as zipped:
            shutil.copyfileobj(full, zipped)
        Path(source).unlink()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the standard library's
        """Say once that a line was lost; the line itself is not shown, it may not have been redacted."""
        if not self._has_complained:
            self._has_complained = True
            sys.stderr.write(f"the log file {self.baseFilename} cannot be written: {sys.exc_info()[1]}\n")


def configure_logging(
    level: str,
    log_file: Path | None,
    max_bytes: int,
    keep: int,
    *,
    to_console: bool,
    known_secrets: Collection[str] = (),
) -> structlog.stdlib.BoundLogger:
    """Set up logging for this process, replacing what was set up before, and return the desk's logger.

    level: DEBUG (every tick), INFO (ticks worth telling), WARNING, ERROR or CRITICAL. log_file: None = no file;
    its folder is made. to_console: also lines on stderr; off while a live view owns the terminal.
    known_secrets: values removed wherever they would appear. Raises BadInput for a level or a file that cannot be.
    """
    if level.upper() not in LEVELS:
        raise BadInput(f"log level {level!r} is not one of {', '.join(LEVELS)}")
    close_logging()
    redactor = Redactor(known_secrets)
    root = logging.getLogger()
    if to_console:
        root.addHandler(_console_handler(redactor))
    if log_file is not None:
        root.addHandler(_file_handler(log_file, max_bytes, keep, redactor))
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_shared(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    # Binding once gives the real logger; the lazy proxy would bind anew on every line.
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(LOGGER).bind()
    return logger


def close_logging() -> None:
    """Flush and close what `configure_logging` opened; a second call does nothing."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, ProcessorFormatter)]:
        root.removeHandler(handler)
        handler.close()


def log_tick(logger: TickLog, record: TickRecord, *, quiet_level: int = logging.DEBUG) -> None:
    """Write the one line of a tick: a warning in trouble, info when worth telling, `quiet_level` otherwise.

    tick_id is the tick's symbol and number in its run.
    """
    level = quiet_level
    if record.outcome in TROUBLE:
        level = logging.WARNING
    elif is_notable(record):
        level = logging.INFO
    if not logger.is_enabled_for(level):
        return
    snapshot = record.snapshot
    logger.log(
        level,
        record.outcome.value,
        tick_id=f"{snapshot.symbol}-{record.tick_no}",
        symbol=snapshot.symbol,
        as_of=when_text(snapshot.as_of_ms),
        as_of_ms=snapshot.as_of_ms,
        state=record.state.value,
        why=record.why,
        close_price=None if snapshot.bar is None else snapshot.bar.close_price,
        equity_usd=float(usd(record.equity_microusd)),
        position_lots=record.position_lots,
        gate=None if record.gate is None else record.gate.verdict.reason_code,
        order_ids=[order.client_order_id for order in record.orders],
        n_fills=len(record.fills),
        n_trades=len(record.trades),
        is_simulated=snapshot.is_simulated,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _console_handler(redactor: Redactor) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    drawn = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
    # The traceback becomes text before the redactor looks, and no renderer ever sees local variables.
    handler.setFormatter(_formatter(structlog.processors.format_exc_info, redactor, drawn))
    return handler


def _file_handler(path: Path, max_bytes: int, keep: int, redactor: Redactor) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = ZippedFileHandler(path, max_bytes, keep)
    except OSError as error:
        raise BadInput(f"the log file {path} cannot be opened for writing: {error.strerror}") from error
    trace = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    handler.setFormatter(_formatter(trace, redactor, structlog.processors.JSONRenderer(ensure_ascii=False)))
    return handler


def _formatter(trace: Processor, redactor: Redactor, renderer: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[ProcessorFormatter.remove_processors_meta, trace, redactor, renderer],
    )
