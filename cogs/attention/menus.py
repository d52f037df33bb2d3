"""The menus under an attention picture: layer, head, token, and notable heads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Protocol, Self, cast

import discord

from bot.client import Interaction
from cogs.attention.focus import ALL, Focus, Kind, best, kinds_of, scores_of
from cogs.shared.buttons import NOBODY, Button, DynamicItem, ReportingItem, ReportingMenu
from cogs.shared.sheet import shown
from cogs.shared.text import CHOICE, CHOICES, clip, near
from models.results import Attention, HeadScores
from texts import say

_FOCUS = r"(?P<number>\d+):(?P<layer>-?\d+):(?P<head>-?\d+):(?P<token>-?\d+):(?P<encoder>[01])"


def _spelt(number: int, focus: Focus) -> str:
    """The text form that `_FOCUS` matches."""
    return f"{number}:{focus.layer}:{focus.head}:{focus.token}:{focus.encoder:d}"


def _focus(match: re.Match[str]) -> Focus:
    return Focus(int(match["layer"]), int(match["head"]), int(match["token"]), match["encoder"] == "1")


class Refocusing(Protocol):
    async def refocus(self, interaction: Interaction, number: int, focus: Focus) -> None: ...


async def _refocus(interaction: Interaction, number: int, focus: Focus) -> None:
    await cast("Refocusing", interaction.client.get_cog("attention")).refocus(interaction, number, focus)


class FocusMenu(ReportingMenu, template=NOBODY):
    """A menu that changes one part of the focus. The custom_id contains the current focus."""

    name: ClassVar[str]

    def __init__(self, number: int, focus: Focus, options: Sequence[discord.SelectOption] = ()) -> None:
        custom_id = f"attention-{self.name}:{_spelt(number, focus)}"
        super().__init__(
            discord.ui.Select(
                custom_id=custom_id, options=list(options), placeholder=say(f"attention-{self.name}")
            )
        )
        self.number, self.focus = number, focus

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(int(match["number"]), _focus(match))

    def changed(self, value: int) -> Focus:
        raise NotImplementedError

    async def pressed(self, interaction: Interaction) -> None:
        await _refocus(interaction, self.number, self.changed(int(self.item.values[0])))


class LayerMenu(FocusMenu, template=f"attention-layer:{_FOCUS}"):
    name = "layer"

    def changed(self, value: int) -> Focus:
        return replace(self.focus, layer=value, head=ALL)


class HeadMenu(FocusMenu, template=f"attention-head:{_FOCUS}"):
    name = "head"

    def changed(self, value: int) -> Focus:
        return replace(self.focus, head=value)


class TokenMenu(FocusMenu, template=f"attention-token:{_FOCUS}"):
    name = "token"

    def changed(self, value: int) -> Focus:
        return replace(self.focus, token=value)


class GoToHead(ReportingItem[Button], template=rf"attention-go-(?P<kind>{'|'.join(Kind)}):{_FOCUS}"):
    """Goes to the head with the clearest mark of one kind."""

    def __init__(self, kind: str, number: int, focus: Focus) -> None:
        custom_id = f"attention-go-{kind}:{_spelt(number, focus)}"
        label = say(f"attention-go-{kind}", head=f"{focus.layer}.{focus.head}")
        super().__init__(Button(label=label, custom_id=custom_id))
        self.number, self.focus = number, focus

    @classmethod
    def parsed(cls, match: re.Match[str]) -> Self:
        return cls(match["kind"], int(match["number"]), _focus(match))

    async def pressed(self, interaction: Interaction) -> None:
        await _refocus(interaction, self.number, self.focus)


def menus(view: Attention, focus: Focus, number: int) -> Iterator[DynamicItem]:
    """One row each for the layers, the layer's heads, and the tokens, followed by the notable heads."""
    layers = near(view.layers, focus.layer, CHOICES - 1)
    yield LayerMenu(
        number,
        focus,
        [
            _option(say("attention-all-layers"), ALL, focus.layer),
            *(_option(say("attention-layer-number", n=str(one)), one, focus.layer) for one in layers),
        ],
    )
    if focus.layer != ALL:
        marked = {scores.head: _marks(scores) for scores in scores_of(view, focus.layer)}
        heads = near(view.heads, focus.head, CHOICES - 1)
        yield HeadMenu(
            number,
            focus,
            [
                _option(say("attention-all-heads"), ALL, focus.head),
                *(
                    _option(say("attention-head-number", n=str(one)), one, focus.head, marked.get(one, ""))
                    for one in heads
                ),
            ],
        )
    token = focus.of(view)
    if focus.layer == ALL or focus.head != ALL:
        yield TokenMenu(
            number,
            focus,
            [
                _option(f"{one} {shown(view.reading.pieces[one])}", one, token)
                for one in near(len(view.reading.pieces), token, CHOICES)
            ],
        )
    for kind in Kind:
        if (scores := best(view, kind)) is not None:
            yield GoToHead(kind, number, replace(focus, layer=scores.layer, head=scores.head))


def _marks(scores: HeadScores) -> str:
    return ", ".join(say(f"attention-kind-{kind}") for kind in kinds_of(scores))


def _option(label: str, value: int, current: int, about: str = "") -> discord.SelectOption:
    return discord.SelectOption(
        label=clip(label, CHOICE), value=str(value), description=about or None, default=value == current
    )
