"""A Ray cluster on this machine for tests: a head that accepts other nodes, with the small models on it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
BUNDLE = ROOT / "demo"
CONFIG = f"""
data_dir = "{{data}}"
[inference]
backend = "ray"
address = "{{address}}"
language = {{{{ replicas = 2, cpus = 0.5 }}}}
[language]
name = "{BUNDLE}/tiny-phi"
tokens_per_second = 100
[tokenizers]
names = ["{BUNDLE}/tiny-phi", "{BUNDLE}/tiny-bert", "{BUNDLE}/tiny-t5", "{BUNDLE}/tiny-llama"]
[encoder]
name = "{BUNDLE}/tiny-bert"
[words]
name = "{BUNDLE}/tiny-words"
[songs]
songs = "{BUNDLE}/tiny-songs/songs.tsv"
playlists = "{BUNDLE}/tiny-songs/playlists.txt"
[lanes.language]
workers = 4
queue = 6
"""
"""The small models; a text grows slowly enough for what happens in its middle."""
PATIENCE = 90.0
"""Seconds for what takes a machine that does other things as well."""
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "RAY_USAGE_STATS_ENABLED": "0",
    # No one uses the dashboard in tests.
    "RAY_SERVE_ENABLE_TASK_EVENTS": "0",
    "RAY_task_events_report_interval_ms": "0",
    # The cluster's processes share the machine with the tests.
    "OMP_NUM_THREADS": "1",
}


def why_not() -> str:
    """The reason why no cluster can be started here; "" if one can."""
    return "" if find_spec("ray") else 'no Ray: pip install "ray[serve]"'


@dataclass
class Cluster:
    """The head of a cluster, and everything that runs on it."""

    address: str
    folder: Path
    head: subprocess.Popen[bytes]

    def config(self, name: str = "config", address: str = "") -> Path:
        """Settings that run the small models on this cluster."""
        path = self.folder / f"{name}.toml"
        data = self.folder / "data"
        path.write_text(CONFIG.format(address=address or self.address, data=data), encoding="utf-8")
        return path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m bot` with the settings of this cluster."""
        return bot("--config", str(self.config()), *arguments, **environment)

    def workers(self, part: str) -> list[psutil.Process]:
        """The cluster's worker processes whose titles contain `part`."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(part in word for word in process.info["cmdline"] or ())
            and "ray::" in " ".join(process.info["cmdline"])
            and self._is_ours(process)
        ]

    def kill(self) -> None:
        """Kill every process of the cluster at once, as a power cut does."""
        for process in _family(self.head):
            process.kill()
        self.head.wait()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            environment: dict[str, str] = process.environ()
        except psutil.Error:
            return False
        return environment.get("TOKENWISE_TEST_CLUSTER") == str(self.folder)


def bot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOKENWISE_")}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env=clean | ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


@contextmanager
def running(cpus: int = 8, port: int = 0) -> Iterator[Cluster]:
    """A cluster without models; it and everything it started are stopped at the end of the block.

    `port` is the head's; 0 for a free one.
    """
    # Unix socket paths must be short, and those of pytest are long.
    with tempfile.TemporaryDirectory(prefix="tw-ray-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log = (folder / "start.log").open("w+", encoding="utf-8")
        with log:
            head = subprocess.Popen(  # noqa: S603
                [
                    sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}",
                    "--include-dashboard=false", "--disable-usage-stats", f"--num-cpus={cpus}",
                    "--object-store-memory=80000000", f"--temp-dir={folder}", "--node-ip-address=127.0.0.1",
                ],
                cwd=ROOT,
                env=os.environ | ENVIRONMENT | {"TOKENWISE_TEST_CLUSTER": name},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            try:
                yield Cluster(_address(folder / "start.log", head), folder, head)
            finally:
                _end(head)


def _address(log: Path, head: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and head.poll() is None:
        if found := re.search(r"--address='([\d.:]+)'", log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def _family(head: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The head and all its descendants, which run in separate sessions."""
    try:
        process = psutil.Process(head.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(head: subprocess.Popen[bytes]) -> None:
    family = _family(head)
    head.send_signal(signal.SIGTERM)
    psutil.wait_procs(family, timeout=5)
    for process in family:
        if process.is_running():
            process.kill()
    head.wait()
