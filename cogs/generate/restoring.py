"""Restores a finished text from its message alone, after the process that wrote it has ended.

The message quotes the prompt, and the custom_id of a button contains the settings. The same settings produce the same
text; if the result differs from the message, the text counts as forgotten.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass

import discord

from bot.client import Interaction
from cogs.generate.drafts import Draft, FinishedText
from cogs.generate.messages import body_of, prompt_in
from cogs.shared.asking import caller
from cogs.shared.components import custom_ids
from cogs.shared.recent import AnswerForgotten
from models.results import Generation
from models.sampling import Sampling
from models.service import Generate

NAME = "again"
TEMPLATE = rf"{NAME}:(?P<number>\d+):(?P<how>[\w.:+-]+)"
"""Of the custom_id that says how a text was written."""
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Settings:
    """The requested settings and the number of generated tokens."""

    draft: Draft
    written: int


def how(text: FinishedText) -> str:
    """The settings of a text in the format that `settings_of` reads; 0 for a text that began with earlier answers,
    because its prompt does not contain them.
    """
    draft, sampling = text.draft, text.draft.sampling
    if draft.ids:
        return "0"
    parts = (
        draft.max_new_tokens,
        len(text.result.output_ids),
        f"{sampling.temperature:.6g}",
        sampling.top_k,
        f"{sampling.top_p:.6g}",
        sampling.seed or 0,
    )
    return ":".join(map(str, parts))


def settings_of(message: discord.Message | None) -> Settings:
    """The settings that a message contains. Raises AnswerForgotten if they are incomplete."""
    prompt = prompt_in(message.content) if message is not None else None
    found = next(filter(None, (re.fullmatch(TEMPLATE, one) for one in custom_ids(message))), None)
    parts = found["how"].split(":") if found else []
    if prompt is None or len(parts) != _PARTS:
        raise AnswerForgotten
    most, written, temperature, top_k, top_p, seed = parts
    sampling = Sampling(float(temperature), top_k=int(top_k), top_p=float(top_p), seed=int(seed))
    return Settings(Draft(prompt, int(most), sampling), int(written))


async def written_again(interaction: Interaction) -> FinishedText:
    """The text of an interaction's message, generated again. Raises AnswerForgotten if it differs."""
    message = interaction.message
    found = settings_of(message)
    request = Generate(caller(interaction), found.draft.prompt, max(1, found.written), found.draft.sampling)
    async with aclosing(interaction.client.service.language.generate(request)) as events:
        async for event in events:
            if isinstance(event, Generation):
                if message is None or body_of(event.text) not in message.content:
                    break
                return FinishedText(found.draft, event)
    raise AnswerForgotten
