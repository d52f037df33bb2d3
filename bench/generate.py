"""Speed of text generation for 1, 2, 4, 8 and 16 people at once, compared with the notebook's loop.

    python -m bench.generate [--model FOLDER] [--users 1 2 4 8 16] [--new-tokens 32] [--rounds 2]
        [--device cpu] [--plot FILE] [--peers [FOLDER]] [--precisions float32 bfloat16 int8] [--long]

Without a folder, a temporary model with phi-1_5's shape and random weights is used (2.8 GB of disk, 14 GB of memory).
The methods take turns in one run, with prompts of 24 tokens:

- notebook: float32, `generate`, one prompt after another;
- static batch: bfloat16, `generate`, all prompts in one batch that nobody can join later;
- engine: bfloat16, all prompts at once (`models.language.engine`);
- engine, int8: the same with 8-bit weights (CPU only).

--peers compares the engine with the others that are installed in FOLDER (.peers, see `make bench-peers`), for one person
and for eight; with --long also for a prompt of 2,000 tokens and a text of 400.
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
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import matplotlib as mpl
import torch
from humanize import naturalsize
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from transformers.generation.streamers import BaseStreamer

from bench import beside, models
from bench.beside import NotInstalled, Peer, Situation
from bench.lag import LagSampler, as_felt, percentile
from bench.models import CausalLM
from models.language import runtimes
from models.language.engine import Engine, GenerationRequest
from models.language.prefixes import common_prefix
from models.packed import packed_in
from models.specs import LanguageSpec
from models.threads import with_own_team

DEMO = Path(__file__).resolve().parent.parent / "demo"
PROMPT = 24
"""Tokens of a prompt."""
LONG_PROMPT, LONG_TEXT = 2000, 400
"""Tokens; a prompt and its text must fit a window of 2,048."""
MS = 1000.0

Prompts: TypeAlias = Sequence[Sequence[int]]
OnToken: TypeAlias = Callable[[int], None]
"""Called for every token with the number of its prompt."""
Method: TypeAlias = Callable[[Prompts, int, OnToken], None]
"""Continues prompts by a number of tokens each."""


@dataclass
class Figures:
    """The results of one method for a number of users. `times`: for each user, the seconds from the start to each
    token.
    """

    method: str
    users: int
    times: list[list[float]]
    lag: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Tokens per second, all users together."""
        return sum(map(len, self.times)) / max(row[-1] for row in self.times)

    @property
    def last_first_token(self) -> float:
        """Seconds until every user has a first token."""
        return max(row[0] for row in self.times)

    @property
    def gaps(self) -> list[float]:
        """Milliseconds between consecutive tokens of a user."""
        return [MS * (after - before) for row in self.times for before, after in itertools.pairwise(row)]


class _TokenCallback(BaseStreamer):
    """Calls a function for each token that `generate` puts, except the prompt, which comes first."""

    def __init__(self, on_token: Callable[[], None]) -> None:
        self._on_token = on_token
        self._prompt = True

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt:
            self._on_token()
        self._prompt = False
        del value

    def end(self) -> None:
        pass


def notebook(model: CausalLM) -> Method:
    def run(prompts: Prompts, count: int, on_token: OnToken) -> None:
        for number, ids in enumerate(prompts):
            _generate(model, [ids], count, partial(on_token, number))

    return run


def static_batch(model: CausalLM) -> Method:
    def run(prompts: Prompts, count: int, on_token: OnToken) -> None:
        def for_all() -> None:
            for number in range(len(prompts)):
                on_token(number)

        _generate(model, prompts, count, for_all)

    return run


def _generate(model: CausalLM, prompts: Prompts, count: int, on_token: Callable[[], None]) -> None:
    inputs = torch.tensor([list(ids) for ids in prompts], device=model.device)
    model.generate(
        inputs,
        attention_mask=torch.ones_like(inputs),
        max_new_tokens=count,
        do_sample=False,
        streamer=_TokenCallback(on_token),
    )


