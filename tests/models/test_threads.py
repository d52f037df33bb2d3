"""How long torch's threads spin, and computations with a team of threads of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from models.threads import wait_briefly, with_own_team

ROOT = Path(__file__).resolve().parents[2]
IDLE = """
import sys
sys.argv = ["tokenwise", "check"]
from bot import cli
assert "torch" not in sys.modules
cli.COMMANDS["check"].run = lambda _: 0
assert not cli.main(["check"])
import os
print(os.environ["GOMP_SPINCOUNT"])
"""


def test_what_somebody_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wait_briefly()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    wait_briefly()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_a_command_has_its_threads_wait_briefly_before_torch_comes() -> None:
    clean = {
        name: value for name, value in os.environ.items() if name not in {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
    }
    ended = subprocess.run(  # noqa: S603 - Python itself
        [sys.executable, "-c", IDLE],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.split() == ["10000"]


def test_a_computation_has_a_thread_that_ends_with_it() -> None:
    def work(number: int, *, more: int) -> tuple[int, threading.Thread]:
        return number + more, threading.current_thread()

    number, thread = with_own_team(work, 3, more=4)
    assert number == 7
    assert thread is not threading.current_thread()
    assert thread.name.startswith(threading.current_thread().name)
    assert not thread.is_alive()


def test_what_a_computation_raises_is_raised() -> None:
    def work() -> None:
        raise KeyError("nothing")

    with pytest.raises(KeyError, match="nothing"):
        with_own_team(work)
