"""All knobs together, validated and frozen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, PrivateAttr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

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
from configuration.running import DeskKnobs, JournalKnobs, PaperKnobs, ReplayKnobs, SimKnobs
from configuration.sources import DEFAULT

GROUPS: Final[tuple[type[BaseModel], ...]] = (
    DeskKnobs,
    ReplayKnobs,
    SimKnobs,
    QualityKnobs,
    FeatureKnobs,
    E3Knobs,
    FundingFadeKnobs,
    ExitKnobs,
    RiskKnobs,
    SizingKnobs,
    PortfolioKnobs,
    PaperKnobs,
    JournalKnobs,
)


class Settings(
    DeskKnobs,
    ReplayKnobs,
    SimKnobs,
    QualityKnobs,
    FeatureKnobs,
    E3Knobs,
    FundingFadeKnobs,
    ExitKnobs,
    RiskKnobs,
    SizingKnobs,
    PortfolioKnobs,
    PaperKnobs,
    JournalKnobs,
    BaseSettings,
):
    """All knobs, validated and frozen. Build it with `load_settings`; `Settings()` is the defaults alone."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load_settings` hands over what it found, and where."""
        return (init_settings,)

    @property
    def sources(self) -> Mapping[str, str]:
        """Where each value came from, by upper-case name: default, .env, environment, command line or journal."""
        return MappingProxyType({name: self._sources.get(name, DEFAULT) for name in KNOBS})


KNOBS: Final[Mapping[str, FieldInfo]] = MappingProxyType(
    {name.upper(): field for group in GROUPS for name, field in group.model_fields.items()}
)
