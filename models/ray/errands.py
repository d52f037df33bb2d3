"""Calls between the processes of a cluster: their names, and how results and failures are passed on."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from models.failures import Failure
from models.ray.plan import Answer

if TYPE_CHECKING:
    from models.service import Service

log = logging.getLogger(__name__)

T = TypeVar("T")

BY_SLOT: Mapping[str, tuple[str, ...]] = {
    "tokenizers": ("tokenizers.names", "tokenizers.compare", "tokenizers.tokenize", "tokenizers.explain",
                   "tokenizers.decode"),
    "words": ("words.ask", "words.suggest"),
    "songs": ("songs.get", "songs.find", "songs.suggest", "songs.like", "songs.recommend", "songs.map"),
    "encoder": ("encoder.embed", "encoder.contexts", "inside.attention"),
    "language": ("inside.next", "inside.lens", "inside.surprise", "inside.attention", "inside.why", "inside.paths"),
}  # fmt: skip
"""The methods of `models.service.Service` that a slot's replicas answer; text generation streams separately."""


def methods(service: Service, slot: str) -> dict[str, Callable[[Any], Awaitable[Any]]]:
    """The methods of a service that belong to a slot, by name."""
    found = {}
    for name in BY_SLOT[slot]:
        kind, _, method = name.partition(".")
        found[name] = getattr(getattr(service, kind), method)
    return found


async def answered(work: Awaitable[T]) -> Answer[T]:
    """The outcome of an awaitable as a serialisable value, without tracebacks or library exceptions."""
    try:
        return Answer(await work)
    except Failure as failure:
        return Answer(failure=failure)
    except Exception as error:
        log.exception("a question failed")
        return Answer(broken=type(error).__name__)
