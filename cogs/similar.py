"""/similar: the nearest words, and a map of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.errors import Refused
from cogs.asking import answered, choices, suggested
from cogs.ui import answers

if TYPE_CHECKING:
    from bot.executor import Job
    from models.words import WordVectors


class Similar(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/similar word:king - man + woman"})
    @app_commands.describe(
        word="A word, or a sum of words such as: king - man + woman",
        n="How many neighbours to show (10 unless you say otherwise)",
    )
    async def similar(
        self, interaction: Interaction, word: Range[str, 1, 100], n: Range[int, 1, 25] = 10
    ) -> None:
        """Find the words whose vectors point the same way, and see them on a map."""
        query = word.strip()
        if not query:
            raise Refused("Write a word, for example `engineer`, or a sum such as `king - man + woman`.")

        def work(_job: Job, model: WordVectors) -> answers.Answer:
            return answers.neighbourhood(model.similar(query, n))

        answer = await answered(interaction, self.bot.ask(interaction, "words", work))
        await interaction.edit_original_response(**answer.message())

    @similar.autocomplete("word")
    async def words(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Completes the last word of the sum."""
        before, space, last = current.rpartition(" ")
        if last in {"", "+", "-"}:
            return []
        words = await suggested(interaction, "words", lambda model: list[str](model.suggest(last)))
        return choices([(before + space + word, before + space + word) for word in words])


async def setup(bot: Tokenwise) -> None:
    await bot.add_cog(Similar(bot))
