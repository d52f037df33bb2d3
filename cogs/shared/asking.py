"""How every cog asks: admitted first, then deferred, then answered; and suggestions that never fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from discord import app_commands

from bot.client import DRAWING, Interaction
from bot.limits import allowance
from cogs.shared.colours import drawing_in
from cogs.shared.text import CHOICE, CHOICES, clip, size
from models.failures import AlreadyAsking, Failure
from models.service import Caller

T = TypeVar("T")

SUGGESTIONS_WITHIN = 0.5
"""Seconds. By then somebody has typed on, and Discord asks again."""


def caller(interaction: Interaction, *, seconds: float | None = None, typing: bool = False) -> Caller:
    """Who asks the models: the person of an interaction, by whose id the work can be cancelled.

    What is asked while somebody types has less time. Raises AlreadyAsking where pictures for the person take all places.
    """
    if typing and seconds is None:
        seconds = SUGGESTIONS_WITHIN
    questions = allowance(interaction).per_user
    if not typing:
        # A picture is a part of an answer, so its question is still under way.
        drawing = interaction.client.drawing.under_way(interaction.user.id)
        if drawing >= questions:
            raise AlreadyAsking(drawing, questions)
        questions -= drawing
    return Caller(str(interaction.id), interaction.user.id, seconds, typing, questions)


async def answered(interaction: Interaction, answer: Coroutine[Any, Any, T], *, private: bool = False) -> T:
    """Have the question admitted, tell Discord that the answer will come, then wait for it.

    `Busy` and the like are raised before anybody is told of an answer. The work stops if nobody can be told.
    """
    asking = asyncio.ensure_future(answer)
    # Where nobody can be told any more, its failure is no news for asyncio's log either.
    asking.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        await interaction.client.service.settled(str(interaction.id))
        await asyncio.sleep(0)  # a refusal is raised in the next step
        if asking.done() and asking.exception() is not None:
            return asking.result()
        await interaction.response.defer(ephemeral=private, thinking=True)
        return await asking
    finally:
        asking.cancel()


async def answered_privately(
    interaction: Interaction, answer: Coroutine[Any, Any, T], *, turning: bool = True
) -> T:
    """As `answered`, for whoever pressed a button: in its message where they are `turning` the pages of a private one,
    otherwise in a new one.
    """
    if interaction.message is None or not interaction.message.flags.ephemeral or not turning:
        return await answered(interaction, answer, private=True)
    await interaction.response.defer()
    return await answer


async def suggested(answer: Awaitable[Sequence[T]]) -> list[T]:
    """What a model suggests to somebody who still types; nothing if it is not there or takes too long."""
    try:
        async with asyncio.timeout(SUGGESTIONS_WITHIN):
            return list(await answer)
    except (Failure, TimeoutError):
        return []


async def drawn(interaction: Interaction, work: Callable[[], T], *, counted: bool = False) -> T:
    """What `work()` makes on a thread that draws: a picture or a file that needs no model.

    Pictures have the colours of the settings. It counts against the limit of the asker only if it is `counted`: what belongs to an answer was counted with it.
    """
    name = interaction.client.settings.discord.pictures

    def draw(_job: object) -> T:
        with drawing_in(name):
            return work()

    return await interaction.client.drawing.admit(
        DRAWING,
        draw,
        user=interaction.user.id,
        privileged=not counted,
        per_user=allowance(interaction).per_user,
    )


def choices(pairs: list[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    """(what is shown, what is sent) as Discord takes it: 25 at most, each in 100 characters."""
    fitting = [
        (clip(" ".join(name.split()), CHOICE), value)
        for name, value in pairs
        if value and size(value) <= CHOICE
    ]
    return [app_commands.Choice(name=name or value, value=value) for name, value in fitting[:CHOICES]]
