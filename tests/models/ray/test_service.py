"""How a process of the bot handles an unreliable cluster, with a cluster under the control of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest

from models.failures import (
    BadInput,
    Cancelled,
    ClusterAway,
    Late,
    ModelUnavailable,
    NoCluster,
    NoReplica,
    NotDeployed,
    NotYourTurn,
    NoWordGiven,
    Stopping,
)
from models.ray import service as module
from models.ray.admission import Admission
from models.ray.errands import answered
from models.ray.frames import Item
from models.ray.link import Link, LostError, NotConnected
from models.ray.plan import Admitted, Answer, News, Question
from models.ray.service import RayService, SlotLimits, WorkerFailed
from models.results import ChosenToken, Finish, Generation, SlotStatus, State
from models.sampling import Sampling
from models.service import (
    AskWords,
    Caller,
    Generate,
    JobDone,
    Queued,
    ServiceEvent,
    SuggestWords,
    Written,
)
from models.specs import LanguageSpec, WordsSpec

SOON = 10.0
SLOTS = {"words": SlotLimits(WordsSpec("words"), 5.0), "language": SlotLimits(LanguageSpec("fake"), 5.0)}


class Cluster:
    """A coordinator's state, replicas whose answers the test provides, and a network that it can cut."""

    def __init__(self) -> None:
        self.books = Admission()
        self.books.set_lane("language", capacity=1, queue=2)
        self.books.set_lane("words", capacity=1, queue=0)
        self.reachable = True
        self.deployed = True
        self.states = {"words": State.READY, "language": State.READY}
        self.failure: Any = None
        self.apps = {"words": ("words-1",), "language": ("language-1",)}
        self.links: list[FakeLink] = []
        self.asked: list[tuple[str, Any]] = []
        """The requests that reached a replica, by the application."""
        self.cancelled: list[str] = []
        self.answer: Callable[[Any], Any] = lambda request: f"answer to {request.query}"
        self.lost = asyncio.Event()
        """Set while no replica answers."""
        self.writing: Callable[[Generate], AsyncGenerator[Any, None]]
        self.answers_admissions = asyncio.Event()
        """Cleared while admissions take effect but the replies are delayed."""
        self.answers_admissions.set()
        self.news_lost = 0
        """How many of the next news are lost on their way."""

    def cut(self) -> None:
        self.reachable = False
        for link in self.links:
            link.end()

    def forget(self) -> None:
        """The coordinator restarts with no state."""
        lanes = self.books.status
        self.books = Admission()
        for name, lane in lanes.items():
            self.books.set_lane(name, lane.workers, lane.queue)

    def news(self, client: str) -> News:
        slots = tuple(
            SlotStatus(slot, f"model of {slot}", state, failure=self.failure)
            for slot, state in self.states.items()
        )
        return News(self.books.places(client), slots, self.books.status, self.apps)


