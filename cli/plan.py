"""What `main.py doctor` is told of the desk: the settings, or why they were refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.options import folders, load

if TYPE_CHECKING:
    from console.checkup import DeskPlan


def desk_plan(env_file: Path, overrides: list[str], given: Mapping[str, str]) -> "DeskPlan | str":
    """Load the settings and return what the desk will stand on; where they are refused, return why."""
    from console.checkup import DeskPlan
    from domain.errors import BadInput
    from settings import effective

    try:
        settings = load(env_file, overrides, given)
    except BadInput as error:
        return str(error)
    return DeskPlan(
        n_changed=sum(row.source != "default" for row in effective(settings)),
        database_url=settings.database_url.get_secret_value(),
        state_dir=settings.state_dir,
        log_file=settings.log_file,
        data_dirs=tuple(folders(settings)),
        symbols=settings.symbols,
    )
