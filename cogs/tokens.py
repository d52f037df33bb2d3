"""/tokens: how tokenizers split a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.errors import Refused
from cogs.asking import answered, choices, suggested
from cogs.ui import answers
from cogs.ui.text import count

if TYPE_CHECKING:
    from bot.executor import Job
    from models.tokenizers import Tokenizers


class Tokens(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/tokens text:CAPITALIZATION and other stuff"})
    @app_commands.describe(
        text="Any text: try capitals, emoji, code, several languages",
        tokenizer="Look at one tokenizer with its token ids; leave it out to compare all of them",
    )
    async def tokens(
        self, interaction: Interaction, text: Range[str, 1, 6000], tokenizer: Range[str, 1, 100] | None = None
    ) -> None:
        """See how a language model's tokenizer cuts a text into pieces."""
        limit = self.bot.settings.limits.text_characters
        if len(text) > limit:
            raise Refused(f"The text may have at most {count(limit, 'character')}; yours has {len(text):,}.")

        # Long texts take a while to draw too, so that happens on the worker's thread.
        def work(_job: Job, model: Tokenizers) -> answers.Answer:
            if tokenizer is None:
                return answers.comparison(model.compare(text), model.failures)
            return answers.pieces(model.get(tokenizer).tokenize(text))

        answer = await answered(interaction, self.bot.ask(interaction, "tokenizers", work))
        await interaction.edit_original_response(**answer.message())

    @tokens.autocomplete("tokenizer")
    async def tokenizers(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        names: list[str] = await suggested(interaction, "tokenizers", lambda model: list(model.names))
        return choices([(name, name) for name in names if current.casefold() in name.casefold()])


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(Tokens(bot))
