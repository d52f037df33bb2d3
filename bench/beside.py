"""Compares other engines with ours: each runs in a separate environment and process, taking turns with the others.

`python -m bench.generate --peers` uses it; bench/peers/README.md describes the protocol of the programs.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

PROGRAMS = Path(__file__).resolve().parent / "peers"
PEERS = {"openvino": "openvino.py", "llamacpp": "llamacpp.py", "vllm": "vllm_cpu.py"}
"""Environments, and the programs that run in them."""
LAST_WORDS = 300
"""Characters of what a peer wrote that could not be started."""

Prompts = Sequence[Sequence[int]]
Ask = Callable[[Prompts, int], list[list[float]]]
"""Continues prompts by a number of tokens each: for each, the seconds from the question to each token."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A number of people who ask at once, with prompts and texts of a given length."""

    people: int
    prompt: int
    new: int

    @property
    def label(self) -> str:
        return f"{self.people} x ({self.prompt:,} + {self.new})"


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of an engine in one situation: tokens per second from the question on, and after all prompts are read,
    and the seconds until everyone has a first token.
    """

    whole: float
    writing: float
    last_first: float

    @classmethod
    def of(cls, times: Sequence[Sequence[float]]) -> Self:
        end, first = max(row[-1] for row in times), max(row[0] for row in times)
        late = sum(sum(time > first for time in row) for row in times)
        return cls(sum(map(len, times)) / end, late / (end - first) if end > first else 0.0, first)


class NotInstalled(Exception):
    """The engine is not installed; contains the reason."""


class Peer:
    """Another engine, with its model loaded."""

    def __init__(self, peers: Path, name: str, model: Path, precision: str, scratch: Path) -> None:
        """Raises NotInstalled."""
        python = peers / name / "bin" / "python"
        if not python.exists():
            raise NotInstalled("not installed")
        folder = scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                [python.absolute(), PROGRAMS / PEERS[name], model.absolute(), precision, folder.absolute()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.name = str(self._read()["ready"])
        except NotInstalled:
            self.close()
            words = (folder / "log.txt").read_text(errors="replace").strip().splitlines()
            raise NotInstalled(words[-1][:LAST_WORDS] if words else "it ended without a word") from None

    def ask(self, prompts: Prompts, count: int) -> list[list[float]]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"prompts": prompts, "count": count}) + "\n")
        self._process.stdin.flush()
        times: list[list[float]] = self._read()["times"]
        return times

    def close(self) -> None:
        with self._process:  # it ends when there are no more questions
            pass

    def _read(self) -> dict[str, list[list[float]]]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise NotInstalled("it ended")
        answer: dict[str, list[list[float]]] = json.loads(line)
        return answer


def measure(
    ways: dict[str, Ask], situations: dict[Situation, Prompts], rounds: int, console: Console
) -> dict[tuple[str, Situation], Speed]:
    """The best of several rounds in which the engines take turns, so that other load on the machine affects all of
    them.
    """
    best: dict[tuple[str, Situation], Speed] = {}
    for turn in range(rounds):
        for situation, prompts in situations.items():
            for name, ask in list(ways.items()):
                try:
                    speed = Speed.of(ask(prompts, situation.new))
                except (NotInstalled, BrokenPipeError) as error:
                    console.print(f"{name}: {error}; it is left out from here on", highlight=False)
                    del ways[name]
                    continue
                known = best.get((name, situation))
                if known is None or speed.whole > known.whole:
                    best[name, situation] = speed
        console.print(f"round {turn + 1} of {rounds} done", highlight=False)
    return best


def report(
    best: dict[tuple[str, Situation], Speed],
    situations: Sequence[Situation],
    limits: dict[str, float],
    missing: dict[str, str],
    console: Console,
) -> None:
    """Tokens per second (while writing), then seconds to the last first token, in each situation."""
    table = Table(box=None, title="tokens/s (once all prompts are read) and seconds to the last first token")
    table.add_column("engine")
    for situation in situations:
        table.add_column(situation.label, justify="right")
    for name, rate in limits.items():
        table.add_row(f"reading each weight once, {name}", f"{rate:.1f}", *[""] * (len(situations) - 1))
    for name in dict.fromkeys(name for name, _ in best):
        cells = []
        for situation in situations:
            speed = best.get((name, situation))
            cells.append(f"{speed.whole:.1f} ({speed.writing:.1f}), {speed.last_first:.2f}" if speed else "")
        table.add_row(name, *cells)
    for name, reason in missing.items():
        table.add_row(name, reason)
    console.print(table)
