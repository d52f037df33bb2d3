"""The buttons under a generated text: while it is being written, and after it has ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self, cast

import discord

from bot.admins import manages_server
from bot.client import Interaction
from cogs.generate import mattered, messages, restoring
from cogs.generate.drafts import FinishedText, Writer
from cogs.generate.refusals import NothingToStop, NotYoursToStop
from cogs.shared.asking import answered, answered_privately, caller, drawn
from cogs.shared.buttons import (
    Button,
    Buttons,
    DynamicItem,
    OpenButton,
    OwnButton,
    ReportingItem,
    ReportingMenu,
    open_template,
    own_template,
)
from cogs.shared.reply import Reply, show
from cogs.shared.sheet import shown
from cogs.shared.text import CHOICE, CHOICES, clip, near
from models.results import Attribution, Finish, Generation
from models.service import AskWhy
from texts import say


class StopButton(OwnButton, template=own_template("stop")):
    """Stops the generation whose interaction is its argument; for the requester and for admins."""

    name = "stop"
    label = "button-stop"
    style = discord.ButtonStyle.danger

    def check(self, interaction: Interaction) -> None:
        if interaction.user.id != self.user_id and not manages_server(interaction):
            raise NotYoursToStop

    async def act(self, interaction: Interaction) -> None:
        if not await interaction.client.service.cancel(str(self.argument)):
            raise NothingToStop
        await interaction.response.defer()


class ShowTokensButton(OpenButton, template=open_template("generated-tokens")):
    """Shows the tokens that the model read and wrote to the person who presses it."""

    name = "generated-tokens"
    label = "button-generated-tokens"

    async def pressed(self, interaction: Interaction) -> None:
        async def draw() -> Reply:
            result = (await _text(interaction, self.argument)).result
            return await drawn(interaction, lambda: messages.generated_tokens(result), counted=True)

        await show(interaction, await answered(interaction, draw(), private=True))


class WhyThisWordButton(OpenButton, template=open_template("why")):
    """Shows some generation steps as a picture and a table: each chosen token with its alternatives."""

    name = "why"
    label = "button-why"

    async def pressed(self, interaction: Interaction) -> None:
        async def draw() -> tuple[Reply, int]:
            text = await _text(interaction, self.argument)
            result, temperature = text.result, text.draft.sampling.temperature
            reply = await drawn(
                interaction, lambda: messages.why(result, self.page, temperature), counted=True
            )
            return reply, messages.pages(result)

        turning = _shows(interaction.message, messages.WHY_PICTURE)
        reply, pages = await answered_privately(interaction, draw(), turning=turning)
        turns = [
            WhyThisWordButton(self.argument, page, label)
            for page, label in ((self.page - 1, say("button-back")), (self.page + 1, say("button-next")))
            if 0 <= page < pages
        ]
        await show(interaction, reply, view=Buttons(*turns) if turns else None)


def _shows(message: discord.Message | None, picture: str) -> bool:
    """Whether this press turns a page of an existing explanation, rather than opening one from the text."""
    return message is not None and any(file.filename == picture for file in message.attachments)


class WhatMatteredButton(OpenButton, template=open_template("mattered")):
    """Shows how much the words of the prompt contributed to token `page`, to the person who presses it."""

    name = "mattered"

    def __init__(self, argument: int = 0, page: int = 0, label: str | None = None) -> None:
        super().__init__(argument, page, label or say("button-mattered"))

    async def pressed(self, interaction: Interaction) -> None:
        await answer_mattered(interaction, self.argument, self.page)


class MatteredMenu(ReportingMenu, template=r"mattered-token:(?P<number>\d+)"):
    """Selects another token of the continuation."""

    def __init__(self, number: int, options: Sequence[discord.SelectOption] = ()) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"mattered-token:{number}", options=list(options), placeholder=say("mattered-token")
            )
        )
        self.number = number

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["number"]))

    async def pressed(self, interaction: Interaction) -> None:
        await answer_mattered(interaction, self.number, int(self.item.values[0]))


async def answer_mattered(interaction: Interaction, number: int, place: int) -> None:
    """Show the person who asks how the words of the prompt contributed to new token `place` of a text."""

    async def look() -> tuple[Generation, Attribution]:
        text = await _text(interaction, number)
        result, before = text.result, text.draft.ids
        request = AskWhy(
            caller(interaction),
            result.prompt,
            len(before) + place,
            (*before, *result.output_ids[: place + 1]),
            result.model,
        )
        return result, await interaction.client.service.inside.why(request)

    turning = _shows(interaction.message, mattered.PICTURE)
    result, found = await answered_privately(interaction, look(), turning=turning)
    reply = await drawn(interaction, lambda: mattered.attribution(found))
    pieces = result.pieces[len(result.input_ids) :]
    options = [
        discord.SelectOption(
            label=clip(f"{one + 1} {shown(pieces[one])}", CHOICE), value=str(one), default=one == place
        )
        for one in near(len(pieces), place, CHOICES)
    ]
    items: list[DynamicItem] = [MatteredMenu(number, options)]
    if place + 1 < len(pieces):
        items.append(WhatMatteredButton(number, place + 1, say("mattered-next")))
    await show(interaction, reply, view=Buttons(*items))


class ContinueButton(OpenButton, template=open_template("continue")):
    """Continues a text that stopped before its end, in a new message."""

    name = "continue"
    label = "button-continue"

    async def pressed(self, interaction: Interaction) -> None:
        if self.argument not in _commands(interaction).recent:
            restoring.settings_of(interaction.message)
            await interaction.response.defer(thinking=True)
        draft = (await _text(interaction, self.argument)).continued()
        await _commands(interaction).write(interaction, draft)


class TryAgainButton(ReportingItem[Button], template=restoring.TEMPLATE):
    """Generates again with another seed, in a new message. The custom_id contains the generation settings."""

    def __init__(self, number: int, how: str) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(
            Button(label=say("button-again"), style=style, custom_id=f"{restoring.NAME}:{number}:{how}")
        )
        self.number = number

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["number"]), match["how"])

    async def pressed(self, interaction: Interaction) -> None:
        recent = _commands(interaction).recent
        if self.number in recent:
            draft = recent.get(self.number).draft
        else:
            draft = restoring.settings_of(interaction.message).draft
        await _commands(interaction).write(interaction, draft.tried_again())


def under_text(number: int, text: FinishedText) -> Buttons:
    """The buttons under a finished text, which is remembered under this number."""
    result = text.result
    items: list[DynamicItem] = [ShowTokensButton(number)]
    if result.steps:
        items.append(WhyThisWordButton(number))
    if result.output_ids:
        items.append(WhatMatteredButton(number))
    if result.finish not in {Finish.EOS, Finish.CONTEXT}:
        items.append(ContinueButton(number))
    return Buttons(*items, TryAgainButton(number, restoring.how(text)))


async def _text(interaction: Interaction, number: int) -> FinishedText:
    """A finished text: remembered, or regenerated from its message. Raises AnswerForgotten if the result differs."""
    recent = _commands(interaction).recent
    if number not in recent:
        recent.keep(await restoring.written_again(interaction), number)
    return recent.get(number)


def _commands(interaction: Interaction) -> Writer:
    return cast("Writer", interaction.client.get_cog("GenerateCommands"))
