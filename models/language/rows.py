"""What the engine needs from a runtime: it feeds tokens of several texts, and gets scores.

Two runtimes implement this: torch (`models.language.padded`), and a compiled step for few tokens at a
time (`models.language.compiled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import torch

ModelInputs: TypeAlias = dict[str, Any]
"""The model inputs that `generate` prepares for each step: the cache, the mask, and any others that the model takes."""


class Row(Protocol):
    """The tokens of one text in a cache, as they are now: they stay the same while the text goes on."""

    @property
    def length(self) -> int: ...

    @property
    def room(self) -> int:
        """Number of tokens that could be cached in the memory that the row takes when it is kept."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory of a row that is kept."""
        ...

    def first(self, length: int) -> Row:
        """The row's first `length` tokens."""
        ...

    def kept(self) -> Row:
        """The same tokens, in memory that lasts without the texts that they were read with."""
        ...


class Rows(Protocol):
    """Texts that a model reads together."""

    @property
    def nbytes(self) -> int: ...

    @property
    def capacity(self) -> int:
        """Number of tokens that the allocated memory can hold, over all texts."""
        ...

    @property
    def is_wasteful(self) -> bool:
        """Whether the same rows would take much less memory if they were put together again."""
        ...

    def row(self, place: int) -> Row: ...

    def feed(self, tokens: Sequence[Sequence[int]], inputs: ModelInputs, *, keep: int = 1) -> torch.Tensor:
        """Read the next tokens of each text, at least one; returns the scores after the last `keep` of them, float32 of
        shape (texts, keep, vocabulary), valid until the next call. Where a text gets fewer tokens than `keep`, its
        first scores are meaningless.

        `inputs` are those of any of the texts. If this fails, the rows are as they were.
        """
        ...

    def take_back(self, counts: Sequence[int]) -> None:
        """Discard the last tokens of each text: as many as `counts` says."""
        ...


class Runtime(Protocol):
    """Computes with the weights of one model."""

    weight_bytes: int
    """Memory of weights that are not the model's own."""
    writes_single_texts: bool
    """Whether it is the faster way for a text on its own too."""

    @property
    def is_steady(self) -> bool:
        """Whether a text has the same scores, to the last bit, whatever it is read with and in whatever pieces."""
        ...

    def rows(self, rows: Sequence[Row]) -> Rows:
        """Texts that are read together from now on; `rows` may come from another runtime."""
        ...

    def room(self, lengths: Sequence[int]) -> int:
        """Maximum number of cached tokens that texts of these lengths take, including padding."""
        ...
