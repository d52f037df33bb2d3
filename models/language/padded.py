"""Texts that torch reads together, padded on the left to a common length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import torch

from models.language.cache import (
    CACHE_GROWTH,
    GrowingLayer,
    PaddedRow,
    capacity_of,
    growing_layers,
    nbytes_of,
    pack,
)
from models.language.layers import CausalModel
from models.language.rows import ModelInputs, Row


class Decoding(Protocol):
    """Reads tokens: see `models.language.decoder.Decoder.scores`."""

    def scores(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        cache: Sequence[GrowingLayer],
        keep: int = 1,
    ) -> torch.Tensor: ...


class TorchRuntime:
    """Computes with the model itself, or with its decoder."""

    weight_bytes = 0
    writes_single_texts = False

    @property
    def is_steady(self) -> bool:
        return False

    def __init__(self, model: CausalModel) -> None:
        self.model = model
        self.decoder: Decoding | None = None
        """Reads tokens faster than the model itself; set once it is verified."""

    def rows(self, rows: Sequence[Row]) -> PaddedRows:
        return PaddedRows(self, cast("Sequence[PaddedRow]", rows))

    def room(self, lengths: Sequence[int]) -> int:
        return max(lengths, default=0) * len(lengths)


class PaddedRows:
    """A cache shared by several texts. Each text's unused columns are masked."""

    def __init__(self, runtime: TorchRuntime, rows: Sequence[PaddedRow]) -> None:
        self._runtime = runtime
        self._cache = pack(rows)
        longest = max((row.length for row in rows), default=0)
        places = torch.arange(longest)
        lengths = torch.tensor([row.length for row in rows], dtype=torch.long)
        self._mask = (places >= longest - lengths[:, None]).long()
        """1 where a column holds a token, shape (rows, columns), on the CPU."""

    @property
    def _layers(self) -> list[GrowingLayer]:
        return growing_layers(self._cache)

    @property
    def nbytes(self) -> int:
        return nbytes_of(self._cache)

    @property
    def capacity(self) -> int:
        return capacity_of(self._cache)

    @property
    def is_wasteful(self) -> bool:
        """Whether there is much more padding than the longest row requires."""
        longest = int(self._mask.sum(1).max()) if self._mask.numel() else 0
        return self._mask.shape[1] - longest >= CACHE_GROWTH

    def row(self, place: int) -> PaddedRow:
        real = self._mask[place].nonzero()[:, 0]
        count = len(real)
        first = int(real[0]) if count else 0
        contiguous = not count or int(real[-1]) - first + 1 == count
        return PaddedRow(self._cache, place, slice(first, first + count) if contiguous else real)

    def feed(self, tokens: Sequence[Sequence[int]], inputs: ModelInputs, *, keep: int = 1) -> torch.Tensor:
        columns = self._mask.shape[1]
        try:
            return self._feed(tokens, inputs, keep)
        except Exception:
            self._truncate(columns)
            raise

    def _feed(self, tokens: Sequence[Sequence[int]], inputs: ModelInputs, keep: int) -> torch.Tensor:
        """All texts end at the same column."""
        model, decoder = self._runtime.model, self._runtime.decoder
        device = model.device
        width = max(map(len, tokens))
        # Padding repeats a token of the same text; its outputs are ignored.
        padded = torch.tensor([[new[0]] * (width - len(new)) + list(new) for new in tokens], device=device)
        counts = torch.tensor([len(new) for new in tokens])[:, None]
        columns = torch.arange(width) - (width - counts)
        mask = torch.cat([self._mask, (columns >= 0).long()], dim=1)
        positions = (self._mask.sum(1, keepdim=True) + columns).clamp_(min=0)
        if decoder is not None:
            scores = decoder.scores(padded, positions, mask, self._layers, keep)
        else:
            inputs = inputs | {"past_key_values": self._cache, "attention_mask": mask.to(device)}
            if "position_ids" in inputs:
                inputs["position_ids"] = positions.to(device)
            if "logits_to_keep" in inputs:
                inputs["logits_to_keep"] = keep
            prepared = model.prepare_inputs_for_generation(padded, next_sequence_length=width, **inputs)
            scores = model(**prepared, return_dict=True).logits[:, -keep:]
        self._mask = mask
        return scores.float()

    def take_back(self, counts: Sequence[int]) -> None:
        end = self._mask.shape[1]
        for place, count in enumerate(counts):
            self._mask[place, end - count :] = 0
        self._truncate(end - min(counts))

    def _truncate(self, columns: int) -> None:
        """Discard everything after the first `columns` columns, where a step may have failed halfway."""
        self._mask = self._mask[:, :columns]
        for layer in self._layers:
            layer.truncate(columns)
