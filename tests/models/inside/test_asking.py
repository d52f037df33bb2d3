"""The views through the service: their lane, their turns, and what cancels them."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.failures import BadInput, Cancelled, Late, NoSuchSlot, OtherModel
from models.hub import Hub
from models.inside import lens as lens_module
from models.language.model import LanguageModel
from models.local import LocalService
from models.results import Attention, Attribution, Generation, Lens, NextToken, Paths, Surprise
from models.service import (
    AskAttention,
    AskLens,
    AskNext,
    AskPaths,
    AskSurprise,
    AskWhy,
    Caller,
    Generate,
)
from models.slots import INSIDE, LaneLimits
from models.specs import LanguageSpec
from tests.models.inside import architectures

TEXT = "The engineer is a person."
SOON = 10.0


@pytest.fixture
async def service() -> AsyncIterator[LocalService]:
    model = architectures.built(architectures.CONFIGURATIONS["llama"])
    hub = Hub({"language": LanguageSpec("tiny")}, {"language": lambda *_: model})
    service = LocalService(hub, {"language": LaneLimits(workers=2, queue=4)}, per_user=3)
    await service.start()
    await service.loaded()
    yield service
    await service.close()


def caller(request_id: str = "7", **options: Any) -> Caller:
    return Caller(request_id, 1, **options)


async def test_each_view_answers_with_a_value_that_travels(service: LocalService) -> None:
    inside = service.inside
    found: list[NextToken | Lens | Surprise | Attention | Attribution | Paths] = [
        await inside.next(AskNext(caller(), TEXT)),
        await inside.lens(AskLens(caller(), TEXT)),
        await inside.surprise(AskSurprise(caller(), TEXT)),
        await inside.attention(AskAttention(caller(), TEXT, 1)),
        await inside.why(AskWhy(caller(), TEXT)),
        await inside.paths(AskPaths(caller(), TEXT)),
    ]
    for view in found:
        assert view.reading.model == "tiny"
        assert pickle.loads(pickle.dumps(view)) == view  # noqa: S301 - it was made here
    with pytest.raises(BadInput):
        await inside.lens(AskLens(caller(), ""))
    with pytest.raises(NoSuchSlot):
        await inside.attention(AskAttention(caller(), TEXT, encoder=True))
    await asyncio.wait_for(service.idle(), SOON)


async def test_ids_of_another_model_are_refused(service: LocalService) -> None:
    with pytest.raises(OtherModel):
        await service.inside.next(AskNext(caller(), TEXT, taken=(1,), model="phi"))
    with pytest.raises(OtherModel):
        await service.inside.why(AskWhy(caller(), TEXT, written=(1,), model="phi"))
    assert (await service.inside.next(AskNext(caller(), TEXT, taken=(1,), model="tiny"))).reading.ids[-1] == 1


class _Slow:
    """Holds a view between two layers until the test lets it go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        plain = lens_module.lens

        def slow(model: LanguageModel, text: str, **options: Any) -> object:
            check = options.pop("check")

            def pause() -> None:
                self.entered.set()
                self.opened.wait(0.001)
                check()

            while not self.opened.is_set():
                plain(model, text, check=pause, **options)
            return plain(model, text, check=check, **options)

        monkeypatch.setattr(lens_module, "lens", slow)


async def test_a_view_can_be_cancelled_and_has_a_deadline(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = _Slow(monkeypatch)
    view = asyncio.ensure_future(service.inside.lens(AskLens(caller("slow"), TEXT)))
    assert await asyncio.to_thread(slow.entered.wait, SOON)
    assert await service.cancel("slow")
    with pytest.raises(Cancelled):
        await view
    await asyncio.wait_for(service.idle(), SOON)
    with pytest.raises(Late):
        await service.inside.lens(AskLens(caller("late", seconds=0.05), TEXT))
    await asyncio.wait_for(service.idle(), SOON)


async def test_texts_are_written_while_a_view_takes_long(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = _Slow(monkeypatch)
    view = asyncio.ensure_future(service.inside.lens(AskLens(caller("slow"), TEXT)))
    assert await asyncio.to_thread(slow.entered.wait, SOON)
    assert service.lanes.status[INSIDE].running == 1
    items = [item async for item in service.language.generate(Generate(caller("text"), TEXT, 8))]
    assert isinstance(items[-1], Generation)
    assert not view.done()
    slow.opened.set()
    assert (await view).reading.text == TEXT