class FakeLink:
    """`models.ray.link.Link` without a process."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.ended = asyncio.Event()
        self._gone: dict[tuple[str, str], asyncio.Event] = {}
        cluster.links.append(self)

    def end(self) -> None:
        self.ended.set()

    def tell(self, method: str, *arguments: Any) -> None:
        task = asyncio.ensure_future(getattr(self, f"_{method}")(*arguments))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def call(self, method: str, *arguments: Any) -> Any:
        work = asyncio.ensure_future(getattr(self, f"_{method}")(*arguments))
        ended = asyncio.ensure_future(self.ended.wait())
        gone = asyncio.ensure_future(self._gone.setdefault(arguments[:2], asyncio.Event()).wait())
        await asyncio.wait({work, ended, gone}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        gone.cancel()
        if not work.done():
            work.cancel()
            raise LostError
        return work.result()

    async def stream(
        self, _method: str, _slot: str, app: str, request: Generate
    ) -> AsyncGenerator[Item, None]:
        self._cluster.asked.append((app, request))
        async for event in self._cluster.writing(request):
            if self.ended.is_set():
                raise LostError
            yield Item(0, event, last=False)
        yield Item(0)

    def give_up(self, slot: str, apps: tuple[str, ...]) -> None:
        for (asked, app), gone in self._gone.items():
            if asked == slot and app not in apps:
                gone.set()

    async def close(self) -> None:
        self.end()

    async def _answer(self, _slot: str, app: str, _errand: str, request: Any) -> Answer[Any]:
        self._cluster.asked.append((app, request))
        if self._cluster.lost.is_set():
            raise LostError

        async def work() -> Any:
            answer = self._cluster.answer(request)
            return await answer if asyncio.iscoroutine(answer) else answer

        return await answered(work())

    async def _cancel(self, _slot: str, _app: str, request_id: str) -> None:
        self._cluster.cancelled.append(request_id)

    async def _coordinator(self, method: str, *arguments: Any) -> Any:
        await asyncio.sleep(0.002)
        cluster = self._cluster
        if not cluster.deployed:
            raise LostError
        if method == "news":
            client = arguments[0]
            if not cluster.books.knows(client):
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(cluster.books.changes(client).wait(), 0.02)
            news = cluster.news(client) if cluster.books.knows(client) else None
            if cluster.news_lost:
                cluster.news_lost -= 1
                raise LostError
            return news
        if method == "admit":
            question, slot = arguments

            async def admit() -> Admitted:
                return Admitted(cluster.books.admit(question), cluster.apps[slot][0])

            answer = await answered(admit())
            await cluster.answers_admissions.wait()
            return answer
        return getattr(cluster.books, method)(*arguments)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()

    async def connect(_address: str, _client: str) -> FakeLink:
        if not cluster.reachable:
            raise NotConnected
        return FakeLink(cluster)

    monkeypatch.setattr(Link, "connect", connect)
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(module, "LONGEST_RETRY", 0.05)
    monkeypatch.setattr(module, "LOST_PAUSE", 0.01)
    monkeypatch.setattr(module, "POLL", 0.01)
    return cluster


@pytest.fixture
async def service(cluster: Cluster) -> AsyncIterator[RayService]:
    assert cluster.reachable
    service = RayService("127.0.0.1:1", SLOTS, per_user=2)
    await service.start()
    await asyncio.wait_for(service.loaded(), SOON)
    yield service
    await service.close()


def caller(user: int = 1, request_id: str = "7", seconds: float | None = None) -> Caller:
    return Caller(request_id, user, seconds)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():  # noqa: ASYNC110 - the service sets no event for it
            await asyncio.sleep(0.002)


def tokens(count: int) -> Callable[[Generate], AsyncGenerator[Any, None]]:
    """A model that writes the numbers of its tokens, starting from the current position."""

    async def write(request: Generate) -> AsyncGenerator[Any, None]:
        made = list(request.begun)
        while len(made) < count:
            token = ChosenToken(len(made), {len(made): 1.0})
            made.append(token)
            yield Written(f"{token.id} ", (token.id,), (token,))
        ids = tuple(token.id for token in made)
        text = "".join(f"{number} " for number in ids)
        yield Generation("fake", request.prompt, text, (1,), ids, Finish.LENGTH, 0.1)

    return write


async def test_a_question_is_asked_again_when_its_replica_is_lost(
    service: RayService, cluster: Cluster
) -> None:
    cluster.lost.set()
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(), "king")))
    await until(lambda: len(cluster.asked) > 2)
    cluster.lost.clear()
    assert str(await asking) == "answer to king"
    await until(lambda: cluster.books.status["words"].running == 0)


async def test_a_request_to_a_version_that_is_deleted_is_asked_again(
    service: RayService, cluster: Cluster
) -> None:
    waiting = asyncio.Event()

    async def never(_: AskWords) -> str:
        waiting.set()
        await asyncio.Event().wait()
        return "too late"

    cluster.answer = never
    asking = asyncio.create_task(service.words.ask(AskWords(Caller("1", 1), "king")))
    await asyncio.wait_for(waiting.wait(), SOON)
    cluster.answer = lambda request: f"answer to {request.query}"
    cluster.apps["words"] = ("words-2",)
    assert str(await asyncio.wait_for(asking, SOON)) == "answer to king"
    assert [app for app, _ in cluster.asked] == ["words-1", "words-2"]


async def test_without_any_replica_the_deadline_ends_it_in_one_sentence(
    service: RayService, cluster: Cluster
) -> None:
    cluster.lost.set()
    with pytest.raises(Late) as caught:
        await service.words.ask(AskWords(caller(seconds=0.2), "king"))
    assert isinstance(caught.value, NoReplica)


async def test_a_text_goes_on_after_its_last_token_on_another_replica(
    service: RayService, cluster: Cluster
) -> None:
    whole = tokens(6)
    attempts: list[Generate] = []

    async def breaks(request: Generate) -> AsyncGenerator[Any, None]:
        attempts.append(request)
        left = 2
        async for event in whole(request):
            if isinstance(event, Written):
                if len(attempts) < 3 and not left:
                    raise LostError
                left -= 1
            yield event

    cluster.writing = breaks
    request = Generate(caller(), "prompt", 6, Sampling(temperature=1.0))
    events = [event async for event in service.language.generate(request)]
    assert "".join(event.text for event in events if isinstance(event, Written)) == "0 1 2 3 4 5 "
    assert isinstance(events[-1], Generation)
    assert events[-1].output_ids == (0, 1, 2, 3, 4, 5)
    assert [len(attempt.begun) for attempt in attempts] == [0, 2, 4]
    assert len({attempt.sampling.seed for attempt in attempts}) == 1
    assert attempts[0].sampling.seed is not None
    assert [attempt.model for attempt in attempts] == ["", "model of language", "model of language"]


async def test_it_goes_on_when_the_whole_cluster_was_away(service: RayService, cluster: Cluster) -> None:
    begun = asyncio.Event()
    whole = tokens(4)

    async def waits(request: Generate) -> AsyncGenerator[Any, None]:
        async for event in whole(request):
            yield event
            if not request.begun:
                begun.set()
                await asyncio.sleep(0.05)

    cluster.writing = waits

    async def text() -> Generation:
        found = [event async for event in service.language.generate(Generate(caller(), "prompt", 4))][-1]
        assert isinstance(found, Generation)
        return found

    writing = asyncio.ensure_future(text())
    await begun.wait()
    cluster.cut()
    await until(lambda: not service._here.is_set())
    status = (await service.status()).slot("language")
    assert status is not None
    assert isinstance(status.failure, ClusterAway)
    with pytest.raises(ClusterAway):
        await service.words.ask(AskWords(caller(2), "king"))
    cluster.forget()
    cluster.reachable = True
    assert (await asyncio.wait_for(writing, SOON)).output_ids == (0, 1, 2, 3)
    assert str(await service.words.ask(AskWords(caller(2), "king"))) == "answer to king"


async def test_a_coordinator_that_is_started_again_is_told_what_was_promised(
    service: RayService, cluster: Cluster
) -> None:
    go_on = asyncio.Event()
    whole = tokens(2)

    async def waits(request: Generate) -> AsyncGenerator[Any, None]:
        await go_on.wait()
        async for event in whole(request):
            yield event

    cluster.writing = waits
    streams = [service.language.generate(Generate(caller(user, str(user)), "p", 2)) for user in (1, 2, 3)]
    assert [await anext(stream) for stream in streams] == [Queued(0), Queued(1), Queued(2)]
    cluster.forget()
    await until(lambda: cluster.books.status["language"].waiting == 2)
    assert cluster.books.status["language"].running == 1
    go_on.set()
    for stream in streams:
        last = [event async for event in stream][-1]
        assert isinstance(last, Generation)


async def test_what_is_asked_while_the_coordinator_is_started_again_waits_for_it(
    service: RayService, cluster: Cluster
) -> None:
    cluster.deployed = False
    await until(lambda: not service._here.is_set())
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(), "king")))
    await asyncio.sleep(0.05)
    assert not asking.done()
    cluster.forget()
    cluster.deployed = True
    assert str(await asyncio.wait_for(asking, SOON)) == "answer to king"


async def test_stop_ends_a_text_with_what_there_is_and_one_that_waits_at_once(
    service: RayService, cluster: Cluster
) -> None:
    async def until_cancelled(request: Generate) -> AsyncGenerator[Any, None]:
        token = ChosenToken(0, {})
        yield Written("0 ", (0,), (token,))
        await until(lambda: request.caller.request_id in cluster.cancelled)
        yield Generation("fake", request.prompt, "0 ", (1,), (0,), Finish.STOPPED, 0.1)

    cluster.writing = until_cancelled
    first = service.language.generate(Generate(caller(1, "first"), "p", 9))
    second = service.language.generate(Generate(caller(2, "second"), "p", 9))
    assert [await anext(first), await anext(second)] == [Queued(0), Queued(1)]
    assert isinstance(await anext(first), Written)
    assert await service.cancel("second")
    with pytest.raises(Cancelled):
        await anext(second)
    assert await service.cancel("first")
    last = [event async for event in first][-1]
    assert isinstance(last, Generation)
    assert last.finish is Finish.STOPPED
    assert not await service.cancel("first")


async def test_closing_the_stream_gives_the_place_back(service: RayService, cluster: Cluster) -> None:
    ended = asyncio.Event()

    async def endless(_: Generate) -> AsyncGenerator[Any, None]:
        try:
            while True:
                yield Written("0 ", (0,), (ChosenToken(0, {}),))
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    cluster.writing = endless
    heard: list[ServiceEvent] = []
    service.listen(heard.append)
    async with aclosing(service.language.generate(Generate(caller(), "p", 9))) as stream:
        await anext(stream)
        assert isinstance(await anext(stream), Written)
    await asyncio.wait_for(service.idle(), SOON)
    await until(lambda: not cluster.books.status["language"].running)
    assert [event.outcome for event in heard if isinstance(event, JobDone)] == ["Cancelled"]


async def test_failures_keep_their_facts_and_what_nobody_foresaw_its_kind(
    service: RayService, cluster: Cluster
) -> None:
    def refuse(_: Any) -> Any:
        raise NoWordGiven

    def break_(_: Any) -> Any:
        raise ZeroDivisionError("/srv/secret/path")

    cluster.answer = refuse
    with pytest.raises(BadInput):
        await service.words.ask(AskWords(caller(), ""))
    cluster.answer = break_
    with pytest.raises(WorkerFailed) as caught:
        await service.words.ask(AskWords(caller(), "king"))
    assert str(caught.value) == "ZeroDivisionError"


async def test_what_keeps_a_model_from_answering_is_said_at_once(
    service: RayService, cluster: Cluster
) -> None:
    cluster.states["words"], cluster.failure = State.FAILED, NoWordGiven()
    await until(lambda: service._news and service._news.slots[0].state is State.FAILED)
    with pytest.raises(ModelUnavailable):
        await service.words.ask(AskWords(caller(), "king"))


async def test_one_that_waits_ends_with_its_time(service: RayService, cluster: Cluster) -> None:
    async def slow(_: Any) -> str:
        await asyncio.sleep(0.5)
        return "late"

    cluster.books.set_lane("words", capacity=1, queue=1)
    cluster.answer = slow
    first = asyncio.ensure_future(service.words.ask(AskWords(caller(1, "1"), "a")))
    await until(lambda: cluster.asked)
    with pytest.raises(NotYourTurn):
        await service.words.ask(AskWords(caller(2, "2", 0.05), "b"))
    assert str(await first) == "late"


async def test_a_turn_that_came_while_the_news_was_lost_is_told_again(
    service: RayService, cluster: Cluster
) -> None:
    cluster.books.set_lane("words", capacity=1, queue=1)
    cluster.books.admit(Question("other", "elsewhere", "words", 5, privileged=False, per_user=2))
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(), "king")))
    await until(lambda: cluster.books.status["words"].waiting)
    cluster.news_lost = 2
    cluster.books.release("elsewhere", "other")
    assert str(await asking) == "answer to king"


async def test_a_turn_may_come_before_the_reply_that_promised_a_place(
    service: RayService, cluster: Cluster
) -> None:
    cluster.answers_admissions.clear()
    cluster.books.set_lane("words", capacity=1, queue=1)
    cluster.books.admit(Question("other", "elsewhere", "words", 5, privileged=False, per_user=2))
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(), "king")))
    await until(lambda: cluster.books.status["words"].waiting)
    cluster.books.release("elsewhere", "other")
    await until(lambda: next(iter(service._jobs.values())).began)
    cluster.answers_admissions.set()
    assert str(await asking) == "answer to king"


async def test_a_place_that_was_given_back_while_the_bridge_was_gone_is_free(
    service: RayService, cluster: Cluster
) -> None:
    async def never(_: Any) -> None:
        await asyncio.Event().wait()

    cluster.answer = never
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(), "king")))
    await until(lambda: cluster.asked)
    cluster.cut()
    await until(lambda: service._link is None)
    asking.cancel()
    await service.idle()
    assert cluster.books.status["words"].running == 1
    cluster.reachable = True
    await until(lambda: cluster.books.status["words"].running == 0)


async def test_suggestions_take_no_place_and_little_time(service: RayService, cluster: Cluster) -> None:
    async def never(_: Any) -> None:
        await asyncio.sleep(SOON)

    cluster.answer = lambda request: (request.typed,)
    assert await service.words.suggest(SuggestWords(caller(), "ki")) == ("ki",)
    cluster.answer = never
    with pytest.raises(Late):
        await service.words.suggest(SuggestWords(caller(), "ki"))


async def test_what_stops_admits_nothing_more(service: RayService) -> None:
    service.stop_admitting()
    with pytest.raises(Stopping):
        await service.words.ask(AskWords(caller(), "king"))
    assert await service.drain(1.0)


async def test_without_a_cluster_connecting_fails_in_one_sentence(cluster: Cluster) -> None:
    cluster.reachable = False
    service = RayService("127.0.0.1:1", SLOTS, per_user=2)
    with pytest.raises(NoCluster, match=r"127\.0\.0\.1:1"):
        await service.connect()


async def test_a_cluster_without_models_says_so_and_answers_once_they_are_there(cluster: Cluster) -> None:
    cluster.deployed = False
    service = RayService("127.0.0.1:1", SLOTS, per_user=2)
    await service.start()
    await until(lambda: isinstance(service._away, NotDeployed))
    status = (await service.status()).slot("words")
    assert status is not None
    assert isinstance(status.failure, NotDeployed)
    with pytest.raises(NotDeployed):
        await service.words.ask(AskWords(caller(), "king"))
    cluster.deployed = True
    await asyncio.wait_for(service.loaded(), SOON)
    assert str(await service.words.ask(AskWords(caller(), "king"))) == "answer to king"
    await service.close()


async def test_a_question_that_is_settled_is_known_to_be_admitted_or_refused(
    service: RayService, cluster: Cluster
) -> None:
    """So that only the person who asks sees a refusal, before an answer is promised."""
    question = Question("other", "elsewhere", "words", 5, privileged=False, per_user=2)
    cluster.books.admit(question)
    asking = asyncio.ensure_future(service.words.ask(AskWords(caller(1, "refused"), "king")))
    await service.settled("refused")
    await asyncio.sleep(0)
    assert asking.done()
    assert asking.exception() is not None
    await service.settled("never asked")
