"""How fast texts come when 1, 2, 4, 8 and 16 people ask at once: the engine against the notebook's loop.

    python -m bench.generate [--model FOLDER] [--users 1 2 4 8 16] [--new-tokens 32] [--rounds 2]
        [--device cpu] [--plot FILE]

Without a folder, one of phi-1_5's shape with random weights is made for the time being (2.8 GB of disk, 14 GB of memory).
All ways are measured in one run, in turns, with prompts of 24 tokens:

- notebook: float32, `generate`, one prompt after another;
- static batch: bfloat16, `generate`, all prompts as one batch, nobody may come later;
- engine: bfloat16, all ask at once (`models.language.engine`);
- engine, int8: the same with weights as bytes (CPU only).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM
from transformers.generation.streamers import BaseStreamer

from bench import models
from bench.lag import LagSampler, as_felt, percentile
from models.language.engine import CausalModel, Engine, GenerationRequest
from models.language.quantized import to_bytes

DEMO = Path(__file__).resolve().parent.parent / "demo"
PROMPT = 24
MS = 1000.0

Prompts: TypeAlias = Sequence[Sequence[int]]
Arrived: TypeAlias = Callable[[int], None]
"""Called with the number of the prompt for which a token has come."""
Way: TypeAlias = Callable[[Prompts, int, Arrived], None]
"""Continues prompts by a number of tokens each."""


@dataclass
class Figures:
    """Of one way with some users. `times` has the seconds, from the start, at which each one's tokens came."""

    way: str
    users: int
    times: list[list[float]]
    lag: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Tokens a second, all users together."""
        return sum(map(len, self.times)) / max(row[-1] for row in self.times)

    @property
    def last_first(self) -> float:
        """Seconds until the last user has a token."""
        return max(row[0] for row in self.times)

    @property
    def gaps(self) -> list[float]:
        """Milliseconds between two tokens of one user."""
        return [MS * (after - before) for row in self.times for before, after in itertools.pairwise(row)]


class _TokenListener(BaseStreamer):
    """Reports each token of `generate`, but not of the prompt, which comes first."""

    def __init__(self, arrived: Callable[[], None]) -> None:
        self._arrived = arrived
        self._prompt = True

    def put(self, value: object) -> None:
        if not self._prompt:
            self._arrived()
        self._prompt = False
        del value

    def end(self) -> None:
        pass


def notebook(model: CausalModel) -> Way:
    def run(prompts: Prompts, count: int, arrived: Arrived) -> None:
        for number, ids in enumerate(prompts):
            _generate(model, [ids], count, partial(arrived, number))

    return run


def static(model: CausalModel) -> Way:
    def run(prompts: Prompts, count: int, arrived: Arrived) -> None:
        def everybody() -> None:
            for number in range(len(prompts)):
                arrived(number)

        _generate(model, prompts, count, everybody)

    return run


def _generate(model: CausalModel, prompts: Prompts, count: int, arrived: Callable[[], None]) -> None:
    inputs = torch.tensor([list(ids) for ids in prompts], device=model.device)
    model.generate(
        inputs,
        attention_mask=torch.ones_like(inputs),
        max_new_tokens=count,
        do_sample=False,
        streamer=_TokenListener(arrived),
    )


def together(engine: Engine) -> Way:
    def run(prompts: Prompts, count: int, arrived: Arrived) -> None:
        def read(number: int) -> None:
            for _ in engine.submit(GenerationRequest(prompts[number], count, user=number)):
                arrived(number)

        readers = [threading.Thread(target=read, args=(number,)) for number in range(len(prompts))]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    return run


async def measure(name: str, way: Way, prompts: Prompts, count: int) -> Figures:
    """Run it beside an event loop that tells how late it is."""
    times: list[list[float]] = [[] for _ in prompts]
    sampler = LagSampler()
    sampling = asyncio.create_task(sampler.run())
    began = time.perf_counter()
    work = asyncio.create_task(
        asyncio.to_thread(way, prompts, count, lambda user: times[user].append(time.perf_counter() - began))
    )
    await work
    sampling.cancel()
    late = as_felt([lag for _, lag in sampler.samples])
    return Figures(name, len(prompts), times, late)


def limit(model: CausalModel) -> float:
    """Tokens a second if all that a token takes were reading each weight once from memory."""
    weights = [parameter.detach() for parameter in model.parameters()]
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for weight in weights:
            weight.view(torch.int64).sum()
        best = min(best, time.perf_counter() - began)
    return 1 / best


def joining(engine: Engine, prompts: Prompts, count: int) -> tuple[float, float, float]:
    """Milliseconds: a newcomer's wait for its first token, the longest wait of the others meanwhile, their usual one."""
    *others, newcomer = prompts
    times: list[list[float]] = [[] for _ in others]
    half = threading.Barrier(len(others) + 1)

    def read(number: int) -> None:
        for place, _ in enumerate(engine.submit(GenerationRequest(others[number], count, user=number))):
            times[number].append(time.perf_counter())
            if place == count // 2:
                half.wait()

    readers = [threading.Thread(target=read, args=(number,)) for number in range(len(others))]
    for reader in readers:
        reader.start()
    half.wait()
    asked = time.perf_counter()
    first = 0.0
    for _ in engine.submit(GenerationRequest(newcomer, 4, user="newcomer")):
        first = first or time.perf_counter()
    for reader in readers:
        reader.join()
    gaps = [(after, MS * (after - before)) for row in times for before, after in itertools.pairwise(row)]
    worst = max(gap for after, gap in gaps if after >= asked)
    return MS * (first - asked), worst, percentile([gap for _, gap in gaps], 0.5)


