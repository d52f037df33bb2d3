"""The threads that torch computes with.

Each operation on a CPU is divided among a team of threads. Between two operations the team spins for a moment, because
waking a thread that sleeps takes longer than most operations.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SPINS = "10000"
"""A fraction of a millisecond: long enough for the next operation of the same step, too short to be noticed by others."""


def with_own_team(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Run `work` in a new thread and return its result, so that its team of threads ends with it.

    GNU OpenMP keeps a team for every thread that has ever computed in parallel. Once all teams together have more
    threads than there are cores, no team spins any more, and generating text takes nearly twice as long.
    """
    with ThreadPoolExecutor(1, thread_name_prefix=threading.current_thread().name) as own:
        return own.submit(work, *arguments, **options).result()


def wait_briefly() -> None:
    """Limit how long idle threads spin, unless the environment does. To be called before torch is imported.

    By default GNU OpenMP lets them spin for milliseconds. On a busy machine they thereby keep other threads off the
    core, among them the ones that they wait for. (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html)
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
