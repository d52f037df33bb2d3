"""The request sequence shared by all cogs: admit, defer, answer; and suggestions that never fail."""

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
    """The caller of the models: the person behind an interaction, whose id identifies work to cancel.

    Questions for autocompletion have a shorter time limit. Raises AlreadyAsking if the person's pictures use all their
    places.
    """
    if typing and seconds is None:
        seconds = SUGGESTIONS_WITHIN
    questions = allowance(interaction).per_user
    if not typing:
        # A picture is part of an answer, so the question still counts as running.
        drawing = interaction.client.drawing.under_way(interaction.user.id)
        if drawing >= questions:
            raise AlreadyAsking(drawing, questions)
        questions -= drawing
    return Caller(str(interaction.id), interaction.user.id, seconds, typing, questions)


async def answered(interaction: Interaction, answer: Coroutine[Any, Any, T], *, private: bool = False) -> T:
    """Have the question admitted, defer the interaction, then wait for the answer.

    `Busy` and similar refusals are raised before deferring. The work is cancelled if deferring fails.
    """
    asking = asyncio.ensure_future(answer)
    # If the reply fails, asyncio should not log the question's failure either.
    asking.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        await interaction.client.service.settled(str(interaction.id))
        await asyncio.sleep(0)  # a refusal is raised in the next step of the event loop
        if asking.done() and asking.exception() is not None:
            return asking.result()
        await interaction.response.defer(ephemeral=private, thinking=True)
        return await asking
    finally:
        asking.cancel()


async def answered_privately(
    interaction: Interaction, answer: Coroutine[Any, Any, T], *, turning: bool = True
) -> T:
    """Like `answered`, for the person who pressed a button: edits their private message if they are `turning` its
    pages, otherwise sends a new one.
    """
    if interaction.message is None or not interaction.message.flags.ephemeral or not turning:
        return await answered(interaction, answer, private=True)
    await interaction.response.defer()
    return await answer


async def suggested(answer: Awaitable[Sequence[T]]) -> list[T]:
    """A model's autocomplete suggestions; empty if it is unavailable or too slow."""
    try:
        async with asyncio.timeout(SUGGESTIONS_WITHIN):
            return list(await answer)
    except (Failure, TimeoutError):
        return []


async def drawn(interaction: Interaction, work: Callable[[], T], *, counted: bool = False) -> T:
    """The result of `work()`, run on a drawing thread: a picture or a file that needs no model.

    Pictures use the configured colours. The work counts against the person's limit only if `counted`: the parts of an
    answer were counted with it.
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
    """(label, value) pairs in the form Discord accepts: at most 25, each of at most 100 characters."""
    fitting = [
        (clip(" ".join(name.split()), CHOICE), value)
        for name, value in pairs
        if value and size(value) <= CHOICE
    ]
    return [app_commands.Choice(name=name or value, value=value) for name, value in fitting[:CHOICES]]
