"""How cogs send requests: admit, defer, answer; and suggestions that never fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from discord import app_commands

from bot.client import DRAWING, Interaction
from bot.limits import allowance
from cogs.shared.text import CHOICE, CHOICES, clip, size
from models.failures import Failure
from models.service import Caller

T = TypeVar("T")

SUGGESTIONS_WITHIN = 0.5
"""Seconds. After that the person has typed more, and Discord asks again."""


def caller(interaction: Interaction, *, seconds: float | None = None, typing: bool = False) -> Caller:
    """The caller of a request: the person of an interaction, whose id can cancel the work.

    Requests while someone is typing have less time.
    """
    if typing and seconds is None:
        seconds = SUGGESTIONS_WITHIN
    questions = allowance(interaction).per_user
    return Caller(str(interaction.id), interaction.user.id, seconds, typing, questions)


async def answered(interaction: Interaction, answer: Coroutine[Any, Any, T], *, private: bool = False) -> T:
    """Get the request admitted, defer, then wait for the answer.

    Raises `Busy` and the like before deferring. If deferring fails, the work is cancelled.
    """
    asking = asyncio.ensure_future(answer)
    # Nobody will see its failure, so keep asyncio from logging it.
    asking.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        await asyncio.sleep(0)  # the request is admitted or rejected in its first step
        if asking.done() and asking.exception() is not None:
            return asking.result()
        await interaction.response.defer(ephemeral=private, thinking=True)
        return await asking
    finally:
        asking.cancel()


async def answered_privately(interaction: Interaction, answer: Coroutine[Any, Any, T]) -> T:
    """Like `answered`, for a pressed button: updates the button's message if it is private, otherwise sends a private one."""
    if interaction.message is None or not interaction.message.flags.ephemeral:
        return await answered(interaction, answer, private=True)
    await interaction.response.defer()
    return await answer


async def suggested(answer: Awaitable[Sequence[T]]) -> list[T]:
    """A model's suggestions while someone types; none if it is not loaded or takes too long."""
    try:
        async with asyncio.timeout(SUGGESTIONS_WITHIN):
            return list(await answer)
    except (Failure, TimeoutError):
        return []


async def drawn(interaction: Interaction, work: Callable[[], T], *, counted: bool = False) -> T:
    """Run `work()`, which makes a picture or file without a model, on a drawing thread.

    It counts against the asker's limit only if it is `counted`: parts of an answer are already counted with it.
    """
    return await interaction.client.drawing.admit(
        DRAWING,
        lambda _: work(),
        user=interaction.user.id,
        privileged=not counted,
        per_user=allowance(interaction).per_user,
    )


def choices(pairs: list[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    """Choices from (label, value) pairs within Discord's limits: at most 25, of 100 characters each."""
    fitting = [
        (clip(" ".join(name.split()), CHOICE), value)
        for name, value in pairs
        if value and size(value) <= CHOICE
    ]
    return [app_commands.Choice(name=name or value, value=value) for name, value in fitting[:CHOICES]]
