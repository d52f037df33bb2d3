"""What is loaded, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord

import texts
from cogs.shared.reply import BLUE, FIELDS
from cogs.shared.text import clip, code, inline
from models.results import Reload, SlotStatus, State

_SIGNS = {State.READY: "🟢", State.LOADING: "🟡", State.FAILED: "🔴", State.EMPTY: "⚪"}


def statuses(slots: Sequence[SlotStatus], queues: Mapping[str, tuple[int, int]]) -> discord.Embed:
    """Public facts about every slot; `queues` holds how many jobs run and wait in the slot's lane."""
    embed = discord.Embed(title="What is loaded", colour=BLUE)
    for slot in slots[:FIELDS]:
        running, waits = queues.get(slot.slot, (0, 0))
        facts = [
            code(clip(slot.name, 100)) if slot.name else "",
            clip(" ".join(part for part in (slot.device, slot.dtype) if part), 60),
            memory(slot.memory) if slot.memory else "",
            f"loaded in {slot.load_seconds:.1f} s" if slot.load_seconds else "",
            f"{running} running, {waits} waiting" if running or waits else "",
        ]
        lines = [" · ".join(fact for fact in facts if fact), inline(slot.detail, 300)]
        embed.add_field(
            name=f"{_SIGNS[slot.state]} {slot.slot}: {slot.state}",
            value="\n".join(line for line in lines if line) or "Nothing here yet.",
            inline=False,
        )
    return embed


def loading(slot: str, what: str, share: float | None, seconds: float, *, serving: bool = True) -> str:
    """How far a reload has come; `share` is in [0, 1] where it is known."""
    bar = f" `{'█' * round(share * 20):░<20}` {share:.0%}" if share is not None else ""
    meanwhile = "the old one goes on answering" if serving else "questions wait for it"
    return f"⏳ Loading **{slot}** anew: {inline(what, 200)}{bar}\n-# {seconds:.0f} s; {meanwhile}"


def loaded(reload: Reload) -> str:
    """What is there now, and what its coming did to the memory."""
    status, before, after = reload.status, reload.before, reload.after
    facts = [
        code(clip(status.name, 100)),
        clip(" ".join(part for part in (status.device, status.dtype) if part), 60),
        memory(status.memory) if status.memory else "",
        f"{status.load_seconds:.1f} s",
    ]
    drained = (
        "\nTwo copies did not fit into memory, so the old one went before the new one came."
        if reload.drained
        else ""
    )
    return (
        f"✅ **{status.slot}** is loaded anew: {' · '.join(fact for fact in facts if fact)}\n"
        f"-# models: {memory(before.models)} before, {memory(after.models)} after · "
        f"the whole process: {memory(before.process)} before, {memory(after.process)} after{drained}"
    )


def not_loaded(slot: str, why: str, statuses: Sequence[SlotStatus]) -> str:
    """Why a reload failed, and whether the model that was there still answers."""
    kept = any(status.state is State.READY for status in statuses)
    after = "The old one goes on answering." if kept else "Nothing is loaded there now."
    return f"❌ **{slot}** was not loaded anew: {inline(why, 1500)}\n{after}"


def memory(number: int) -> str:
    """Bytes for people."""
    return texts.size(number)
