"""In processes of their own, for a kernel that was loaded once stays loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
JUDGED = """
import sys
from numba.core.dispatcher import Dispatcher
from domain.protection import planned_levels
from risk.allocation import AllocationMethod, AllocationPolicy
from risk.desk import RiskDesk, Screened
from risk.exposure import Exposure, exposure_of
from risk.limits import RiskLimits, SizingPolicy
from risk.portfolio import Portfolio
from risk.readiness import make_ready
from tests.unit.risk.cases import EQUITY_MICROUSD, SOL, case, counters_view

def n_loaded():
    parts = [vars(module) for name, module in sys.modules.items() if name.split(".")[0] in ("risk", "domain")]
    kernels = {id(one): one for part in parts for one in part.values() if isinstance(one, Dispatcher)}
    return sum(len(kernel.overloads) for kernel in kernels.values())

sizing = SizingPolicy(kelly_fraction=0.5, kelly_min_trades=1)
policy = AllocationPolicy(method=AllocationMethod.EQUAL if "shared" in sys.argv else AllocationMethod.NONE)
portfolio = Portfolio(sleeves=(("e3", "SOL-PERP"),), allocation=policy)
desk = RiskDesk(limits=RiskLimits(), sizing=sizing, instruments={"SOL-PERP": SOL}, portfolio=portfolio)
at_first = n_loaded()
if "unready" not in sys.argv:
    make_ready(desk)
before = n_loaded()
record = counters_view(n_trades=50, n_wins=30, n_losses=20, win_sum_r=40.0, loss_sum_r=20.0)
wanted = case(counters=record, sizing=sizing, portfolio=portfolio, exposure=Exposure(equity_microusd=EQUITY_MICROUSD))
screened = desk.screen(wanted)
assert isinstance(screened, Screened), screened
ruling = desk.rule_on(screened, 0.9).ruling
exposure_of("SOL-PERP", EQUITY_MICROUSD, {"SOL-PERP": 5}, {"SOL-PERP": 100}, [ruling], desk.instruments)
planned_levels(ruling.exit_plan, int(ruling.side), 100_000, ruling.size_lots)
print(at_first, before, n_loaded())
"""


def loaded(*words: str) -> list[int]:
    """Return how many kernels were loaded at first, before an entry was judged, and after it."""
    command = [sys.executable, "-c", JUDGED, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("capital", ["whole", "shared"])
def test_once_ready_the_first_entry_finds_every_kernel_loaded_and_otherwise_it_loads_them(capital: str) -> None:
    at_first, before, after = loaded(capital)
    assert at_first < before == after
    at_first, before, after = loaded(capital, "unready")
    assert at_first == before < after
