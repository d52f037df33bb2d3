"""A public generation in progress: its place in the queue, its streamed text, and its end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing

import discord

from bot import errors
from bot.client import Interaction
from bot.limits import allowance
from cogs.generate import messages
from cogs.generate.buttons import StopButton, under_text
from cogs.generate.drafts import Draft, FinishedText
from cogs.shared.asking import caller
from cogs.shared.buttons import Buttons
from cogs.shared.recent import Recent
from cogs.shared.reply import Reply
from cogs.shared.streaming import Editor
from cogs.shared.text import settled
from models.failures import Cancelled, Stopped
from models.results import Generation
from models.service import Generate, GenerationEvent, Queued, Written
from texts import say

EDITABLE = 15 * 60
"""Seconds after a command in which its answer may be edited."""
RESERVE = 60
"""Seconds of them that are left for the last edit."""


async def write(interaction: Interaction, draft: Draft, recent: Recent[FinishedText]) -> None:
    """Continue a draft until the text ends, someone stops it, or time runs out.

    The finished text is remembered in `recent` for the buttons under it.
    """
    bot = interaction.client
    request = Generate(
        caller(interaction, seconds=_seconds(interaction)),
        draft.prompt,
        # A button under someone else's text must not exceed the limits of the person who presses it.
        min(draft.max_new_tokens, allowance(interaction).max_new_tokens),
        draft.sampling,
        written=draft.ids,
        model=draft.model,
    )
    async with aclosing(bot.service.language.generate(request)) as events:
        # Nothing is deferred yet, so that only the requester sees a refusal.
        first = await anext(events)
        session = _Session(interaction, draft)
        session.show(first)
        forget = bot.at_shutdown(session.tell_of_restart)
        try:
            if not interaction.response.is_done():
                await interaction.response.defer(thinking=True)
            await session.follow(events, recent)
        finally:
            forget()


class _Session:
    """The message of one text, from its place in the queue to its last edit."""

    def __init__(self, interaction: Interaction, draft: Draft) -> None:
        self._interaction = interaction
        self._draft = draft
        self._text = draft.text
        self._visible = bool(settled(draft.text).strip())
        """Whether people see something of the text by now."""
        service = interaction.client.service
        self._editor = Editor(
            interaction.edit_original_response, on_gone=lambda: service.cancel(str(interaction.id))
        )
        self._editor.show(view=Buttons(StopButton(interaction.user.id, interaction.id)))

    @property
    def _written(self) -> bool:
        return len(self._text) > len(self._draft.text)

    def show(self, event: GenerationEvent) -> None:
        match event:
            case Queued(position, loading) if not self._written:
                self._editor.show(content=messages.waiting(self._draft.prompt, position, loading=loading))
            case Written(added):
                self._text += added
                visible = self._visible or bool(settled(self._text).strip())
                content = messages.writing(self._draft.prompt, self._text)
                self._editor.show(content=content, at_once=visible and not self._visible)
                self._visible = visible

    def tell_of_restart(self) -> None:
        self._editor.show(content=messages.ending(self._draft.prompt, self._text), at_once=True)

    async def follow(self, events: AsyncIterator[GenerationEvent], recent: Recent[FinishedText]) -> None:
        """Stream the text until the last edit. Raises the error that interrupted it."""
        self._editor.start()
        view = None
        try:
            result = await self._result(events)
        except (Cancelled, Stopped) as stopped:
            reply = self._unfinished(errors.sentence(stopped) or "")
        except Exception:
            await self._break_off()
            raise
        else:
            reply = messages.generation(
                result,
                self._draft.sampling.temperature,
                self._draft.text,
                top_k=self._draft.sampling.top_k,
                top_p=self._draft.sampling.top_p,
            )
            # The buttons refer to state that ends with the process.
            if not self._interaction.client.stopping.is_set():
                text = FinishedText(self._draft, result)
                view = under_text(recent.keep(text), text)
        await self._end(reply, view)

    async def _result(self, events: AsyncIterator[GenerationEvent]) -> Generation:
        async for event in events:
            if isinstance(event, Generation):
                return event
            self.show(event)
        raise Cancelled

    def _unfinished(self, why: str) -> Reply:
        return messages.unwritten(self._draft.prompt, self._text, why)

    async def _break_off(self) -> None:
        """Handle a failure: only the requester is told; everyone else keeps the text so far."""
        if self._text[len(self._draft.text) :].strip():
            await self._end(self._unfinished(say("generate-broken")))
            return
        await self._editor.close()
        with contextlib.suppress(discord.HTTPException):
            await self._interaction.delete_original_response()

    async def _end(self, reply: Reply, view: Buttons | None = None) -> None:
        await self._editor.finish(lambda: {**reply.message(self._interaction.filesize_limit), "view": view})


def _seconds(interaction: Interaction) -> float:
    """The time limit: the lane's own, or the time that Discord leaves for edits."""
    age = (discord.utils.utcnow() - interaction.created_at).total_seconds()
    left = EDITABLE - RESERVE - age
    if not 0 < left <= EDITABLE - RESERVE:  # clock skew must not end every text at once
        left = EDITABLE - RESERVE
    return min(left, interaction.client.settings.lanes.language.timeout)
