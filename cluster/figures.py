"""Figures from the bots' health endpoints: which process answered a command, and which replica of a model."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

SECONDS = 5.0
ANSWERED = re.compile(
    r'^tokenwise_commands_total\{command="([^"]+)",outcome="answered"\} (\S+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica of a slot's model, and its node."""

    slot: str
    name: str
    node: str


async def health(port: int) -> dict[str, Any] | None:
    """The health report of a bot; None if nothing answers on its port."""
    text = await _get(port, "healthz")
    return json.loads(text) if text else None


async def commands(port: int) -> dict[str, float]:
    """The number of commands that a bot has answered, by name."""
    return {name: float(count) for name, count in ANSWERED.findall(await _get(port, "metrics"))}


async def answers(port: int) -> dict[Replica, int]:
    """The number of questions that each replica has answered, according to this bot."""
    known = await health(port) or {}
    return {
        Replica(slot["slot"], replica["name"], replica["node"]): replica["ended"]
        for slot in known.get("slots", ())
        for replica in slot["replicas"]
    }


async def _get(port: int, path: str) -> str:
    return await asyncio.to_thread(_read, f"http://127.0.0.1:{port}/{path}")


def _read(url: str) -> str:
    try:
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - a local URL
            return str(answer.read().decode())
    except HTTPError as error:  # not ready, and the body gives the reason
        return error.read().decode()
    except (URLError, OSError):
        return ""
