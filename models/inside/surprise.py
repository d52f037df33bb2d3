"""Surprisal: how little a model expected each token of a text, in bits (Shannon 1948; Hale 2001)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from models.results import Guess, Piece, Surprise, Surprising

if TYPE_CHECKING:
    from models.inside.inside import Check
    from models.language.model import LanguageModel

WINDOW = 2048
"""Maximum tokens to read at a time, which bounds memory even if the model can read more."""
PEAKS = 3
"""Number of positions to report with the expected tokens."""
EXPECTED = 5
"""Number of expected tokens for each."""


def surprise(model: LanguageModel, text: str, *, check: Check = lambda: None) -> Surprise:
    """-log2 of each token's probability given those before it; None for a first token with nothing before it.

    A text longer than the context window, or than WINDOW, is read in windows that overlap by half.
    """
    reading = model.read(text, limited=False)
    ids = reading.ids
    window = min(WINDOW, model.context or WINDOW)
    inside = model.inside
    bits: list[float | None] = [None]
    places: list[tuple[float, int, list[tuple[int, float]]]] = []
    with inside.looking(check):
        for start, first, end in windows(len(ids), window):
            hidden = inside.hidden(inside.batch(ids[start : end - 1]))[0]
            targets = torch.tensor(ids[first:end], device=inside.device)
            place = first
            wanted = targets.split(inside.states_at_once)
            for scores, chunk in zip(inside.score_chunks(hidden[first - 1 - start :]), wanted, strict=True):
                logs = scores.log_softmax(-1)
                found = (-logs.gather(-1, chunk[:, None])[:, 0] / math.log(2)).tolist()
                bits += found
                worst = sorted(range(len(found)), key=lambda row: -found[row])[:PEAKS]
                values, likeliest = logs[worst].topk(min(EXPECTED, logs.shape[-1]))
                guesses = zip(likeliest.tolist(), values.exp().tolist(), strict=True)
                for row, (numbers, shares) in zip(worst, guesses, strict=True):
                    places.append((found[row], place + row, list(zip(numbers, shares, strict=True))))
                places = sorted(places, key=lambda peak: -peak[0])[:PEAKS]
                place += len(found)
    known = [value for value in bits if value is not None]
    pieces = model.pieces_by_id({number for _, _, guesses in places for number, _ in guesses})
    return Surprise(
        reading,
        tuple(bits),
        2 ** (math.fsum(known) / len(known)) if known else None,
        tuple(_surprising(value, place, guesses, pieces) for value, place, guesses in places),
        window,
    )


def windows(length: int, window: int) -> Iterator[tuple[int, int, int]]:
    """For each window over `length` tokens: its start, the first token scored in it, and its end.

    Every token except the first is scored once, after at least half a window or everything before it.
    """
    first = 1
    while first < length:
        start = 0 if first == 1 else max(0, min(first - window // 2, length - window))
        end = min(length, start + window)
        yield start, first, end
        first = end


def _surprising(
    bits: float, place: int, guesses: list[tuple[int, float]], pieces: dict[int, Piece]
) -> Surprising:
    return Surprising(place, bits, tuple(Guess(pieces[number], share) for number, share in guesses))
