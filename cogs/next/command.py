"""/next: the possible next tokens of a text."""

from __future__ import annotations

import random

from discord import app_commands
from discord.app_commands import Range

from bot.client import Interaction
from bot.store import Board
from cogs.next import board as boards
from cogs.shared.asking import answered
from cogs.shared.guide import Topic, guide
from cogs.shared.looking import View
from models.sampling import UNCHANGED, Sampling


class NextView(View, name="next"):
    @app_commands.command(
        name="next", extras=guide(Topic.INSIDE, "/next text:Once upon a time, there was", "language")
    )
    @app_commands.describe(
        text="The beginning of a text, for example: Once upon a time, there was",
        temperature="1 changes nothing; lower sharpens, higher flattens; 0 keeps only the likeliest token",
        top_k="Keep this many of the likeliest tokens; 0 keeps all",
        top_p="Keep the likeliest tokens with this total probability; 1 keeps all",
        min_p="Keep tokens with at least this share of the likeliest one's probability; 0 keeps all",
    )
    async def next(
        self,
        interaction: Interaction,
        text: Range[str, 1, 6000],
        temperature: Range[float, 0.0, 2.0] = 1.0,
        top_k: Range[int, 0, None] = 0,
        top_p: Range[float, 0.01, 1.0] = 1.0,
        min_p: Range[float, 0.0, 1.0] = 0.0,
    ) -> None:
        """See which tokens could come next, and write the text on together, token by token."""
        await self._begin(interaction, text, Sampling(temperature, top_k=top_k, top_p=top_p, min_p=min_p))

    async def look(self, interaction: Interaction, text: str) -> None:
        await self._begin(interaction, text, UNCHANGED)

    async def _begin(self, interaction: Interaction, text: str, sampling: Sampling) -> None:
        self.check(interaction, text)
        board = Board(random.SystemRandom().getrandbits(62), interaction.user.id, text, sampling=sampling)
        seen = await answered(interaction, boards.look(interaction, board))
        board = boards.named(board, seen)
        await self.bot.store.boards.add(board)
        await boards.show(interaction, board, seen)
