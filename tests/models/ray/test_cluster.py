"""A real cluster on this machine: streams, cancellation, lost processes, rollouts, and the terminal commands."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import psutil
import pytest

from bot.settings.load import load
from models.failures import LaneFull, ModelError
from models.ray.service import RayService
from models.results import Finish, Generation, Reload, State
from models.sampling import Sampling
from models.service import AskWords, Generate, LoadProgress, Queued, ReloadModel, Written
from models.specs import WordsSpec
from tests.models.ray import cluster as clusters
from tests.models.ray.cluster import PATIENCE, ROOT, Cluster
from tests.models.ray.conftest import Connect, caller

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.timeout(300)]
in_one_loop = pytest.mark.asyncio(loop_scope="session")

DRAWN = Sampling(temperature=1.2, seed=9)


def write(
    prompt: str = "The engineer", tokens: int = 40, sampling: Sampling = DRAWN, **facts: Any
) -> Generate:
    return Generate(caller(**facts), prompt, tokens, sampling)


async def whole(
    service: RayService, request: Generate, at: int = -1, act: Callable[[], object] | None = None
) -> Generation:
    """A text to its end; after `at` tokens an action is run."""
    seen = 0
    async with aclosing(service.language.generate(request)) as events:
        async for event in events:
            if isinstance(event, Generation):
                # After it continues on another replica, probabilities may differ in their last digits.
                return replace(event, seconds=0.0, steps=())
            if isinstance(event, Written):
                seen += 1
                if seen == at and act:
                    act()
    raise AssertionError("it has no end")


async def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - other processes make it true
            await asyncio.sleep(0.05)


def kill(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        process.kill()


@in_one_loop
async def test_stop_ends_a_text_with_what_there_is(remote: RayService) -> None:
    undisturbed = await whole(remote, write())
    request = write()
    stopping: list[asyncio.Future[bool]] = []

    def stop() -> None:
        stopping.append(asyncio.ensure_future(remote.cancel(request.caller.request_id)))

    stopped = await whole(remote, request, 5, stop)
    assert stopped.finish is Finish.STOPPED
    assert 5 <= len(stopped.output_ids) < 40
    assert undisturbed.output_ids[: len(stopped.output_ids)] == stopped.output_ids
    assert await stopping[0]


@in_one_loop
async def test_closing_a_stream_ends_the_work_in_the_replica(remote: RayService) -> None:
    async with aclosing(remote.language.generate(write(tokens=150))) as events:
        async for event in events:
            if isinstance(event, Written):
                break

    def quiet() -> bool:
        assert remote._news is not None
        status = next(slot for slot in remote._news.slots if slot.slot == "language")
        return not remote._news.lanes["language"].running and not any(
            replica.running for replica in status.replicas
        )

    # Far sooner than 150 tokens take at this pace.
    await until(quiet)


@in_one_loop
async def test_the_line_is_one_line_for_all_processes_of_the_bot(connect: Connect) -> None:
    one, two = await asyncio.gather(connect(), connect())
    streams = [
        (one, two)[number % 2].language.generate(write(tokens=200, user=10 + number)) for number in range(10)
    ]
    first = [await anext(stream) for stream in streams]
    assert first == [*([Queued(0)] * 8), Queued(1), Queued(2)]
    more = [service.language.generate(write(tokens=200)) for service in (one, two, one, two)]
    assert [await anext(stream) for stream in more] == [Queued(number) for number in (3, 4, 5, 6)]
    with pytest.raises(LaneFull) as caught:
        await anext(two.language.generate(write()))
    assert caught.value.waiting == 6
    for stream in [*streams, *more]:
        await stream.aclose()


@in_one_loop
async def test_the_places_of_a_process_that_is_gone_are_free_again(connect: Connect) -> None:
    killed, other = await asyncio.gather(connect(), connect())
    streams = [killed.language.generate(write(tokens=200)) for _ in range(8)]
    for stream in streams:
        await anext(stream)
    waiting = other.language.generate(write(tokens=2))
    assert await anext(waiting) == Queued(1)
    assert killed._keeping is not None
    assert killed._link is not None
    killed._keeping.cancel()
    killed._link._process.kill()
    async with asyncio.timeout(PATIENCE):
        assert [event async for event in waiting][-1]
    for stream in streams:
        with suppress(Exception):
            await stream.aclose()


@in_one_loop
async def test_a_persons_next_text_goes_to_the_replica_that_remembers_the_last_one(
    remote: RayService,
) -> None:
    people, before = range(500, 505), await figure(remote, "reused")
    prompt = "The engineer repaired the old bridge, and the teacher wrote a letter to the king. " * 2
    for user in (*people, *people):
        text = await whole(remote, write(prompt, 2, Sampling(), user=user))
    saved = len(people) * (len(text.input_ids) - 1)
    async with asyncio.timeout(PATIENCE):  # until the replicas have reported
        while True:
            if await figure(remote, "reused") >= before + saved:
                break
            await asyncio.sleep(0.1)


@in_one_loop
async def test_a_replica_with_many_texts_is_not_preferred(remote: RayService) -> None:
    async def ended() -> dict[str, int]:
        status = (await remote.status()).slot("language")
        assert status is not None
        return {replica.name: replica.ended for replica in status.replicas}

    before = await ended()
    await asyncio.gather(*(whole(remote, write(tokens=100, user=600, questions=8)) for _ in range(8)))
    async with asyncio.timeout(PATIENCE):  # until both replicas have reported
        while True:
            if all(count > before[name] for name, count in (await ended()).items()):
                break
            await asyncio.sleep(0.1)


async def figure(service: RayService, name: str) -> float:
    """The sum of an engine's figure over all replicas, as last reported."""
    status = (await service.status()).slot("language")
    assert status is not None
    return status.figures[name]


