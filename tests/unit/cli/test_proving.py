"""Whether a desk may start: what is asked in which order, and that nothing is opened or made by asking."""

from pathlib import Path

import pytest

import main
from cli.proving import prove_start
from cli.shop import Shop
from domain.errors import BadInput
from settings import Settings, load_settings
from tests.flow.lived import AT_BYBIT, OFTEN, WARM, Records, altered
from tests.flow.stage import quiet


def never(*_: object) -> None:
    raise AssertionError("nothing is opened before everything is proven")


SHOP = Shop(**{**dict.fromkeys(Shop._fields, never), "build_chat_reader": main.build_chat_reader})


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(f"sqlite:///{tmp_path}/journal.db")


def desk(records: Records, folder: Path, **knobs: str) -> Settings:
    """Return the settings of a desk at Bybit with a key file of its own."""
    key = folder / "bybit.key"
    key.write_text("secret", encoding="utf-8")
    key.chmod(0o600)
    own = {"STATE_DIR": f"{folder}/state", "LOG_FILE": f"{folder}/desk.log", "DATABASE_URL": records.url}
    return load_settings(None, {}, {**OFTEN, **AT_BYBIT, **own, "CCXT_KEY_FILE": str(key), **knobs})


def test_a_desk_that_has_proven_everything_may_start_and_nothing_was_opened_to_find_out(
    records: Records, tmp_path: Path
) -> None:
    records.backtest("tape", quiet(WARM + 20))
    records.paper("paper", quiet(WARM + 20))
    assert prove_start(desk(records, tmp_path), SHOP) == ()


def test_a_proof_of_other_code_is_remarked_on_and_forbids_nothing(records: Records, tmp_path: Path) -> None:
    records.live("tape", quiet(WARM + 20), code="feed", data="tape", FEED="replay")
    records.paper("paper", quiet(WARM + 20))
    (remark,) = prove_start(desk(records, tmp_path), SHOP)
    assert remark.startswith("backtest: tape: 28 minutes of tape")
    assert "made by the code feed" in remark


def test_the_first_missing_proof_is_the_one_to_get_next(records: Records, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^live does not start\. Not proven: backtest .* and 1 more\."):
        prove_start(desk(records, tmp_path), SHOP)
    records.backtest("tape", quiet(WARM + 20))
    with pytest.raises(BadInput, match="Not proven: paper "):
        prove_start(desk(records, tmp_path), SHOP)
    records.paper("paper", quiet(WARM + 20))
    with pytest.raises(BadInput, match="Not proven: size "):
        prove_start(desk(records, tmp_path, LIVE_CAPITAL_USD="500"), SHOP)
    settings = desk(records, tmp_path)
    (tmp_path / "bybit.key").chmod(0o644)
    with pytest.raises(BadInput, match="Not proven: key file .* has mode 0644"):
        prove_start(settings, SHOP)


def test_what_the_doctor_finds_to_mend_refuses_live(records: Records, tmp_path: Path) -> None:
    records.backtest("tape", quiet(WARM + 20))
    records.paper("paper", quiet(WARM + 20))
    records.live("last", quiet(WARM), data="sim:1", FEED="sim")
    altered(records.url, "UPDATE ticks SET equity_microusd = 1 WHERE tick_no = 3 AND id >> 40 = 3")
    with pytest.raises(BadInput, match="Not proven: doctor .*last was altered"):
        prove_start(desk(records, tmp_path), SHOP)
