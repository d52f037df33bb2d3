"""How much memory there is for another model, how much this process takes, and how it is given back."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil

_M_ARENA_MAX, _ARENAS = -8, 2
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


def settle() -> None:
    """Spare later collections of garbage whatever lives by now: the modules of torch and transformers, above all.

    Looking through those takes a quarter of a second, in which no other thread runs. Call it when all models were
    loaded once. The cycles among what lives by then are never collected, so a model that is let go later has to give
    its tensors back itself (`give_back`).
    """
    gc.collect(1)
    gc.freeze()


def give_back(model: object) -> None:
    """Free the memory of a model that nobody uses any more. Its `release`, if it has one, comes first."""
    if callable(release := getattr(model, "release", None)):
        release()


def collect() -> None:
    """Free what only hangs together in cycles, and have the allocator return what it holds in reserve."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if trim := _in_libc("malloc_trim"):
        trim(0)  # without Python's lock, so other threads go on


def use_few_arenas() -> None:
    """Have threads share the allocator's arenas, each of which keeps what it once had. Call it before there are threads.

    (`man mallopt`: M_ARENA_MAX. Whoever sets MALLOC_ARENA_MAX is left alone.)
    """
    if mallopt := _in_libc("mallopt"):
        mallopt(_M_ARENA_MAX, _ARENAS)


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


@cache
def _in_libc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None where there is none, as outside of glibc."""
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    return function
