"""One message with its embed and files, and what the messages of several features share."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import discord

from bot.visible import spelt
from cogs.shared.text import clip, inline, size
from texts import say

BLUE = discord.Colour(0x1C6DD0)
FILE_BYTES = 8 * 1024 * 1024
"""Attachments stay below what Discord takes from a bot without boosts."""
FIELDS = 24
FOOTER_ROOM = 300


class Message(TypedDict):
    """The arguments of an edit that replaces a whole message."""

    content: str | None
    embed: discord.Embed | None
    attachments: list[discord.File]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message. `message()` gives it as arguments for an edit, with files that can be sent once."""

    content: str | None = None
    embed: discord.Embed | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def message(self) -> Message:
        files = [discord.File(io.BytesIO(data), name) for name, data in self.files.items()]
        return {"content": self.content, "embed": self.embed, "attachments": files}


def csv_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([encodable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue().encode()


def encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def quoted(text: str) -> str:
    """A text as a title; one of white space alone is shown by its marks."""
    return say("quoted", text=inline(text, 100) if text.strip() else spelt(clip(text, 20))[0])


def foot(embed: discord.Embed, text: str) -> None:
    if text.strip():  # Discord refuses an empty footer
        embed.set_footer(text=clip(text, FOOTER_ROOM))


def embed_size(embed: discord.Embed) -> int:
    return sum(size(part) for part in (embed.title, embed.description, embed.footer.text) if part)
