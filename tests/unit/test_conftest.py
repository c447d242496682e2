"""The floor the tests stand on: no network, and no silent skip where the recordings are required."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SKIPPING = """
import pytest

def test_reads_the_recordings(shared):
    assert shared

def test_looks_at_a_page():
    pytest.skip("Chromium is not installed: the report was not looked at in a browser")

def test_asks_a_decoder():
    pytest.skip("the real decoder is not here: xllamacpp and gguf, the extra `engine`")

def test_skips_for_another_reason():
    pytest.skip("no PostgreSQL server here")
"""
SKIPPING_WHOLE = """
import pytest

pytest.skip("recorded market data is not here: ../shared/data", allow_module_level=True)
"""


@pytest.fixture(scope="module")
def run_there(tmp_path_factory):
    """Return a function that runs pytest on files in an empty place, without the recordings."""
    folder = tmp_path_factory.mktemp("elsewhere") / "repository" / "tests"
    folder.mkdir(parents=True)
    shutil.copy(CONFTEST, folder)
    (folder / "test_a.py").write_text(SKIPPING)
    (folder / "test_b.py").write_text(SKIPPING_WHOLE)

    def run(requires_shared):
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TIDEGATE"))}
        environ |= {"TIDEGATE_REQUIRE_SHARED": requires_shared}
        command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", "."]
        command.append("--continue-on-collection-errors")
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)

    return run


def test_a_test_without_its_recordings_skips_with_a_word(run_there):
    done = run_there("0")
    assert done.returncode == 0
    assert "5 skipped" in done.stdout
    assert "recorded market data is not here: ../shared/data" in done.stdout


def test_where_the_recordings_are_required_that_skip_is_a_failure_and_others_are_not(run_there):
    done = run_there("1")
    assert done.returncode == 1
    assert done.stdout.count("TIDEGATE_REQUIRE_SHARED=1, and this skipped") >= 4
    assert "2 failed, 1 skipped, 2 errors" in done.stdout


@pytest.mark.parametrize("connect", ["connect", "connect_ex"])
@pytest.mark.parametrize("host", ["192.0.2.1", "example.invalid", "10.0.0.1"])
def test_no_test_reaches_beyond_this_machine(connect, host):
    with socket.socket() as line, pytest.raises(RuntimeError, match="may not reach"):
        getattr(line, connect)((host, 80))


def test_no_test_asks_for_a_name_beyond_this_machine():
    with pytest.raises(RuntimeError, match="may not reach"):
        socket.getaddrinfo("example.invalid", 80)


def test_loopback_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as line:
        line.sendall(b"x")
        heard, _ = server.accept()
        with heard:
            assert heard.recv(1) == b"x"
