"""Where tokens look: attention weights as the model computes them, and what each head mostly attends to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.failures import (
    LayerWithoutAttention,
    NoAttentionWeights,
    NoSuchHead,
    NoSuchLayer,
    TooManyWeights,
)
from models.inside.inside import Inside
from models.results import Attention, HeadScores, Numbers, Reading

if TYPE_CHECKING:
    from models.encoder import Encoder
    from models.inside.inside import Check
    from models.language.model import LanguageModel

MOST_WEIGHTS = 2**26
"""Maximum number of weights to keep: 256 MiB."""
ROWS = 512
"""Number of tokens whose attention is computed at a time."""
REPEATED = 24
"""Length of the random sequence that is repeated to measure induction."""


def attention(
    model: LanguageModel,
    text: str,
    *,
    layer: int = 0,
    head: int | None = None,
    check: Check = lambda: None,
) -> Attention:
    """The attention weights of one layer, the mean over all, and the scores of every head.

    The weights are those of transformers' "eager" attention, computed for one layer and ROWS tokens at a time.
    """
    reading = model.read(text)
    inside = model.inside
    with inside.looking(check):
        seen = _look(inside, reading, layer, head)
        induction = _induction(inside, model)
    scores = tuple(
        HeadScores(number, place, previous, first, induction[number][place])
        for number, shares in sorted(seen.scores.items())
        for place, (previous, first) in enumerate(zip(*shares.tolist(), strict=True))
    )
    return _result(seen, reading, inside.layer_count, layer, head, scores)


def encoder_attention(
    model: Encoder,
    text: str,
    *,
    layer: int = 0,
    head: int | None = None,
    check: Check = lambda: None,
) -> Attention:
    """Like `attention`, for an encoder, whose tokens look both ways: without scores for heads."""
    reading = model.read(text)
    inside = model.inside
    with inside.looking(check):
        seen = _look(inside, reading, layer, head, in_parts=False)
    return _result(seen, reading, inside.layer_count, layer, head, ())


class _Seen:
    """Collects attention weights of all layers while a text is read."""

    def __init__(self, reading: Reading, layer: int, head: int | None) -> None:
        """`layer` and `head` select the weights to keep."""
        self._reading = reading
        self._length = len(reading.pieces)
        self._layer = layer
        self._head = head
        self.rows: list[torch.Tensor] = []
        """The weights that are kept, shape (heads, tokens, tokens seen)."""
        self.sums: dict[int, torch.Tensor] = {}
        """The sum over layers and heads, by the first row of each part; shape (tokens, tokens seen)."""
        self.heads: dict[int, int] = {}
        """By layer, of those that have weights."""
        self.scores: dict[int, torch.Tensor] = {}
        """By layer: how much each head attends to the token before and to the first, shape (2, heads)."""

    def add(self, layer: int, start: int, weights: torch.Tensor) -> None:
        """The weights of a layer for the tokens from `start` on, shape (heads, tokens, tokens seen)."""
        self.heads[layer] = len(weights)
        if layer == self._layer:
            self._keep(weights)
        total = weights.sum(0).cpu()
        self.sums[start] = self.sums[start] + total if start in self.sums else total
        # The first token can only attend to itself.
        before = weights.diagonal(start - 1, -2, -1).sum(-1)
        first = weights[:, 0 if start else 1 :, 0].sum(-1)
        shares = torch.stack((before, first)).cpu() / max(1, self._length - 1)
        self.scores[layer] = self.scores[layer] + shares if layer in self.scores else shares

    def _keep(self, weights: torch.Tensor) -> None:
        heads = len(weights)
        if self._head is not None and not 0 <= self._head < heads:
            raise NoSuchHead(self._head, heads - 1, self._reading.model)
        kept = weights if self._head is None else weights[self._head : self._head + 1]
        if len(kept) * self._length**2 > MOST_WEIGHTS:
            raise TooManyWeights(self._length, int((MOST_WEIGHTS / heads) ** 0.5))
        self.rows.append(kept.cpu())


def _look(inside: Inside, reading: Reading, layer: int, head: int | None, *, in_parts: bool = True) -> _Seen:
    ids = inside.batch(reading.ids)
    length = ids.shape[-1]
    if not 0 <= layer < inside.layer_count:
        raise NoSuchLayer(layer, inside.layer_count - 1, reading.model)
    seen = _Seen(reading, layer, head)
    cache = inside.cache() if in_parts and length > ROWS else None
    rows = length if cache is None else ROWS
    for start in range(0, length, rows):

        def visit(number: int, weights: torch.Tensor, start: int = start) -> None:
            seen.add(number, start, weights[0])

        inside.attention(ids[:, start : start + rows], visit, cache)
    if not seen.heads:
        raise NoAttentionWeights(reading.model)
    if layer not in seen.heads:
        raise LayerWithoutAttention(layer, reading.model, tuple(map(str, sorted(seen.heads))))
    return seen


def _result(
    seen: _Seen,
    reading: Reading,
    layers: int,
    layer: int,
    head: int | None,
    scores: tuple[HeadScores, ...],
) -> Attention:
    length = len(reading.pieces)
    parts = [part[None] for _, part in sorted(seen.sums.items())]
    mean = _joined(parts, length)[0] / sum(seen.heads.values())
    weights = _joined(seen.rows, length)
    return Attention(
        reading, layer, head, layers, seen.heads[layer], _numbers(weights), _numbers(mean), scores
    )


def _joined(parts: list[torch.Tensor], length: int) -> torch.Tensor:
    """Parts of shape (heads, tokens, tokens seen) as one, with zeros for what was not seen yet."""
    if len(parts) == 1:
        return parts[0]
    whole = parts[0].new_zeros(len(parts[0]), length, length)
    start = 0
    for part in parts:
        whole[:, start : start + part.shape[1], : part.shape[2]] = part
        start += part.shape[1]
    return whole


def _numbers(tensor: torch.Tensor) -> Numbers:
    return Numbers(tuple(tensor.shape), tensor.float().contiguous().numpy().tobytes())


def _induction(inside: Inside, model: LanguageModel) -> dict[int, list[float]]:
    """How much each head attends to the token after an earlier occurrence of the same one, by layer: measured once, on
    a repeated random sequence (Olsson et al. 2022, "In-context Learning and Induction Heads").
    """
    if "induction" not in inside.remembered:
        inside.remembered["induction"] = _measured_induction(inside, model)
    found: dict[int, list[float]] = inside.remembered["induction"]
    return found


def _measured_induction(inside: Inside, model: LanguageModel) -> dict[int, list[float]]:
    beginning = [] if model.beginning is None else [model.beginning]
    room = REPEATED if model.context is None else (model.context - len(beginning)) // 2
    count = max(1, min(REPEATED, room))
    random = torch.Generator().manual_seed(0)
    some = torch.randint(model.vocabulary_size, (count,), generator=random).tolist()
    start = len(beginning)
    scores: dict[int, list[float]] = {}

    def visit(number: int, weights: torch.Tensor) -> None:
        # Row r of the second half attends to the token after its twin: r - count + 1.
        after = weights[0, :, start + count :, start + 1 : start + count + 1].diagonal(0, -2, -1)
        scores[number] = after.mean(-1).tolist()

    inside.attention(inside.batch([*beginning, *some, *some]), visit)
    return scores
