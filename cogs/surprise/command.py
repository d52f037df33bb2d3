"""/surprise: how unexpected each token of one text, or of two texts side by side, was to the language model."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Range

from bot.client import Interaction
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.buttons import Buttons
from cogs.shared.guide import Topic, guide
from cogs.shared.looking import View, elsewhere
from cogs.shared.reply import show
from cogs.surprise import messages
from models.results import Surprise
from models.service import AskSurprise


class SurpriseView(View, name="surprise"):
    @app_commands.command(
        extras=guide(Topic.INSIDE, "/surprise text:Colourless green ideas sleep furiously.", "language")
    )
    @app_commands.describe(
        text="Any text, for example: Colourless green ideas sleep furiously.",
        other="A second text to compare with the first",
    )
    async def surprise(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        other: Range[str, 1, 6000] | None = None,
    ) -> None:
        """See which tokens of a text the model did not expect, and what it expected instead."""
        await self._answer(interaction, *filter(None, (text, other)))

    async def look(self, interaction: Interaction, text: str) -> None:
        await self._answer(interaction, text)

    async def _answer(self, interaction: Interaction, *texts: str) -> None:
        self.check(interaction, *texts)
        views = await answered(interaction, self._views(interaction, texts))
        reply = await drawn(interaction, lambda: messages.surprise(views))
        number = self.asked.keep(texts[0])
        await show(interaction, reply, view=Buttons(*elsewhere(self.bot, SurpriseView.__cog_name__, number)))

    async def _views(self, interaction: Interaction, texts: tuple[str, ...]) -> list[Surprise]:
        inside = self.bot.service.inside
        first = await inside.surprise(AskSurprise(caller(interaction), texts[0]))
        # Sequential, because a person may have only a few places in the queue.
        return [first, *[await inside.surprise(AskSurprise(caller(interaction), one)) for one in texts[1:]]]
