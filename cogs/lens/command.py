"""/lens: the next token that each layer of the language model would predict, at several positions of a text."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Range

from bot.client import Interaction
from cogs.lens import messages
from cogs.lens.picture import COLUMNS
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.buttons import Buttons, OpenButton, open_template
from cogs.shared.guide import Topic, guide
from cogs.shared.looking import View, elsewhere, view_of
from cogs.shared.reply import show
from models.results import Lens
from models.service import AskLens
from texts import say


class TurnLens(OpenButton, template=open_template("lens")):
    """Shows the positions of the text from number `page` on, for everyone."""

    name = "lens"

    def __init__(self, argument: int = 0, page: int = 0, label: str | None = None) -> None:
        super().__init__(argument, page, label or say("lens-later"))

    async def pressed(self, interaction: Interaction) -> None:
        view = view_of(interaction, LensView.__cog_name__)
        text = view.asked.recall(interaction.message, self.argument)
        await interaction.response.defer()
        lens = await _lens(interaction, text, self.page)
        await _show(interaction, lens, self.argument)


class LensView(View, name="lens"):
    @app_commands.command(extras=guide(Topic.INSIDE, "/lens text:The capital of France is", "language"))
    @app_commands.describe(text="A text, for example: The capital of France is")
    async def lens(self, interaction: Interaction, text: Range[str, 1, 6000]) -> None:
        """See what each layer of the model would say next, and where the answer appears."""
        await self.look(interaction, text)

    async def look(self, interaction: Interaction, text: str) -> None:
        self.check(interaction, text)
        lens = await answered(interaction, _lens(interaction, text, -COLUMNS))
        await _show(interaction, lens, self.asked.keep(text))


async def _lens(interaction: Interaction, text: str, start: int) -> Lens:
    return await interaction.client.service.inside.lens(AskLens(caller(interaction), text, start, COLUMNS))


async def _show(interaction: Interaction, lens: Lens, number: int) -> None:
    reply = await drawn(interaction, lambda: messages.lens(lens))
    length = len(lens.reading.pieces)
    turns = []
    if lens.start > 0:
        turns.append(TurnLens(number, max(0, lens.start - COLUMNS), say("lens-earlier")))
    if lens.start + COLUMNS < length:
        turns.append(TurnLens(number, min(lens.start + COLUMNS, length - COLUMNS), say("lens-later")))
    view = Buttons(*turns, *elsewhere(interaction.client, LensView.__cog_name__, number))
    await show(interaction, reply, view=view)
