"""What every test stands on: no network, the recorded data or a clear word, one Hypothesis profile."""

import os
import re
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings as hypothesis_settings

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
NOT_HERE = "recorded market data is not here: ../shared/data"
NO_GATEWAY = "the order gateway's environment is not here: make .venv-gateway-test/.installed"
NO_DECODER = "the real decoder is not here: xllamacpp and gguf, the extra `engine`"
# A test that stands on the recordings, a browser, the real decoder or the gateway's environment says so when it skips.
ABSENCE = re.compile(r"shared|record(ed|ings)|Chromium|real decoder|gateway's environment")
LOOPBACK = ("127.", "::1", "localhost")
REQUIRES_SHARED = os.environ.get("TIDEGATE_REQUIRE_SHARED") == "1"

hypothesis_settings.register_profile("desk", deadline=None, max_examples=60)
hypothesis_settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "desk")


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


class NetworkRefusedError(RuntimeError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let sockets reach this machine's loopback and unix sockets, and nothing else."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_beyond_loopback(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_beyond_loopback(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None:
            _refuse_beyond_loopback((host,))
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


def _refuse_beyond_loopback(address: Any) -> None:
    if isinstance(address, str | bytes):
        return
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0])
    if not host.startswith(LOOPBACK):
        raise NetworkRefusedError(f"a test may not reach {host}: only loopback and unix sockets are open")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with the recorded market data (`shared / "data"`), or skip and say that it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(NOT_HERE)
    return SHARED


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model file for the real decoder, written here and now, or skip and say that there is no decoder."""
    for package in ("xllamacpp", "gguf"):
        pytest.importorskip(package, reason=NO_DECODER)
    from tests.doubles.tiny_gguf import write_tiny_gguf

    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_gguf(path)
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the recordings are required, a test that skips for want of them has failed."""
    return _insist((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Hold a whole file that skips itself to the same rule."""
    return _insist((yield))


def _insist(report: Report) -> Report:
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if REQUIRES_SHARED and report.skipped and ABSENCE.search(reason):
        report.outcome = "failed"
        report.longrepr = f"TIDEGATE_REQUIRE_SHARED=1, and this skipped: {reason}"
    return report
