"""/similar: the nearest words with a map, the similarity of two words, or the odd one out of several."""

from __future__ import annotations

from typing import Literal

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from cogs.shared.asking import answered, caller, choices, drawn, suggested
from cogs.shared.guide import Topic, guide
from cogs.shared.reply import show
from cogs.similar import messages
from models.failures import NoWordGiven
from models.sections import WordsSection
from models.service import AskWords, Caller, Service, SuggestWords
from texts import say

_EXAMPLES = ("king - man + woman", "engineer", "music")


async def _known_words(service: Service, asking: Caller) -> str:
    """The first example whose words are all in the vocabulary; otherwise any word of it."""

    async def first(typed: str) -> str:
        return next(iter(await suggested(service.words.suggest(SuggestWords(asking, typed)))), "")

    for example in _EXAMPLES:
        if all([await first(word) == word for word in example.split() if word.isalpha()]):
            return f"/similar word:{example}"
    word = await first("a")
    return f"/similar word:{word}" if word else ""


class SimilarCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(
        extras=guide(Topic.WORDS, "/similar word:king - man + woman", "words", _known_words)
    )
    @app_commands.describe(
        word="A word; a sum: king - man + woman; two words: cat, dog; or several: cat, dog, fish, car",
        n="How many neighbours to show (default: the bot's setting)",
        private=say("option-private"),
        by="vector shows everything nearest to the vector, including the word itself",
    )
    async def similar(
        self,
        interaction: Interaction,
        word: Range[str, 1, 200],
        n: Range[int, 1, 25] | None = None,
        by: Literal["word", "vector"] = "word",
        private: bool = False,
    ) -> None:
        """Find words whose vectors point the same way, compare two, or see which does not belong."""
        query = word.strip()
        if not query:
            raise NoWordGiven
        words = self.bot.settings.section(WordsSection)
        usual = words.neighbours if words else 1
        request = AskWords(caller(interaction), query, n or usual, by_vector=by == "vector")
        result = await answered(interaction, self.bot.service.words.ask(request), private=private)
        reply = await drawn(interaction, lambda: messages.words(result))
        await show(interaction, reply)

    @similar.autocomplete("word")
    async def complete_word(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Completes the last word of the sum or list; its sign is kept."""
        start = max(current.rfind(mark) for mark in " ,") + 1
        start += current[start:].startswith(("+", "-"))
        before, last = current[:start], current[start:]
        if not last:
            return []
        request = SuggestWords(caller(interaction, typing=True), last)
        words = await suggested(self.bot.service.words.suggest(request))
        return choices([(before + word, before + word) for word in words])
