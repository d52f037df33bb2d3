"""The layers of common causal language models as one short program.

transformers computes a token through hundreds of modules, each with its own arguments, masks and copies. For a small
model, and for any model on a GPU, that takes longer than the arithmetic. This module calls the same operations on the
same weights directly: for one text that is not padded, scores are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.language.cache import GrowingLayer
from models.language.layers import CausalModel, Layer, Module, Network, network_of
from models.packed import PackedLinear

Function: TypeAlias = Callable[[Tensor], Tensor]


WORTH_SPLITTING = 128
"""Columns of padding from which texts are not attended to together with longer ones."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring rows of the cache that begin at about the same column."""

    rows: slice
    start: int
    """The first column that any of them uses."""
    mask: Tensor | None
    """Added to the attention scores, shape (rows, 1, tokens, columns from `start` on); None if only later
    tokens are hidden.
    """


@dataclass(frozen=True, slots=True)
class _Step:
    """What all layers share while some tokens are read, shape (texts, tokens)."""

    cache: Sequence[GrowingLayer]
    groups: Sequence[_Group]
    cos: Tensor | None
    sin: Tensor | None
    """The rotary embedding of each position, shape (texts, 1, tokens, rotated size); None if the model has none."""


@dataclass(frozen=True, slots=True)
class _Attention:
    """Self-attention of one layer."""

    place: int
    project: Callable[[Tensor], Sequence[Tensor]]
    """The queries, keys and values of some states, each of shape (texts, tokens, heads x size)."""
    output: Function
    size: int
    scale: float
    shared: int
    """Number of query heads that share a key and value head."""

    def __call__(self, states: Tensor, step: _Step) -> Tensor:
        texts, width, _ = states.shape
        queries, keys, values = (
            part.view(texts, width, -1, self.size).transpose(1, 2) for part in self.project(states)
        )
        if step.cos is not None and step.sin is not None:
            queries, keys = _rotated(queries, step.cos, step.sin), _rotated(keys, step.cos, step.sin)
        keys, values = step.cache[self.place].update(keys, values)
        made = [
            self._attend(
                queries[group.rows],
                keys[group.rows, :, group.start :],
                values[group.rows, :, group.start :],
                group.mask,
            )
            for group in step.groups
        ]
        whole = made[0] if len(made) == 1 else torch.cat(made)
        return self.output(whole.transpose(1, 2).reshape(texts, width, -1))

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        rows, heads, width, size = queries.shape
        if mask is None:
            return functional.scaled_dot_product_attention(
                queries, keys, values, scale=self.scale, is_causal=width > 1, enable_gqa=self.shared > 1
            )
        if self.shared > 1:
            # Heads with the same keys are computed together, as if they were more tokens: keys need not be repeated.
            queries = queries.reshape(rows, -1, self.shared * width, size)
            if width > 1:
                mask = mask.repeat(1, 1, self.shared, 1)
        made = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask, scale=self.scale
        )
        return made.reshape(rows, heads, width, size)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Attention and a feed-forward network, one after the other, or beside each other if the latter has no norm."""

    norm: Function
    attention: _Attention
    second_norm: Function | None
    feed_forward: Function

    def __call__(self, states: Tensor, step: _Step) -> Tensor:
        normed = self.norm(states)
        if self.second_norm is None:
            return self.attention(normed, step) + self.feed_forward(normed) + states
        states = states + self.attention(normed, step)
        return states + self.feed_forward(self.second_norm(states))


@dataclass(frozen=True, slots=True)
class Decoder:
    """Reads tokens and returns the scores of the next ones, like the model it was made from, with a faster cache."""

    embed: Function
    embed_positions: Function | None
    rotary: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None
    layers: Sequence[_Layer]
    norm: Function
    head: Function
    least: float
    """The most negative number of the data type. Minus infinity would turn fully masked rows into NaN."""
    device: torch.device

    @classmethod
    def of(cls, model: CausalModel) -> Decoder | None:
        """None for models that `models.language.layers` does not cover."""
        network = network_of(model)
        if network is None:
            return None
        layers = [
            _Layer(
                _norm(layer.norm),
                _attention(place, layer, network),
                None if layer.second_norm is None else _norm(layer.second_norm),
                _feed_forward(layer),
            )
            for place, layer in enumerate(network.layers)
        ]
        return cls(
            network.embed,
            network.embed_positions,
            network.rotary,
            layers,
            _norm(network.norm),
            _linear(network.head),
            torch.finfo(model.dtype).min,
            model.device,
        )

    def scores(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        cache: Sequence[GrowingLayer],
        keep: int = 1,
    ) -> Tensor:
        """Read `ids`, shape (texts, tokens), at their `positions`, same shape, after what is in `cache`, and add them
        to it; returns the scores after the last `keep` of them, shape (texts, keep, vocabulary).

        `mask`, shape (texts, tokens so far), is 1 where a column of the cache holds a token, including the new ones;
        None if all do. Tokens can be on any device, `mask` and `positions` are on the CPU.
        """
        columns = cache[0].get_seq_length() + ids.shape[1]
        if mask is None:
            mask = torch.ones(len(ids), columns, dtype=torch.long)
        positions = positions.to(self.device)
        states = self.embed(ids)
        if self.embed_positions is not None:
            states = states + self.embed_positions(positions)
        cos = sin = None
        if self.rotary is not None:
            cos, sin = (part.unsqueeze(1) for part in self.rotary(states, positions))
        step = _Step(cache, self._groups(mask, ids.shape[1], states.dtype), cos, sin)
        for layer in self.layers:
            states = layer(states, step)
        scores: Tensor = self.head(self.norm(states[:, -keep:]))
        return scores

    def _groups(self, mask: Tensor, width: int, dtype: torch.dtype) -> list[_Group]:
        """The rows, split where one uses far fewer columns than those before it."""
        starts = mask.argmax(1).tolist()
        firsts = [0]
        for row, start in enumerate(starts):
            if start - starts[firsts[-1]] >= WORTH_SPLITTING:
                firsts.append(row)
        groups = []
        for first, end in zip(firsts, [*firsts[1:], len(starts)], strict=True):
            start = min(starts[first:end])
            seen = mask[first:end, start:]
            is_causal = width in {1, seen.shape[1]}
            added = (
                None if is_causal and bool(seen.all()) else self._added(seen, width, dtype).to(self.device)
            )
            groups.append(_Group(slice(first, end), start, added))
        return groups

    def _added(self, mask: Tensor, width: int, dtype: torch.dtype) -> Tensor:
        """What is added to attention scores: 0 where a token may look at a column, else the least number."""
        seen = mask.bool()[:, None, None]
        if width > 1:
            columns = mask.shape[1]
            seen = seen & torch.ones(width, columns, dtype=torch.bool).tril(columns - width)
        return torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, self.least)


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021, "RoFormer") of the first numbers of each head."""
    size = cos.shape[-1]
    turned = states if size == states.shape[-1] else states[..., :size]
    first, second = turned.chunk(2, -1)
    made = turned * cos + torch.cat((-second, first), -1) * sin
    return made if turned is states else torch.cat((made, states[..., size:]), -1)


