"""Commands in the Apps menu of a message, which receive the text of that message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from cogs.shared.components import texts_in
from texts import say


class MessageWithoutText(Refused):
    """The chosen message contains no text."""


class MessageMenu(commands.Cog):
    """A command in the menu. A subclass gives `label`, the name of its text, and `chosen`."""

    label: ClassVar[str]

    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self._menu = app_commands.ContextMenu(name=say(self.label), callback=self._choose)

    async def cog_load(self) -> None:
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def _choose(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await self.chosen(interaction, text_of(message))

    async def chosen(self, interaction: Interaction, text: str) -> None:
        """Answer for the text of a message."""
        raise NotImplementedError


def text_of(message: discord.Message) -> str:
    """The text of a message: its content, or else that of its forwarded message, embeds, or components.

    Raises MessageWithoutText.
    """
    for text in (
        message.content,
        *(snapshot.content for snapshot in message.message_snapshots),
        "\n".join(_parts(message)),
    ):
        if text.strip():
            return text
    raise MessageWithoutText


def _parts(message: discord.Message) -> Iterator[str]:
    for embed in message.embeds:
        yield from filter(None, (embed.title, embed.description))
        for field in embed.fields:
            yield from filter(None, (field.name, field.value))
    yield from texts_in(message)
