"""The logit lens: what each layer would say next if it were the last (nostalgebraist 2020, "interpreting GPT")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.results import Guess, Lens

if TYPE_CHECKING:
    from models.inside.inside import Check
    from models.language.model import LanguageModel


def lens(
    model: LanguageModel,
    text: str,
    *,
    start: int = 0,
    count: int | None = None,
    check: Check = lambda: None,
) -> Lens:
    """The likeliest next token at `count` positions from `start` on, in the embedding and after each layer.

    The states between layers go through everything that the model does after the last one: final norm, head, caps. A
    negative `start` counts from the end of the text.
    """
    reading = model.read(text)
    length = len(reading.pieces)
    start = max(0, start + length if start < 0 else min(start, length - 1))
    end = length if count is None else min(length, start + max(1, count))
    inside = model.inside
    states: list[torch.Tensor] = []
    """States of layers without scores so far: the head is read once for many of them."""
    found: list[tuple[int, float]] = []

    def score() -> None:
        for scores in inside.score_chunks(torch.cat(states)):
            shares, ids = scores.softmax(-1).max(-1)
            found.extend(zip(ids.tolist(), shares.tolist(), strict=True))
        states.clear()

    def see(hidden: torch.Tensor) -> None:
        states.append(hidden[0, start:end])
        if sum(map(len, states)) >= inside.states_at_once:
            score()

    with inside.looking(check):
        see(inside.hidden(inside.batch(reading.ids), visit=lambda _, hidden: see(hidden)))
        if states:
            score()
    width = end - start
    rows = [found[place : place + width] for place in range(0, len(found), width)]
    pieces = model.pieces_by_id({number for row in rows for number, _ in row})
    layers = tuple(tuple(Guess(pieces[number], share) for number, share in row) for row in rows)
    return Lens(reading, layers, start)
