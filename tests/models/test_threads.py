"""Threads of torch sleep soon when there is nothing to do, so that they are in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.threads import wait_briefly

ROOT = Path(__file__).resolve().parents[2]
IDLE = """
import sys
sys.argv = ["tokenwise", "check"]
from bot import cli
assert "torch" not in sys.modules
cli.COMMANDS["check"].run = lambda _: 0
assert not cli.main(["check"])
import os, time, torch
torch.set_num_threads(2)
(torch.ones(1000, 1000) @ torch.ones(1000, 1000)).exp_()
time.sleep(0.05)
began = time.process_time()
time.sleep(0.3)
print(os.environ["GOMP_SPINCOUNT"], time.process_time() - began)
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
    turns, busy = ended.stdout.split()
    assert turns == "10000"
    assert float(busy) < 0.15
