"""The kinds of models, each defined once: everything that goes over all of them reads it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Protocol

from models.specs import EncoderSpec, LanguageSpec, Progress, SongsSpec, Spec, TokenizersSpec, WordsSpec


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How wide and how long a lane is: threads, places in the queue, seconds from question to answer."""

    workers: int = 1
    queue: int = 32
    timeout: float = 20.0


class Model(Protocol):
    """What every model tells of itself.

    It may also have `concurrent`, true if several threads may use it at once, and `now`, a sentence about this
    moment, such as how full its cache is.
    """

    @property
    def name(self) -> str: ...
    @property
    def memory(self) -> int:
        """Bytes."""

    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def detail(self) -> str:
        """One sentence on what the model is."""

    def probe(self) -> object:
        """Answer a small question. Raises if the model does not work."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place for one kind of model."""

    name: str
    spec: type[Spec]
    loader: str
    """Module and class with `load(spec, progress)`, imported when a model is first loaded: `models.encoder:Encoder`."""
    lane: LaneLimits = field(default_factory=LaneLimits)
    uses_torch: bool = False
    batches: bool = False
    """Whether all of its workers wait for one thread that computes for everybody."""

    def load(self, spec: Spec, progress: Progress | None) -> Model:
        """A model of this kind. ModelError says why it cannot be had."""
        module, _, name = self.loader.partition(":")
        model: Model = getattr(import_module(module), name).load(spec, progress)
        return model


SLOTS: Mapping[str, Slot] = MappingProxyType(
    {
        slot.name: slot
        for slot in (
            Slot("tokenizers", TokenizersSpec, "models.tokenizers.tokenizer:Tokenizers"),
            Slot("words", WordsSpec, "models.words.vectors:WordVectors"),
            Slot("songs", SongsSpec, "models.songs.catalogue:SongCatalogue"),
            Slot("encoder", EncoderSpec, "models.encoder:Encoder", uses_torch=True),
            Slot(
                "language",
                LanguageSpec,
                "models.language.model:LanguageModel",
                # Its workers only wait for their own tokens of one batch, which one thread computes.
                LaneLimits(workers=8, queue=16, timeout=300.0),
                uses_torch=True,
                batches=True,
            ),
        )
    }
)
"""By name, in the order in which they are loaded: the light ones first."""
