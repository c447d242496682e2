"""The collector looks when it is told to, and leaves alone what was there at the beginning."""

import gc

from desk.memory import Housekeeping


def test_what_was_there_at_the_first_look_is_never_looked_at_again() -> None:
    tidy, frozen = Housekeeping(), gc.get_freeze_count()
    try:
        tidy()
        first = gc.get_freeze_count()
        assert first > frozen
        garbage: list[object] = []
        garbage.append(garbage)
        del garbage
        tidy()
        assert gc.get_freeze_count() == first
        assert gc.collect() == 0
    finally:
        gc.unfreeze()
