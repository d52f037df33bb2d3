"""Models on a Ray cluster: added latency, speedup by a second replica, and losses when workers die or are replaced.

`added`: seconds for a comparison with /tokens, p50 and p99, on the cluster and in this process, alternating.
`replicas`: tokens per second of two one-core replicas, compared with one.
`kills`: kill -9 of random workers while some people generate text and others ask quick questions.
`reloads`: rolling reloads under the same load.
`head`: kill -9 of the head node and all that runs on it, while a process of the bot is connected; then a new one.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from bench.lag import percentile
from bot.client import local_service, make_service
from bot.settings.load import load
from bot.settings.schema import Settings
from models.failures import ClusterAway, Failure, NotDeployed
from models.results import Generation, State
from models.service import (
    AskWords,
    Caller,
    CompareTokenizers,
    Generate,
    LoadProgress,
    ReloadModel,
    Service,
    ServiceStatus,
)
from tests.models.ray import cluster as clusters
from tests.models.ray.cluster import Cluster

PROMPTS = tuple(
    f"The {word}"
    for word in ("engineer", "old bridge", "river", "teacher", "king", "library", "train", "garden")
)
TEXT = "The engineer repaired the old bridge in Zürich, and nobody noticed. " * 8
WRITERS, ASKERS = 16, 4
TOKENS = 60
PATIENCE = 300.0
"""Seconds that a question may take while workers are being lost."""
_numbers = itertools.count(1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=sorted(MEASUREMENTS))
    parser.add_argument("--count", type=int, default=50, help="number of kills or reloads (default: 50)")
    parser.add_argument(
        "--model",
        type=lambda folder: str(Path(folder).resolve()),
        default="",
        help="folder of a language model for `replicas`",
    )
    parser.add_argument(
        "--seconds", type=float, default=30, help="seconds for each side of a comparison (default: 30)"
    )


async def run(arguments: argparse.Namespace) -> None:
    await MEASUREMENTS[arguments.what](arguments)


def caller() -> Caller:
    """A new caller with a long time limit."""
    number = next(_numbers)
    return Caller(str(number), number, PATIENCE)


@asynccontextmanager
async def on_cluster(replicas: int = 2, model: str = "") -> AsyncIterator[tuple[Cluster, Service, Settings]]:
    """A local cluster with the small models, or another language model, and a process of the bot that uses it."""
    environment = {
        "TOKENWISE_INFERENCE__LANGUAGE__REPLICAS": str(replicas),
        "TOKENWISE_LANGUAGE__TOKENS_PER_SECOND": "0",
        "TOKENWISE_LANES__LANGUAGE__WORKERS": "8",
        "TOKENWISE_LANES__LANGUAGE__QUEUE": "64",
    }
    if model:
        environment["TOKENWISE_LANGUAGE__NAME"] = model
    with clusters.running() as cluster:
        deployed = await asyncio.to_thread(lambda: cluster.run("serve", **environment))
        if deployed.returncode:
            raise RuntimeError(deployed.stdout + deployed.stderr)
        settings = load(cluster.config())
        service = make_service(settings)
        await service.connect()
        await service.start()
        await service.loaded()
        try:
            yield cluster, service, settings
        finally:
            await service.close()


async def text(service: Service, prompt: str, tokens: int = TOKENS) -> Generation:
    """A text generated greedily to its end."""
    request = Generate(caller(), prompt, tokens)
    async with aclosing(service.language.generate(request)) as events:
        async for event in events:
            if isinstance(event, Generation):
                return event
    raise RuntimeError("a text has no end")


class Load:
    """People who generate and ask continuously; their answers are counted and compared."""

    def __init__(self, service: Service, expected: Mapping[str, Generation], askers: int = ASKERS) -> None:
        self._service, self._expected, self._askers = service, expected, askers
        self.counts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._stop = asyncio.Event()

    async def _write(self, number: int) -> None:
        for turn in itertools.count(number):
            if self._stop.is_set():
                return
            prompt = PROMPTS[turn % len(PROMPTS)]
            try:
                made = await text(self._service, prompt)
            except Exception as error:  # noqa: BLE001 - it is counted
                await self._note(error)
                continue
            self.counts["tokens"] += len(made.output_ids)
            same = made.output_ids == self._expected[prompt].output_ids
            self.counts["texts" if same else "different texts"] += 1

    async def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                await self._service.words.ask(AskWords(caller(), "king - man + woman"))
                await self._service.tokenizers.compare(CompareTokenizers(caller(), TEXT))
            except Exception as error:  # noqa: BLE001 - it is counted
                await self._note(error)
                continue
            self.counts["answers"] += 2
            await asyncio.sleep(0.05)

    async def _note(self, error: Exception) -> None:
        """Count a failure, and wait a moment as people do: some are immediate, and the event loop must go on."""
        self.failed[type(error).__name__] += 1
        await asyncio.sleep(1)

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """The load runs during the block; at its end, requests in progress are awaited."""
        people = [
            *(self._write(number) for number in range(WRITERS)),
            *(self._ask() for _ in range(self._askers)),
        ]
        tasks = [asyncio.create_task(person) for person in people]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


async def undisturbed(service: Service) -> dict[str, Generation]:
    return {prompt: await text(service, prompt) for prompt in PROMPTS}


async def kills(arguments: argparse.Namespace) -> None:
    """Kill random Ray workers: replicas, the coordinator, and the controller of Ray Serve."""
    async with on_cluster() as (cluster, service, _):
        load_ = Load(service, await undisturbed(service))
        killed: Counter[str] = Counter()
        began = time.monotonic()
        async with load_.during():
            for _ in range(arguments.count):
                await asyncio.sleep(random.uniform(1.0, 4.0))
                workers = [
                    worker
                    for part in ("ray::ServeReplica", "ray::Coordinator", "ray::ServeController")
                    for worker in await asyncio.to_thread(cluster.workers, part)
                ]
                if workers:
                    victim = random.choice(workers)
                    killed[victim.cmdline()[0].partition("-")[0].partition(" ")[0]] += 1
                    victim.kill()
        _report("kill -9", sum(killed.values()), load_, time.monotonic() - began)
        print("  killed:", dict(killed))


async def reloads(arguments: argparse.Namespace) -> None:
    """Reload the slots one after another under load."""
    async with on_cluster() as (_, service, settings):
        load_ = Load(service, await undisturbed(service))
        specs = settings.specs()
        seconds: dict[str, list[float]] = {}
        slots = [slot for slot in ("words", "language", "tokenizers") if slot in specs]
        began = time.monotonic()
        async with load_.during():
            for slot in itertools.islice(itertools.cycle(slots), arguments.count):
                started = time.monotonic()
                try:
                    async for item in service.reload(ReloadModel(caller(), slot, specs[slot])):
                        if not isinstance(item, LoadProgress):
                            seconds.setdefault(slot, []).append(time.monotonic() - started)
                except Failure as error:
                    load_.failed[f"reload of {slot}: {type(error).__name__}"] += 1
        _report("rolling reloads", sum(map(len, seconds.values())), load_, time.monotonic() - began)
        for name, times in seconds.items():
            print(f"  {name}: p50 {percentile(times, 0.5):.1f} s, longest {max(times):.1f} s")


async def head(_: argparse.Namespace) -> None:
    """Kill the head node, then start another one at the same address, while a bot process stays connected."""

    async def until(holds: Callable[[ServiceStatus], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds(await service.status()):  # noqa: ASYNC110 - other processes make it true
                await asyncio.sleep(0.05)

    with clusters.running() as cluster:
        await asyncio.to_thread(cluster.run, "serve")
        service = make_service(load(cluster.config()))
        await service.connect()
        await service.start()
        await service.loaded()
        await service.words.ask(AskWords(caller(), "king"))
        began = time.monotonic()
        cluster.kill()
        await until(lambda status: all(slot.state is State.FAILED for slot in status.slots))
        print(
            f"after {time.monotonic() - began:.1f} s, /models status says: {(await service.status()).slots[0].detail}"
        )
        try:
            await service.words.ask(AskWords(caller(), "king"))
        except ClusterAway as failure:
            print(f"a question is answered: {failure}")
    port = int(cluster.address.rpartition(":")[2])
    with clusters.running(port=port) as cluster:
        began = time.monotonic()
        await until(lambda status: isinstance(status.slots[0].failure, NotDeployed))
        print(f"connected {time.monotonic() - began:.1f} s after there was a new head")
        serving = asyncio.create_task(asyncio.to_thread(cluster.run, "serve"))
        await until(lambda status: all(slot.state is State.READY for slot in status.slots))
        await service.words.ask(AskWords(caller(), "king"))
        print(f"answering again {time.monotonic() - began:.1f} s after that, models loaded")
        await serving
        await service.close()


def _report(what: str, count: int, load_: Load, seconds: float) -> None:
    print(f"{count} {what} in {seconds:.0f} s, {WRITERS} people generating, {ASKERS} asking:")
    print(
        f"  {load_.counts['texts']} texts equal to the undisturbed ones, {load_.counts['different texts']} different"
    )
    print(f"  {load_.counts['answers']} light questions answered")
    print(f"  failed: {dict(load_.failed) or 'none'}")


async def added(arguments: argparse.Namespace) -> None:
    """The same tokenizer comparison, alternately on the cluster and in this process."""
    async with on_cluster(1) as (_, remote, settings):
        here = local_service(settings)
        await here.start()
        await here.loaded()
        found: dict[str, list[float]] = {"local": [], "ray": []}
        until = time.monotonic() + 2 * arguments.seconds
        while time.monotonic() < until:
            for name, service in (("local", here), ("ray", remote)):
                began = time.perf_counter()
                await service.tokenizers.compare(CompareTokenizers(caller(), TEXT))
                found[name].append(1000 * (time.perf_counter() - began))
        await here.close()
    for name, times in found.items():
        print(
            f"{name:>6}: p50 {percentile(times, 0.5):6.1f} ms, p99 {percentile(times, 0.99):6.1f} ms, {len(times)} questions"
        )
    print(f" added: p50 {percentile(found['ray'], 0.5) - percentile(found['local'], 0.5):6.1f} ms, "
          f"p99 {percentile(found['ray'], 0.99) - percentile(found['local'], 0.99):6.1f} ms")  # fmt: skip


async def replicas(arguments: argparse.Namespace) -> None:
    """Total tokens per second with one replica and with two, on one core each."""
    rates = {}
    for count in (1, 2):
        async with on_cluster(count, arguments.model) as (_, service, _):
            load_ = Load(service, await undisturbed(service), askers=0)
            began = time.monotonic()
            async with load_.during():
                await asyncio.sleep(arguments.seconds)
            seconds = time.monotonic() - began
            rates[count] = load_.counts["tokens"] / seconds
            print(f"{count} replicas: {rates[count]:6.0f} tokens/s, {WRITERS} people")
    print(f"two against one: {rates[2] / rates[1]:.2f} times")


MEASUREMENTS: Mapping[str, Callable[[argparse.Namespace], Awaitable[None]]] = {
    "added": added,
    "replicas": replicas,
    "kills": kills,
    "reloads": reloads,
    "head": head,
}
