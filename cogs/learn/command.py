"""/learn: short lessons, from text continuation to songs from playlists."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.examples import Command, commands_of, examples_of
from cogs.shared.asking import caller
from cogs.shared.buttons import Buttons, OpenButton, open_template
from cogs.shared.guide import Topic, guide, guide_of
from cogs.shared.mentions import mention
from cogs.shared.reply import BLUE
from cogs.shared.text import code
from texts import say


@dataclass(frozen=True, slots=True)
class Lesson:
    """`name` is the prefix of its messages; `example` replaces the command's example if the lesson needs another."""

    name: str
    command: str
    example: str = ""


LESSONS = (
    Lesson("continue", "generate"),
    Lesson("pieces", "tokens", "/tokens text:Write an email apologizing to Sarah"),
    Lesson("ids", "decode"),
    Lesson("compare", "tokens"),
    Lesson("vectors", "embed", "/embed text:I sat on the river bank"),
    Lesson("context", "embed"),
    Lesson("neighbours", "similar"),
    Lesson("songs", "recommend"),
    Lesson("taste", "likes add"),
)
"""In the order of the notebook."""


class LessonButton(OpenButton, template=open_template("lesson")):
    """Turns to lesson number `argument`; `page` distinguishes the two buttons of a message."""

    name = "lesson"

    def __init__(self, argument: int = 0, page: int = 0, label: str | None = None) -> None:
        super().__init__(argument, page, label or say("lesson-next"))

    async def pressed(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        embed, view = await lesson(interaction, self.argument)
        await interaction.edit_original_response(embed=embed, view=view)


class LearnCommands(commands.Cog):
    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot

    @app_commands.command(extras=guide(Topic.ABOUT, "/learn"))
    async def learn(self, interaction: Interaction) -> None:
        """Learn step by step what a language model sees, in short lessons."""
        await interaction.response.defer(thinking=True)
        embed, view = await lesson(interaction, 0)
        await interaction.edit_original_response(embed=embed, view=view)


async def lesson(interaction: Interaction, number: int) -> tuple[discord.Embed, Buttons]:
    """A lesson and the buttons to its neighbours; lessons about models that are not configured are left out."""
    known = _lessons(interaction.client)
    number = max(0, min(number, len(known) - 1))
    if not known:
        return discord.Embed(title=say("lesson-none"), colour=BLUE), Buttons()
    current, command = known[number]
    asking = caller(interaction, typing=True)
    fitted = current.example or (await examples_of(interaction.client.service, asking, [command]))[0]
    embed = discord.Embed(
        title=say(
            "lesson-title", number=number + 1, count=len(known), title=say(f"lesson-{current.name}-title")
        ),
        description="\n\n".join(
            (
                say(f"lesson-{current.name}"),
                say("lesson-try", command=mention(interaction.client, current.command)) + f"\n{code(fitted)}",
                say(f"lesson-{current.name}-look"),
            )
        ),
        colour=BLUE,
    )
    buttons = []
    if number:
        buttons.append(LessonButton(number - 1, 0, say("lesson-back")))
    if number + 1 < len(known):
        buttons.append(LessonButton(number + 1, 1))
    return embed, Buttons(*buttons)


def _lessons(bot: Tokenwise) -> list[tuple[Lesson, Command]]:
    every = commands_of(bot.tree)
    return [
        (one, every[one.command])
        for one in LESSONS
        if one.command in every and guide_of(every[one.command]).slot in bot.service.slots
    ]
