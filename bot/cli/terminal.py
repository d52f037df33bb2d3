"""Output to the terminal: errors, progress, JSON; and the end of the process."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bot.visible import harmless
from models.progress import Progress

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes."""
LINGER = 1.0
"""Seconds for idle threads to end."""

log = logging.getLogger(__name__)


def complain(*lines: str, code: int) -> int:
    """Print lines to standard error, and return the code."""
    for line in lines:
        print(harmless(line), file=sys.stderr)
    return code


def print_json(content: Mapping[str, object]) -> None:
    """Print one object on one line."""
    print(json.dumps(content, ensure_ascii=False))


@contextmanager
def loading() -> Iterator[Progress]:
    """Show on standard error what is being loaded, if it is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status("Loading ...") as status:

        def progress(what: str, share: float | None = None) -> None:
            status.update(Text(harmless(what if share is None else f"{what} {share:.0%}")))

        yield progress


def leave(code: int) -> int:
    """Return the code, or exit the process with it if a thread is stuck in a model.

    Python waits for its pool threads at exit. Daemon threads would be torn down inside native code, which crashes
    occasionally and so changes the exit code.
    """
    until = time.monotonic() + LINGER
    while stuck := [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]:
        if time.monotonic() > until:
            level = logging.INFO if _loading(stuck) else logging.WARNING
            log.log(level, "leaving without %s", ", ".join(sorted(thread.name for thread in stuck)))
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        time.sleep(0.01)
    return code


def _loading(stuck: Sequence[threading.Thread]) -> bool:
    """Whether the threads belong to models that are still loading, which is not news when no one waits for them.

    Libraries read weights in their own pools, whose threads have Python's default names.
    """
    names = [thread.name for thread in stuck]
    loads = [name for name in names if name.startswith("lane-loading")]
    return bool(loads) and all(name in loads or name.startswith("ThreadPoolExecutor-") for name in names)
