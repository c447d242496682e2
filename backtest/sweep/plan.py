"""From a grid to blocks of work: each layer of settings is turned into parts once for each of its own combinations."""

from collections.abc import Iterator, Mapping
from itertools import islice, product

import numpy as np

from backtest.compiled.terms import Terms, packed_all, terms_of
from backtest.outcome import IntArray
from backtest.parts import Parts, PartsOf
from backtest.sweep.block import Block
from backtest.sweep.grid import FEATURES, SIGNALS, TERMS, Grid, layer_of
from domain.errors import BadInput
from domain.instrument import Instrument

Key = tuple[tuple[str, str], ...]

MOST_IN_A_BLOCK = 512
_MOST_TRIED = 200


class Plan:
    """Which combinations to walk, sorted into blocks that share their signals.

    n_impossible: chosen combinations whose values do not go together (known once `blocks` has met them), and `why` the
    first of them does not. They are left out, not guessed at.
    """

    __slots__ = ("_grid", "_instrument", "_parts_of", "_terms", "n_impossible", "numbers", "why")

    def __init__(self, grid: Grid, numbers: IntArray, parts_of: PartsOf, instrument: Instrument) -> None:
        """Take the combinations by number."""
        self._grid, self.numbers = grid, numbers
        self._parts_of, self._instrument = parts_of, instrument
        self._terms: dict[Key, Terms | BadInput] = {}
        self.n_impossible = 0
        self.why = ""

    def only(self, number: int) -> "Plan":
        """Return the plan of one combination."""
        return Plan(self._grid, np.array([number], dtype=np.int64), self._parts_of, self._instrument)

    def blocks(self) -> Iterator[Block]:
        """Yield the work: combinations that share features and signals, at most MOST_IN_A_BLOCK at a time."""
        for members in self._by_signals():
            key = _key(self._grid.combination(int(members[0])), FEATURES, SIGNALS)
            parts = self._tried(key)
            if isinstance(parts, BadInput):
                self._leave_out(len(members), parts)
                continue
            for first in range(0, len(members), MOST_IN_A_BLOCK):
                block = self._block(parts, members[first : first + MOST_IN_A_BLOCK])
                if block is not None:
                    yield block

    def _by_signals(self) -> Iterator[IntArray]:
        """Yield the combinations that share their signals, by number: a few bytes for each, however many there are."""
        keys = np.zeros(len(self.numbers), dtype=np.int64)
        for name, listed in self._grid.values.items():
            if layer_of(name) != TERMS:
                keys = keys * len(listed) + self._grid.places_of(name, self.numbers)
        order = np.argsort(keys, kind="stable")
        if len(order) > 0:
            yield from np.split(self.numbers[order], np.flatnonzero(np.diff(keys[order])) + 1)

    def _block(self, parts: Parts, members: IntArray) -> Block | None:
        numbers, many = [], []
        for number in members.tolist():
            terms = self._terms_for(_terms_key(self._grid.combination(number)))
            if isinstance(terms, BadInput):
                self._leave_out(1, terms)
                continue
            numbers.append(number)
            many.append(terms)
        if not numbers:
            return None
        return Block(
            numbers=np.array(numbers, dtype=np.int64),
            windows=parts.windows,
            regimes=parts.regimes,
            strategies=parts.strategies,
            thresholds=parts.thresholds,
            terms=packed_all(many),
            switch=parts.rules.portfolio.regimes,
        )

    def _terms_for(self, key: Key) -> Terms | BadInput:
        if key not in self._terms:
            parts = self._tried(key)
            self._terms[key] = parts if isinstance(parts, BadInput) else terms_of(parts.rules, self._instrument)
        return self._terms[key]

    def _tried(self, key: Key) -> Parts | BadInput:
        try:
            return self._parts_of(dict(key))
        except BadInput as error:
            return error

    def _leave_out(self, n_members: int, reason: BadInput) -> None:
        self.n_impossible += n_members
        self.why = self.why or str(reason)


def refuse_hopeless(grid: Grid, parts_of: PartsOf) -> None:
    """Raise BadInput for a value that no setting allows, alone or beside the other swept knobs of its layer."""
    for name, listed in grid.values.items():
        for value in listed:
            try:
                parts_of({name: value})
            except BadInput:
                if not any(_goes(parts_of, knobs) for knobs in _beside(grid, name, value)):
                    raise


def _beside(grid: Grid, name: str, value: str) -> Iterator[dict[str, str]]:
    others = {one: listed for one, listed in grid.values.items() if one != name and layer_of(one) == layer_of(name)}
    for chosen in islice(product(*others.values()), _MOST_TRIED):
        yield {**dict(zip(others, chosen, strict=True)), name: value}


def _goes(parts_of: PartsOf, knobs: Mapping[str, str]) -> bool:
    try:
        parts_of(knobs)
    except BadInput:
        return False
    return True


def _key(knobs: Mapping[str, str], *layers: int) -> Key:
    return tuple((name, value) for name, value in knobs.items() if layer_of(name) in layers)


def _terms_key(knobs: Mapping[str, str]) -> Key:
    """Return what terms depend on: the more strategies, the smaller the share of the capital of each."""
    return tuple((name, value) for name, value in knobs.items() if layer_of(name) == TERMS or name == "STRATEGIES")
