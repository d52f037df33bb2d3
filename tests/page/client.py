"""The stock bot of the sandbox's tests, which here also shows whatever a test gives it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import discord
from discord import app_commands

from tests.sandbox.client import StudyBot

HOSTILE = "<img src=x onerror=alert(1)></script>"
"""Markup that would run if it ever became any."""


class ShowBot(StudyBot):
    """`/show` answers with `shown`, the arguments of `send_message`; `/search` suggests what `suggest` gives."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.shown: Mapping[str, Any] = {"content": "nothing"}
        self.suggest: Callable[[str], Awaitable[list[app_commands.Choice[str]]]] = _suggest

    async def setup_hook(self) -> None:
        add_shows(self)
        await super().setup_hook()

    def show(self, content: str | None = None, **message: Any) -> None:
        """What `/show` answers with from now on."""
        self.shown = {"content": content, **message}


async def _suggest(current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{current} {number}", value=f"{current}{number}") for number in "12"]


def add_shows(bot: ShowBot) -> None:
    tree = bot.tree

    @tree.command(description="Show what the test gives")
    async def show(interaction: discord.Interaction) -> None:
        bot.seen.append(interaction)
        await interaction.response.send_message(**bot.shown)

    @tree.command(description="Options of every kind of number, and lists")
    @app_commands.describe(colour="which one", share="how much of it", level="how high")
    @app_commands.choices(
        level=[app_commands.Choice(name=HOSTILE, value=7), app_commands.Choice(name="low", value=1)]
    )
    async def paint(
        interaction: discord.Interaction,
        colour: Literal["red", "green", "dark green"],
        share: app_commands.Range[float, 0, 1] | None = None,
        level: int | None = None,
    ) -> None:
        bot.seen.append(interaction)
        await interaction.response.send_message(f"{colour} {share!r} {level!r}")

    @tree.command(description="Search with suggestions")
    @app_commands.describe(text="what to search for", file="where to search")
    async def search(
        interaction: discord.Interaction, text: str, file: discord.Attachment | None = None
    ) -> None:
        await interaction.response.send_message(f"found {text} in {file and file.filename}")

    @search.autocomplete("text")
    async def suggestions(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await bot.suggest(current)

    @tree.command(description=HOSTILE, name="odd")
    @app_commands.describe(odd_one=HOSTILE)
    async def odd(interaction: discord.Interaction, odd_one: str | None = None) -> None:
        await interaction.response.send_message(str(odd_one), view=PressAll())

    @tree.command(description="Whoever it is", name="whom")
    async def whom(interaction: discord.Interaction, one: discord.Member | discord.Role) -> None:
        await interaction.response.send_message(one.name)


class PressAll(discord.ui.View):
    """A hostile label."""

    @discord.ui.button(label=HOSTILE)
    async def press(self, interaction: discord.Interaction, _: discord.ui.Button[PressAll]) -> None:
        await interaction.response.send_message(HOSTILE, ephemeral=True)