def batched(engine: Engine) -> Method:
    def run(prompts: Prompts, count: int, on_token: OnToken) -> None:
        def read(number: int) -> None:
            # No caller, so that the prefix cache of one round does not serve the next.
            for _ in engine.submit(GenerationRequest(prompts[number], count)):
                on_token(number)

        readers = [threading.Thread(target=read, args=(number,)) for number in range(len(prompts))]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    return run


async def measure(name: str, method: Method, prompts: Prompts, count: int) -> Figures:
    """Run `method` in a thread while the event loop measures its own lag."""
    times: list[list[float]] = [[] for _ in prompts]
    sampler = LagSampler()
    sampling = asyncio.create_task(sampler.run())
    start = time.perf_counter()
    await asyncio.to_thread(
        with_own_team, method, prompts, count, lambda user: times[user].append(time.perf_counter() - start)
    )
    sampling.cancel()
    late = as_felt([lag for _, lag in sampler.samples])
    return Figures(name, len(prompts), times, late)


def bandwidth_limit(model: CausalLM) -> float:
    """The upper limit of tokens per second if a token only required reading each weight once from memory."""
    weights = [parameter.detach() for parameter in model.parameters()]
    weights += [torch.zeros(packed.nbytes // 8, dtype=torch.int64) for packed in packed_in(model)]
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for weight in weights:
            weight.view(torch.int64).sum()
        best = min(best, time.perf_counter() - start)
    return 1 / best


def joining(engine: Engine, prompts: Prompts, count: int) -> tuple[float, float, float]:
    """Milliseconds until a newcomer's first token, and the longest and the median gap of the others."""
    *others, newcomer = prompts
    times: list[list[float]] = [[] for _ in others]
    under_way = threading.Semaphore(0)

    def read(number: int) -> None:
        told = False
        try:
            for position, _ in enumerate(
                engine.submit(GenerationRequest(others[number], count, user=number))
            ):
                times[number].append(time.perf_counter())
                if position == count // 2:
                    told = True
                    under_way.release()
        finally:
            # Some texts end earlier: the model ends them, or they fail.
            if not told:
                under_way.release()

    readers = [threading.Thread(target=read, args=(number,)) for number in range(len(others))]
    for reader in readers:
        reader.start()
    for _ in readers:
        under_way.acquire()
    joined = time.perf_counter()
    first = 0.0
    for _ in engine.submit(GenerationRequest(newcomer, 4, user="newcomer")):
        first = first or time.perf_counter()
    for reader in readers:
        reader.join()
    gaps = [(after, MS * (after - before)) for row in times for before, after in itertools.pairwise(row)]
    worst = max((gap for after, gap in gaps if after >= joined), default=0.0)
    return MS * (first - joined), worst, percentile([gap for _, gap in gaps], 0.5)


def divergence(engine: Engine, prompts: Prompts, count: int) -> tuple[int, int]:
    """The number of texts that differ between batched and single generation, and the tokens before the first
    difference.
    """
    alone = [[token.id for token in engine.submit(GenerationRequest(ids, count))] for ids in prompts]
    streams = [engine.submit(GenerationRequest(ids, count)) for ids in prompts]
    together = [[token.id for token in stream] for stream in streams]
    same = [common_prefix(single, batch) for single, batch in zip(alone, together, strict=True)]
    return sum(length < count for length in same), sum(same)


async def run(
    folder: Path, users: Sequence[int], count: int, rounds: int, device: str, console: Console
) -> list[Figures]:
    """The methods take turns, so that other load on the machine affects all of them; the best round counts."""
    full, half = (
        with_own_team(models.load, folder, device, dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    generator = torch.Generator().manual_seed(1)
    prompts = torch.randint(
        0, full.config.vocab_size, (max([*users, 9]), PROMPT), generator=generator
    ).tolist()
    engine = _engine(half, LanguageSpec("", dtype="bfloat16"), prompts[0])
    methods = {"notebook": notebook(full), "static batch": static_batch(half), "engine": batched(engine)}
    limits = {"bfloat16": half}
    if device == "cpu":
        limits["int8"] = quantized = with_own_team(models.load, folder, device, torch.float32)
        int8_engine = _engine(quantized, LanguageSpec("", int8=True), prompts[0])
        gc.collect()
        methods["engine, int8"] = batched(int8_engine)
    best: dict[tuple[str, int], Figures] = {}
    waits = []
    for turn in range(rounds):
        for number in users:
            for name, method in methods.items():
                # The notebook answers one user after another, so its rate does not depend on the number of users.
                user_count = min(users) if name == "notebook" else number
                figures = await measure(name, method, prompts[:user_count], count)
                known = best.get((name, user_count))
                best[name, user_count] = figures if known is None or figures.rate > known.rate else known
        waits.append(await asyncio.to_thread(joining, engine, prompts[:9], count))
        console.print(f"round {turn + 1} of {rounds} done", highlight=False)
    for name, model in limits.items():
        console.print(
            f"bandwidth limit, {name}: {with_own_team(bandwidth_limit, model):.1f} tokens/s for one user",
            highlight=False,
        )
    wait, worst, usual = min(waits, key=itemgetter(1))
    console.print(
        f"a ninth joins: its first token after {wait:.0f} ms, the others wait {worst:.0f} ms once"
        f" instead of {usual:.0f} ms",
        highlight=False,
    )
    apart, same = divergence(engine, prompts[:8], count)
    console.print(
        f"bfloat16: {apart} of 8 texts differ from those generated alone; {same} tokens come before the first difference",
        highlight=False,
    )
    order = list(methods)
    return sorted(best.values(), key=lambda figures: (order.index(figures.method), figures.users))


def _engine(model: CausalLM, spec: LanguageSpec, ids: Sequence[int]) -> Engine:
    """A verified engine with what is fastest for a model."""
    prepared = with_own_team(runtimes.prepare, model, spec)
    engine = Engine(model, kv_tokens=spec.kv_tokens, runtime=prepared.runtime)
    with_own_team(engine.verify, ids)
    return engine


def timed(method: Method) -> beside.Ask:
    """A method, measured in the same way as the other engines."""

    def ask(prompts: Prompts, count: int) -> list[list[float]]:
        times: list[list[float]] = [[] for _ in prompts]
        start = time.perf_counter()
        with_own_team(
            method, prompts, count, lambda number: times[number].append(time.perf_counter() - start)
        )
        return times

    return ask


def with_peers(
    folder: Path,
    peers: Path,
    precisions: Sequence[str],
    rounds: int,
    scratch: Path,
    *,
    long: bool,
    console: Console,
) -> None:
    """A table of our engine and all other installed engines, each in several precisions."""
    ways: dict[str, beside.Ask] = {}
    limits: dict[str, float] = {}
    missing: dict[str, str] = {}
    running: list[Peer] = []
    for precision in precisions:
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        model = with_own_team(models.load, folder, "cpu", dtype)
        plain = with_own_team(models.load, folder, "cpu", dtype)
        if precision != "int8":
            ways[f"transformers, static batch, {precision}"] = timed(static_batch(plain))
        setting = "auto" if precision == "int8" else precision
        spec = LanguageSpec("", dtype=setting, int8=precision == "int8", kv_tokens=2 * LONG_PROMPT)
        # Packing would change the model of the static batch.
        other = with_own_team(models.load, folder, "cpu", dtype) if precision != "float32" else plain
        for name, own, runtime in (("engine with torch", model, "torch"), ("engine", other, "compiled")):
            prepared = with_own_team(runtimes.prepare, own, replace(spec, runtime=runtime))
            engine = Engine(own, kv_tokens=spec.kv_tokens, runtime=prepared.runtime)
            with_own_team(engine.verify, list(range(1, PROMPT)))
            ways[f"{name}, {precision}"] = timed(batched(engine))
            console.print(f"{name}, {precision}: {prepared.detail or 'plain weights'}", highlight=False)
        limits[precision] = with_own_team(bandwidth_limit, model)
        for name in beside.PEERS:
            try:
                peer = Peer(peers, name, folder, precision, scratch)
            except NotInstalled as error:
                missing[f"{name}, {precision}"] = str(error)
                continue
            running.append(peer)
            ways[f"{peer.name}, for {precision}"] = peer.ask
    try:
        situations = [Situation(1, PROMPT, 32), Situation(8, PROMPT, 32)]
        if long:
            situations += [Situation(1, LONG_PROMPT, 16), Situation(1, PROMPT, LONG_TEXT)]
        generator = torch.Generator().manual_seed(1)
        vocabulary = model.config.vocab_size
        prompts: dict[Situation, Prompts] = {
            situation: torch.randint(
                0, vocabulary, (situation.people, situation.prompt), generator=generator
            ).tolist()
            for situation in situations
        }
        best = beside.measure(ways, prompts, rounds, console)
        beside.report(best, situations, limits, missing, console)
    finally:
        for peer in running:
            peer.close()


def report(figures: Sequence[Figures], console: Console) -> None:
    base = next(row for row in figures if row.method == "notebook")
    table = Table(box=None)
    heads = (
        "method", "users", "tokens/s", "x notebook", "first, ms", "last first, ms", "between p50, ms", "p99, ms",
        "loop lag p99, ms",
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="left" if head == "method" else "right")
    for row in figures:
        gaps = row.gaps
        table.add_row(
            row.method,
            str(row.users),
            f"{row.rate:.1f}",
            f"{row.rate / base.rate:.1f}",
            f"{MS * min(times[0] for times in row.times):.0f}",
            f"{MS * row.last_first_token:.0f}",
            f"{percentile(gaps, 0.5):.0f}",
            f"{percentile(gaps, 0.99):.0f}",
            f"{percentile(row.lag, 0.99):.1f}",
        )
    console.print(table)


def plot(figures: Sequence[Figures], target: Path) -> None:
    """Tokens per second against users, with one line per method, each with its own marker."""
    with mpl.rc_context({"font.size": 11, "svg.hashsalt": "tokenwise"}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        methods = list(dict.fromkeys(row.method for row in figures))
        for method, marker in zip(methods, "xso^dv", strict=False):
            own = [row for row in figures if row.method == method]
            if method == "notebook":
                axes.axhline(own[0].rate, color="0.4", linestyle="--", label=f"{method}, {own[0].rate:.1f}")
                continue
            axes.plot([row.users for row in own], [row.rate for row in own], marker=marker, label=method)
        axes.set(xlabel="people who ask at once", ylabel="tokens a second, all together", ylim=(0, None))
        axes.set_xscale("log", base=2)
        numbers = sorted({row.users for row in figures})
        axes.set_xticks(numbers, [str(number) for number in numbers])
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(target, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="folder of a causal language model")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plot", type=Path)
    parser.add_argument(
        "--peers",
        type=Path,
        nargs="?",
        const=Path(".peers"),
        help="compare with the engines installed in this folder",
    )
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=["float32", "float16", "bfloat16", "int8"],
        default=["bfloat16", "int8"],
    )
    parser.add_argument("--long", action="store_true", help="also measure long prompts and texts")
    options = parser.parse_args()
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or Path(scratch)
        if options.model is None:
            count = models.phi_1_5(folder, DEMO / "tiny-phi")
            console.print(f"{count / 1e9:.2f} G parameters, random", highlight=False)
        if options.peers:
            with_peers(
                folder,
                options.peers,
                options.precisions,
                options.rounds,
                Path(scratch) / "peers",
                long=options.long,
                console=console,
            )
            return
        figures = asyncio.run(
            run(folder, options.users, options.new_tokens, options.rounds, options.device, console)
        )
    report(figures, console)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    console.print(f"peak memory, with three copies of the model: {naturalsize(peak)}", highlight=False)
    if options.plot:
        plot(figures, options.plot)


if __name__ == "__main__":
    main()
