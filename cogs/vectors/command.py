"""/embed: the vectors that a model makes of a text, and what a context does to a word's vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.asking import answered
from cogs.shared.reply import Reply
from cogs.shared.text import count
from cogs.vectors import messages

if TYPE_CHECKING:
    from models.encoder import Encoder
    from models.lanes import Job


class Embed(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/embed text:I sat on the river bank other:I went to the bank"})
    @app_commands.describe(
        text="A word or a sentence, for example: I sat on the river bank",
        other="A second text that shares a word with the first, to see how its vector moves",
    )
    async def embed(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        other: Range[str, 1, 6000] | None = None,
    ) -> None:
        """See the vectors that a model makes of a text, one for each token."""
        limit = self.bot.settings.limits.text_characters
        for one in filter(None, (text, other)):
            if len(one) > limit:
                raise Refused(f"A text may have at most {count(limit, 'character')}; yours has {len(one):,}.")

        # Pictures take a while too, so they are drawn on the worker's thread.
        def work(_job: Job, model: Encoder) -> Reply:
            if other is None:
                return messages.embedding(model.embed(text))
            return messages.contexts(model.contexts(text, other))

        answer = await answered(interaction, self.bot.ask(interaction, "encoder", work))
        await interaction.edit_original_response(**answer.message())
