"""/paths: the most likely continuations of a text as a tree, with one sampled path."""

from __future__ import annotations

import random
import re
from typing import Self

from discord import app_commands
from discord.app_commands import Range

from bot.client import Interaction
from cogs.paths import messages
from cogs.shared.asking import answered, caller, drawn
from cogs.shared.buttons import Button, Buttons, ReportingItem
from cogs.shared.guide import Topic, guide
from cogs.shared.looking import View, elsewhere, view_of
from cogs.shared.reply import show
from models.results import Paths
from models.service import MOST_DEPTH, MOST_WIDTH, AskPaths
from texts import say

WIDTH, DEPTH = 3, 4


class DrawAgain(
    ReportingItem[Button], template=r"paths:(?P<number>\d+):(?P<width>\d+):(?P<depth>\d+):(?P<seed>\d+)"
):
    """Shows the same tree with another sampled path, for everyone."""

    def __init__(self, number: int, width: int, depth: int, seed: int) -> None:
        """`seed` is the seed of the path on screen; the next path uses the next seed."""
        custom_id = f"paths:{number}:{width}:{depth}:{seed}"
        super().__init__(Button(label=say("paths-draw-again"), emoji="🎲", custom_id=custom_id))
        self.number, self.wide, self.deep, self.seed = number, width, depth, seed

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(*map(int, match.groups()))

    async def pressed(self, interaction: Interaction) -> None:
        asked = view_of(interaction, PathsView.__cog_name__).asked
        text = asked.recall(interaction.message, self.number)
        await interaction.response.defer()
        width, depth = min(self.wide, MOST_WIDTH), min(self.deep, MOST_DEPTH)
        paths = await _paths(interaction, text, width, depth, (self.seed + 1) % 2**31)
        await _show(interaction, paths, self.number)


class PathsView(View, name="paths"):
    @app_commands.command(
        extras=guide(Topic.INSIDE, "/paths text:Once upon a time, there was width:3 depth:4", "language")
    )
    @app_commands.describe(
        text="The beginning of a text, for example: Once upon a time, there was",
        width="How many continuations to follow at each length",
        depth="How many tokens each continuation has",
    )
    async def paths(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        width: Range[int, 1, MOST_WIDTH] = WIDTH,
        depth: Range[int, 1, MOST_DEPTH] = DEPTH,
    ) -> None:
        """See the likeliest continuations of a text as a tree (beam search)."""
        await self._answer(interaction, text, width, depth)

    async def look(self, interaction: Interaction, text: str) -> None:
        await self._answer(interaction, text, WIDTH, DEPTH)

    async def _answer(self, interaction: Interaction, text: str, width: int, depth: int) -> None:
        self.check(interaction, text)
        paths = await answered(interaction, _paths(interaction, text, width, depth, random.randrange(2**31)))
        await _show(interaction, paths, self.asked.keep(text))


async def _paths(interaction: Interaction, text: str, width: int, depth: int, seed: int) -> Paths:
    request = AskPaths(caller(interaction), text, width, depth, seed)
    return await interaction.client.service.inside.paths(request)


async def _show(interaction: Interaction, paths: Paths, number: int) -> None:
    reply = await drawn(interaction, lambda: messages.paths(paths))
    again = DrawAgain(number, paths.width, paths.depth, paths.seed)
    view = Buttons(again, *elsewhere(interaction.client, PathsView.__cog_name__, number))
    await show(interaction, reply, view=view)
