"""Texts that OpenVINO reads together, cached in pages of a few tokens each (Kwon et al. 2023, "PagedAttention").

Texts need no padding, and texts that begin alike share their first pages.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

import numpy as np
import openvino
import torch
from openvino import Type

from models.language.cache import PaddedRow
from models.language.decoder import CausalModel
from models.language.openvino import graph
from models.language.rows import ModelInputs, Row
from models.packed import Float16, Int8, Int8OfTorch, Packed, weights_in

VERSION: str = openvino.__version__.partition("-")[0]
_GROUP = 32
"""Number of inputs of an int8 product that are rounded with one scale."""
_TYPES = {torch.float32: (Type.f32, np.float32), torch.bfloat16: (Type.bf16, np.uint16)}


class Page:
    """A place for the keys and values of some tokens; it can be used again once nobody refers to it."""

    __slots__ = ("_free", "number")

    def __init__(self, free: list[int]) -> None:
        """Takes the first of the `free` places."""
        if not free:
            raise MemoryError("the cache is full")
        self._free = free
        self.number = heapq.heappop(free)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            heapq.heappush(self._free, self.number)


@dataclass(frozen=True, slots=True)
class PagedRow:
    """The pages of a text."""

    runtime: OpenVinoRuntime
    pages: tuple[Page, ...]
    length: int
    is_shared: bool = False
    """Whether several texts may continue from it."""

    @property
    def room(self) -> int:
        return len(self.pages) * self.runtime.page_size

    @property
    def nbytes(self) -> int:
        return len(self.pages) * self.runtime.page_bytes

    def first(self, length: int) -> PagedRow:
        pages = self.pages[: self.runtime.pages_for(length)]
        return PagedRow(self.runtime, pages, length, self.is_shared)

    def kept(self) -> PagedRow:
        # Texts only ever write after their own tokens, so what is kept does not change.
        return PagedRow(self.runtime, self.pages, self.length, is_shared=True)


class PagedRows:
    """Texts in pages, each with its number of tokens."""

    is_wasteful = False

    def __init__(self, runtime: OpenVinoRuntime, rows: Sequence[PagedRow]) -> None:
        self._runtime = runtime
        self._pages = [list(row.pages) for row in rows]
        self._lengths = [row.length for row in rows]

    @property
    def nbytes(self) -> int:
        return sum(map(len, self._pages)) * self._runtime.page_bytes

    @property
    def capacity(self) -> int:
        return sum(map(len, self._pages)) * self._runtime.page_size

    def row(self, place: int) -> PagedRow:
        return PagedRow(self._runtime, tuple(self._pages[place]), self._lengths[place])

    def feed(self, tokens: Sequence[Sequence[int]], inputs: ModelInputs, *, keep: int = 1) -> torch.Tensor:
        del inputs
        for pages, length, new in zip(self._pages, self._lengths, tokens, strict=True):
            self._runtime.extend(pages, length + len(new))
        scores = self._runtime.scores(tokens, self._lengths, self._pages, keep)
        self._lengths = [length + len(new) for length, new in zip(self._lengths, tokens, strict=True)]
        return scores

    def take_back(self, counts: Sequence[int]) -> None:
        self._lengths = [length - count for length, count in zip(self._lengths, counts, strict=True)]


class OpenVinoRuntime:
    """Computes with a copy of a model's weights."""

    writes_single_texts = True

    def __init__(
        self, model: CausalModel, compiled: openvino.CompiledModel, shape: graph.Shape, tokens: int, bits: int
    ) -> None:
        """The cache holds `tokens` tokens. `bits` is what OpenVINO keeps of a number in a weight."""
        self.weight_bytes = weights_in(model) * bits // 8
        self._embed = model.get_input_embeddings()
        self._embed_positions = getattr(model.base_model, "wpe", None)
        self._rotary = getattr(model.base_model, "rotary_emb", None)
        self._angles = (torch.empty(0, 0), torch.empty(0, 0))
        """Cosines and sines of the rotary embedding, shape (positions, rotated size)."""
        self._shape = shape
        self._request = compiled.create_infer_request()
        first = compiled.input(graph.KEYS.format(0))
        self.page_size: int = first.partial_shape[2].get_length()
        """Tokens of a page."""
        self._caches: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Keys and values of each layer, shape (pages, heads, tokens of a page, size)."""
        count = self.pages_for(tokens) + 1  # one page that is being copied
        dtype = next(dtype for dtype, (kind, _) in _TYPES.items() if kind == first.element_type)
        for layer in range(shape.layers):
            pair = [self._allocated(name.format(layer), count, dtype) for name in (graph.KEYS, graph.VALUES)]
            self._caches.append((pair[0], pair[1]))
        self.page_bytes = sum(tensor[0].nbytes for pair in self._caches for tensor in pair)
        self._free = list(range(count))

    @classmethod
    def of(cls, model: CausalModel, kind: type[Packed] | None, tokens: int) -> OpenVinoRuntime | None:
        """None for models that `graph.build` does not cover. `kind` is the format of the weights, None for the model's
        own; the model's weights must not be packed yet.
        """
        built = graph.build(model, kind)
        if built is None:
            return None
        network, shape = built
        halved = model.dtype == torch.bfloat16
        precision = "bf16" if halved else "f32"
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": precision,
            "KV_CACHE_PRECISION": precision,
            # Products of bytes are twice as fast for eight texts. The weights are rounded anyway.
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP if kind in {Int8, Int8OfTorch} else 0,
        }
        compiled = openvino.Core().compile_model(network, "CPU", options)
        given = kind.bits if kind else model.dtype.itemsize * 8
        # It keeps what it was given beside what its kernels read, for which it widens float16.
        return cls(model, compiled, shape, tokens, given + (32 if kind is Float16 else given))

    def _allocated(self, name: str, count: int, dtype: torch.dtype) -> torch.Tensor:
        """The pages of one input. The system provides memory only for those that are written."""
        kind, bits = _TYPES[dtype]
        shape = (count, self._shape.kept_heads, self.page_size, self._shape.size)
        memory = np.zeros(shape, dtype=bits)
        self._request.set_tensor(name, openvino.Tensor(memory, openvino.Shape(shape), kind))
        return torch.from_numpy(memory).view(dtype)

    def rows(self, rows: Sequence[Row]) -> PagedRows:
        return PagedRows(self, [self._own(row) for row in rows])

    def room(self, lengths: Sequence[int]) -> int:
        return sum(map(self.pages_for, lengths)) * self.page_size

    def pages_for(self, length: int) -> int:
        """Number of pages that a text of this length takes."""
        return -(-length // self.page_size)

    def extend(self, pages: list[Page], length: int) -> None:
        """Add pages for a text of this length."""
        pages += [Page(self._free) for _ in range(self.pages_for(length) - len(pages))]

    def _own(self, row: Row) -> PagedRow:
        """A row that one text can continue."""
        if not isinstance(row, PagedRow):
            return self._copied(cast("PaddedRow", row))
        if not row.is_shared or row.length % self.page_size == 0:
            return PagedRow(self, row.pages, row.length)
        page = Page(self._free)
        for pair in self._caches:
            for cache in pair:
                cache[page.number] = cache[row.pages[-1].number]
        return PagedRow(self, (*row.pages[:-1], page), row.length)

    def _copied(self, row: PaddedRow) -> PagedRow:
        pages: list[Page] = []
        self.extend(pages, row.length)
        if row.length:
            for layer, pair in enumerate(self._caches):
                for cache, states in zip(pair, row.states(layer), strict=True):
                    for page, part in zip(pages, states.split(self.page_size, 1), strict=True):
                        cache[page.number, :, : part.shape[1]] = part
        return PagedRow(self, tuple(pages), row.length)

    def scores(
        self,
        tokens: Sequence[Sequence[int]],
        lengths: Sequence[int],
        pages: Sequence[Sequence[Page]],
        keep: int,
    ) -> torch.Tensor:
        """Read tokens of texts of these lengths; see `Rows.feed`."""
        counts = list(map(len, tokens))
        ends = list(accumulate(counts))
        totals = [length + count for length, count in zip(lengths, counts, strict=True)]
        used = [own[: self.pages_for(total)] for own, total in zip(pages, totals, strict=True)]
        chosen = [
            max(end - count, end - keep + place)
            for end, count in zip(ends, counts, strict=True)
            for place in range(keep)
        ]
        fed: dict[str, np.ndarray[Any, Any]] = {
            graph.CHOSEN: np.array(chosen, dtype=np.int64),
            graph.PAST: np.array(lengths, dtype=np.int32),
            graph.BEGINS: np.array([0, *ends], dtype=np.int32),
            graph.PAGES: np.array([page.number for own in used for page in own], dtype=np.int32),
            graph.PAGE_BEGINS: np.array([0, *accumulate(map(len, used))], dtype=np.int32),
            graph.LONGEST: np.array(max(totals), dtype=np.int32),
        }
        ids = torch.tensor([number for new in tokens for number in new])
        places = zip(lengths, totals, strict=True)
        positions = torch.tensor([place for length, total in places for place in range(length, total)])
        fed |= self._embedded(ids, positions)
        made = self._request.infer(fed, share_inputs=True, share_outputs=True)
        return torch.from_numpy(made[0]).view(len(tokens), keep, -1)

    def _embedded(self, ids: torch.Tensor, positions: torch.Tensor) -> dict[str, np.ndarray[Any, Any]]:
        states = self._embed(ids).detach().float()
        if self._embed_positions is not None:
            states = states + self._embed_positions(positions)
        made = {graph.STATES: states.numpy()}
        if self._rotary is not None:
            longest = int(positions.max())
            if longest >= len(self._angles[0]):
                every = torch.arange(2 * (longest + 1))[None]
                cosines, sines = self._rotary(states[None], every)
                self._angles = cosines[0], sines[0]
            cosines, sines = self._angles
            made |= {graph.COSINES: cosines[positions].numpy(), graph.SINES: sines[positions].numpy()}
        return made
