"""What is loaded, as messages."""

from __future__ import annotations

import discord

import texts
from cogs.shared.reply import BLUE, FIELDS
from cogs.shared.text import CONTENT, clip, code, inline
from models.results import Reload, SlotStatus, State
from models.service import LaneStatus, LoadProgress, ServiceStatus
from texts import say

_SIGNS = {State.READY: "🟢", State.LOADING: "🟡", State.FAILED: "🔴", State.EMPTY: "⚪"}
_BAR_CELLS = 20


def hints(status: ServiceStatus) -> str:
    """What mends the slots that failed, a line each; for admins."""
    failed = [(slot.slot, slot.failure.hint) for slot in status.slots if slot.failure and slot.failure.hint]
    return clip("\n".join(f"**{slot}**: {inline(hint, 300)}" for slot, hint in failed), CONTENT)


def statuses(status: ServiceStatus) -> discord.Embed:
    """Public facts about every slot, and how many jobs run and wait in its lane."""
    embed = discord.Embed(title=say("models-title"), colour=BLUE)
    for slot in status.slots[:FIELDS]:
        facts = _facts(slot)
        if slot.load_seconds:
            facts.append(say("models-load-seconds", seconds=slot.load_seconds))
        if queue := _queue(status.lanes.get(slot.slot)):
            facts.append(queue)
        lines = [" · ".join(facts), inline(slot.detail, 300)]
        embed.add_field(
            name=say("models-state", sign=_SIGNS[slot.state], slot=slot.slot, state=slot.state),
            value="\n".join(line for line in lines if line) or say("models-nothing-yet"),
            inline=False,
        )
    return embed


def _facts(slot: SlotStatus) -> list[str]:
    facts = [
        code(clip(slot.name, 100)) if slot.name else "",
        clip(" ".join(part for part in (slot.device, slot.dtype) if part), 60),
        texts.size(slot.memory) if slot.memory else "",
    ]
    return [fact for fact in facts if fact]


def _queue(lane: LaneStatus | None) -> str:
    if lane is None or not (lane.running or lane.waiting):
        return ""
    return say("models-queue", running=lane.running, waiting=lane.waiting)


def loading(slot: str, progress: LoadProgress, seconds: float) -> str:
    """How far a reload has come."""
    head = say("models-loading", slot=slot, what=inline(progress.what, 200))
    if progress.share is not None:
        head += f" `{'█' * round(progress.share * _BAR_CELLS):░<{_BAR_CELLS}}` {progress.share:.0%}"
    meanwhile = say("models-loading-serving" if progress.serving else "models-loading-waited-for")
    return f"{head}\n-# {say('models-loading-seconds', seconds=seconds)}; {meanwhile}"


def loaded(reload: Reload) -> str:
    """What is there now, and what its coming did to the memory."""
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
    """Why a reload failed, in a sentence for Discord, and whether the model that was there still answers."""
    head = say("models-not-loaded", slot=slot, why=clip(why, 1500))
    return f"{head}\n{say('models-still-serving' if serving else 'models-nothing-serves')}"
