"""What a token depends on: the prompt's words, by occlusion (removing each in turn) and by gradient x input.

Occlusion: Zeiler & Fergus 2014; Li et al. 2016, "Understanding Neural Networks through Representation Erasure".
Gradient x input: Shrikumar et al. 2016; Denil et al. 2014.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from models.failures import NothingToTakeOut, PromptOverWindow, ScoresNotFinite
from models.inside.words import words
from models.results import Attribution, Guess, Part, Word

if TYPE_CHECKING:
    from transformers import DynamicCache

    from models.inside.inside import Check, Inside
    from models.language.model import LanguageModel

TOKENS = 1200
"""Maximum tokens to read for all occlusions. In longer texts, several words are removed at a time."""
BATCH = 8
"""Number of occluded texts per batch."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The explained token and its log-probability."""

    id: int
    log_probability: float


def why(
    model: LanguageModel,
    prompt: str,
    *,
    place: int = 0,
    written: Sequence[int] = (),
    check: Check = lambda: None,
) -> Attribution:
    """How much a token of a continuation depends on each word of its prompt.

    The token is number `place` of the continuation, which starts with the ids in `written` and continues greedily. The
    prompt is read like by `model.generate`. Occlusion removes a word's tokens without a replacement, so the rest moves
    up; its value is the token's log-probability before minus that after. Gradient x input is the derivative of the
    log-probability with respect to a token's embedding, times the embedding.
    """
    start = model.read_prompt(prompt, written[:place])
    inside = model.inside
    with inside.looking(check):
        ids, target = _target(model, start.ids, place - len(written[:place]), written[place : place + 1])
        reading = model.reading(prompt, ids)
        first, end = model.prompt_span(prompt, len(ids) - place)
        found = words(reading.pieces, first, end)
        if not found:
            raise NothingToTakeOut
        gradients = _gradients(inside, ids, target.id)
        groups = _groups(found, len(ids))
        drops = _drops(inside, ids, target, groups)
    piece = model.pieces([target.id])[0]
    parts = tuple(
        Part(
            word.text,
            word.places,
            drop,
            None if gradients is None else sum(gradients[place] for place in word.places),
            number,
        )
        for number, (group, drop) in enumerate(zip(groups, drops, strict=True))
        for word in group
    )
    return Attribution(
        reading,
        Guess(piece, float(torch.tensor(target.log_probability).exp())),
        parts,
        None if gradients is None else tuple(gradients),
        place,
    )


def _target(
    model: LanguageModel, ids: list[int], missing: int, chosen: Sequence[int]
) -> tuple[list[int], _Target]:
    """The ids up to the explained token, and that token: the `chosen` one, or the likeliest."""
    inside = model.inside
    cache = inside.cache()
    fresh = ids
    for step in range(missing + 1):
        if model.context is not None and len(ids) >= model.context:
            raise PromptOverWindow(len(ids), model.name, model.context)
        hidden = inside.hidden(inside.batch(fresh if cache is not None else ids), cache=cache)
        logs = inside.scores(hidden[:, -1]).log_softmax(-1)[0]
        if not bool(torch.isfinite(logs.max())):
            raise ScoresNotFinite
        number = chosen[0] if chosen and step == missing else int(logs.argmax())
        if step < missing:
            ids, fresh = [*ids, number], [number]
    return ids, _Target(number, float(logs[number]))


def _gradients(inside: Inside, ids: Sequence[int], target: int) -> list[float] | None:
    """Gradient x input of each token; None for a model without gradients."""
    embeddings: list[torch.Tensor] = []

    def keep(output: torch.Tensor) -> torch.Tensor:
        embeddings.append(output.detach().clone().requires_grad_())
        return embeddings[0]

    try:
        with torch.inference_mode(mode=False), torch.enable_grad():
            hidden = inside.hidden(inside.batch(ids), embedded=keep)
            log_probability = inside.scores(hidden[:, -1]).log_softmax(-1)[0, target]
            (gradient,) = torch.autograd.grad(log_probability, embeddings[0])
    except NotImplementedError:
        return None
    except RuntimeError as error:
        if "not implemented" not in str(error) and "does not require grad" not in str(error):
            raise
        return None
    products: list[float] = (gradient * embeddings[0]).sum(-1)[0].float().tolist()
    return products


def _groups(found: Sequence[Word], length: int) -> list[list[Word]]:
    """The words one by one, or in groups large enough to stay within TOKENS."""
    # Texts share the part before the removed word, which is half of them on average.
    most = max(1, 2 * TOKENS // length)
    size = -(-len(found) // most)
    return [list(found[start : start + size]) for start in range(0, len(found), size)]


def _drops(
    inside: Inside, ids: Sequence[int], target: _Target, groups: Sequence[Sequence[Word]]
) -> list[float | None]:
    """How much the target's log-probability falls without each group of words; None if nothing is left."""
    cache = inside.cache()
    read = 0
    drops: list[float | None] = []
    for start in range(0, len(groups), BATCH):
        gone = [{place for word in group for place in word.places} for group in groups[start : start + BATCH]]
        # The shared prefix is read once; each text must have at least one token left to read.
        shared = max(read, min(map(min, gone)) - 1)
        if cache is not None and shared > read:
            inside.hidden(inside.batch(ids[read:shared]), cache=cache)
            read = shared
        rest = [[ids[place] for place in range(read, len(ids)) if place not in out] for out in gone]
        drops += _without(inside, rest, target, copy.deepcopy(cache) if read else None)
    return drops


def _without(
    inside: Inside, texts: Sequence[Sequence[int]], target: _Target, cache: DynamicCache | None
) -> list[float | None]:
    """The drops for texts that continue after the cached prefix."""
    full = [text for text in texts if text]
    drops: list[float | None] = [None] * len(texts)
    if full:
        longest = max(map(len, full))
        # Attention is causal, so padding on the right changes nothing.
        padded = torch.tensor([[*text, *[0] * (longest - len(text))] for text in full])
        if cache is not None:
            cache.batch_repeat_interleave(len(full))
        hidden = inside.hidden(padded, cache=cache)
        ends = torch.tensor([len(text) - 1 for text in full], device=hidden.device)
        last = hidden[torch.arange(len(full), device=hidden.device), ends]
        logs = torch.cat([scores.log_softmax(-1)[:, target.id] for scores in inside.score_chunks(last)])
        found = iter((target.log_probability - logs.cpu()).tolist())
        drops = [next(found) if text else None for text in texts]
    return drops
