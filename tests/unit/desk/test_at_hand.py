"""What was seen is durable together with the first thing it causes, and is what a resumed desk goes on from."""

from dataclasses import dataclass, field

import pytest

from desk.at_hand import KIND, MinuteAtHand, cut_off_minute
from domain.errors import JournalCorrupt
from domain.market import MINUTE_MS
from tests.flow import stage


@dataclass
class Witness:
    """A journal that keeps the order in which it was told things."""

    told: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    is_catching_up: bool = False

    def event(self, kind: str, detail: str, wall_ms: int) -> None:
        self.told.append(kind)
        self.details.append(detail)

    def record_order(self, order: object, tick_no: int) -> None:
        self.told.append("order")

    def take_order(self, order: object, tick_no: int) -> None:
        self.told.append("order taken")

    def record_request(self, *words: object, is_sent: bool = True) -> None:
        assert is_sent
        self.told.append("request")

    def commit(self) -> None:
        self.told.append("commit")


class StoppedClock:
    def now_ms(self) -> int:
        return 1


def minute(number: int) -> tuple:
    return (stage.minute(number, 150.0, 150.1), stage.minute(number, 90.0, 90.1, symbol="BTC-PERP"))


def test_the_minute_goes_before_its_first_order_or_question_and_only_once() -> None:
    witness = Witness()
    at_hand = MinuteAtHand(witness, StoppedClock())  # type: ignore[arg-type]
    at_hand.take_up(minute(5))
    at_hand.commit()
    at_hand.record_request(1, "id", "ollama", "veto", "may it?")
    at_hand.record_order(None, 1)  # type: ignore[arg-type]
    at_hand.take_up(minute(6))
    at_hand.record_order(None, 2)  # type: ignore[arg-type]
    assert witness.told == ["commit", KIND, "request", "order", KIND, "order"]


def test_orders_that_share_a_commit_are_let_go_after_it_or_when_a_question_has_put_them_on_record() -> None:
    witness = Witness()
    at_hand = MinuteAtHand(witness, StoppedClock())  # type: ignore[arg-type]
    at_hand.share_commits(lambda why_not: witness.told.append(f"let go: {why_not}"))
    at_hand.take_up(minute(5))
    at_hand.record_order(None, 1)  # type: ignore[arg-type]
    assert at_hand.holds_orders
    at_hand.record_request(2, "id", "ollama", "veto", "may it?")
    assert not at_hand.holds_orders
    at_hand.record_order(None, 2)  # type: ignore[arg-type]
    at_hand.let_go("the disk is full")
    assert witness.told == [
        KIND,
        "order taken",
        "request",
        "let go: None",
        "order taken",
        "let go: the disk is full",
    ]


def test_while_the_record_is_lived_through_again_nothing_is_noted_anew() -> None:
    witness = Witness(is_catching_up=True)
    at_hand = MinuteAtHand(witness, StoppedClock())  # type: ignore[arg-type]
    at_hand.take_up(minute(5))
    at_hand.record_order(None, 1)  # type: ignore[arg-type]
    assert witness.told == ["order"]


def test_what_was_noted_comes_back_as_it_was_less_the_symbols_on_record() -> None:
    witness = Witness()
    at_hand = MinuteAtHand(witness, StoppedClock())  # type: ignore[arg-type]
    seen = minute(5)
    at_hand.take_up(seen)
    at_hand.record_order(None, 1)  # type: ignore[arg-type]
    noted, close_ms = witness.details[0], 6 * MINUTE_MS
    assert cut_off_minute(noted, {}) == seen
    assert cut_off_minute(noted, {"SOL-PERP": close_ms}) == seen[1:]
    assert cut_off_minute(noted, {"SOL-PERP": close_ms, "BTC-PERP": close_ms}) == ()
    assert cut_off_minute(None, {}) == ()


def test_a_note_that_cannot_be_read_stops_the_desk() -> None:
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        cut_off_minute('[{"symbol": 5}]', {})
