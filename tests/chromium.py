"""Chromium for the tests of the page and for the pictures of the docs: found, or got where that can be done.

python -m tests.chromium
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import BrowserType as AsyncBrowserType
from playwright.sync_api import BrowserType, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    # As root in a container Chromium's own sandbox does not start.
    "--no-sandbox",
    "--disable-gpu",
    # Nothing is to leave this machine.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "the page needs Chromium, which is not here: `make browser` gets it over the network, `apt-get install chromium` as root"

LIBRARIES = "Playwright's Chromium lacks libraries of the system: `.venv/bin/python -m playwright install-deps chromium` as root"


def path(playwright: BrowserType | AsyncBrowserType) -> str | None:
    """The machine's own Chromium, else the one that Playwright has downloaded; None if there is neither."""
    own = next(filter(None, map(shutil.which, NAMES)), None)
    if own is None and Path(playwright.executable_path).exists():
        return playwright.executable_path
    return own


def starts() -> bool:
    """Whether there is one here that starts; Playwright's needs libraries that a small system may lack."""
    with sync_playwright() as play:
        found = path(play.chromium)
        try:
            if found:
                play.chromium.launch(executable_path=found, args=FLAGS).close()
        except Error:
            return False
        return found is not None


def ways() -> Iterator[list[str]]:
    """Commands that may get one, the least intrusive first."""
    yield [sys.executable, "-m", "playwright", "install", "chromium"]
    if os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        yield [apt, "-qq", "update"]
        yield [apt, "-qq", "install", "--yes", "--no-install-recommends", "chromium"]


def main() -> None:
    """Install one if it is missing. A failure is not an error: the tests that need it are skipped, with a message."""
    if starts():
        return
    print("Getting Chromium for the tests of the page ...", flush=True)
    for command in ways():
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        ended = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603 - those above
        if starts():
            return
        if ended.returncode:
            print(next((line for line in ended.stderr.splitlines() if line.startswith("E")), ""), flush=True)
    print(f"Going on without: {MISSING}.", flush=True)


if __name__ == "__main__":
    main()
