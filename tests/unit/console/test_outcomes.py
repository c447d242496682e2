from types import SimpleNamespace

from console.outcomes import MEANING, STYLE, cause, headline, is_notable, meaning
from domain.tick import Outcome


def test_every_outcome_has_words_and_a_colour() -> None:
    assert set(MEANING) == set(STYLE) == set(Outcome)
    assert meaning("refused") == "risk or the venue said no"
    assert meaning("a_word_of_tomorrow") == "a_word_of_tomorrow"


def test_the_cause_is_the_rule_that_said_no_or_else_the_outcome(made: SimpleNamespace) -> None:
    assert cause(made.refused(1, rule="spread_is_tight")) == "spread_is_tight"
    assert cause(made.waiting(1)) == "no_signal"


def test_a_waiting_tick_in_which_the_venue_acted_is_told_by_that(made: SimpleNamespace) -> None:
    assert headline(made.filled())[0::2] == ("filled", "the entry order")
    assert headline(made.closed())[0::2] == ("closed", "by stop")
    assert headline(made.waiting(1))[0] == "no signal"
    assert is_notable(made.closed())
    assert not is_notable(made.waiting(1))
