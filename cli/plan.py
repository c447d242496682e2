"""What `main.py doctor` is told of the desk: the settings, or why they were refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.gate_identity import gate_identity
from cli.live_plan import live_plan
from cli.options import folders, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from configuration.choices import GateBackend
    from console.checkup import DeskPlan
    from console.gate_checkup import GatePlan
    from domain.tick import Readiness
    from gate.chat_reader import ChatReader
    from settings import Settings

    BuildReader = Callable[[Settings, GateBackend, Callable[[], float]], ChatReader]
    BuildFeed = Callable[[Settings, int | None], object]


def desk_plan(
    env_file: Path,
    overrides: list[str],
    given: Mapping[str, str],
    build_reader: "BuildReader | None" = None,
    build_feed: "BuildFeed | None" = None,
) -> "DeskPlan | str":
    """Load the settings and return what the desk will stand on; where they are refused, return why.

    build_reader: builds who asks a model on a server; without it the gate is not looked at. build_feed: builds the
    market; without it nothing of the way to a venue is looked at.
    """
    from domain.errors import BadInput

    try:
        settings = load(env_file, overrides, given, mode=None, is_to_trade=False)
    except BadInput as error:
        return str(error)
    return plan_of(settings, build_reader, build_feed)


def plan_of(
    settings: "Settings", build_reader: "BuildReader | None" = None, build_feed: "BuildFeed | None" = None
) -> "DeskPlan":
    """Return what the desk of these settings will stand on; as `desk_plan`."""
    from console.checkup import DeskPlan
    from settings import effective

    return DeskPlan(
        n_changed=sum(row.source != "default" for row in effective(settings)),
        database_url=settings.database_url.get_secret_value(),
        state_dir=settings.state_dir,
        log_file=settings.log_file,
        data_dirs=tuple(folders(settings)),
        symbols=settings.symbols,
        notified=notified(settings),
        gate=None if build_reader is None else gate_plan(settings, build_reader),
        live=None if build_feed is None else live_plan(settings, build_feed),
    )


def notified(settings: "Settings") -> tuple[tuple[str, int], ...]:
    """Return how many targets each severity has; nothing of the notices is imported where there is none."""
    names = [name for name in ("critical", "warning", "info", "summary") if getattr(settings, f"notify_{name}")]
    if not names:
        return ()
    from settings import notice_targets

    severities = [target.severity.value for target in notice_targets(settings)]
    return tuple((name, severities.count(name)) for name in names)


def gate_plan(settings: "Settings", build_reader: "BuildReader") -> "GatePlan":
    """Return whom the settings would ask before an entry, with a look at each of them that makes nothing."""
    from configuration.choices import GateBackend
    from console.gate_checkup import GatePlan
    from console.gate_news import GateSetting
    from desk.clock import SystemClock
    from domain.cassette import CassetteMode

    setting = GateSetting(mode=settings.gate_mode, backend=settings.gate_backend.value)
    # To look at a cassette that is recorded on would be to make it; the server behind it is what is looked at.
    if settings.gate_cassette is CassetteMode.RECORD:
        settings = settings.model_copy(update={"gate_cassette": CassetteMode.OFF})
    servers = settings.gate_servers
    looks = [(one.value, build_reader(settings, one, SystemClock().elapsed_s).prepare) for one in servers]
    if GateBackend.METALABEL.value in (settings.gate_backend.value, *settings.gate_members):
        looks.append((GateBackend.METALABEL.value, _built_in))
    return GatePlan(
        setting=setting,
        looks=tuple(looks),
        identity=gate_identity(settings),
        evaluation=settings.gate_evaluation,
    )


async def _built_in() -> "Readiness":
    from domain.gate_reason import GateReason
    from domain.tick import Readiness

    return Readiness(reason=GateReason.OK, told="the desk's own model needs no server and learns as a run goes on")
