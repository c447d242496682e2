from types import SimpleNamespace

from console.readings import LABEL, feature_text, figures_behind
from domain.features import Feature
from strategy.e3 import E3, Direction, E3Thresholds
from strategy.funding_fade import FundingFade, FundingFadeThresholds


def test_every_feature_is_written_with_a_unit_or_as_unknown(made: SimpleNamespace) -> None:
    features = made.features()
    texts = {place: feature_text(features, place) for place in LABEL}
    assert set(LABEL) == set(Feature) - {Feature.REGIME}
    assert texts[Feature.OPEN_INTEREST_USD] == "unknown"
    assert texts[Feature.VOLUME_Z] == "+1.27 standard deviations"
    assert texts[Feature.FUNDING_RATE_HOURLY_FRAC] == "+0.1230 bps an hour, longs pay"


def test_every_failed_test_of_every_strategy_comes_with_its_figure(made: SimpleNamespace) -> None:
    features = made.features()
    spoken = [
        *E3(E3Thresholds()).no(0xFFFF).reasons,
        *E3(E3Thresholds(direction=Direction.PREMIUM_FADE)).no(0xFFFF).reasons,
        *FundingFade(FundingFadeThresholds()).no(0xFFFF).reasons,
    ]
    assert len(spoken) == 24
    assert [reason for reason in spoken if not figures_behind(reason, features)] == []


def test_words_about_no_figure_bring_none_and_neither_does_a_cold_start(made: SimpleNamespace) -> None:
    assert figures_behind("the moon is full", made.features()) == ""
    assert figures_behind("volume z is under 2", None) == ""
