"""The contract between cogs and models: plain values that travel, and nothing that ties them to this process."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any, get_type_hints

import numpy as np
import pytest

from models import results, service
from models.sampling import Sampling
from models.specs import WordsSpec

CALLER = service.Caller("7", 42, 20.0)
VALUES = [
    kind
    for module in (service, results)
    for kind in vars(module).values()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
]
REQUESTS = [
    service.ListTokenizers(CALLER),
    service.CompareTokenizers(CALLER, "text"),
    service.Tokenize(CALLER, "text", None, 1),
    service.Explain(CALLER, "text", results.Aspect.METHOD),
    service.Decode(CALLER, "phi", (1, 2)),
    service.Generate(CALLER, "Once", 10, Sampling(0.7, top_k=5, stop=("\n",)), (1, 2), "phi"),
    service.AskNext(CALLER, "text", Sampling(0.7, min_p=0.1), 15, (1, 2), "phi"),
    service.AskLens(CALLER, "text", -8, 8),
    service.AskSurprise(CALLER, "text"),
    service.AskAttention(CALLER, "text", 1, 2, encoder=True),
    service.AskWhy(CALLER, "Once", 1, (1, 2), "phi"),
    service.AskPaths(CALLER, "text", 3, 4, 7),
    service.EmbedText(CALLER, "text"),
    service.CompareContexts(CALLER, "one", "two"),
    service.AskWords(CALLER, "king - man"),
    service.SuggestWords(CALLER, "ki"),
    service.GetSongs(CALLER, ("1",)),
    service.FindSongs(CALLER, ("Bohemian",)),
    service.SuggestSongs(CALLER, "bo"),
    service.SongsLike(CALLER, ("1",), ("3",), service.By.VECTORS, known=("2",)),
    service.MapSongs(CALLER, ("1", "2")),
    service.SongsFor(CALLER, (("1",), ("2", "3"))),
    service.ReloadModel(CALLER, "words", WordsSpec("words"), fetch=True),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_request_travels_and_cannot_be_changed(request_: Any) -> None:
    assert pickle.loads(pickle.dumps(request_)) == request_  # noqa: S301 - it was made here
    with pytest.raises(dataclasses.FrozenInstanceError):
        request_.caller = None
    hash(request_)


def test_every_request_is_among_those() -> None:
    with_caller = {kind for kind in VALUES if "caller" in {field.name for field in dataclasses.fields(kind)}}
    assert with_caller == {type(request) for request in REQUESTS}


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_values_hold_no_callback_event_or_lock(kind: type[Any]) -> None:
    params = kind.__dataclass_params__
    assert params.frozen, f"{kind.__name__} can be changed"
    for name, hint in get_type_hints(kind).items():
        shown = str(hint)
        assert not any(word in shown for word in ("Callable", "Event", "Lock", "Future", "Task")), name


def test_an_array_travels_as_bytes() -> None:
    numbers = results.Numbers((2, 3), np.arange(6, dtype=np.float32).tobytes())
    assert pickle.loads(pickle.dumps(numbers)) == numbers  # noqa: S301 - it was made here
    assert numbers.array().tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
