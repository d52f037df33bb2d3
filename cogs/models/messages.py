"""The messages of /models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import discord
import humanize

import texts
from bot import __version__
from cogs.shared.reply import BLUE, FIELDS
from cogs.shared.text import CONTENT, FIELD_VALUE, clip, code, inline
from models.results import Reload, ReplicaStatus, SlotStatus, State
from models.service import LaneStatus, LoadProgress, ServiceStatus
from texts import say

_SIGNS = {State.READY: "🟢", State.LOADING: "🟡", State.FAILED: "🔴", State.EMPTY: "⚪"}
_BAR_CELLS = 20
_REPLICAS = 4
"""Copies of a model that are listed."""
_HOUR = 3600


def hints(status: ServiceStatus) -> str:
    """How to fix the failed slots, one line each; for admins."""
    failed = [(slot.slot, slot.failure.hint) for slot in status.slots if slot.failure and slot.failure.hint]
    return clip("\n".join(f"**{slot}**: {inline(hint, 300)}" for slot, hint in failed), CONTENT)


def statuses(
    status: ServiceStatus, drawing: Mapping[str, LaneStatus] = MappingProxyType({}), uptime: float = 0.0
) -> discord.Embed:
    """Public details of every slot, the running and waiting jobs of each lane, and the bot.

    `drawing` are the lanes that belong to no model; `uptime` is in seconds.
    """
    embed = discord.Embed(title=say("models-title"), colour=BLUE)
    embed.set_footer(text=say("models-bot", version=__version__, uptime=_duration(uptime)))
    others = {**status.lanes, **drawing}
    for slot in status.slots[: FIELDS - 1]:
        facts = _facts(slot)
        if slot.load_seconds:
            facts.append(say("models-load-seconds", seconds=slot.load_seconds))
        if lane := others.pop(slot.slot, None):
            facts.append(_queue(lane))
        lines = [" · ".join(facts), inline(slot.detail, 300), *_replicas(slot.replicas)]
        embed.add_field(
            name=say("models-state", sign=_SIGNS[slot.state], slot=slot.slot, state=slot.state),
            value="\n".join(line for line in lines if line) or say("models-nothing-yet"),
            inline=False,
        )
    lines = [say("models-other-lane", lane=name, queue=_queue(lane)) for name, lane in others.items()]
    if lines:
        embed.add_field(
            name=say("models-other-lanes"), value=clip("\n".join(lines), FIELD_VALUE), inline=False
        )
    return embed


def _duration(seconds: float) -> str:
    """Days, hours and minutes; during the first hour also seconds."""
    unit = "seconds" if seconds < _HOUR else "minutes"
    return humanize.precisedelta(timedelta(seconds=int(seconds)), minimum_unit=unit, format="%0.0f")


def _facts(slot: SlotStatus) -> list[str]:
    facts = [
        code(clip(slot.name, 100)) if slot.name else "",
        clip(" ".join(part for part in (slot.device, slot.dtype) if part), 60),
        texts.size(slot.memory) if slot.memory else "",
    ]
    return [fact for fact in facts if fact]


def _replicas(replicas: Sequence[ReplicaStatus]) -> list[str]:
    """A line for each remote replica, and the number of omitted ones."""
    lines = [
        say(
            "models-replica",
            version=replica.version,
            node=code(replica.node),
            state=replica.state,
            memory=texts.size(replica.memory),
            running=replica.running,
        )
        for replica in replicas[:_REPLICAS]
    ]
    more = len(replicas) - len(lines)
    return [*lines, *([say("models-more-replicas", count=more)] if more else [])]


def _queue(lane: LaneStatus) -> str:
    if not lane.running and not lane.waiting:
        return say("models-queue-idle")
    return say("models-queue", running=lane.running, waiting=lane.waiting, places=lane.queue)


def loading(slot: str, progress: LoadProgress, seconds: float) -> str:
    """The progress of a reload."""
    head = say("models-loading", slot=slot, what=inline(progress.what, 200))
    if progress.share is not None:
        head += f" `{'█' * round(progress.share * _BAR_CELLS):░<{_BAR_CELLS}}` {progress.share:.0%}"
    meanwhile = say("models-loading-serving" if progress.serving else "models-loading-waited-for")
    return f"{head}\n-# {say('models-loading-seconds', seconds=seconds)}; {meanwhile}"


def loaded(reload: Reload) -> str:
    """The state after a reload, and its effect on memory use."""
    status, before, after = reload.status, reload.before, reload.after
    facts = [*_facts(status), say("models-loaded-in", seconds=status.load_seconds)]
    memory = say(
        "models-memory",
        models_before=texts.size(before.models),
        models_after=texts.size(after.models),
        process_before=texts.size(before.process),
        process_after=texts.size(after.process),
    )
    lines = [say("models-loaded", slot=status.slot, facts=" · ".join(facts)), f"-# {memory}"]
    if reload.drained:
        lines.append(say("models-drained"))
    return "\n".join(lines)


def not_loaded(slot: str, why: str, *, serving: bool) -> str:
    """The reason for a failed reload, as a sentence for Discord, and whether the previous model still serves."""
    head = say("models-not-loaded", slot=slot, why=clip(why, 1500))
    return f"{head}\n{say('models-still-serving' if serving else 'models-nothing-serves')}"