def parted(engine: Engine, prompts: Prompts, count: int) -> tuple[int, int]:
    """Of how many texts in company another token was written than alone, and how many tokens were the same before."""
    alone = [[token.id for token in engine.submit(GenerationRequest(ids, count))] for ids in prompts]
    streams = [engine.submit(GenerationRequest(ids, count)) for ids in prompts]
    company = [[token.id for token in stream] for stream in streams]
    same = [
        next((place for place in range(count) if one[place] != other[place]), count)
        for one, other in zip(alone, company, strict=True)
    ]
    return sum(place < count for place in same), sum(same)


def load(folder: Path, device: str, dtype: torch.dtype) -> CausalModel:
    model: CausalModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    return model.to(device).eval()


async def run(
    folder: Path, users: Sequence[int], count: int, rounds: int, device: str, console: Console
) -> list[Figures]:
    """All ways take turns, so that whatever else the machine does hits each of them; the best round counts."""
    whole, half = (load(folder, device, dtype) for dtype in (torch.float32, torch.bfloat16))
    generator = torch.Generator().manual_seed(1)
    prompts = torch.randint(
        0, whole.config.vocab_size, (max([*users, 9]), PROMPT), generator=generator
    ).tolist()
    engine = Engine(half)
    ways = {"notebook": notebook(whole), "static batch": static(half), "engine": together(engine)}
    limits = {"bfloat16": half}
    engine.verify(prompts[0])
    if device == "cpu":
        limits["int8"] = small = to_bytes(load(folder, device, torch.bfloat16))
        gc.collect()
        with_bytes = Engine(small)
        with_bytes.verify(prompts[0])
        ways["engine, int8"] = together(with_bytes)
    best: dict[tuple[str, int], Figures] = {}
    waits = []
    for turn in range(rounds):
        for number in users:
            for name, way in ways.items():
                # One after another, the rate is the same for any number; waiting for all is not.
                asked = min(users) if name == "notebook" else number
                made = await measure(name, way, prompts[:asked], count)
                known = best.get((name, asked))
                best[name, asked] = made if known is None or made.rate > known.rate else known
        waits.append(await asyncio.to_thread(joining, engine, prompts[:9], count))
        console.print(f"round {turn + 1} of {rounds} done", highlight=False)
    for name, model in limits.items():
        console.print(f"bandwidth limit, {name}: {limit(model):.1f} tokens/s for one user", highlight=False)
    wait, worst, usual = min(waits, key=lambda it: it[1])
    console.print(
        f"a ninth joins: its first token after {wait:.0f} ms, the others wait {worst:.0f} ms once"
        f" instead of {usual:.0f} ms",
        highlight=False,
    )
    apart, same = parted(engine, prompts[:8], count)
    console.print(
        f"bfloat16: {apart} of 8 texts part from their own alone; {same} tokens until then are the same",
        highlight=False,
    )
    order = list(ways)
    return sorted(best.values(), key=lambda it: (order.index(it.way), it.users))


def report(figures: Sequence[Figures], console: Console) -> None:
    base = next(it for it in figures if it.way == "notebook")
    table = Table(box=None)
    heads = (
        "way", "users", "tokens/s", "x notebook", "first, ms", "last first, ms", "between p50, ms", "p99, ms",
        "loop lag p99, ms",
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="left" if head == "way" else "right")
    for it in figures:
        gaps = it.gaps
        table.add_row(
            it.way,
            str(it.users),
            f"{it.rate:.1f}",
            f"{it.rate / base.rate:.1f}",
            f"{MS * min(row[0] for row in it.times):.0f}",
            f"{MS * it.last_first:.0f}",
            f"{percentile(gaps, 0.5):.0f}",
            f"{percentile(gaps, 0.99):.0f}",
            f"{percentile(it.lag, 0.99):.1f}",
        )
    console.print(table)


def plot(figures: Sequence[Figures], target: Path) -> None:
    """Tokens a second over users, a line with its own marks for each way."""
    with mpl.rc_context({"font.size": 11, "svg.hashsalt": "tokenwise"}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        ways = list(dict.fromkeys(it.way for it in figures))
        for way, mark in zip(ways, "xso^dv", strict=False):
            own = [it for it in figures if it.way == way]
            if way == "notebook":
                axes.axhline(own[0].rate, color="0.4", linestyle="--", label=f"{way}, {own[0].rate:.1f}")
                continue
            axes.plot([it.users for it in own], [it.rate for it in own], marker=mark, label=way)
        axes.set(xlabel="people who ask at once", ylabel="tokens a second, all together", ylim=(0, None))
        axes.set_xscale("log", base=2)
        numbers = sorted({it.users for it in figures})
        axes.set_xticks(numbers, [str(number) for number in numbers])
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(target, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a folder of a causal language model")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or Path(scratch)
        if options.model is None:
            count = models.phi_1_5(folder, DEMO / "tiny-phi")
            console.print(f"{count / 1e9:.2f} G parameters, random", highlight=False)
        figures = asyncio.run(
            run(folder, options.users, options.new_tokens, options.rounds, options.device, console)
        )
    report(figures, console)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    console.print(f"peak memory, with the model three times over: {peak / 1e6:.1f} GB", highlight=False)
    if options.plot:
        plot(figures, options.plot)


if __name__ == "__main__":
    main()
