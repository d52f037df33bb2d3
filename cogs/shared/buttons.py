"""Buttons, menus and forms that report failures to the person who used them.

Buttons survive a restart: each has everything it needs in its custom_id, and nothing is in memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, cast

import discord

from bot import errors
from bot.client import Interaction, Tokenwise
from bot.events import ANSWERED
from bot.failures import Refused
from bot.limits import check_place
from texts import say

AnyInteraction: TypeAlias = "discord.Interaction[Any]"
"""discord.py's declared type. Here it always belongs to this bot."""
AnyItem: TypeAlias = "discord.ui.Item[Any]"
DynamicItem: TypeAlias = "discord.ui.DynamicItem[Any]"
Button = discord.ui.Button[discord.ui.View]
Menu = discord.ui.Select[discord.ui.View]
ItemT = TypeVar("ItemT", bound=AnyItem)

NOBODY = r"(?!)"
"""The template of base classes, which matches no custom_id."""


class SomebodyElsesButton(Refused):
    """Someone pressed another person's button."""


class Buttons(discord.ui.View):
    """Rows of dynamic items. Sent as a finished view, so that discord.py keeps neither the view nor a timer;
    the custom_id identifies an item's class.
    """

    def __init__(self, *items: DynamicItem) -> None:
        super().__init__(timeout=1)
        for item in items:
            self.add_item(item)
        self.stop()


class ReportingItem(discord.ui.DynamicItem[ItemT], template=NOBODY):
    """A button or menu whose failures are reported to the person who used it; discord.py would only log them.

    A subclass gives its template, `parsed` and `pressed`.
    """

    everywhere: ClassVar[bool] = False
    """Whether it works in channels where commands do not."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: AnyInteraction, _item: AnyItem, match: re.Match[str], /
    ) -> Self:
        return cls.parsed(match)

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        """The item whose custom_id the template matched."""
        raise NotImplementedError

    async def pressed(self, interaction: Interaction) -> None:
        raise NotImplementedError

    async def callback(self, interaction: AnyInteraction) -> None:
        bot: Tokenwise = interaction.client
        bot.interactions.began(interaction, type(self).__name__)
        try:
            if not self.everywhere:
                check_place(interaction)
            await self.pressed(interaction)
        except Exception as error:  # noqa: BLE001 - every failure is reported
            await errors.report(interaction, error)
        else:
            bot.interactions.done(interaction, ANSWERED)


class ReportingMenu(ReportingItem[Menu], template=NOBODY):
    """A menu whose failures are reported. The chosen values are in `item.values`, and the options are in
    `item.options`; a subclass gives its template, `parsed` without either of them, and `pressed`.
    """

    @classmethod
    async def from_custom_id(
        cls, _interaction: AnyInteraction, item: AnyItem, match: re.Match[str], /
    ) -> Self:
        menu = cls.parsed(match)
        menu.item = cast("Menu", item)
        return menu


class OwnButton(ReportingItem[Button], template=NOBODY):
    """A button for one person: its custom_id is `name:user:argument`.

    A subclass gives `template=own_template("name")`, its appearance, and `act`.
    """

    everywhere = True
    name: ClassVar[str]
    label: ClassVar[str]
    """The name of its text; without one, each button is given what it says."""
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, user_id: int, argument: int = 0, label: str | None = None) -> None:
        custom_id = f"{self.name}:{user_id}:{argument}"
        super().__init__(Button(label=label or say(self.label), style=self.style, custom_id=custom_id))
        self.user_id = user_id
        self.argument = argument

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["user"]), int(match["argument"]))

    def check(self, interaction: Interaction) -> None:
        """Raises Refused for people who may not press the button."""
        if interaction.user.id != self.user_id:
            raise SomebodyElsesButton

    async def act(self, interaction: Interaction) -> None:
        raise NotImplementedError

    async def pressed(self, interaction: Interaction) -> None:
        self.check(interaction)
        await self.act(interaction)


def own_template(name: str) -> str:
    """The template of an `OwnButton`."""
    return rf"{name}:(?P<user>\d+):(?P<argument>\d+)"


class OpenButton(ReportingItem[Button], template=NOBODY):
    """A button for everyone who sees it: its custom_id is `name:argument:page`.

    A subclass gives `template=open_template("name")`, its appearance, and `pressed`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    """The name of its text, unless a button is given what it says."""
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, argument: int = 0, page: int = 0, label: str | None = None) -> None:
        custom_id = f"{self.name}:{argument}:{page}"
        super().__init__(Button(label=label or say(self.label), style=self.style, custom_id=custom_id))
        self.argument = argument
        self.page = page

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["argument"]), int(match["page"]))


def open_template(name: str) -> str:
    """The template of an `OpenButton`."""
    return rf"{name}:(?P<argument>\d+):(?P<page>\d+)"


class KeepButton(OwnButton, template=own_template("keep")):
    """The negative answer to "Are you sure?"."""

    name = "keep"
    label = "button-keep"

    async def act(self, interaction: Interaction) -> None:
        await interaction.response.edit_message(content=say("nothing-changed"), view=None)


class ReportingForm(discord.ui.Modal):
    """A form whose failures are reported to the person who submitted it. It survives restarts: like a button, it is
    identified by its custom_id alone.

    A subclass gives `name`, `submitted`, and in `__init__` the inputs. `register` installs the handler.
    """

    name: ClassVar[str]

    def __init__(self, title: str, *inputs: AnyItem) -> None:
        super().__init__(title=title, custom_id=self.name, timeout=1)
        for item in inputs:
            self.add_item(item)
        # Prevents discord.py from storing the form.
        self.stop()

    @classmethod
    def register(cls, bot: Tokenwise) -> None:
        bot.forms[cls.name] = cls._submitted

    @classmethod
    async def _submitted(cls, interaction: Interaction) -> None:
        bot = interaction.client
        bot.interactions.began(interaction, cls.__name__)
        try:
            check_place(interaction)
            await cls.submitted(interaction, typed_into(interaction))
        except Exception as error:  # noqa: BLE001 - every failure is reported
            await errors.report(interaction, error)
        else:
            bot.interactions.done(interaction, ANSWERED)

    @classmethod
    async def submitted(cls, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Handle the `typed` values, by the custom_ids of their inputs."""
        raise NotImplementedError


def typed_into(interaction: Interaction) -> dict[str, str]:
    """The values typed into a form, by custom_id."""
    data: Mapping[str, Any] = interaction.data or {}
    found: dict[str, str] = {}
    for part in data.get("components", ()):
        for item in part.get("components") or [part.get("component") or {}]:
            if "custom_id" in item and isinstance(item.get("value"), str):
                found[item["custom_id"]] = item["value"]
    return found
