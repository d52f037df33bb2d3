"""How long idle threads of torch spin before they sleep."""

from __future__ import annotations

import os

_SPINS = "1000"
"""About ten microseconds: long enough to catch the next operation, short enough not to take the core from others."""


def wait_briefly() -> None:
    """Make idle threads sleep soon, unless the environment says otherwise. To be called before torch is imported.

    By default GNU OpenMP lets them spin for milliseconds. On a busy machine they thereby keep other threads off the
    core, among them the ones that they wait for. (https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html)
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
