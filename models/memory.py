"""How much memory there is for another model, and how much this process takes."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"), "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
        "total_inactive_file",
    ),
)
"""The limit and the use of a container, in both versions of Linux' control groups."""


def process() -> int:
    """Bytes that this process holds in memory."""
    return int(psutil.Process().memory_info().rss)


def free(device: str) -> int:
    """Bytes that a model on a device, as torch calls it, may still take."""
    if device.startswith("cuda") and (torch := sys.modules.get("torch")) is not None:
        unused, _ = torch.cuda.mem_get_info(device)
        # What torch has reserved and does not use, it gives to the next model.
        return int(unused + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return min([int(psutil.virtual_memory().available), *map(_headroom, _GROUPS)])


def _headroom(group: tuple[Path, Path, str]) -> int:
    """What a container's limit leaves; without one, more than any machine has."""
    limit, used, cache = group
    try:
        allowed = int(limit.read_text(encoding="ascii"))
        reserved = int(used.read_text(encoding="ascii"))
        lines = (used.parent / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):  # there is no group, or its limit is "max"
        return sys.maxsize
    facts = dict(line.split(maxsplit=1) for line in lines)
    # Files that the system has read and can forget count as used.
    return max(0, allowed - reserved + int(facts.get(cache, 0)))
