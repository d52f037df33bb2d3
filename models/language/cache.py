"""Keys and values of texts that are generated together, padded to a common length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from transformers.cache_utils import Cache, DynamicLayer, DynamicSlidingWindowLayer

CACHE_GROWTH = 64
"""Number of tokens by which a cache grows at a time."""


class GrowingLayer(DynamicLayer):
    """The keys and values of one layer, shape (sequences, heads, tokens, size), in memory that grows in larger steps.

    The cache layer of transformers copies everything for each token.
    """

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        count = key_states.shape[-2]
        keys, values = self._grown(count, key_states, value_states)
        keys[:, :, -count:] = key_states
        values[:, :, -count:] = value_states
        return keys, values

    def extend(self, count: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add tokens whose keys and values are to be written by the caller; returns those of all tokens.

        `like` has the shape of keys and values, with any number of tokens.
        """
        if not self.is_initialized:
            self.lazy_initialization(like, like)
        return self._grown(count, like, like)

    def _grown(
        self, count: int, like_keys: torch.Tensor, like_values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        end = self.get_seq_length() + count
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            self._buffers = (
                self._enlarged(self.keys, like_keys, end),
                self._enlarged(self.values, like_values, end),
            )
        keys, values = self._buffers
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def truncate(self, length: int) -> None:
        """Discard all tokens after the first `length`."""
        if self._buffers is not None:
            self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)

    @property
    def nbytes(self) -> int:
        return sum(buffer.nbytes for buffer in self._buffers or ())

    @property
    def capacity(self) -> int:
        """Number of tokens that the allocated memory can hold, over all sequences."""
        return self._buffers[0].shape[0] * self._buffers[0].shape[-2] if self._buffers else 0

    @staticmethod
    def _enlarged(old: torch.Tensor, states: torch.Tensor, length: int) -> torch.Tensor:
        sequences, heads, _, size = states.shape
        # Zeros, because masked entries are still multiplied.
        new = states.new_zeros(sequences, heads, _rounded_up(length), size)
        if old.numel():
            new[:, :, : old.shape[-2]] = old
        return new

    @classmethod
    def packed(cls, parts: Sequence[tuple[GrowingLayer, int, Columns]]) -> GrowingLayer:
        """A layer built from rows of other layers, padded on the left: some columns of a row for each (layer, row,
        columns).

        It has memory for another token. It is empty if all the other layers are.
        """
        layer = cls()
        like = next((part for part, _, _ in parts if part.is_initialized), None)
        if like is None:
            return layer
        longest = max(_count(columns) for _, _, columns in parts)
        layer.lazy_initialization(like.keys, like.values)
        buffers = []
        for name in ("keys", "values"):
            _, heads, _, size = getattr(like, name).shape
            buffer = getattr(like, name).new_zeros(len(parts), heads, _rounded_up(longest + 1), size)
            for place, (source, row, columns) in enumerate(parts):
                if count := _count(columns):
                    buffer[place, :, longest - count : longest] = getattr(source, name)[row, :, columns]
            buffers.append(buffer)
        layer._buffers = (buffers[0], buffers[1])
        layer.truncate(longest)
        return layer


Columns: TypeAlias = "slice | torch.Tensor"
"""The columns of a row that hold tokens: a slice if they are contiguous, otherwise their indices."""


@dataclass(frozen=True, slots=True)
class PaddedRow:
    """A row of a cache and the columns in it that hold tokens."""

    cache: Cache
    place: int = 0
    columns: Columns = field(default_factory=lambda: slice(0, 0))

    @property
    def length(self) -> int:
        return _count(self.columns)

    @property
    def room(self) -> int:
        return self.length

    @property
    def nbytes(self) -> int:
        return nbytes_of(self.cache)

    @property
    def capacity(self) -> int:
        return capacity_of(self.cache)

    def first(self, length: int) -> PaddedRow:
        columns = self.columns
        if isinstance(columns, slice):
            return PaddedRow(self.cache, self.place, slice(columns.start, columns.start + length))
        return PaddedRow(self.cache, self.place, columns[:length])

    def kept(self) -> PaddedRow:
        return PaddedRow(pack([self]), 0, slice(0, self.length))

    def states(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and values of one layer, each of shape (heads, tokens, size)."""
        own = growing_layers(self.cache)[layer]
        return own.keys[self.place, :, self.columns], own.values[self.place, :, self.columns]


def pack(rows: Sequence[PaddedRow]) -> Cache:
    """A cache with a copy of each of these rows, padded on the left."""
    layers = zip(*(growing_layers(row.cache) for row in rows), strict=True)
    packed = [
        GrowingLayer.packed([(layer, row.place, row.columns) for layer, row in zip(same, rows, strict=True)])
        for same in layers
    ]
    return Cache(layers=[*packed])


def empty_row(layers: int) -> PaddedRow:
    """A row without tokens."""
    return PaddedRow(Cache(layers=[GrowingLayer() for _ in range(layers)]))


def nbytes_of(cache: Cache) -> int:
    """Memory that the layers of a cache take."""
    return sum(layer.nbytes for layer in growing_layers(cache))


def capacity_of(cache: Cache) -> int:
    """Number of tokens that the memory of a cache can hold, over all its rows."""
    layers = growing_layers(cache)
    return layers[0].capacity if layers else 0


def growing_layers(cache: object) -> list[GrowingLayer]:
    """The layers of a cache that the engine can combine with others; empty for any other type of cache."""
    layers = cache.layers if isinstance(cache, Cache) else []
    growing = [layer for layer in layers if isinstance(layer, GrowingLayer)]
    return growing if len(growing) == len(layers) else []


def is_windowed(cache: Cache) -> bool:
    """Whether any layer of a transformers cache has a sliding window."""
    return any(isinstance(layer, DynamicSlidingWindowLayer) for layer in cache.layers)


def keeps_all_tokens(cache: Cache, length: int) -> bool:
    """Whether a transformers cache would keep all of `length` tokens."""
    return bool(cache.layers) and all(_keeps_all_tokens(layer, length) for layer in cache.layers)


def _keeps_all_tokens(layer: object, length: int) -> bool:
    if type(layer) is DynamicSlidingWindowLayer:
        return length <= layer.sliding_window
    return type(layer) is DynamicLayer


def _count(columns: Columns) -> int:
    return columns.stop - columns.start if isinstance(columns, slice) else len(columns)


def _rounded_up(length: int) -> int:
    return -(-length // CACHE_GROWTH) * CACHE_GROWTH
