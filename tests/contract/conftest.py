"""A real PostgreSQL server for the contract tests, started on a private socket and stopped again."""

import asyncio
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import NO_GATEWAY

START_TIMEOUT_S = 30
POLL_S = 0.05
USER = "tidegate"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def _as_server_user() -> list[str]:
    """Return what to put before a command: the server refuses to run as root."""
    return [] if os.getuid() != 0 else ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """Start a server of our own; skip where Debian's PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: the journal's contract ran over SQLite only")
    folder = Path(tempfile.mkdtemp(prefix="tidegate-pg-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    user = _as_server_user()
    data = folder / "data"
    make = [*user, binaries / "initdb", "-D", data, "-A", "trust", "-U", USER, "-N", "-E", "UTF8"]
    subprocess.run(make, check=True, cwd=folder, capture_output=True)
    options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20", "-k", str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*user, binaries / "postgres", "-D", data, *options], cwd=folder, stderr=log, stdout=log
        )
    try:
        _wait_for(folder, server)
        yield folder
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(START_TIMEOUT_S)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(folder: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(int(START_TIMEOUT_S / POLL_S)):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(host=str(folder), user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(POLL_S)
        else:
            return
    pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()}")


_numbers = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    folder: Path = request.getfixturevalue("postgres_socket")
    name = f"journal_{next(_numbers)}"
    with psycopg.connect(host=str(folder), user=USER, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://{USER}@/{name}?host={folder}"


@pytest.fixture
def tamper(journal_url: str) -> Iterator[Callable[..., None]]:
    """Return a way to run SQL as somebody who wants to change the evidence: no guard stands in his way."""
    intruder = _Intruder(journal_url)
    yield intruder
    intruder.close()


class _Intruder:
    """Connects when first called, takes the guards down, and stays."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def __call__(self, *statements: str) -> None:
        if self._connection is None:
            self._connection = self._enter()
        for statement in statements:
            self._connection.execute(statement if self._is_file else statement.replace("X'", "'\\x"))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def _is_file(self) -> bool:
        return self._url.startswith("sqlite")

    def _enter(self) -> Any:
        if not self._is_file:
            server = psycopg.connect(self._url, autocommit=True)
            server.execute("SET session_replication_role = replica")
            return server
        file = sqlite3.connect(self._url.removeprefix("sqlite:///"), isolation_level=None)
        file.execute("PRAGMA synchronous=OFF")
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        return file


BROKERS = ("bybit", "hyperliquid", "gateway")


@pytest.fixture(scope="module")
def chain() -> Iterator[Any]:
    """Return the test chain that every order gateway here trades on, or skip and say that it is absent."""
    from tests.doubles.gateway.world import INSTALLED, Chain

    if not INSTALLED.exists():
        pytest.skip(NO_GATEWAY)
    one = Chain()
    yield one
    one.close()


@pytest.fixture(params=BROKERS)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any], None]:
    """Return a way to live a story in a world of each broker, which begins and ends with it."""
    from tests.contract.broker_stories import lived
    from tests.doubles.gateway.contract import GatewayVenueWorld
    from tests.doubles.trading.world import CcxtWorld

    if request.param == "gateway":
        if request.node.callspec.params.get("fault", GatewayVenueWorld.faults[0]) not in GatewayVenueWorld.faults:
            # A socket has no such fault, and the story would end where it begins: no process is started for it.
            return lambda story: None
        chain = request.getfixturevalue("chain")
        return lambda story: asyncio.run(lived(GatewayVenueWorld(tmp_path, chain), story))
    return lambda story: asyncio.run(lived(CcxtWorld(tmp_path, request.param), story))
