"""What the doctor is told of the desk."""

from pathlib import Path

from cli.plan import desk_plan
from console.checkup import DeskPlan


def test_the_settings_become_a_plan(tmp_path: Path) -> None:
    plan = desk_plan(tmp_path / "none", [f"STATE_DIR={tmp_path}/s", "DATA_DIRS=a,b"], {"SYMBOLS": "BTC-PERP"})
    assert isinstance(plan, DeskPlan)
    assert plan.n_changed == 3
    assert plan.state_dir == tmp_path / "s"
    assert plan.data_dirs == (Path("a"), Path("b"))
    assert plan.symbols == ("BTC-PERP",)


def test_refused_settings_become_the_reason(tmp_path: Path) -> None:
    told = desk_plan(tmp_path / "none", ["SPEED=warp"], {})
    assert isinstance(told, str)
    assert "SPEED = warp" in told
