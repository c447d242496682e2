"""All knobs together, validated and frozen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic.fields import FieldInfo

from configuration.asking import GateKnobs
from configuration.deciding import (
    E3Knobs,
    ExitKnobs,
    FeatureKnobs,
    FundingFadeKnobs,
    PortfolioKnobs,
    QualityKnobs,
    RiskKnobs,
    SizingKnobs,
)
from configuration.executing import ExecutionKnobs
from configuration.fetching import FetchKnobs
from configuration.living import LiveKnobs
from configuration.notifying import NotifyKnobs
from configuration.running import DeskKnobs, JournalKnobs, PaperKnobs, ReplayKnobs, SimKnobs
from configuration.sources import DEFAULT

GROUPS: Final[tuple[type[BaseModel], ...]] = (
    DeskKnobs,
    ReplayKnobs,
    FetchKnobs,
    SimKnobs,
    LiveKnobs,
    ExecutionKnobs,
    QualityKnobs,
    FeatureKnobs,
    E3Knobs,
    FundingFadeKnobs,
    ExitKnobs,
    RiskKnobs,
    SizingKnobs,
    PortfolioKnobs,
    GateKnobs,
    PaperKnobs,
    JournalKnobs,
    NotifyKnobs,
)


class Settings(
    DeskKnobs,
    ReplayKnobs,
    FetchKnobs,
    SimKnobs,
    LiveKnobs,
    ExecutionKnobs,
    QualityKnobs,
    FeatureKnobs,
    E3Knobs,
    FundingFadeKnobs,
    ExitKnobs,
    RiskKnobs,
    SizingKnobs,
    PortfolioKnobs,
    GateKnobs,
    PaperKnobs,
    JournalKnobs,
    NotifyKnobs,
):
    """All knobs, validated and frozen. Build it with `load_settings`; `Settings()` is the defaults alone."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each value came from, by upper-case name: default, .env, environment, command line or journal."""
        return MappingProxyType({name: self._sources.get(name, DEFAULT) for name in KNOBS})


KNOBS: Final[Mapping[str, FieldInfo]] = MappingProxyType(
    {name.upper(): field for group in GROUPS for name, field in group.model_fields.items()}
)
