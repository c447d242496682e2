"""The collector of unused memory, made to look when nobody waits for the desk."""

import gc


class Housekeeping:
    """Looks for unused memory when it is called, and never again at what was there the first time.

    That is half a million objects of a desk that has begun. Left alone, the collector looks at all of them in a minute
    that nobody can choose, for a quarter of a second, and the orders of that minute wait for it.
    """

    __slots__ = ("_has_begun",)

    def __init__(self) -> None:
        """Leave the collector as it is."""
        self._has_begun = False

    def __call__(self) -> None:
        """Look now."""
        gc.collect()
        if not self._has_begun:
            self._has_begun = True
            gc.freeze()
