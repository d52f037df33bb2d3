"""/help: a guided tour of the commands, with examples that work with the loaded models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import discord
from discord import app_commands
from discord.ext import commands

from bot.admins import is_admin
from bot.client import Interaction, Tokenwise
from bot.examples import Command, commands_of, examples_of
from cogs.shared.asking import caller
from cogs.shared.guide import Topic, guide, guide_of
from cogs.shared.looking import VIEWS
from cogs.shared.mentions import mention
from cogs.shared.reply import BLUE
from cogs.shared.text import DESCRIPTION, clip, code
from texts import say

SHORT = (Topic.LIKES, Topic.DATA)
"""Topics whose commands are on one line, without descriptions."""
_TOPICS = list(Topic)


def offered(bot: Tokenwise, *, admin: bool) -> Iterator[Command]:
    """The commands available with the configured models, in the order of the tour."""
    every = commands_of(bot.tree)
    for command in sorted(every.values(), key=_place):
        about = guide_of(command)
        if about.slot and about.slot not in bot.service.slots:
            continue
        if about.topic is not Topic.ADMIN or admin:
            yield command


def _place(command: Command) -> tuple[int, int]:
    """The sort key of a command: its topic, then, among the views, the order of their buttons, the easiest first."""
    name = command.qualified_name
    return _TOPICS.index(guide_of(command).topic), VIEWS.index(name) if name in VIEWS else len(VIEWS)


class HelpCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras=guide(Topic.ABOUT, "/help"))
    async def help(self, interaction: Interaction) -> None:
        """See what you can ask, with examples."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        shown = list(offered(self.bot, admin=is_admin(interaction)))
        lines = await examples_of(self.bot.service, caller(interaction, typing=True), shown)
        examples = dict(zip(shown, lines, strict=True))
        parts = [say("help-click", learn=mention(self.bot, "learn"))]
        for topic, members in groupby(shown, lambda command: guide_of(command).topic):
            parts.append(f"**{say(f'help-topic-{topic}')}**\n{self._lines(topic, list(members), examples)}")
        description = clip("\n\n".join(parts), DESCRIPTION)
        embed = discord.Embed(title=say("help-title"), description=description, colour=BLUE)
        await interaction.edit_original_response(embed=embed)

    def _lines(self, topic: Topic, members: list[Command], examples: dict[Command, str]) -> str:
        names = [mention(self.bot, command.qualified_name) for command in members]
        if topic in SHORT:
            return " · ".join(names)
        return "\n".join(
            f"{name} {command.description}"
            + (f"\n-# {code(example)}" if (example := examples[command]) else "")
            for name, command in zip(names, members, strict=True)
        )
