from hypothesis import given
from hypothesis import strategies as st

from db.clean import clean


@given(st.text())
def test_any_text_becomes_one_that_every_database_can_hold(text: str) -> None:
    cleaned = clean(text + "\0\ud800")
    assert "\0" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean(cleaned) == cleaned
