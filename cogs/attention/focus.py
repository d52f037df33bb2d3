"""The part of a model's attention to show: all layers, one layer or one head, from one token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.results import Attention, HeadScores

ALL = -1
"""In place of a number: all layers, all heads of a layer, the last token."""


@dataclass(frozen=True, slots=True)
class Focus:
    """`layer`, `head` and `token` are counted from 0; ALL means all layers, all heads of a layer, or the last token.

    `encoder` selects the encoder instead of the language model.
    """

    layer: int = ALL
    head: int = ALL
    token: int = ALL
    encoder: bool = False

    def of(self, view: Attention) -> int:
        """The position of the query token, limited to the length of the text."""
        last = len(view.reading.pieces) - 1
        return last if self.token == ALL else min(self.token, last)


class Kind(StrEnum):
    """The kinds of heads that are recognized by their score."""

    PREVIOUS = "previous"
    FIRST = "first"
    INDUCTION = "induction"

    def score(self, scores: HeadScores) -> float:
        return float(getattr(scores, self))

    def marks(self, scores: HeadScores) -> bool:
        """Whether the score reaches the threshold of this kind; Olsson et al. use a similar one for induction heads."""
        return self.score(scores) >= (0.3 if self is Kind.INDUCTION else 0.5)


def best(view: Attention, kind: Kind) -> HeadScores | None:
    """The head with the clearest mark of this kind; None if no head has it."""
    top = max(view.scores, key=kind.score, default=None)
    return top if top is not None and kind.marks(top) else None


def kinds_of(scores: HeadScores) -> Iterator[Kind]:
    return (kind for kind in Kind if kind.marks(scores))


def scores_of(view: Attention, layer: int) -> Sequence[HeadScores]:
    """The scores of a layer's heads, in order; empty for an encoder."""
    return [scores for scores in view.scores if scores.layer == layer]


def row(view: Attention, focus: Focus) -> NDArray[np.float32]:
    """The attention weights from the token in focus to each token, shape (tokens,)."""
    if focus.layer == ALL:
        matrix = view.mean.array()
    elif focus.head == ALL:
        matrix = view.weights.array().mean(0)
    else:
        matrix = view.weights.array()[0 if view.head is not None else focus.head]
    return np.asarray(matrix[focus.of(view)])
