"""What the bots' health endpoints say: which process answered a command, and which copy of a model."""

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
    """A copy of a slot's model, and the node that it is on."""

    slot: str
    name: str
    node: str


async def health(port: int) -> dict[str, Any] | None:
    """What a bot says of itself; None if nothing answers at its port."""
    text = await _get(port, "healthz")
    return json.loads(text) if text else None


async def commands(port: int) -> dict[str, float]:
    """How many commands a bot has answered, by name."""
    return {name: float(count) for name, count in ANSWERED.findall(await _get(port, "metrics"))}


async def answers(port: int) -> dict[Replica, int]:
    """How many questions each replica has answered, as this bot knows."""
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
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - of this machine
            return str(answer.read().decode())
    except HTTPError as error:  # not ready, and it says why
        return error.read().decode()
    except (URLError, OSError):
        return ""
