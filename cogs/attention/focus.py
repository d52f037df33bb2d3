"""What of a model's attention is looked at: all of it, a layer or a head, from one token."""

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
    """`layer`, `head` and `token` are counted from 0; ALL stands for all layers, all heads of a layer, and the last token.

    `encoder` is whether the encoder is looked at, and not the language model.
    """

    layer: int = ALL
    head: int = ALL
    token: int = ALL
    encoder: bool = False

    def of(self, view: Attention) -> int:
        """The token that is looked from, in a text that may be shorter."""
        last = len(view.reading.pieces) - 1
        return last if self.token == ALL else min(self.token, last)


class Kind(StrEnum):
    """What a head may be marked as, by its score."""

    PREVIOUS = "previous"
    FIRST = "first"
    INDUCTION = "induction"

    def score(self, scores: HeadScores) -> float:
        return float(getattr(scores, self))

    def marks(self, scores: HeadScores) -> bool:
        """Whether the head does this more than anything else; Olsson et al. mark induction heads from about there."""
        return self.score(scores) >= (0.3 if self is Kind.INDUCTION else 0.5)


def best(view: Attention, kind: Kind) -> HeadScores | None:
    """The head that a kind marks most clearly; None if it marks none."""
    top = max(view.scores, key=kind.score, default=None)
    return top if top is not None and kind.marks(top) else None


def kinds_of(scores: HeadScores) -> Iterator[Kind]:
    return (kind for kind in Kind if kind.marks(scores))


def scores_of(view: Attention, layer: int) -> Sequence[HeadScores]:
    """Those of the heads of a layer, in their order; none for an encoder."""
    return [scores for scores in view.scores if scores.layer == layer]


def row(view: Attention, focus: Focus) -> NDArray[np.float32]:
    """How much of the attention of the token in focus goes to each token, shape (tokens,)."""
    if focus.layer == ALL:
        matrix = view.mean.array()
    elif focus.head == ALL:
        matrix = view.weights.array().mean(0)
    else:
        matrix = view.weights.array()[0 if view.head is not None else focus.head]
    return np.asarray(matrix[focus.of(view)])
