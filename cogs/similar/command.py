"""/similar: the nearest words and a map of them; how alike two words are; which of several fits least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.asking import answered, choices, suggested
from cogs.shared.reply import Reply
from cogs.similar import messages

if TYPE_CHECKING:
    from models.lanes import Job
    from models.words.vectors import WordVectors


class Similar(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras={"example": "/similar word:king - man + woman"})
    @app_commands.describe(
        word="A word; a sum: king - man + woman; two words: cat, dog; or several: cat, dog, fish, car",
        n="How many neighbours to show (10 unless you say otherwise)",
        by="vector asks for whatever lies nearest to the word's vector: first of all the word itself",
    )
    async def similar(
        self,
        interaction: Interaction,
        word: Range[str, 1, 200],
        n: Range[int, 1, 25] = 10,
        by: Literal["word", "vector"] = "word",
    ) -> None:
        """Find words whose vectors point the same way, compare two, or see which does not belong."""
        query = word.strip()
        if not query:
            raise Refused("Write a word, for example `engineer`, or a sum such as `king - man + woman`.")

        def work(_job: Job, model: WordVectors) -> Reply:
            return messages.words(model.ask(query, n, by_vector=by == "vector"))

        answer = await answered(interaction, self.bot.ask(interaction, "words", work))
        await interaction.edit_original_response(**answer.message())

    @similar.autocomplete("word")
    async def words(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Completes the last word of the sum or list."""
        start = max(current.rfind(mark) for mark in " ,") + 1
        before, last = current[:start], current[start:]
        if last in {"", "+", "-"}:
            return []
        words = await suggested(interaction, "words", lambda model: list[str](model.suggest(last)))
        return choices([(before + word, before + word) for word in words])
