"""The Makefile: what is typed reaches the demo as it was typed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAKE = shutil.which("make")
PRINTS = """#!/bin/sh
exec python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is set up, whose Python says only what it was called with."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PRINTS)
    python.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def made(checkout: Path, *arguments: str, **environment: str) -> list[str]:
    words: list[str] = json.loads(made_text(checkout, *arguments, **environment))
    return words


def made_text(checkout: Path, *arguments: str, **environment: str) -> str:
    if MAKE is None:
        pytest.skip("make is not here")
    ended = subprocess.run(  # noqa: S603 - make, of this machine
        [MAKE, "-s", *arguments],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return ended.stdout


@pytest.mark.parametrize(
    "said",
    [
        "/similar word:king - man + woman",
        "price is $5, $$6 and $(shell echo 7) ${SAY} $(HOME",
        """it's "quoted" `id` \\ back#slash % * ? !""",
        "one\ntwo",
        "a,b)c(d",
    ],
)
def test_what_is_said_is_passed_on_unchanged(checkout: Path, said: str) -> None:
    wanted = ["-m", "bot", "demo", "--models", "starter", "--say", said]
    assert made(checkout, "demo", f"SAY={said}") == wanted
    assert made(checkout, "demo", SAY=said) == wanted


def test_saying_nothing_opens_the_prompt(checkout: Path) -> None:
    assert made(checkout, "demo") == ["-m", "bot", "demo", "--models", "starter"]
    assert made(checkout, "demo", "SAY=  ") == ["-m", "bot", "demo", "--models", "starter"]


def test_the_tests_get_a_browser_first(checkout: Path) -> None:
    (checkout / ".venv" / ".installed-dev").touch()
    assert made(checkout, "browser") == ["-m", "tests.chromium"]
    dry = made_text(checkout, "-n", "test")
    assert dry.index("tests.chromium") < dry.index("-m pytest")
