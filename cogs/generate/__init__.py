"""/generate: continue a prompt, streamed to everyone in the channel."""

from __future__ import annotations

from bot.client import Tokenwise
from cogs.generate.buttons import (
    ContinueButton,
    MatteredMenu,
    ShowTokensButton,
    StopButton,
    TryAgainButton,
    WhatMatteredButton,
    WhyThisWordButton,
)
from cogs.generate.command import ContinueMenu, GenerateCommands


async def setup(bot: Tokenwise) -> None:
    bot.add_dynamic_items(
        StopButton,
        ShowTokensButton,
        WhyThisWordButton,
        WhatMatteredButton,
        MatteredMenu,
        ContinueButton,
        TryAgainButton,
    )
    await bot.add_cog(GenerateCommands(bot))
    await bot.add_cog(ContinueMenu(bot))
