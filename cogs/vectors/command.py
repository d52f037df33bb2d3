"""/embed: the vectors that a model makes of a text, and what a context does to a word's vector."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from bot.limits import allowance
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.guide import Topic, guide
from cogs.shared.reply import show
from cogs.vectors import messages
from models.service import CompareContexts, EmbedText
from texts import say


class TextToEmbedTooLong(Refused):
    """A text of `length` characters, of which there may be `limit`."""

    limit: int
    length: int


class VectorCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

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
        encoder, asking = self.bot.service.encoder, caller(interaction)
        if other is None:
            embedding = await answered(interaction, encoder.embed(EmbedText(asking, text)), private=private)
            reply = await drawn(interaction, lambda: messages.embedding(embedding))
        else:
            contexts = await answered(
                interaction, encoder.contexts(CompareContexts(asking, text, other)), private=private
            )
            reply = await drawn(interaction, lambda: messages.contexts(contexts))
        await show(interaction, reply)
