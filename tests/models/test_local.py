"""The models in this process: admission, turns, cancelling and events, with models that answer when the test lets them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from models.failures import AlreadyAsking, Cancelled, LaneFull, Late, NoSuchSlot, OtherModel, Stopping
from models.hub import Hub
from models.local import LocalService
from models.results import ChosenToken, Finish, Generation, Reload
from models.service import (
    AskWords,
    Caller,
    EmbedText,
    Generate,
    GenerationEvent,
    JobDone,
    LoadProgress,
    Queued,
    ReloadModel,
    ServiceEvent,
    SuggestWords,
    Written,
)
from models.slots import LaneLimits
from models.specs import LanguageSpec, WordsSpec

SOON = 10.0


class FakeWords:
    """Word vectors that answer when the test lets them."""

    name, memory, device, dtype, detail = "words", 0, "", "", ""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def probe(self) -> None:
        """It is always well."""

    def ask(self, query: str, n: int, *, by_vector: bool) -> str:
        self.entered.set()
        assert self.opened.wait(SOON)
        return f"{query} {n} {by_vector}"

    def suggest(self, typed: str) -> list[str]:
        return [typed, f"{typed}s"]


class FakeLanguage:
    """A language model that writes a word for each permit."""

    name, memory, device, dtype, detail = "fake", 0, "", "", ""
    concurrent = True

    def __init__(self) -> None:
        self.permits = threading.Semaphore(0)
        self.running = 0
        self.in_engine: dict[str, Callable[[int], object]] = {}

    def probe(self) -> None:
        """It is always well."""

    def generate(self, prompt: str, *, max_new_tokens: int, **options: Any) -> Generation:
        self.running += 1
        self.in_engine[prompt] = options["on_position"]
        ids: list[int] = []
        finish = Finish.LENGTH
        while len(ids) < max_new_tokens:
            if options["stop"].is_set():
                finish = Finish.STOPPED
                break
            if self.permits.acquire(timeout=0.005):
                ids.append(len(ids))
                options["on_text"](f"w{len(ids)} ", (ChosenToken(ids[-1], {}),))
        self.running -= 1
        text = "".join(f"w{number + 1} " for number in ids)
        return Generation("fake", prompt, text, (1,), tuple(ids), finish, 0.1)


Start = Callable[..., Any]


@pytest.fixture
def words() -> FakeWords:
    return FakeWords()


@pytest.fixture
def language() -> FakeLanguage:
    return FakeLanguage()


@pytest.fixture
async def service(words: FakeWords, language: FakeLanguage) -> AsyncIterator[LocalService]:
    hub = Hub(
        {"words": WordsSpec("words"), "language": LanguageSpec("fake")},
        {"words": lambda *_: words, "language": lambda *_: language},
    )
    lanes = {"words": LaneLimits(queue=1), "language": LaneLimits(workers=2, queue=4)}
    service = LocalService(hub, lanes, per_user=2)
    await service.start()
    await service.loaded()
    yield service
    words.opened.set()
    language.permits.release(1000)
    await service.close()


def caller(user: int = 1, request_id: str = "7", **options: Any) -> Caller:
    return Caller(request_id, user, **options)


def generate(user: int, prompt: str, tokens: int = 2) -> Generate:
    return Generate(caller(user, prompt), prompt, tokens)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():  # noqa: ASYNC110 - a thread makes it true
            await asyncio.sleep(0.002)


async def test_a_question_is_answered_with_the_model_of_its_slot(
    service: LocalService, words: FakeWords
) -> None:
    words.opened.set()
    assert str(await service.words.ask(AskWords(caller(), "king", 3))) == "king 3 False"
    assert await service.words.suggest(SuggestWords(caller(typing=True), "ki")) == ("ki", "kis")


async def test_it_is_refused_in_its_first_step(service: LocalService) -> None:
    questions = [asyncio.ensure_future(service.words.ask(AskWords(caller(user), "a"))) for user in (1, 2, 3)]
    await asyncio.sleep(0)
    assert [question.done() for question in questions] == [False, False, True]
    with pytest.raises(LaneFull):
        await questions[2]
    with pytest.raises(NoSuchSlot):
        await service.encoder.embed(EmbedText(caller(4), "a"))
    for question in questions:
        question.cancel()


async def test_one_person_has_so_many_questions_over_all_slots(service: LocalService) -> None:
    streams = [service.language.generate(generate(1, prompt)) for prompt in "ab"]
    for stream in streams:
        await anext(stream)
    with pytest.raises(AlreadyAsking):
        await service.words.ask(AskWords(caller(1), "king"))
    for stream in streams:
        await stream.aclose()


async def test_a_generation_is_a_stream_of_places_text_and_the_whole(
    service: LocalService, language: FakeLanguage
) -> None:
    language.permits.release(2)
    items = [item async for item in service.language.generate(generate(1, "a"))]
    assert items[:3] == [Queued(0), Written("w1 ", (0,)), Written("w2 ", (1,))]
    assert isinstance(items[3], Generation)
    assert items[3].text == "".join(item.text for item in items if isinstance(item, Written))


async def test_closing_the_stream_ends_the_work(service: LocalService, language: FakeLanguage) -> None:
    async with aclosing(service.language.generate(generate(1, "a", 50))) as stream:
        await anext(stream)
        language.permits.release(1)
        assert await anext(stream) == Written("w1 ", (0,))
        assert language.running == 1
    await until(lambda: not language.running)
    await asyncio.wait_for(service.idle(), SOON)


async def test_a_request_is_cancelled_by_its_id_and_ends_with_what_it_has(
    service: LocalService, language: FakeLanguage
) -> None:
    stream = service.language.generate(generate(1, "a", 50))
    await anext(stream)
    language.permits.release(1)
    await anext(stream)
    assert await service.cancel("a")
    whole = [item async for item in stream][-1]
    assert isinstance(whole, Generation)
    assert (whole.finish, whole.text) == (Finish.STOPPED, "w1 ")
    assert not await service.cancel("a"), "it is over"
    assert not await service.cancel("unheard of")


async def test_one_that_waits_is_cancelled_at_once(service: LocalService) -> None:
    running = [service.language.generate(generate(user, str(user), 50)) for user in (1, 2)]
    waiting = service.language.generate(generate(3, "waits"))
    for stream in (*running, waiting):
        await anext(stream)
    assert await service.cancel("waits")
    with pytest.raises(Cancelled):
        async for _ in waiting:
            pass
    for stream in running:
        await stream.aclose()


async def places(stream: Any, found: list[int]) -> None:
    async for item in stream:
        found.extend([item.position] if isinstance(item, Queued) else [])


async def test_the_line_is_one_line_for_the_lane_and_the_engine(
    service: LocalService, language: FakeLanguage
) -> None:
    """Those waiting for a worker are behind those waiting for room in the engine."""
    streams = [service.language.generate(generate(user, str(user), 50)) for user in (1, 2, 3, 4)]
    first: list[GenerationEvent] = [await anext(stream) for stream in streams]
    assert first == [Queued(0), Queued(0), Queued(1), Queued(2)]
    await until(lambda: language.running == 2)
    told: list[list[int]] = [[], [], [], []]
    readers = [
        asyncio.create_task(places(stream, found)) for stream, found in zip(streams, told, strict=True)
    ]
    language.in_engine["2"](1)  # the second text finds no room in the cache
    await until(lambda: told == [[], [1], [2], [3]])
    language.in_engine["2"](0)
    await until(lambda: told == [[], [1, 0], [2, 1], [3, 2]])
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for stream in streams:
        await stream.aclose()


async def test_a_text_of_another_model_is_not_gone_on_with(service: LocalService) -> None:
    request = Generate(caller(), "a", 2, written=(1, 2), model="older")
    with pytest.raises(OtherModel):
        async for _ in service.language.generate(request):
            pass


async def test_seconds_left_are_kept_to(service: LocalService) -> None:
    first, late = (
        asyncio.ensure_future(service.words.ask(AskWords(caller(user, seconds=seconds), "a")))
        for user, seconds in ((1, 5.0), (2, 0.05))
    )
    with pytest.raises(Late):
        await late
    first.cancel()


async def test_who_listens_hears_of_every_end(service: LocalService, words: FakeWords) -> None:
    heard: list[ServiceEvent] = []
    service.listen(heard.append)
    words.opened.set()
    await service.words.ask(AskWords(caller(1, "1"), "a"))
    with pytest.raises(OtherModel):
        async for _ in service.language.generate(Generate(caller(1, "2"), "a", 2, written=(1,))):
            pass
    jobs = [event for event in heard if isinstance(event, JobDone)]
    assert [(done.request_id, done.slot, done.outcome) for done in jobs] == [
        ("1", "words", "answered"),
        ("2", "language", "OtherModel"),
    ]
    assert all(done.queue_seconds >= 0 <= done.run_seconds for done in jobs)


async def test_a_reload_tells_how_far_it_is_and_ends_with_the_new_model(service: LocalService) -> None:
    spec = WordsSpec("other")
    items = [item async for item in service.reload(ReloadModel(caller(), "words", spec))]
    assert all(isinstance(item, LoadProgress) and item.serving for item in items[:-1])
    assert isinstance(items[-1], Reload)
    assert items[-1].status.generation == 2
    with pytest.raises(NoSuchSlot):
        await anext(service.reload(ReloadModel(caller(), "songs", spec)))


async def test_after_the_end_of_admission_nothing_is_admitted(service: LocalService) -> None:
    service.stop_admitting()
    with pytest.raises(Stopping):
        await service.words.ask(AskWords(caller(), "a"))
    assert await service.drain(1.0)
    with contextlib.suppress(Stopping):
        await anext(service.language.generate(generate(1, "a")))
        raise AssertionError("it was admitted")
