"""Messages built from components alone: containers, sections, texts, rows of buttons."""

from __future__ import annotations

from typing import Any

import discord

from cogs.shared.buttons import AnyItem
from cogs.shared.reply import BLUE

TEXT = 4000
"""Discord's limit for one message: characters in all of its components."""

Row = discord.ui.ActionRow["Layout"]


class Layout(discord.ui.LayoutView):
    """One container. Sent as a finished view, so that discord.py keeps neither it nor a timer."""

    def __init__(self, *items: AnyItem) -> None:
        super().__init__(timeout=1)
        self.add_item(discord.ui.Container(*items, accent_colour=BLUE))
        self.stop()


def text(content: str) -> discord.ui.TextDisplay[Layout]:
    return discord.ui.TextDisplay(content)


def row(*items: AnyItem) -> Row:
    return discord.ui.ActionRow(*items)


async def show_layout(interaction: discord.Interaction[Any], layout: discord.ui.LayoutView) -> None:
    """Replace the answer of an interaction with the layout, including its earlier content."""
    await interaction.edit_original_response(content=None, embeds=[], attachments=[], view=layout)
