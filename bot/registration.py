"""Registers the commands with Discord, but only when they have changed.

Discord allows 200 registrations a day and bans bots that register on every start. The data folder keeps the hash of
the registered commands and their ids, which clickable mentions (`</tokens:ID>`) need.
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
"""Seconds between checks whether another process has registered the commands."""


class CommandRegister:
    """The registered commands, as recorded in the data folder."""

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
        """Register everything again the next time."""
        self._known = {}
        self._path.unlink(missing_ok=True)

    @property
    def ids(self) -> dict[str, int]:
        """Ids of the commands by name; globally registered ones take precedence."""
        return {
            name: number
            for target in sorted(self._known, key=EVERYWHERE.__eq__)
            for name, number in self._known[target]["ids"].items()
        }

    async def sync(self, tree: app_commands.CommandTree[Any], guild_ids: Sequence[int]) -> None:
        """Register what has changed, in the given guilds or otherwise globally.

        Failures are logged and retried at the next start; the previously registered commands still work.
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
        # A test server that was removed from the settings would show every command twice.
        for target in [name for name in self._known if name not in wanted and name != EVERYWHERE]:
            await self._put(tree, target, [], None)

    async def look_up(self, tree: app_commands.CommandTree[Any], guild_ids: Sequence[int]) -> None:
        """Look up the ids of the commands, which another process registers, until all exist or a timeout."""
        http, application = tree.client.http, tree.client.application_id or 0
        wanted = {command.name for command in tree.get_commands()}
        for pause in (*PAUSES, 0.0):
            try:
                if not guild_ids:
                    self._remember(EVERYWHERE, await http.get_global_commands(application))
                for guild in guild_ids:
                    self._remember(str(guild), await http.get_guild_commands(application, guild))
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("cannot get the ids of the commands: %s", " ".join(str(error).split()))
            if wanted <= self.ids.keys():
                break
            await asyncio.sleep(pause)

    def _remember(self, target: str, commands: Any) -> None:
        """Keep the record in memory only, because this process does not know the hash of the registered commands."""
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
            if digest is None:  # the bot has left that server, so its commands are gone
                self._forget_target(target)
                return
            log.error("commands are not registered in server %s: the bot was not invited there", target)  # noqa: TRY400
            return
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.error("commands could not be registered (%s): %s", target, " ".join(str(error).split()))  # noqa: TRY400
            return
        if not isinstance(answer, list):
            log.error("commands could not be registered (%s): Discord's response is not a list", target)
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
            log.error("cannot record the registered commands: %s", error)  # noqa: TRY400


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
    """Ids by name; empty if a proxy does not return them."""
    try:
        return {str(command["name"]): int(command["id"]) for command in answer}
    except (KeyError, TypeError, ValueError):
        return {}


def fingerprint(payload: Sequence[Any]) -> str:
    """A hash of the commands, independent of the order in which cogs were loaded."""
    parts = sorted(json.dumps(command, sort_keys=True) for command in payload)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
