"""The kinds of models, each defined once: everything that goes over all of them reads it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

from models.specs import EncoderSpec, LanguageSpec, Progress, SongsSpec, Spec, TokenizersSpec, WordsSpec


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How wide and how long a lane is: threads, places in the queue, seconds from question to answer."""

    workers: int = 1
    queue: int = 32
    timeout: float = 20.0


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

    def load(self, spec: Spec, progress: Progress | None) -> Any:
        """A model of this kind. ModelError says why it cannot be had."""
        module, _, name = self.loader.partition(":")
        return getattr(import_module(module), name).load(spec, progress)


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
