"""What can go wrong, and the sentence a person reads.

Commands, views and modals hand every failure to `report`, and the terminal uses the same `sentence`, so
a failure reads the same wherever it happens. What nobody foresaw is logged with its traceback under a
short reference; the person gets the reference and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import sqlite3
from typing import Any

import aiohttp
import discord
from discord import app_commands

from models.failures import Failure, Late

log = logging.getLogger(__name__)

LONGEST = 1800
"""Characters of a sentence; a message may have 2000."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION = 10003, 10008, 10015, 10062
TOO_LARGE, ALREADY_ACKNOWLEDGED, INVALID_WEBHOOK_TOKEN = 40005, 40060, 50027
GONE = {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, ALREADY_ACKNOWLEDGED, INVALID_WEBHOOK_TOKEN}  # fmt: skip


def cause(error: BaseException) -> BaseException:
    """The failure inside the wrappers that discord.py puts around it."""
    while True:
        inner: BaseException | None = None
        if isinstance(error, app_commands.CommandInvokeError):
            inner = error.original
        elif isinstance(error, app_commands.TransformerError):
            inner = error.__cause__
        elif isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            inner = error.exceptions[0]
        if inner is None:
            return error
        error = inner


def sentence(error: BaseException) -> str | None:
    """Any failure as one sentence for a person; None where nobody is there to read it.

    A failure that is not foreseen is logged here, with its traceback, under the reference that the
    sentence gives.
    """
    error = cause(error)
    if isinstance(error, asyncio.CancelledError):
        return None
    text = _discord(error) if isinstance(error, discord.DiscordException) else _own(error)
    if text is None:
        return None
    if not text:
        reference = secrets.token_hex(3)
        log.error("reference %s: unforeseen failure", reference, exc_info=error)
        text = f"Something went wrong on my side (reference {reference})."
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _own(error: BaseException) -> str:
    """The sentence for a failure outside of discord.py; empty if it is not foreseen."""
    match error:
        case Failure():
            return str(error)
        case TimeoutError():
            return str(Late())
        case sqlite3.Error():
            log.error("the database failed: %s", error)
            return "I cannot reach my database right now, so nothing was changed. Try again in a minute."
        case aiohttp.ClientError():
            return "The connection to Discord broke. Try again in a moment."
        case _ if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            # torch.OutOfMemoryError is known by its name, because this module must not load torch.
            log.error("out of memory: %s", error)
            return "There was not enough memory for that. Try a shorter text, or ask again in a minute."
    return ""


def _discord(error: discord.DiscordException) -> str | None:  # noqa: C901, PLR0911 - a table, line by line
    """The sentence for one of discord.py's own failures; empty if it is not foreseen."""
    match error:
        case app_commands.CommandOnCooldown():
            return f"That was fast: you can ask again in {max(1, math.ceil(error.retry_after))} s."
        case app_commands.NoPrivateMessage():
            return "This works only in a server, not in direct messages."
        case app_commands.MissingPermissions():
            return f"For this you need the permission {_permissions(error.missing_permissions)}."
        case app_commands.BotMissingPermissions():
            return (
                f"For this I need the permission {_permissions(error.missing_permissions)} in this channel."
            )
        case app_commands.MissingRole() | app_commands.MissingAnyRole():
            return "For this you need a role that you do not have here."
        case app_commands.CheckFailure():
            return "You may not use this here."
        case app_commands.TransformerError():
            return f"I cannot read {str(error.value)[:100]!r} here. Choose one of the suggestions, or write it another way."
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return "This command has changed. Reload Discord (Ctrl+R) and try again."
        case discord.HTTPException() if error.code in GONE:
            return None
        case discord.HTTPException() if error.status == 413 or error.code == TOO_LARGE:  # noqa: PLR2004
            return "My answer is larger than Discord takes. Ask for less."
        case discord.Forbidden():
            return "Discord does not let me do that in this channel. Ask somebody who manages the server."
        case discord.DiscordServerError() | discord.RateLimited() | discord.HTTPException(status=429):
            return "Discord has trouble at the moment. Try again in a minute."
    return ""


def _permissions(names: list[str]) -> str:
    """Permissions as Discord's own settings spell them."""
    spelled = {"manage_guild": "Manage Server"}
    return ", ".join(spelled.get(name, name.replace("_", " ").title()) for name in names)


async def report(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Answer the interaction with the failure's sentence, for the asker alone. Never raises.

    Where the command has deferred its answer publicly and shown nothing yet, the placeholder is deleted
    first, because Discord would make the next message public like it. An answer that is already on show
    is left alone. The client's listeners for `interaction_failure` get the interaction and the failure.
    """
    interaction.client.dispatch("interaction_failure", interaction, cause(error))
    text = sentence(error)
    if text is None:
        return
    try:
        await _tell(interaction, text)
    except Exception as failure:  # noqa: BLE001 - it would be logged with what the asker wrote
        log.info("the asker could not be told of %s: %s", type(cause(error)).__name__, type(failure).__name__)


async def _tell(interaction: discord.Interaction[Any], text: str) -> None:
    if not interaction.response.is_done():
        await interaction.response.send_message(text, ephemeral=True)
    elif await _placeholder_is_in_the_way(interaction):
        await interaction.edit_original_response(content=text)
    else:
        await interaction.followup.send(text, ephemeral=True)


async def _placeholder_is_in_the_way(interaction: discord.Interaction[Any]) -> bool:
    """Delete the "thinking ..." of a public answer; True if the sentence has to take its place instead."""
    if interaction.response.type is not discord.InteractionResponseType.deferred_channel_message:
        return False
    try:
        # `original_response` would answer from a cache that edits do not refresh.
        original = await interaction.followup.fetch_message("@original")  # type: ignore[arg-type]
    except discord.HTTPException as error:
        if error.code in GONE:
            return False
    except (LookupError, TypeError, ValueError, AttributeError):
        pass  # what came back is no message: a proxy in Discord's place has nothing to show yet
    else:
        shown = original.content or original.embeds or original.attachments or original.components
        if shown or original.flags.ephemeral:
            return not shown
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        return error.code not in GONE
    return False
