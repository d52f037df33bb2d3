"""Failures, and the sentences that people read.

Commands, views and modals pass every failure to `report`, and the terminal uses the same `sentence`, so
a failure reads the same everywhere. Unexpected failures are logged with their traceback under a short
reference; people see only the reference.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
from discord import app_commands

import texts
from bot.admins import is_admin
from bot.visible import inline
from models.failures import Failure, Late
from texts import say

log = logging.getLogger(__name__)

LONGEST = 1800
"""Maximum length of a sentence in characters; a message may have 2000."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION = 10003, 10008, 10015, 10062
TOO_LARGE, ALREADY_ACKNOWLEDGED, INVALID_WEBHOOK_TOKEN, THREAD_ARCHIVED = 40005, 40060, 50027, 50083
GONE = {UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, ALREADY_ACKNOWLEDGED, INVALID_WEBHOOK_TOKEN}  # fmt: skip


def cause(error: BaseException) -> BaseException:
    """The failure inside discord.py's wrappers."""
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


def sentence(error: BaseException, *, admin: bool = False) -> str | None:
    """Any failure as one sentence for Discord; None if no one can read it.

    An `admin` also gets the hint on how to fix it, if there is one. An unexpected failure is logged here, with its
    traceback, under the reference in the sentence.
    """
    error = cause(error)
    if isinstance(error, asyncio.CancelledError):
        return None
    if isinstance(error, Failure):
        text = told(error, admin=admin)
    elif isinstance(error, discord.DiscordException):
        if isinstance(error, discord.HTTPException) and error.code in GONE:
            return None
        text = _discord(error)
    else:
        text = _other(error)
    if not text:
        reference = secrets.token_hex(3)
        log.error("reference %s: unexpected failure", reference, exc_info=error)
        text = say("unforeseen", reference=reference)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def told(failure: Failure, *, admin: bool = False) -> str:
    """The sentence of a failure for Discord, with facts escaped so that they cannot format, link or mention."""
    if not texts.knows(failure.code):
        return str(failure)
    sentence = say(failure.code, **texts.escaped(failure.facts, inline))
    return f"{sentence} {failure.hint}".strip() if admin else sentence


def _other(error: BaseException) -> str:
    """The sentence for a failure outside discord.py; empty if it is unexpected."""
    match error:
        case TimeoutError():
            return told(Late())
        case aiohttp.ClientError():
            return say("connection-broke")
        case _ if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            # torch.OutOfMemoryError is recognised by name, because this module must not load torch.
            log.error("out of memory: %s", error)
            return say("out-of-memory")
    return ""


def _discord(error: discord.DiscordException) -> str:
    """The sentence for one of discord.py's own failures; empty if it is unexpected."""
    match error:
        case app_commands.CommandOnCooldown():
            return say("on-cooldown", seconds=max(1, math.ceil(error.retry_after)))
        case app_commands.MissingPermissions():
            return say("you-need-permission", permissions=_permissions(error.missing_permissions))
        case app_commands.BotMissingPermissions():
            return say("i-need-permission", permissions=_permissions(error.missing_permissions))
        case app_commands.TransformerError():
            return say("cannot-read-option", value=repr(str(error.value)[:100]))
    return next((say(name) for kind, name in DISCORD_SENTENCES if isinstance(error, kind)), _status(error))


DISCORD_SENTENCES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (app_commands.NoPrivateMessage, "only-in-a-server"),
    ((app_commands.MissingRole, app_commands.MissingAnyRole), "you-need-a-role"),
    (app_commands.CheckFailure, "not-allowed"),
    ((app_commands.CommandNotFound, app_commands.CommandSignatureMismatch), "command-changed"),
    ((discord.DiscordServerError, discord.RateLimited), "discord-in-trouble"),
)
"""Sentences without facts; the first match applies."""


def _status(error: discord.DiscordException) -> str:
    """The sentence for a known HTTP status from Discord."""
    if not isinstance(error, discord.HTTPException):
        return ""
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or error.code == TOO_LARGE:
        return say("answer-too-large")
    if error.code == THREAD_ARCHIVED:
        return say("thread-archived")
    if error.status == HTTPStatus.FORBIDDEN:
        return say("discord-forbids")
    return say("discord-in-trouble") if error.status == HTTPStatus.TOO_MANY_REQUESTS else ""


def _permissions(names: list[str]) -> str:
    """Permissions as named in Discord's settings."""
    spelled = {"manage_guild": "Manage Server"}
    return ", ".join(spelled.get(name, name.replace("_", " ").title()) for name in names)


async def report(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Answer the interaction with the failure's sentence, privately. Never raises.

    If the command has deferred publicly and shown nothing yet, the placeholder is deleted first, because
    otherwise Discord would make the next message public too. An existing answer stays. The client's listeners
    for `interaction_failure` get the interaction and the failure.
    """
    interaction.client.dispatch("interaction_failure", interaction, cause(error))
    text = sentence(error)
    if text is None:
        return
    try:
        await _tell(interaction, text, _hint(interaction, cause(error)))
    except Exception as failure:  # noqa: BLE001 - it would be logged with the person's text
        log.info("could not report %s to the asker: %s", type(cause(error)).__name__, type(failure).__name__)


def _hint(interaction: discord.Interaction[Any], error: BaseException) -> str:
    """The hint on how to fix it, if the person is an admin; only for private messages."""
    return error.hint if isinstance(error, Failure) and is_admin(interaction) else ""


async def _tell(interaction: discord.Interaction[Any], text: str, hint: str) -> None:
    private = f"{text} {hint}".strip()
    if not interaction.response.is_done():
        await interaction.response.send_message(private, ephemeral=True)
    elif await _placeholder_is_in_the_way(interaction):
        await interaction.edit_original_response(content=text)
    else:
        await interaction.followup.send(private, ephemeral=True)


async def _placeholder_is_in_the_way(interaction: discord.Interaction[Any]) -> bool:
    """Delete the "thinking ..." of a public answer; True if the sentence must replace it instead."""
    if interaction.response.type is not discord.InteractionResponseType.deferred_channel_message:
        return False
    try:
        # `original_response` uses a cache that edits do not update.
        original = await interaction.followup.fetch_message("@original")  # type: ignore[arg-type]
    except discord.HTTPException as error:
        if error.code in GONE:
            return False
    except (LookupError, TypeError, ValueError, AttributeError, aiohttp.ClientError):
        pass  # the response is not a message: a proxy has nothing to show yet
    else:
        shown = original.content or original.embeds or original.attachments or original.components
        if shown or original.flags.ephemeral:
            return not shown
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        return error.code not in GONE
    return False
