"""Every question to the models has the same answer in this process and on a cluster, to the last bit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import torch

from bot.client import local_service
from bot.settings.load import load
from models.failures import Failure
from models.ray.errands import BY_SLOT
from models.ray.service import RayService
from models.results import Aspect, Generation
from models.sampling import Sampling
from models.service import (
    AskAttention,
    AskLens,
    AskNext,
    AskPaths,
    AskSurprise,
    AskWhy,
    AskWords,
    By,
    CompareContexts,
    CompareTokenizers,
    Decode,
    EmbedText,
    Explain,
    FindSongs,
    Generate,
    GetSongs,
    ListTokenizers,
    MapSongs,
    Service,
    SongsFor,
    SongsLike,
    SuggestSongs,
    SuggestWords,
    Tokenize,
    Written,
)
from tests.models.ray.cluster import Cluster
from tests.models.ray.conftest import caller

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

TEXT = "The engineer repaired the old bridge 🌉 in Zürich."
Make = Callable[..., Any]

QUESTIONS: list[tuple[str, Make, dict[str, Any]]] = [
    ("tokenizers.names", ListTokenizers, {}),
    ("tokenizers.compare", CompareTokenizers, {"text": TEXT}),
    ("tokenizers.tokenize", Tokenize, {"text": TEXT, "index": 1}),
    ("tokenizers.tokenize", Tokenize, {"text": TEXT, "tokenizer": "tiny-llama"}),
    ("tokenizers.tokenize", Tokenize, {"text": TEXT, "tokenizer": "no such one"}),
    *(("tokenizers.explain", Explain, {"text": TEXT, "aspect": aspect}) for aspect in Aspect),
    ("tokenizers.decode", Decode, {"tokenizer": "tiny-phi", "ids": (5, 300, 17, 255)}),
    ("tokenizers.decode", Decode, {"tokenizer": "tiny-phi", "ids": (10**9,)}),
    ("words.ask", AskWords, {"query": "king"}),
    ("words.ask", AskWords, {"query": "king - man + woman", "n": 3, "by_vector": True}),
    ("words.ask", AskWords, {"query": "king, queen"}),
    ("words.ask", AskWords, {"query": "king, queen, bread, emperor"}),
    ("words.ask", AskWords, {"query": "kinng"}),
    ("words.ask", AskWords, {"query": ""}),
    ("words.suggest", SuggestWords, {"typed": "ki"}),
    ("songs.get", GetSongs, {"ids": ("0", "3", "no such one")}),
    ("songs.find", FindSongs, {"texts": ("3", "love", "zzzzqqq")}),
    ("songs.suggest", SuggestSongs, {"typed": ""}),
    ("songs.suggest", SuggestSongs, {"typed": "lo"}),
    ("songs.like", SongsLike, {"like": ("0", "3"), "unlike": ("5",)}),
    ("songs.like", SongsLike, {"like": ("3",), "by": By.VECTORS}),
    ("songs.recommend", SongsFor, {"likes": (("0", "3", "7"), ("9",)), "n": 4}),
    ("songs.map", MapSongs, {"ids": ("0", "3", "7", "9")}),
    ("encoder.embed", EmbedText, {"text": TEXT}),
    ("encoder.embed", EmbedText, {"text": ""}),
    ("encoder.contexts", CompareContexts, {"text": "a river bank", "other": "a bank for money"}),
    ("inside.next", AskNext, {"text": TEXT}),
    ("inside.next", AskNext, {"text": TEXT, "sampling": Sampling(temperature=1.2, top_k=9, seed=5)}),
    ("inside.next", AskNext, {"text": TEXT, "taken": (5,), "model": "another"}),
    ("inside.lens", AskLens, {"text": TEXT, "start": -3, "count": 2}),
    ("inside.surprise", AskSurprise, {"text": TEXT}),
    ("inside.attention", AskAttention, {"text": TEXT, "layer": 1}),
    ("inside.attention", AskAttention, {"text": TEXT, "layer": 0, "head": 1, "encoder": True}),
    ("inside.attention", AskAttention, {"text": TEXT, "layer": 99}),
    ("inside.why", AskWhy, {"prompt": "The engineer repaired", "place": 2}),
    ("inside.paths", AskPaths, {"text": "The engineer", "width": 2, "depth": 2, "seed": 4}),
]

TEXTS: list[dict[str, Any]] = [
    {},
    {"sampling": Sampling(repetition_penalty=1.3)},
    {"sampling": Sampling(temperature=1.1, top_p=0.9, seed=11)},
    {"sampling": Sampling(stop=(" the",))},
    {"prompt": ""},
    {"written": (5, 6), "model": "another"},
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def here(ray_cluster: Cluster) -> AsyncIterator[Service]:
    """The same models in this process, with as many torch threads as a replica."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    service = local_service(load(ray_cluster.config()))
    await service.start()
    await service.loaded()
    yield service
    await service.close()
    torch.set_num_threads(threads)


async def outcome(service: Service, errand: str, make: Make, facts: dict[str, Any]) -> object:
    """The answer to a question, or the failure message shown to people."""
    kind, _, method = errand.partition(".")
    try:
        return await getattr(getattr(service, kind), method)(make(caller(), **facts))
    except Failure as failure:
        return type(failure), failure.facts, str(failure)


@pytest.mark.parametrize(("errand", "make", "facts"), QUESTIONS)
async def test_a_question_has_one_answer(
    here: Service, remote: RayService, errand: str, make: Make, facts: dict[str, Any]
) -> None:
    assert await outcome(remote, errand, make, facts) == await outcome(here, errand, make, facts)


async def test_every_kind_of_question_is_among_them() -> None:
    assert {errand for errand, _, _ in QUESTIONS} == {name for names in BY_SLOT.values() for name in names}


async def text(service: Service, facts: dict[str, Any]) -> object:
    """The progress and the complete text of a generation; or the failure message shown to people."""
    request = Generate(caller(), **{"prompt": "The engineer", "max_new_tokens": 12, **facts})
    told = ""
    try:
        async with aclosing(service.language.generate(request)) as events:
            async for event in events:
                if isinstance(event, Written):
                    told += event.text
                elif isinstance(event, Generation):
                    return told, replace(event, seconds=0.0)
    except Failure as failure:
        return type(failure), failure.facts, str(failure)
    return None


@pytest.mark.parametrize("facts", TEXTS)
async def test_a_text_is_the_same(here: Service, remote: RayService, facts: dict[str, Any]) -> None:
    assert await text(remote, facts) == await text(here, facts)