@in_one_loop
@pytest.mark.parametrize("sampling", [Sampling(), DRAWN])
async def test_a_text_survives_the_death_of_its_replica(
    ray_cluster: Cluster, remote: RayService, sampling: Sampling
) -> None:
    undisturbed = await whole(remote, write(sampling=sampling))

    def lose_all() -> None:
        kill(ray_cluster.workers("ServeReplica:tokenwise-language"))

    survived = await whole(remote, write(sampling=sampling, seconds=2 * PATIENCE), 10, lose_all)
    assert survived == undisturbed


@in_one_loop
async def test_nothing_is_lost_with_the_coordinator(ray_cluster: Cluster, remote: RayService) -> None:
    undisturbed = await whole(remote, write())
    assert (
        await whole(remote, write(), 5, lambda: kill(ray_cluster.workers("ray::Coordinator"))) == undisturbed
    )
    found = await remote.words.ask(AskWords(caller(seconds=PATIENCE), "king"))
    assert found
    await asyncio.wait_for(remote.loaded(), PATIENCE)


@in_one_loop
async def test_a_reload_rolls_and_one_that_fails_leaves_the_old_version(
    ray_cluster: Cluster, remote: RayService
) -> None:
    spec = load(ray_cluster.config()).specs()["words"]
    before = (await remote.status()).slot("words")
    assert before is not None
    asking = asyncio.ensure_future(_ask_until(remote, stop := asyncio.Event()))
    items = [item async for item in remote.reload(ReloadModel(caller(), "words", spec))]
    assert all(isinstance(item, LoadProgress) and item.serving for item in items[:-1])
    rolled = items[-1]
    assert isinstance(rolled, Reload)
    assert rolled.status.generation == before.generation + 1
    with pytest.raises(ModelError):
        async for _ in remote.reload(ReloadModel(caller(), "words", WordsSpec(str(ROOT / "no such file")))):
            pass
    stop.set()
    assert await asking > 0
    after = (await remote.status()).slot("words")
    assert after is not None
    assert (after.state, after.generation) == (State.READY, before.generation + 1)
    assert after.failure is not None
    assert "/" not in after.failure.sentence


async def _ask_until(service: RayService, stop: asyncio.Event) -> int:
    """Ask continuously; returns the number of answers. Any failure is raised."""
    count = 0
    while not stop.is_set():
        await service.words.ask(AskWords(caller(), "king"))
        count += 1
        await asyncio.sleep(0.02)
    return count


@in_one_loop
async def test_the_status_has_replicas_with_versions_machines_and_memory(remote: RayService) -> None:
    await asyncio.wait_for(remote.loaded(), PATIENCE)
    async with asyncio.timeout(PATIENCE):  # an earlier test killed a replica, and another one takes its place
        while True:
            status = await remote.status()
            if status.lanes["language"].workers == 8:
                break
            await asyncio.sleep(0.1)
    language = status.slot("language")
    assert language is not None
    assert len(language.replicas) == 2
    for replica in language.replicas:
        assert replica.version == language.generation
        assert re.fullmatch(r"[0-9a-f]{8}", replica.node)
        assert replica.memory > 10**7
    assert status.lanes["language"].workers == 8


def test_the_terminal_shows_the_same(ray_cluster: Cluster) -> None:
    until = time.monotonic() + PATIENCE
    while True:  # the replicas of a version that was replaced are listed until they have ended
        shown = ray_cluster.run("serve", "status")
        replicas = re.findall(r"^  on [0-9a-f]{8}: version \d+, ready, ", shown.stdout, flags=re.MULTILINE)
        if len(replicas) == 6 or time.monotonic() > until:
            break
    failed = "no such file" in shown.stderr  # the reload that failed in an earlier test
    assert shown.returncode == (1 if failed else 0), shown.stderr
    assert "language: ready, tiny-phi" in shown.stdout
    assert len(replicas) == 6


WITHOUT_TORCH = """
import asyncio, json, sys
from pathlib import Path
import bot.client
from bot.settings.load import load
from models.service import AskWords, Caller, Generate

async def main():
    service = bot.client.make_service(load(Path(sys.argv[1])))
    await service.connect()
    await service.start()
    await service.loaded()
    await service.words.ask(AskWords(Caller("1", 1), "king"))
    async for _ in service.language.generate(Generate(Caller("2", 1), "The", 3)):
        pass
    await service.close()
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))

asyncio.run(main())
"""


def test_a_process_of_the_bot_loads_no_model_library_and_no_ray(ray_cluster: Cluster) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", WITHOUT_TORCH, str(ray_cluster.config())],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert not {"torch", "transformers", "gensim", "ray"} & set(json.loads(done.stdout.splitlines()[-1]))


def test_without_a_cluster_there_is_one_sentence(ray_cluster: Cluster) -> None:
    nowhere = str(ray_cluster.config("nowhere", "127.0.0.1:1"))
    for arguments in (("run",), ("serve",), ("serve", "status")):
        done = clusters.bot("--config", nowhere, *arguments, DISCORD_TOKEN="x.y.z")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("No Ray cluster can be reached at 127.0.0.1:1.")
        assert "Traceback" not in done.stderr
    local = clusters.bot("--config", str(ROOT / "demo" / "config.toml"), "serve")
    assert local.returncode == 2
    assert local.stderr.startswith('inference.backend is "local"')
