"""Sampling settings: how the next token is chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.failures import BadSampling


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling settings, with the same names and meanings as in transformers.

    `temperature` 0 always takes the likeliest token (greedy), and then only `repetition_penalty` and `stop` matter.
    `top_k` keeps the k likeliest tokens (0: all), `top_p` the likeliest with this total probability (1: all), `min_p` those
    with at least this share of the likeliest one's probability (0: all). `repetition_penalty` above 1 makes earlier tokens
    less likely (1: the model's own setting, usually none). The same `seed` draws the same tokens; None chooses a seed.
    Generation ends at the first of the texts in `stop`.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (
            0 <= self.temperature < math.inf
            and self.top_k >= 0
            and 0 < self.top_p <= 1
            and 0 <= self.min_p <= 1
            and 0 < self.repetition_penalty < math.inf
            and all(self.stop)
        ):
            raise BadSampling

    @property
    def greedy(self) -> bool:
        return self.temperature == 0


GREEDY = Sampling()
UNCHANGED = Sampling(temperature=1)
"""Whether it draws from the model's own distribution."""
