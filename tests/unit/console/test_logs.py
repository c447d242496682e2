import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

from console.logs import close_logging, configure_logging, log_tick
from domain.errors import BadInput
from domain.tick import TickRecord


@pytest.fixture(autouse=True)
def _clean_logging() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    close_logging()
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("level", "n_lines"), [("DEBUG", 10), ("INFO", 8), ("WARNING", 1)])
def test_every_tick_is_one_line_at_its_own_level(
    tmp_path: Path, run: list[TickRecord], level: str, n_lines: int
) -> None:
    file = tmp_path / "logs" / "desk.log"
    logger = configure_logging(level, file, 1_000_000, 2, to_console=False)
    structlog.contextvars.bind_contextvars(run_id="r1")
    for record in run:
        log_tick(logger, record)
    lines = written(file)
    assert len(lines) == n_lines
    assert lines[-1]["tick_id"] == "SOL-PERP-10"
    assert lines[-1]["run_id"] == "r1"
    assert lines[-1]["level"] == "warning"
    assert {"timestamp", "outcome", "event", "why", "equity_usd"} - set(lines[-1]) == {"outcome"}


def test_a_full_file_turns_into_zipped_ones_and_only_so_many_are_kept(tmp_path: Path, made: SimpleNamespace) -> None:
    file = tmp_path / "desk.log"
    logger = configure_logging("DEBUG", file, 4_000, 2, to_console=False)
    for minute in range(1, 60):
        log_tick(logger, made.waiting(minute))
    close_logging()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk.log", "desk.log.1.gz", "desk.log.2.gz"]
    kept = []
    for path in (tmp_path / "desk.log.2.gz", tmp_path / "desk.log.1.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            kept += [json.loads(line)["tick_id"] for line in lines]
    kept += [line["tick_id"] for line in written(file)]
    assert kept == [f"SOL-PERP-{minute}" for minute in range(60 - len(kept), 60)]


def test_secrets_reach_neither_file_nor_console_not_even_by_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "desk.log"
    logger = configure_logging("INFO", file, 1_000_000, 1, to_console=True, known_secrets=["correct horse"])

    address, word, local = "postgresql://desk:swordfish@db/journal", "opensesame", "LOCALVALUE"

    def fail(local_variable: str) -> None:
        raise ValueError(f"no route to {address} in {len(local_variable)} steps")

    try:
        fail(local)
    except ValueError:
        logger.exception("broken", password=word, note="they said correct horse")
    logging.getLogger("apscheduler").warning("job with token=%s missed", "sometoken")
    for text in (file.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "ValueError" in text
        assert "missed" in text
        for secret in ("swordfish", "opensesame", "correct horse", "LOCALVALUE", "sometoken"):
            assert secret not in text


def test_nothing_is_written_to_the_console_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", tmp_path / "desk.log", 1_000, 1, to_console=False).warning("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_configuring_twice_writes_every_line_once(tmp_path: Path) -> None:
    for name in ("first.log", "second.log"):
        logger = configure_logging("INFO", tmp_path / name, 10_000, 1, to_console=False)
    logger.info("hello")
    assert (tmp_path / "first.log").read_text(encoding="utf-8") == ""
    assert len(written(tmp_path / "second.log")) == 1


def test_an_impossible_level_or_file_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="log level 'LOUD' is not one of DEBUG"):
        configure_logging("LOUD", None, 1, 1, to_console=False)
    with pytest.raises(BadInput, match="cannot be opened for writing"):
        configure_logging("INFO", tmp_path, 1, 1, to_console=False)
