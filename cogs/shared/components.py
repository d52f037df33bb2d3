"""The components of a message: its buttons and texts, including those in containers and sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import discord
from discord.components import (
    Component,
    Container,
    SectionComponent,
    TextDisplay,
)


def walk(message: discord.Message | None) -> Iterator[Component]:
    """All components of a message, in order; a section's accessory follows its texts."""
    yield from _walk(() if message is None else message.components)


def _walk(components: Sequence[Component]) -> Iterator[Component]:
    for component in components:
        yield component
        if isinstance(component, discord.ActionRow | Container | SectionComponent):
            yield from _walk(component.children)
        if isinstance(component, SectionComponent):
            yield from _walk([component.accessory])


def texts_in(message: discord.Message | None) -> Iterator[str]:
    """The texts of a message built from components."""
    return (part.content for part in walk(message) if isinstance(part, TextDisplay))


def custom_ids(message: discord.Message | None) -> Iterator[str]:
    """The custom_ids of the buttons and menus."""
    for part in walk(message):
        if isinstance(part, discord.Button | discord.SelectMenu) and part.custom_id:
            yield part.custom_id
