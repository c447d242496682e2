"""Columns between numpy and Arrow by their buffers: Arrow's own conversions load pandas, 40 MB nobody here needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.recording import Floats, Ints


def numbers_of(column: Any) -> NDArray[Any]:
    """Return a column of float64 or int64 as an array of its own, shape (n,). A missing float is NaN.

    Whole numbers must not be missing.
    """
    import pyarrow as pa

    kind: Any = np.float64 if pa.types.is_floating(column.type) else np.int64
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    numbers = np.empty(len(column), dtype=kind)
    first = 0
    for chunk in chunks:
        buffers: Any = chunk.buffers()
        is_there, values = buffers
        part = numbers[first : first + len(chunk)]
        part[:] = np.frombuffer(values, dtype=kind)[chunk.offset : chunk.offset + len(chunk)]
        if chunk.null_count:
            bits = np.unpackbits(np.frombuffer(is_there, dtype=np.uint8), bitorder="little")
            part[bits[chunk.offset : chunk.offset + len(chunk)] == 0] = np.nan
        first += len(chunk)
    return numbers


def arrow_floats(values: Floats) -> Any:
    """Return floats, shape (n,), as an Arrow column; NaN becomes missing."""
    import pyarrow as pa

    held = np.ascontiguousarray(values, dtype=np.float64)
    is_there = np.packbits(~np.isnan(held), bitorder="little")
    return pa.Array.from_buffers(pa.float64(), len(held), [_buffer(is_there), _buffer(held)])


def arrow_ints(values: Ints) -> Any:
    """Return whole numbers, shape (n,), as an Arrow column."""
    import pyarrow as pa

    held = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(held), [None, _buffer(held)])


def arrow_words(words: Sequence[str]) -> Any:
    """Return words as an Arrow column."""
    import pyarrow as pa

    written = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, written)], dtype=np.int32)
    return pa.Array.from_buffers(pa.utf8(), len(written), [None, _buffer(ends), pa.py_buffer(b"".join(written))])


def arrow_lists(rows: Ints, is_there: NDArray[np.bool_]) -> Any:
    """Return a column of lists of whole numbers, missing where not `is_there`, shape (n,); `rows`: those that are."""
    import pyarrow as pa

    ends = np.concatenate(([0], np.cumsum(is_there))).astype(np.int32) * np.int32(rows.shape[1])
    return pa.Array.from_buffers(
        pa.list_(pa.int64()),
        len(is_there),
        [_buffer(np.packbits(is_there, bitorder="little")), _buffer(ends)],
        children=[arrow_ints(rows.reshape(-1))],
    )


def _buffer(values: Any) -> Any:
    import pyarrow as pa

    return pa.py_buffer(values)
