"""Memory: what is available for another model, what this process uses, and how to return it."""

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
"""The memory limit and usage of a container, in both versions of Linux control groups."""


def process() -> int:
    """Resident memory of this process, in bytes."""
    return int(psutil.Process().memory_info().rss)


def settle() -> None:
    """Exclude all current objects from later garbage collections, mainly the modules of torch and transformers.

    Traversing them takes a quarter of a second, in which no other thread runs. Call it once all models have loaded.
    Reference cycles among current objects are never collected, so models must release their tensors themselves
    (`give_back`). The allocator returns what loading has left in reserve.
    """
    gc.collect(1)
    gc.freeze()
    _trim()


def give_back(model: object) -> None:
    """Free the memory of an unused model. Calls its `release` first, if it has one."""
    if callable(release := getattr(model, "release", None)):
        release()


def collect() -> None:
    """Collect reference cycles, and make the allocator return its reserves."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    _trim()


def _trim() -> None:
    if trim := _in_libc("malloc_trim"):
        trim(0)  # releases the GIL, so other threads continue


def use_few_arenas() -> None:
    """Limit the allocator's arenas, each of which keeps freed memory. Call it before starting threads.

    (`man mallopt`: M_ARENA_MAX. An existing MALLOC_ARENA_MAX takes precedence.)
    """
    if mallopt := _in_libc("mallopt"):
        mallopt(_M_ARENA_MAX, _ARENAS)


def free(device: str) -> int:
    """Bytes available for a model on a torch device."""
    if device.startswith("cuda") and (torch := sys.modules.get("torch")) is not None:
        unused, _ = torch.cuda.mem_get_info(device)
        # torch gives reserved but unused memory to the next model.
        return int(unused + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return min([int(psutil.virtual_memory().available), *map(_headroom, _GROUPS)])


def _headroom(group: tuple[Path, Path, str]) -> int:
    """Memory left by a container's limit; without one, more than any machine has."""
    limit, used, cache = group
    try:
        allowed = int(limit.read_text(encoding="ascii"))
        reserved = int(used.read_text(encoding="ascii"))
        lines = (used.parent / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):  # no control group, or its limit is "max"
        return sys.maxsize
    facts = dict(line.split(maxsplit=1) for line in lines)
    # The usage includes cached files, which the system can drop.
    return max(0, allowed - reserved + int(facts.get(cache, 0)))


@cache
def _in_libc(name: str) -> Callable[..., int] | None:
    """A function of the C library; None if it does not exist, as outside glibc."""
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return None
    return function
