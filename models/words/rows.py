"""Checks each row of an array of vectors once: whether it is finite, and whether it is all zeros."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.failures import NumbersNotFinite

Floats: TypeAlias = NDArray[np.float32]

LEAST, MOST = 1e-30, 1e30
"""Range of squared lengths that are exact enough in float32; other vectors are scaled, which preserves cosines."""
_BLOCK = 1 << 22
"""Number of values to check at a time."""


class Rows(NamedTuple):
    """`vectors` is (words, numbers), `lengths` (words,); `zeros` are additional words whose vectors are all zeros."""

    words: list[str]
    vectors: Floats
    lengths: Floats
    zeros: tuple[str, ...]


def check(words: Sequence[str], vectors: NDArray[Any], label: str) -> Rows:
    """Check every row of `vectors`, (words, numbers) of any real type. Raises NumbersNotFinite for the first bad one.

    A float32 array that needs no change is used without copying.
    """
    result: Floats = (
        vectors if vectors.dtype == np.float32 else np.empty(vectors.shape, np.float32)  # filled below
    )
    lengths: Floats = np.empty(len(words), np.float32)
    zeros: list[int] = []
    for start, block in _blocks(vectors):
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            squares = np.einsum("ij,ij->i", block, block)
            if result is not vectors:
                result[start : start + len(block)] = block
            lengths[start : start + len(block)] = np.sqrt(squares)
        for row in np.flatnonzero(~((squares > LEAST) & (squares < MOST))).tolist():
            at = start + row
            if (scaled := direction(block[row])) is None:
                raise NumbersNotFinite(label, words[at], at + 1)
            if not scaled.any():
                zeros.append(at)
                continue
            if not result.flags.writeable:
                result = result.copy()
            result[at] = scaled
            lengths[at] = np.linalg.norm(scaled)
    if not zeros:
        return Rows(list(words), result, lengths, ())
    nowhere = set(zeros)
    directed = [word for at, word in enumerate(words) if at not in nowhere]
    # A slice of a memory-mapped file stays on disk, so such arrays are written with the zeros at the end.
    if zeros[0] == len(directed):
        result, lengths = result[: zeros[0]], lengths[: zeros[0]]
    else:
        result, lengths = np.delete(result, zeros, 0), np.delete(lengths, zeros)
    return Rows(directed, result, lengths, tuple(words[at] for at in zeros))


def direction(row: NDArray[Any]) -> Floats | None:
    """A vector in float32, scaled by a power of two if its length or numbers would not fit; None if not finite."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        exact = row.astype(np.float64)
        largest = float(np.abs(exact).max(initial=0.0))
        if not np.isfinite(largest):
            return None
        if largest and not LEAST < float(exact @ exact) < MOST:
            exact = np.ldexp(exact, -np.frexp(largest)[1])
        return exact.astype(np.float32)


def _blocks(vectors: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """The rows in blocks, each with the index of its first row, in float32 or float64."""
    size = max(1, _BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), size):
        block = vectors[start : start + size]
        yield start, block if block.dtype == np.float32 else block.astype(np.float64)
