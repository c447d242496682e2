"""From figures in their own units to comparable ones: cut at the tails, centred and divided by their spread."""

from typing import Final

import numpy as np

from domain.features import FloatArray
from domain.record import Record
from gate.metalabel.vector import N_FIGURES

TAIL_PERCENTILE: Final = 1.0
_DIGITS: Final = 9
# Standardised figures are cut to six decimals, so that the last bits of another machine's arithmetic do not show.
_Z_DIGITS: Final = 6


class Scale(Record, frozen=True, kw_only=True):
    """How each figure is standardised: by the training set alone. Each tuple has one entry for each of `FIGURES`.

    low, high: what it is cut to, the first and the last percentile. mean, stdev: of what is left after the cut;
    stdev 0 marks a figure that never moved, and such a figure says nothing.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    stdev: tuple[float, ...]


def scale_of(columns: FloatArray) -> Scale:
    """Return the scale of a training set. columns: shape (n, n_columns), absent figures NaN."""
    parts = [_of_figure(columns[:, place]) for place in range(N_FIGURES)]
    low, high, mean, stdev = (tuple(part[which] for part in parts) for which in range(4))
    return Scale(low=low, high=high, mean=mean, stdev=stdev)


def standardised(columns: FloatArray, scale: Scale) -> FloatArray:
    """Return columns of the same shape, figures standardised, absent ones 0, marks as they are.

    A mark is not standardised: a rare one would then weigh the more, the less often it was seen.
    """
    figures = columns[..., :N_FIGURES]
    stdev = np.array(scale.stdev)
    moves = stdev > 0.0
    cut = np.clip(figures, scale.low, scale.high) - np.array(scale.mean)
    told = np.where(moves & ~np.isnan(figures), cut / np.where(moves, stdev, 1.0), 0.0)
    # Plus zero: a negative zero is the same figure with another text.
    return np.round(np.concatenate([told, columns[..., N_FIGURES:]], axis=-1), _Z_DIGITS) + 0.0


def _of_figure(column: FloatArray) -> tuple[float, float, float, float]:
    known = column[~np.isnan(column)]
    if known.size == 0:
        return 0.0, 0.0, 0.0, 0.0
    low, high = np.percentile(known, [TAIL_PERCENTILE, 100.0 - TAIL_PERCENTILE])
    cut = np.clip(known, low, high)
    mean = round(float(cut.mean()), _DIGITS)
    return float(low), float(high), mean, round(float(cut.std()), _DIGITS)
