"""Limits per person: the general ones, and those of roles and channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import discord

from bot.admins import is_admin, roles_of
from bot.failures import CommandsElsewhere
from bot.settings.schema import OwnLimits
from models.sections import LanguageSection

T = TypeVar("T", int, float)

EVERYWHERE = "everywhere"
"""The key in the `extras` of commands that work in every channel."""
NAMED = 3
"""Most channels to name in a rejection."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may do in one channel. `max_new_tokens` is 0 without a language model.

    `pace_of` is the channel whose own rate limit applies and which counts its commands separately; 0 for the general one.
    """

    per_user: int
    commands: int
    seconds: float
    max_new_tokens: int
    prompt_characters: int
    text_characters: int
    pace_of: int = 0


def allowance(interaction: discord.Interaction[Any]) -> Allowance:
    """The limits for an interaction's person and channel.

    For each key, the highest limit of the person's roles takes precedence, then the nearest channel's, then the general one.
    """
    settings = interaction.client.settings
    general = settings.limits
    roles = [general.roles[role] for role in roles_of(interaction) if role in general.roles]
    places = [(place, general.channels[place]) for place in _places(interaction) if place in general.channels]

    def of_place(key: str, otherwise: T) -> T:
        return next((value for _, own in places if (value := getattr(own, key)) is not None), otherwise)

    def of_person(key: str, otherwise: T) -> T:
        values = [value for own in roles if (value := getattr(own, key)) is not None]
        return max(values) if values else of_place(key, otherwise)

    language: LanguageSection | None = settings.section(LanguageSection)
    commands, seconds = of_place("commands", general.commands), of_place("seconds", general.seconds)
    pace_of = next((place for place, own in places if _has_pace(own)), 0)
    paces = [(own.commands or commands, own.seconds or seconds) for own in roles if _has_pace(own)]
    if paces:
        commands, seconds = max(paces, key=lambda pace: pace[0] / pace[1])
        pace_of = 0
    return Allowance(
        per_user=of_person("per_user", general.per_user),
        commands=commands,
        seconds=seconds,
        max_new_tokens=of_person("max_new_tokens", language.max_new_tokens) if language else 0,
        prompt_characters=of_person("prompt_characters", general.prompt_characters),
        text_characters=of_person("text_characters", general.text_characters),
        pace_of=pace_of,
    )


def check_place(interaction: discord.Interaction[Any]) -> None:
    """Raises CommandsElsewhere if the settings restrict commands to other channels."""
    allowed = interaction.client.settings.discord.channel_ids
    if not allowed or not set(allowed).isdisjoint(_places(interaction)):
        return
    command = interaction.command
    if (command is None or not command.extras.get(EVERYWHERE)) and not is_admin(interaction):
        raise CommandsElsewhere(tuple(_visible(interaction, allowed))[:NAMED])


def _has_pace(own: OwnLimits) -> bool:
    return own.commands is not None or own.seconds is not None


def _places(interaction: discord.Interaction[Any]) -> Iterator[int]:
    """The interaction's thread, channel and category, as far as they exist, nearest first."""
    channel: Any = interaction.channel
    if interaction.channel_id is not None:
        yield interaction.channel_id
    if isinstance(channel, discord.Thread):
        yield channel.parent_id
        channel = channel.parent
    if category := getattr(channel, "category_id", None):
        yield category


def _visible(interaction: discord.Interaction[Any], channels: list[int]) -> Iterator[str]:
    """Mentions of the channels that the person can see; the names of others stay hidden."""
    if interaction.guild is None or not isinstance(interaction.user, discord.Member):
        return
    for number in channels:
        channel = interaction.guild.get_channel_or_thread(number)
        if channel is not None and channel.permissions_for(interaction.user).view_channel:
            yield f"#{channel.name}"
