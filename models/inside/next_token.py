"""The distribution over the next token, before and after temperature and cuts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from models.failures import ScoresNotFinite
from models.language.sampler import Sampler, cut_scores
from models.results import NextToken, Option
from models.sampling import UNCHANGED, Sampling

if TYPE_CHECKING:
    from models.inside.inside import Check
    from models.language.model import LanguageModel


def next_token(
    model: LanguageModel,
    text: str,
    *,
    sampling: Sampling = UNCHANGED,
    top: int = 15,
    taken: Sequence[int] = (),
    check: Check = lambda: None,
) -> NextToken:
    """The `top` likeliest tokens after a text and the ids `taken` after it, before and after the settings.

    The settings keep the tokens that `models.language.sampler` draws from: temperature first, then `top_k`, `top_p` and
    `min_p`. At temperature 0 only the likeliest is kept. With a seed, a token is also drawn from the kept ones.
    """
    reading = model.read(text, taken)
    inside = model.inside
    with inside.looking(check):
        scores = inside.scores(inside.hidden(inside.batch(reading.ids))[:, -1])[0].cpu()
    if not bool(torch.isfinite(scores.max())):
        raise ScoresNotFinite
    probabilities, kept = scores.softmax(-1), after_settings(scores, sampling)
    ids = probabilities.topk(min(max(1, top), len(probabilities))).indices.tolist()
    chosen = None if sampling.seed is None else Sampler(sampling).choose(scores)
    every = ids if chosen is None else [*ids, chosen.id]
    options = [
        Option(piece, float(probabilities[piece.id]), float(kept[piece.id])) for piece in model.pieces(every)
    ]
    return NextToken(
        reading,
        tuple(options[: len(ids)]),
        entropy_bits(probabilities),
        entropy_bits(kept),
        int((kept > 0).sum()),
        model.continuation(reading.ids[: len(reading.pieces) - len(taken)], taken),
        None if chosen is None else options[-1],
    )


def after_settings(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """The probability of each token for `scores`, shape (vocabulary,), under some settings."""
    if sampling.greedy:
        return torch.zeros_like(scores).index_fill(0, scores.argmax(), 1.0)
    scaled = scores / sampling.temperature
    kept_from = cut_scores(scaled, sampling).kept_from
    return scaled.masked_fill(scaled < kept_from, -torch.inf).softmax(-1)


def entropy_bits(probabilities: torch.Tensor) -> float:
    """The Shannon entropy of a distribution of shape (vocabulary,), in bits."""
    return max(0.0, float(torch.special.entr(probabilities.double()).sum()) / math.log(2))
