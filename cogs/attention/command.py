"""/attention: the tokens of a text that a model attends to from a given token."""

from __future__ import annotations

from typing import Literal

from discord import app_commands
from discord.app_commands import Range

from bot.client import Interaction
from cogs.attention import messages
from cogs.attention.focus import ALL, Focus
from cogs.attention.menus import menus
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.buttons import Buttons
from cogs.shared.guide import Topic, guide
from cogs.shared.looking import View, elsewhere
from cogs.shared.reply import show
from models.results import Attention
from models.service import AskAttention


class AttentionView(View, name="attention"):
    @app_commands.command(
        extras=guide(Topic.INSIDE, "/attention text:The cat sat on the mat because it was tired.", "language")
    )
    @app_commands.describe(
        text="A text, for example: The cat sat on the mat because it was tired.",
        layer="A layer, counted from 0; by default the mean over all layers",
        head="A head of that layer, counted from 0; by default all of its heads",
        model="The language model, whose tokens look back, or the encoder, whose tokens look both ways",
    )
    async def attention(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        layer: Range[int, 0, 999] | None = None,
        head: Range[int, 0, 999] | None = None,
        model: Literal["language", "encoder"] = "language",
    ) -> None:
        """See which tokens the model looks at when it reads a token."""
        layer = 0 if layer is None and head is not None else layer
        focus = Focus(
            ALL if layer is None else layer, ALL if head is None else head, encoder=model == "encoder"
        )
        await self._answer(interaction, text, focus)

    async def look(self, interaction: Interaction, text: str) -> None:
        await self._answer(interaction, text, Focus())

    async def refocus(self, interaction: Interaction, number: int, focus: Focus) -> None:
        """Change the focus for the remembered text `number`, for everyone."""
        text = self.asked.recall(interaction.message, number)
        await interaction.response.defer()
        view = await self._attention(interaction, text, focus)
        await self._show(interaction, view, focus, number)

    async def _answer(self, interaction: Interaction, text: str, focus: Focus) -> None:
        self.check(interaction, text)
        view = await answered(interaction, self._attention(interaction, text, focus))
        await self._show(interaction, view, focus, self.asked.keep(text))

    async def _attention(self, interaction: Interaction, text: str, focus: Focus) -> Attention:
        # Only the mean over all layers is shown, so a single head suffices for each.
        head = 0 if focus.layer == ALL else None if focus.head == ALL else focus.head
        request = AskAttention(caller(interaction), text, max(0, focus.layer), head, focus.encoder)
        return await self.bot.service.inside.attention(request)

    async def _show(self, interaction: Interaction, view: Attention, focus: Focus, number: int) -> None:
        reply = await drawn(interaction, lambda: messages.attention(view, focus))
        ways = elsewhere(self.bot, AttentionView.__cog_name__, number)
        await show(interaction, reply, view=Buttons(*menus(view, focus, number), *ways))
