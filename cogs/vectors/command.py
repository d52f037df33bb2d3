"""/embed: a model's vectors for a text, and the effect of context on a word's vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from bot.limits import allowance
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.buttons import Buttons, OpenButton, open_template
from cogs.shared.guide import Topic, guide
from cogs.shared.recent import Recent, digest, numbered, quotes
from cogs.shared.reply import Reply, show
from cogs.vectors import messages
from models.results import Contexts, Embedding
from models.service import CompareContexts, EmbedText
from texts import say


class TextToEmbedTooLong(Refused):
    """A text has `length` characters; the limit is `limit`."""

    limit: int
    length: int


@dataclass(frozen=True, slots=True)
class Question:
    """The input of /embed: one text, or two."""

    text: str
    other: str | None

    @property
    def number(self) -> int:
        return digest(f"{self.text}\n{self.other or ''}")


class ExportVectors(OpenButton, template=open_template("vectors")):
    """Sends all vectors of an answer as files to the person who presses it."""

    name = "vectors"
    label = "vectors-files"

    async def pressed(self, interaction: Interaction) -> None:
        cog = interaction.client.get_cog(VectorCommands.__cog_name__)
        if not isinstance(cog, VectorCommands):
            raise TypeError  # the button is added and removed with it
        question = next(_quoted(interaction.message, self.argument), None)
        found = await _found(interaction, question or cog.questions.get(self.argument), private=True)
        await show(interaction, await drawn(interaction, lambda: _files(found)))


def _quoted(message: discord.Message | None, number: int) -> Iterator[Question]:
    """The question with this number as quoted by the message, which survives restarts."""
    others = list(numbered(message, 2))
    for text in quotes(message):
        for other in (None, *others):
            if (question := Question(text, other)).number == number:
                yield question


async def _found(
    interaction: Interaction, question: Question, *, private: bool = False
) -> Embedding | Contexts:
    encoder, asking = interaction.client.service.encoder, caller(interaction)
    if question.other is None:
        return await answered(interaction, encoder.embed(EmbedText(asking, question.text)), private=private)
    request = CompareContexts(asking, question.text, question.other)
    return await answered(interaction, encoder.contexts(request), private=private)


def _files(found: Embedding | Contexts) -> Reply:
    if isinstance(found, Embedding):
        return messages.files([found])
    return messages.files([found.first, found.second], found)


class VectorCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.questions: Recent[Question] = Recent()

    @app_commands.command(
        extras=guide(Topic.VECTORS, "/embed text:I sat on the river bank other:I went to the bank", "encoder")
    )
    @app_commands.describe(
        text="A word or a sentence, for example: I sat on the river bank",
        other="A second text that shares a word with the first, to see how its vector moves",
        private=say("option-private"),
    )
    async def embed(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        other: Range[str, 1, 6000] | None = None,
        private: bool = False,
    ) -> None:
        """See the vectors that a model makes of a text, one for each token."""
        limit = allowance(interaction).text_characters
        for one in filter(None, (text, other)):
            if len(one) > limit:
                raise TextToEmbedTooLong(limit, len(one))
        question = Question(text, other)
        found = await _found(interaction, question, private=private)
        if isinstance(found, Embedding):
            reply = await drawn(interaction, lambda: messages.embedding(found))
        else:
            reply = await drawn(interaction, lambda: messages.contexts(found))
        await show(
            interaction, reply, view=Buttons(ExportVectors(self.questions.keep(question, question.number)))
        )
