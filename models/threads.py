"""How threads of torch's operations wait for each other."""

from __future__ import annotations

import os

_TURNS = "1000"
"""How often a waiting thread looks whether there is work before it sleeps: some ten microseconds, as long as the next operation
takes to come."""


def wait_briefly() -> None:
    """Have them sleep soon when there is nothing to do, where nobody said otherwise. Call it before torch is imported.

    By default GNU's OpenMP keeps them busy for milliseconds, in which whoever else wants the core waits, among them the threads that
    they wait for. (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html)
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _TURNS)
