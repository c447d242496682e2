"""What happened to a feed, gathered until the desk puts it on record; the same of several symbols is told once."""


class Notes:
    """Sentences by kind, in order."""

    __slots__ = ("_whom",)

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self._whom: dict[tuple[str, str], list[str]] = {}

    def add(self, kind: str, told: str, symbol: str = "") -> None:
        """Note something. symbol: whom it is about; empty for all of them."""
        whom = self._whom.setdefault((kind, told), [])
        if symbol and symbol not in whom:
            whom.append(symbol)

    def take(self) -> list[tuple[str, str]]:
        """Return what there is to tell, as (kind, sentence), and forget it."""
        noted, self._whom = self._whom, {}
        return [(kind, f"{', '.join(whom)}: {told}" if whom else told) for (kind, told), whom in noted.items()]
