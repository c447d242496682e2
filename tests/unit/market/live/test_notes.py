"""What happened to a feed is told once, whomever it happened to."""

from market.live.notes import Notes


def test_the_same_of_several_symbols_is_one_sentence_and_is_told_once():
    notes = Notes()
    for symbol in ("SOL-PERP", "BTC-PERP", "SOL-PERP"):
        notes.add("stream_lost", "bars: closed", symbol)
    notes.add("clock_skew", "9 ms")
    assert notes.take() == [("stream_lost", "SOL-PERP, BTC-PERP: bars: closed"), ("clock_skew", "9 ms")]
    assert notes.take() == []
