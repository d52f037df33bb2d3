"""How every cog asks: admitted first, then deferred; and suggestions that never fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from discord import app_commands

from bot.client import Interaction
from cogs.shared.text import CHOICE, CHOICES, clip, size
from models.failures import Failure
from models.lanes import Ticket

T = TypeVar("T")

SUGGESTIONS_WITHIN = 2.5
"""Seconds; Discord shows nothing after 3."""


async def answered(interaction: Interaction, ticket: Ticket[T], *, private: bool = False) -> T:
    """Tell Discord that the answer will come, then wait for it. The work stops if nobody can be told."""
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
        return await ticket
    except BaseException:
        ticket.cancel()
        raise


async def suggested(interaction: Interaction, lane: str, look: Callable[[Any], list[T]]) -> list[T]:
    """What `look` finds in a model for somebody who still types; nothing when the model is not there."""
    try:
        return await interaction.client.ask(
            interaction, lane, lambda _job, model: look(model), timeout=SUGGESTIONS_WITHIN
        )
    except Failure:
        return []


def choices(pairs: list[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    """(what is shown, what is sent) as Discord takes it: 25 at most, each in 100 characters."""
    fitting = [
        (clip(" ".join(name.split()), CHOICE), value)
        for name, value in pairs
        if value and size(value) <= CHOICE
    ]
    return [app_commands.Choice(name=name or value, value=value) for name, value in fitting[:CHOICES]]
