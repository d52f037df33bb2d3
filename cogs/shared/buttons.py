"""Buttons that survive a restart: each carries what it needs in its custom_id and nothing is held."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import discord

from bot import errors
from bot.client import Interaction
from bot.failures import Refused

Button = discord.ui.Button[discord.ui.View]
NOBODY = r"(?!)"
"""The template of a base class: no custom_id matches it."""


class Buttons(discord.ui.View):
    """Rows of dynamic items. Sent as a finished view, so that discord.py keeps neither it nor a timer:
    presses find their class by the custom_id.
    """

    def __init__(self, *items: discord.ui.DynamicItem[Any]) -> None:
        super().__init__(timeout=1)
        for item in items:
            self.add_item(item)
        self.stop()


class Reporting(discord.ui.DynamicItem[Button], template=NOBODY):
    """A button whose failures go to the one mapper; discord.py would only log them. Override `pressed`."""

    async def pressed(self, interaction: Interaction) -> None:
        raise NotImplementedError

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await self.pressed(interaction)
        except Exception as error:  # noqa: BLE001 - the mapper knows what to do with any
            await errors.report(interaction, error)


class OwnButton(Reporting, template=NOBODY):
    """A button for one person: its custom_id is `name:user:argument`.

    A subclass gives `template=own("name")`, its looks, and `act`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, user_id: int, argument: int = 0) -> None:
        custom_id = f"{self.name}:{user_id}:{argument}"
        super().__init__(Button(label=self.label, style=self.style, custom_id=custom_id))
        self.user_id = user_id
        self.argument = argument

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["user"]), int(match["argument"]))

    def check(self, interaction: Interaction) -> None:
        """Raises Refused for whom the button is not."""
        if interaction.user.id != self.user_id:
            raise Refused("That button belongs to somebody else. Ask the command yourself to get your own.")

    async def act(self, interaction: Interaction) -> None:
        raise NotImplementedError

    async def pressed(self, interaction: Interaction) -> None:
        self.check(interaction)
        await self.act(interaction)


def own(name: str) -> str:
    """The template of an `OwnButton`."""
    return rf"{name}:(?P<user>\d+):(?P<argument>\d+)"


class OpenButton(Reporting, template=NOBODY):
    """A button for whoever sees it: its custom_id is `name:argument:page`.

    A subclass gives `template=everybodys("name")`, its looks, and `pressed`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, argument: int, page: int = 0, label: str | None = None) -> None:
        custom_id = f"{self.name}:{argument}:{page}"
        super().__init__(Button(label=label or self.label, style=self.style, custom_id=custom_id))
        self.argument = argument
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(int(match["argument"]), int(match["page"]))


def everybodys(name: str) -> str:
    """The template of an `OpenButton`."""
    return rf"{name}:(?P<argument>\d+):(?P<page>\d+)"


class Keep(OwnButton, template=own("keep")):
    """The other answer to "Are you sure?"."""

    name = "keep"
    label = "Keep everything"

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.edit_message(content="Nothing was changed.", view=None)
