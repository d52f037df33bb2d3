"""Shared by the views into a language model: remembered texts, and the buttons between views."""

from __future__ import annotations

import re
from typing import Self

import discord
from discord.ext import commands

from bot.client import Interaction, Tokenwise
from bot.failures import Refused
from bot.limits import allowance
from cogs.shared.buttons import Button, DynamicItem, ReportingItem
from cogs.shared.recent import RecentTexts
from cogs.shared.reply import Reply
from cogs.shared.sheet import shown
from cogs.shared.text import clip, code
from models.failures import NothingToLookInto
from models.results import Piece, Reading
from texts import say

VIEWS = ("next", "surprise", "lens", "attention", "paths")
"""The views, by command name, in the order of their buttons."""


class TextToReadTooLong(Refused):
    """A text has `length` characters; the limit is `limit`."""

    limit: int
    length: int


class View(commands.Cog):
    """A view of a text. A subclass is a cog with the name of its command, one of VIEWS, and gives `look`."""

    def __init__(self, bot: Tokenwise) -> None:
        self.bot = bot
        self.asked = RecentTexts()

    async def look(self, interaction: Interaction, text: str) -> None:
        """Answer an interaction with this view of a text."""
        raise NotImplementedError

    def check(self, interaction: Interaction, *texts: str) -> None:
        """Raises Refused or NothingToLookInto for an invalid text."""
        limit = allowance(interaction).text_characters
        for text in texts:
            if not text.strip():
                raise NothingToLookInto
            if len(text) > limit:
                raise TextToReadTooLong(limit, len(text))


class LookButton(ReportingItem[Button], template=r"look:(?P<view>\w+):(?P<asked>\w+):(?P<number>\d+)"):
    """Opens another view of an answer's text in a new message."""

    def __init__(self, view: str, asked: str, number: int) -> None:
        """`view` is the target, `asked` the view that remembers the text under `number`."""
        super().__init__(Button(label=say(f"look-{view}"), custom_id=f"look:{view}:{asked}:{number}"))
        self.view_name, self.asked, self.number = view, asked, number

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(match["view"], match["asked"], int(match["number"]))

    async def pressed(self, interaction: Interaction) -> None:
        text = view_of(interaction, self.asked).asked.recall(interaction.message, self.number)
        await view_of(interaction, self.view_name).look(interaction, text)


def view_of(interaction: Interaction, name: str) -> View:
    """The cog of a view. Raises TypeError if there is none, which only a forged custom_id can cause."""
    cog = interaction.client.get_cog(name)
    if not isinstance(cog, View):
        raise TypeError(name)
    return cog


def elsewhere(bot: Tokenwise, view: str, number: int) -> list[LookButton]:
    """The buttons from a view to all other loaded ones."""
    return [LookButton(other, view, number) for other in VIEWS if other != view and bot.get_cog(other)]


def register(bot: Tokenwise, *items: type[DynamicItem]) -> None:
    """Register a view's buttons and those that lead to it."""
    bot.add_dynamic_items(LookButton, *items)


def about(reading: Reading, *more: Reading) -> str:
    """Which model read how many tokens, of all texts together, and whether the beginning-of-text token is missing."""
    model = code(clip(reading.model, 100))
    said = say("looking-read", model=model, tokens=sum(len(one.pieces) for one in (reading, *more)))
    return f"{said} {say('looking-no-bos')}" if reading.bos_left_out else said


def token_name(piece: Piece) -> str:
    """A token as written in a sentence."""
    return code(shown(piece))


def described(*parts: str, care: str) -> str:
    """The description of a view: what to look for, followed, in small print, by a caution about conclusions."""
    return "\n".join([*filter(None, parts), f"-# {care}"])


def pictured(name: str, embed: discord.Embed, picture: bytes, numbers: bytes, alt: str) -> Reply:
    """An answer with a picture, its alt text, and its numbers as a file; both files are called `name`."""
    embed.set_image(url=f"attachment://{name}.png")
    return Reply(
        embed=embed, files={f"{name}.png": picture, f"{name}.csv": numbers}, alt={f"{name}.png": alt}
    )
