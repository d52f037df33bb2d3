"""Drafts to continue, and the data behind the buttons under a finished text."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Protocol

from bot.client import Interaction
from cogs.shared.recent import Recent
from models.results import Generation
from models.sampling import Sampling

LIVELY_TEMPERATURE = 0.8
"""Of another try at a text that was greedy: greedily, the same text would come again."""


def random_seed() -> int:
    return random.randrange(2**32)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to continue: the prompt, the generation settings, and what earlier answers have added."""

    prompt: str
    max_new_tokens: int
    sampling: Sampling
    text: str = ""
    """What was added, and below the ids of its tokens."""
    ids: tuple[int, ...] = ()
    model: str = ""
    """The model that wrote them; to another one the ids mean nothing."""

    def tried_again(self) -> Draft:
        """The same draft with another seed."""
        temperature = self.sampling.temperature or LIVELY_TEMPERATURE
        return replace(self, sampling=replace(self.sampling, temperature=temperature, seed=random_seed()))


@dataclass(frozen=True, slots=True)
class FinishedText:
    """A draft and its result."""

    draft: Draft
    result: Generation

    @property
    def tokens(self) -> int:
        """The total number of prompt and generated tokens."""
        return len(self.result.input_ids) + len(self.result.output_ids)

    def continued(self) -> Draft:
        """A draft that continues from the end of this text."""
        return replace(
            self.draft,
            text=self.draft.text + self.result.text,
            ids=(*self.draft.ids, *self.result.output_ids),
            model=self.result.model,
        )


class Writer(Protocol):
    """The part of the cog that the buttons need: the remembered texts, and a method to generate another."""

    recent: Recent[FinishedText]

    async def write(self, interaction: Interaction, draft: Draft) -> None: ...
