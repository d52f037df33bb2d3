"""Registers the commands with Discord, and only when they changed.

Discord allows 200 registrations a day and bans bots that register on every start. The hash of what was
registered lies in the data folder, with the ids that Discord gave, which clickable mentions of commands
(`</tokens:ID>`) need.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import discord
from discord import app_commands

from models.files import kept

log = logging.getLogger(__name__)

EVERYWHERE = "global"
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between two looks at whether another process has registered the commands."""


class CommandRegister:
    """What is registered where, as a file in the data folder remembers it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._application = 0
        self._known: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            content: dict[str, Any] = kept.read_json(path) or {}
            self._application = int(content["application"])
            self._known = {
                str(target): {
                    "hash": str(entry["hash"]),
                    "ids": {str(name): int(number) for name, number in entry["ids"].items()},
                }
                for target, entry in content["targets"].items()
            }

    def forget(self) -> None:
        """Register everything again next time."""
        self._known = {}
        self._path.unlink(missing_ok=True)

    @property
    def ids(self) -> dict[str, int]:
        """Ids of the commands by name; those that are registered everywhere win."""
        return {
            name: number
            for target in sorted(self._known, key=EVERYWHERE.__eq__)
            for name, number in self._known[target]["ids"].items()
        }

    async def sync(self, tree: app_commands.CommandTree[Any], guild_ids: Sequence[int]) -> None:
        """Register what changed since last time, in the guilds or else everywhere.

        What does not work is logged and tried again at the next start: the commands of last time still do.
        """
        application = tree.client.application_id or 0
        if application != self._application:
            self._known = {}
            self._application = application
        payload = payload_of(tree)
        digest = fingerprint(payload)
        wanted = [str(guild) for guild in guild_ids] or [EVERYWHERE]
        for target in wanted:
            if self._known.get(target, {}).get("hash") != digest:
                await self._put(tree, target, payload, digest)
        # A test server that is no longer named would show every command twice.
        for target in [name for name in self._known if name not in wanted and name != EVERYWHERE]:
            await self._put(tree, target, [], None)

    async def look_up(self, tree: app_commands.CommandTree[Any], guild_ids: Sequence[int]) -> None:
        """Ask for the ids of the commands, which another process registers; until all are there, or it takes too long."""
        http, application = tree.client.http, tree.client.application_id or 0
        wanted = {command.name for command in tree.get_commands()}
        for pause in (*PAUSES, 0.0):
            try:
                if not guild_ids:
                    self._remember(EVERYWHERE, await http.get_global_commands(application))
                for guild in guild_ids:
                    self._remember(str(guild), await http.get_guild_commands(application, guild))
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("the ids of the commands cannot be had: %s", " ".join(str(error).split()))
            if wanted <= self.ids.keys():
                break
            await asyncio.sleep(pause)

    def _remember(self, target: str, commands: Any) -> None:
        """Keep what is registered, until the process ends: only who registers knows what it belongs to."""
        self._known[target] = {"hash": "", "ids": _ids(commands)}

    async def _put(
        self, tree: app_commands.CommandTree[Any], target: str, payload: list[Any], digest: str | None
    ) -> None:
        http = tree.client.http
        try:
            if target == EVERYWHERE:
                answer = await http.bulk_upsert_global_commands(self._application, payload=payload)
            else:
                answer = await http.bulk_upsert_guild_commands(
                    self._application, int(target), payload=payload
                )
        except discord.Forbidden:
            if digest is None:  # the bot has left that server, and its commands went with it
                self._forget_target(target)
                return
            log.error("commands are not registered in server %s: the bot was not invited there", target)  # noqa: TRY400
            return
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.error("commands could not be registered (%s): %s", target, " ".join(str(error).split()))  # noqa: TRY400
            return
        if not isinstance(answer, list):
            log.error("commands could not be registered (%s): Discord's answer is no list", target)
            return
        if digest is None:
            self._forget_target(target)
        else:
            self._known[target] = {"hash": digest, "ids": _ids(answer)}
            self._save()
        log.info("registered %d commands (%s)", len(payload), target)

    def _forget_target(self, target: str) -> None:
        del self._known[target]
        self._save()

    def _save(self) -> None:
        try:
            content: dict[str, kept.JSON] = {"application": self._application, "targets": self._known}
            kept.write_json(self._path, content)
        except OSError as error:
            log.error("the registered commands cannot be remembered: %s", error)  # noqa: TRY400


def payload_of(tree: app_commands.CommandTree[Any]) -> list[dict[str, Any]]:
    """All commands as Discord takes them.

    An application that people cannot install for themselves has no commands for that, nor for places without the bot.
    """
    payload = [command.to_dict(tree) for command in tree.get_commands()]
    about: discord.AppInfo | None = tree.client.application
    if about is None or about.guild_integration_config is None or about.user_integration_config is not None:
        return payload
    own, elsewhere = (
        discord.app_commands.AppInstallationType.USER,
        app_commands.AppCommandContext.PRIVATE_CHANNEL,
    )
    return [
        command
        | {
            "integration_types": [kind for kind in command.get("integration_types") or [] if kind != own],
            "contexts": [context for context in command.get("contexts") or [] if context != elsewhere],
        }
        for command in payload
    ]


def _ids(answer: Any) -> dict[str, int]:
    """Ids by name; none from a stand-in for Discord that does not say them."""
    try:
        return {str(command["name"]): int(command["id"]) for command in answer}
    except (KeyError, TypeError, ValueError):
        return {}


def fingerprint(payload: Sequence[Any]) -> str:
    """A hash of the commands that does not depend on the order in which cogs were loaded."""
    parts = sorted(json.dumps(command, sort_keys=True) for command in payload)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
