"""The order gateway's own tests, in its own environment: the desk's cannot hold its packages."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import NO_GATEWAY

ROOT = Path(__file__).resolve().parents[2]
INTERPRETER = ROOT / ".venv-gateway-test/bin/python"
LONGEST_S = 420
CHAOS = "tests/gateway/test_chaos.py"


@pytest.fixture
def interpreter():
    if not (INTERPRETER.parent.parent / ".installed").exists():
        pytest.skip(NO_GATEWAY)
    return INTERPRETER


@pytest.mark.parametrize("part", [("tests/gateway", f"--ignore={CHAOS}"), (CHAOS,)], ids=("all but its chaos", "chaos"))
def test_the_gateways_own_tests_pass_in_its_own_environment(part, interpreter):
    command = [interpreter, "-m", "pytest", "-q", "-p", "no:pytest_anchorpy", "-p", "no:cacheprovider", *part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"\d+ passed", done.stdout)
    assert "skipped" not in done.stdout
