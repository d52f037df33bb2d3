"""What is skipped is said at the end, also where several processes test; Chromium is got where it can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import chromium

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no browser: `make browser`")

@pytest.mark.parametrize("number", range(5))
def test_page(browser, number): ...

@pytest.mark.skip(reason="no libraries: `make clients`")
def test_library(): ...

def test_other(): ...
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_each_group_of_skipped_tests_is_one_line(tmp_path: Path, processes: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.skips",
        "-n",
        processes,
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - pytest
    lines = ended.stdout.splitlines()
    assert lines[-3:-1] == ["5 tests: no browser: `make browser`", "1 test: no libraries: `make clients`"]
    assert lines[-1].startswith("1 passed, 6 skipped")


@pytest.mark.parametrize(("user", "there", "wanted"), [(1000, True, 1), (0, False, 1), (0, True, 3)])
def test_only_root_installs_packages(
    monkeypatch: pytest.MonkeyPatch, user: int, there: bool, wanted: int
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get" if there else None)
    commands = list(chromium.ways())
    assert commands[0][1:] == ["-m", "playwright", "install", "chromium"]
    assert len(commands) == wanted


def test_it_goes_on_without_a_browser(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 100, "", "Reading\nE: no connection\nE: and so on")

    monkeypatch.setattr(chromium, "starts", lambda: False)
    monkeypatch.setattr(chromium, "ways", lambda: iter([["first"], ["second"]]))
    monkeypatch.setattr(subprocess, "run", run)
    chromium.main()
    assert ran == [["first"], ["second"]]
    said = capsys.readouterr().out
    assert "E: no connection\nE: no connection\nGoing on without" in said
    assert "make browser" in said
    # One that is there, or that the first way has brought, is enough.
    monkeypatch.setattr(chromium, "starts", lambda: len(ran) > 2)
    chromium.main()
    chromium.main()
    assert ran == [["first"], ["second"], ["first"]]
