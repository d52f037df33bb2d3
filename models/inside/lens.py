"""The logit lens: what each layer would say next if it were the last (nostalgebraist 2020, "interpreting GPT")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.results import Guess, Lens

if TYPE_CHECKING:
    import torch

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

    The states between layers go through all that the model does with the last ones: final norm, head, caps. A negative
    `start` counts from the end of the text.
    """
    reading = model.read(text)
    length = len(reading.pieces)
    start = max(0, start + length if start < 0 else min(start, length - 1))
    end = length if count is None else min(length, start + max(1, count))
    inside = model.inside
    rows: list[list[tuple[int, float]]] = []

    def see(hidden: torch.Tensor) -> None:
        row: list[tuple[int, float]] = []
        for scores in inside.score_chunks(hidden[0, start:end]):
            shares, ids = scores.softmax(-1).max(-1)
            row += zip(ids.tolist(), shares.tolist(), strict=True)
        rows.append(row)

    with inside.looking(check):
        see(inside.hidden(inside.batch(reading.ids), visit=lambda _, hidden: see(hidden)))
    pieces = model.pieces_by_id({number for row in rows for number, _ in row})
    layers = tuple(tuple(Guess(pieces[number], share) for number, share in row) for row in rows)
    return Lens(reading, layers, start)