def _linear(layer: nn.Module) -> Function:
    """A linear layer without the overhead of a module."""
    if type(layer) is nn.Linear:
        return partial(functional.linear, weight=layer.weight, bias=layer.bias)
    if isinstance(layer, PackedLinear):
        return layer.packed.product
    return layer


def _norm(layer: Module) -> Function:
    """A norm, in one operation where that is the same to the last bit."""
    if type(layer).__name__.endswith("RMSNorm") and layer.weight.dtype == torch.float32:
        size, smallest = tuple(layer.weight.shape), layer.variance_epsilon
        return partial(functional.rms_norm, normalized_shape=size, weight=layer.weight, eps=smallest)
    made: Function = layer
    return made


def _attention(place: int, layer: Layer, network: Network) -> _Attention:
    projections = [_linear(part) for part in layer.projections]
    if len(projections) == 1:
        (together,) = projections
        heads = network.heads, network.kept_heads, network.kept_heads
        sizes = [count * network.size for count in heads]
        project: Callable[[Tensor], Sequence[Tensor]] = lambda states: together(states).split(sizes, -1)  # noqa: E731 - as below
    else:
        project = lambda states: [part(states) for part in projections]  # noqa: E731 - one expression
    return _Attention(place, project, _linear(layer.output), network.size, layer.scale, network.shared)


def _feed_forward(layer: Layer) -> Function:
    up, down, act = _linear(layer.up), _linear(layer.down), layer.act
    if layer.gate is None:
        return lambda states: down(act(up(states)))
    gate = _linear(layer.gate)
    return lambda states: down(act(gate(states)) * up(states))
