"""Knobs of running the desk: what market, at what pace, where it writes, how it is simulated and filled."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, SecretStr

from configuration.choices import FeedKind, LogLevel, OnStop, Speed
from configuration.knob import CommaList, Number, Whole, knob

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATABASES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")


def _not_empty(entries: tuple[str, ...]) -> tuple[str, ...]:
    if not entries:
        raise ValueError("at least one entry")
    return entries


def _utc_minute(moment: datetime) -> datetime:
    if moment.second or moment.microsecond or moment.utcoffset() != timedelta(0) or moment < EPOCH:
        raise ValueError("not a UTC minute")
    return moment.astimezone(UTC)


def _iso_text(given: object) -> object:
    # Pydantic would take a bare number for an epoch, in seconds or milliseconds by its size.
    if isinstance(given, str) and "T" not in given:
        raise ValueError("not an ISO time")
    return given


def _known_database(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not any(text.startswith(prefix) and len(text) > len(prefix) for prefix in DATABASES):
        raise ValueError("not a database this desk can write to")
    return url


def _named_path(path: Path) -> Path:
    if path == Path() or "\x00" in str(path):
        raise ValueError("not a path")
    return path


def _lower(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


Names = Annotated[CommaList, AfterValidator(_not_empty)]
UtcMinute = Annotated[AwareDatetime, BeforeValidator(_iso_text), AfterValidator(_utc_minute)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_known_database)]
NamedPath = Annotated[Path, AfterValidator(_named_path)]
Severity = Annotated[LogLevel, BeforeValidator(_lower)]


class DeskKnobs(BaseModel):
    """The desk."""

    feed: FeedKind = knob(FeedKind.SIM, "", "where the market comes from: the simulation, recordings or an exchange")
    symbols: Names = knob(
        ("SOL-PERP",), "", "perpetuals to trade, separated by commas", allowed="a comma list of known symbols"
    )
    strategies: Names = knob(
        ("e3", "funding_fade"), "", "strategies that run side by side", allowed="a comma list of known strategies"
    )
    speed: Speed = knob(
        Speed.AUTO,
        "",
        "pace; auto: watchable on a terminal, else as fast as it goes; a live market has its own",
        decides=False,
    )
    on_stop: OnStop = knob(OnStop.KEEP, "", "what a graceful stop (Ctrl-C) does with open positions")
    reconcile_every_minutes: Whole = knob(
        15, "minutes", "time between two checks of our books against the venue's", ge=1, le=1440
    )


class JournalKnobs(BaseModel):
    """The journal and the log."""

    database_url: DatabaseUrl = knob(
        SecretStr("sqlite:///state/journal.db"),
        "",
        "where the journal lives",
        allowed="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        decides=False,
    )
    state_dir: NamedPath = knob(
        Path("state"), "", "folder for the desk's lock and state files", allowed="a folder", decides=False
    )
    journal_batch_ticks: Whole = knob(
        512, "ticks", "ticks a transaction holds at full speed; one at any other pace", ge=1, le=100_000, decides=False
    )
    log_level: Severity = knob(LogLevel.INFO, "", "least severity that is logged", decides=False)
    log_file: NamedPath = knob(
        Path("state/desk.log"),
        "",
        "JSON log, one line a tick; old parts are gzipped",
        allowed="a file",
        decides=False,
    )
    log_file_max_mb: Number = knob(20.0, "MB", "size at which the log is rotated", ge=0.1, le=10_000, decides=False)
    log_file_keep: Whole = knob(5, "files", "rotated log files kept", ge=1, le=1000, decides=False)


class ReplayKnobs(BaseModel):
    """Recorded markets."""

    replay_data: CommaList = knob(
        (), "", "recordings to replay; empty: found in DATA_DIRS", allowed="a comma list of files", decides=False
    )
    data_dirs: Names = knob(
        ("data", "../shared/data"),
        "",
        "folders searched for recordings",
        allowed="a comma list of folders",
        decides=False,
    )
    replay_from: UtcMinute = knob(
        EPOCH, "", "bars that open before it are left out", allowed="a UTC minute such as 2023-01-01T00:00Z"
    )
    replay_until: UtcMinute = knob(
        datetime(2100, 1, 1, tzinfo=UTC),
        "",
        "bars that open at it or later are left out",
        allowed="a UTC minute such as 2023-04-01T00:00Z",
    )
    replay_assumed_spread_bps: Number = knob(2.0, "bps", "spread assumed where a recording has no book", ge=0, le=1000)


class SimKnobs(BaseModel):
    """The simulated market."""

    sim_seed: Whole = knob(7, "", "seed; the same seed is the same market", ge=0, le=2**63 - 1)
    sim_start: UtcMinute = knob(
        datetime(2025, 1, 1, tzinfo=UTC),
        "",
        "open of the first simulated minute",
        allowed="a UTC minute since 1970 such as 2025-01-01T00:00Z",
    )


class PaperKnobs(BaseModel):
    """The paper venue."""

    paper_starting_cash_usd: Number = knob(10_000.0, "USD", "collateral at the start of a run", gt=0, le=1e9)
    paper_fee_tier: Whole = knob(0, "", "fee tier; 0 pays a taker fee of 3.5 bps", ge=0, le=5)
    paper_half_spread_bps: Number = knob(1.0, "bps", "cost from mid to touch where there is no book", ge=0, le=1000)
    paper_slippage_bps: Number = knob(1.0, "bps", "further cost of a market order or a stop", ge=0, le=1000)
    paper_latency_bars: Whole = knob(0, "bars", "bars an order waits beyond the next open", ge=0, le=60)
    paper_reject_pct: Number = knob(0.0, "%", "share of orders the venue rejects, for rehearsal", ge=0, le=100)
    paper_seed: Whole = knob(7, "", "seed of the rejections", ge=0, le=2**63 - 1)
