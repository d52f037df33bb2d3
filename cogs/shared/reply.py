"""One message with its embed and files, and elements shared by the messages of several features."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypedDict

import discord

from bot.visible import spelt
from cogs.shared.text import CONTENT, clip, harmless, inline, size
from texts import say

BLUE = discord.Colour(0x1C6DD0)
FILE_BYTES = 8 * 1024 * 1024
"""Attachments stay below what Discord takes from a bot without boosts."""
ALT = 1024
"""Characters that describe a file at most."""
FIELDS = 24
FOOTER_ROOM = 300


class Message(TypedDict):
    """The arguments of an edit that replaces an entire message."""

    content: str | None
    embeds: list[discord.Embed]
    attachments: list[discord.File]


_TOO_LARGE = 40005
"""Discord's code for a request with files over the limit of the server."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One message. `message()` returns it as arguments for an edit, with files that can be sent once.

    `more` are additional embeds, for more than one picture. `alt` describes files by their names, for people who cannot
    see them.
    """

    content: str | None = None
    embed: discord.Embed | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    alt: Mapping[str, str] = field(default_factory=dict)
    more: Sequence[discord.Embed] = ()

    def message(self, limit: int = FILE_BYTES) -> Message:
        """The arguments without files larger than `limit` bytes; a line mentions the missing ones."""
        fitting = {name: data for name, data in self.files.items() if len(data) <= limit}
        content = self.content
        embeds = [*([self.embed] if self.embed else []), *self.more]
        if missing := [name for name in self.files if name not in fitting]:
            note = f"-# {say('file-too-large', files=missing)}"
            content = clip(content, CONTENT - size(note) - 1) + f"\n{note}" if content else note
            embeds = [_without_picture(embed, missing) for embed in embeds]
            embeds = [embed for embed in embeds if len(embed) or embed.image.url]
        files = [
            discord.File(
                io.BytesIO(data), name, description=clip(harmless(self.alt.get(name, "")), ALT) or None
            )
            for name, data in fitting.items()
        ]
        return {"content": content, "embeds": embeds, "attachments": files}


async def show(interaction: discord.Interaction[Any], reply: Reply, **more: Any) -> None:
    """Make the reply the answer of an interaction. A file over the server's size limit is omitted; the text remains."""
    try:
        message = reply.message(interaction.filesize_limit)
        await interaction.edit_original_response(**message, **more)
    except discord.HTTPException as error:
        too_large = error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or error.code == _TOO_LARGE
        if not too_large or not reply.files:
            raise
        await interaction.edit_original_response(**reply.message(0), **more)


def _without_picture(embed: discord.Embed, missing: Sequence[str]) -> discord.Embed:
    if not (embed.image.url or "").endswith(tuple(missing)):
        return embed
    return embed.copy().set_image(url=None)


def csv_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([encodable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue().encode()


def encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def quoted(text: str) -> str:
    """A quoted text as a title; a text of only white space is shown with visible marks."""
    return say("quoted", text=inline(text, 100) if text.strip() else spelt(clip(text, 20))[0])


def foot(embed: discord.Embed, text: str) -> None:
    if text.strip():  # Discord refuses an empty footer
        embed.set_footer(text=clip(text, FOOTER_ROOM))
