"""/generate: a prompt is continued while everybody watches."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Range
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.errors import Cancelled, Refused
from cogs.checks import is_admin
from cogs.ui import answers
from cogs.ui.buttons import Buttons, OwnButton, own
from cogs.ui.streaming import Editor
from cogs.ui.text import count
from models.answers import Generation, State
from models.failures import Stopped

if TYPE_CHECKING:
    from bot.executor import Job, Ticket
    from models.language import LanguageModel

TOKEN_LIFE = 15 * 60
"""Seconds in which an answer may be edited."""
SPARE = 60
"""Seconds of them that are kept for the last edit."""


class Stop(OwnButton, template=own("stop")):
    """Ends the generation whose interaction is its argument; for the asker and for admins."""

    name = "stop"
    label = "Stop"
    style = discord.ButtonStyle.danger

    def check(self, interaction: Interaction) -> None:
        if interaction.user.id != self.user_id and not is_admin(interaction):
            raise Refused(
                "Only the person who asked, or somebody who manages this server, may stop this text."
            )

    async def act(self, interaction: Interaction) -> None:
        cog = interaction.client.get_cog(Generate.__cog_name__)
        ticket = cog.running.get(self.argument) if isinstance(cog, Generate) else None
        if ticket is None:
            raise Refused(
                "There is nothing left to stop: this text ended, or I was restarted since it began."
            )
        ticket.cancel()
        await interaction.response.defer()


class Generate(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.running: dict[int, Ticket[Generation]] = {}
        """Generations that wait or run, by the id of their interaction."""

    @app_commands.command(
        extras={"example": "/generate prompt:Write an email apologizing to Sarah temperature:0.8 seed:7"}
    )
    @app_commands.describe(
        prompt="The text to continue, for example: Write an email apologizing to Sarah",
        max_new_tokens="How many tokens to write at most",
        temperature="0 always takes the likeliest token (greedy); 0.7 varies; above 1 gets wild",
        top_p="Choose among the likeliest tokens that share this much probability; 1 means all",
        seed="The same seed and options give the same text again; left out, I choose one and show it",
    )
    async def generate(
        self,
        interaction: Interaction,
        prompt: Range[str, 1, 6000],
        max_new_tokens: Range[int, 1, 8192] | None = None,
        temperature: Range[float, 0.0, 2.0] = 0.0,
        top_p: Range[float, 0.01, 1.0] = 1.0,
        seed: Range[int, 0, 4294967295] | None = None,
    ) -> None:
        """Let the language model continue a text, token by token."""
        tokens = self._validated(prompt, max_new_tokens)
        chosen_seed = random.randrange(2**32) if seed is None else seed
        loop = asyncio.get_running_loop()
        written = ""

        def show(text: str) -> None:
            nonlocal written
            first, written = not written.strip(), text
            editor.show(content=answers.writing(prompt, text), at_once=first and bool(text.strip()))

        def show_soon(text: str) -> None:
            loop.call_soon_threadsafe(show, text)

        def work(job: Job, model: LanguageModel) -> Generation:
            return model.generate(
                prompt,
                max_new_tokens=tokens,
                temperature=temperature,
                top_p=top_p,
                seed=chosen_seed,
                stop=job.stop,
                deadline=job.deadline,
                on_text=show_soon,
            )

        def place(position: int) -> None:
            if not written:
                editor.show(content=answers.waiting(prompt, position, loading=self._loading()))

        ticket: Ticket[Generation] = self.bot.ask(
            interaction, "language", work, timeout=self._seconds(interaction)
        )
        editor = Editor(interaction.edit_original_response, on_gone=ticket.cancel)
        editor.show(view=Buttons(Stop(interaction.user.id, interaction.id)))
        place(ticket.position)
        ticket.on_position(place)
        self.running[interaction.id] = ticket
        forget = self.bot.at_shutdown(
            lambda: editor.show(content=answers.ending(prompt, written), at_once=True)
        )
        try:
            await interaction.response.defer(thinking=True)
            editor.start()
            try:
                answer = answers.generation(await ticket, temperature, chosen_seed)
            except (Cancelled, Stopped) as nothing:
                answer = answers.unwritten(prompt, written, str(nothing))
            except Exception:
                # The failure itself is for the asker alone; everybody else keeps what was written.
                if written.strip():
                    broken = answers.unwritten(prompt, written, "This text could not be written to its end.")
                    await editor.finish(lambda: {**broken.message(), "view": None})
                else:
                    await editor.close()
                    with contextlib.suppress(discord.HTTPException):
                        await interaction.delete_original_response()
                raise
            await editor.finish(lambda: {**answer.message(), "view": None})
        finally:
            ticket.cancel()
            forget()
            del self.running[interaction.id]

    def _validated(self, prompt: str, max_new_tokens: int | None) -> int:
        """The number of tokens to write; raises Refused for what cannot be continued."""
        limits, language = self.bot.settings.limits, self.bot.settings.language
        if not prompt.strip():
            raise Refused("The prompt is empty. Write the beginning of a text, and I go on with it.")
        if len(prompt) > limits.prompt_characters:
            raise Refused(
                f"The prompt may have at most {count(limits.prompt_characters, 'character')};"
                f" yours has {len(prompt):,}."
            )
        if language is None:
            raise Refused("No language model is set up here, so I cannot write. Try /help for what I can do.")
        if max_new_tokens is None:
            return min(language.default_new_tokens, language.max_new_tokens)
        if max_new_tokens > language.max_new_tokens:
            raise Refused(
                f"I write at most {count(language.max_new_tokens, 'token')} at a time. Ask for fewer."
            )
        return max_new_tokens

    def _loading(self) -> bool:
        return any(status.state is State.LOADING for status in self.bot.hub.status("language"))

    def _seconds(self, interaction: Interaction) -> float:
        """Time for the answer: the lane's own, or what Discord leaves for it."""
        age = (discord.utils.utcnow() - interaction.created_at).total_seconds()
        left = TOKEN_LIFE - SPARE - age
        if not 0 < left <= TOKEN_LIFE - SPARE:  # a clock is off: that must not end every text at once
            left = TOKEN_LIFE - SPARE
        return min(left, self.bot.settings.lanes.language.timeout)


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(Stop)
    await bot.add_cog(Generate(bot))
