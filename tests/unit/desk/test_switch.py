"""The human's switch fails closed and is seen by whoever looks next."""

from pathlib import Path

import pytest

from desk.switch import HaltSwitch
from domain.tick import TradingState


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING, TradingState.FLATTENING])
def test_what_was_asked_for_is_read_back_until_resumed(tmp_path: Path, state: TradingState) -> None:
    switch = HaltSwitch(tmp_path / "state" / "switch")
    assert switch.asked() is TradingState.ACTIVE
    switch.ask(state)
    assert HaltSwitch(switch.path).asked() is state
    switch.ask(TradingState.ACTIVE)
    assert switch.asked() is TradingState.ACTIVE
    assert list(switch.path.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"sell everything", b"\xff\xfe", b"ACTIVE"])
def test_a_word_it_does_not_know_halts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "switch"
    path.write_bytes(content)
    assert HaltSwitch(path).asked() is TradingState.HALTED


def test_a_switch_that_cannot_be_read_halts(tmp_path: Path) -> None:
    path = tmp_path / "switch"
    path.mkdir()
    assert HaltSwitch(path).asked() is TradingState.HALTED
