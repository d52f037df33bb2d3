"""The commands /generate and /why: their options and validation."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.limits import Allowance, allowance
from cogs.generate import mattered, session
from cogs.generate.drafts import Draft, FinishedText, random_seed
from cogs.generate.refusals import EmptyPrompt, NoLanguageModel, PromptTooLong, TooManyNewTokens
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.guide import Topic, guide
from cogs.shared.menus import MessageMenu
from cogs.shared.recent import Recent
from cogs.shared.reply import show
from models.sampling import Sampling
from models.sections import LanguageSection
from models.service import AskWhy

REMEMBERED = 50_000
"""Tokens, read and written, of the finished texts that buttons can still go on from. Each takes about 1.5 kB of
memory with all that it was chosen over, and how many a text has is up to the settings.
"""


class GenerateCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.recent: Recent[FinishedText] = Recent(REMEMBERED, weigh=lambda text: text.tokens)

    @app_commands.command(
        extras=guide(
            Topic.TEXT,
            "/generate prompt:Write an email apologizing to Sarah temperature:0.8 seed:7",
            "language",
        )
    )
    @app_commands.describe(
        prompt="The text to continue, for example: Write an email apologizing to Sarah",
        max_new_tokens="How many tokens to write at most",
        temperature="0 always takes the likeliest token (greedy); 0.7 varies; above 1 gets wild",
        top_k="Choose among this many of the likeliest tokens; 0 means all",
        top_p="Choose among the likeliest tokens with this total probability; 1 means all",
        seed="The same seed and options give the same text again; by default I choose one and show it",
    )
    async def generate(
        self,
        interaction: Interaction,
        prompt: Range[str, 1, 6000],
        max_new_tokens: Range[int, 1, 8192] | None = None,
        temperature: Range[float, 0.0, 2.0] = 0.0,
        top_k: Range[int, 0, None] = 0,
        top_p: Range[float, 0.01, 1.0] = 1.0,
        seed: Range[int, 0, 4294967295] | None = None,
    ) -> None:
        """Let the language model continue a text, token by token."""
        tokens = self._new_tokens(allowance(interaction), prompt, max_new_tokens)
        sampling = Sampling(
            temperature, top_k=top_k, top_p=top_p, seed=random_seed() if seed is None else seed
        )
        await self.write(interaction, Draft(prompt, tokens, sampling))

    @app_commands.command(
        extras=guide(Topic.INSIDE, "/why prompt:Write an email apologizing to Sarah position:3", "language")
    )
    @app_commands.describe(
        prompt="A prompt, for example: Write an email apologizing to Sarah",
        position="Which token of the continuation to explain; 0 is the first",
    )
    async def why(
        self, interaction: Interaction, prompt: Range[str, 1, 6000], position: Range[int, 0, 8191] = 0
    ) -> None:
        """See which words of a prompt a token of its continuation depends on."""
        self._new_tokens(allowance(interaction), prompt, position + 1)
        asking = self.bot.service.inside.why(AskWhy(caller(interaction), prompt, position))
        found = await answered(interaction, asking)
        reply = await drawn(interaction, lambda: mattered.attribution(found))
        await show(interaction, reply)

    async def continue_text(self, interaction: Interaction, text: str) -> None:
        """Continue a text with the default options of /generate."""
        tokens = self._new_tokens(allowance(interaction), text, None)
        await self.write(interaction, Draft(text, tokens, Sampling(0.0, seed=random_seed())))

    async def write(self, interaction: Interaction, draft: Draft) -> None:
        """Continue a draft in public."""
        await session.write(interaction, draft, self.recent)

    def _new_tokens(self, allowed: Allowance, prompt: str, max_new_tokens: int | None) -> int:
        """The maximum number of new tokens; raises Refused if the text cannot be continued."""
        if not prompt.strip():
            raise EmptyPrompt
        if len(prompt) > allowed.prompt_characters:
            raise PromptTooLong(allowed.prompt_characters, len(prompt))
        language = self.bot.settings.section(LanguageSection)
        if language is None:
            raise NoLanguageModel
        if max_new_tokens is None:
            return min(language.default_new_tokens, allowed.max_new_tokens)
        if max_new_tokens > allowed.max_new_tokens:
            raise TooManyNewTokens(allowed.max_new_tokens)
        return max_new_tokens


class ContinueMenu(MessageMenu):
    """Continues a message, visible to everyone in the channel."""

    label = "menu-continue"

    async def chosen(self, interaction: Interaction, text: str) -> None:
        cog = interaction.client.get_cog(GenerateCommands.__cog_name__)
        if isinstance(cog, GenerateCommands):
            await cog.continue_text(interaction, text)
