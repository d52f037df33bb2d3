"""The registry of model kinds, each defined once.

A new kind of model needs a class for its section of config.toml (`models.sections`), a spec (`models.specs`), a module
that loads it, and an entry in `SLOTS`. Settings, load order, lanes, `check` and `fetch` follow from the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Protocol

from models.progress import Progress
from models.sections import (
    EncoderSection,
    LanguageSection,
    ModelSection,
    SongsSection,
    TokenizersSection,
    WordsSection,
)
from models.specs import EncoderSpec, LanguageSpec, SongsSpec, Spec, TokenizersSpec, WordsSpec


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Size of a lane: threads, places in the queue, and seconds from request to answer."""

    workers: int = 1
    queue: int = 32
    timeout: float = 20
    description: str = "Worker threads. A model itself serves one request at a time."
    """Description of `workers` for the settings reference."""


SUGGESTING = "suggesting"
SUGGESTING_LANE = LaneLimits(workers=2, queue=64, timeout=0.5)
"""A separate lane for autocompletion, so that it and requests never delay each other."""
INSIDE = "inside"
INSIDE_LANE = LaneLimits(workers=1, queue=32, timeout=60)
"""A separate lane for views into the models, which take turns with generation instead of waiting for it."""
EDITABLE = 14 * 60.0
"""Default seconds for a reload: as long as Discord accepts edits that show the progress."""


class Model(Protocol):
    """The interface of every model.

    It may also have `concurrent`, true if several threads may use it at once, `now`, a sentence about its current state,
    such as how full its cache is, `figures`, current numbers by name, and `context`, how many tokens it can look at.
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
        """One sentence that describes the model."""

    def probe(self) -> object:
        """Answer a small test request. Raises if the model does not work."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place for one kind of model."""

    name: str
    """Also the name of its section in config.toml and of its lane."""
    spec: type[Spec]
    section: type[ModelSection]
    loader: str
    """Module and class with `load(spec, progress)`, imported when a model is first loaded: `models.encoder:Encoder`."""
    lane: LaneLimits = field(default_factory=LaneLimits)
    uses_torch: bool = False
    batches: bool = False
    """Whether its workers all wait for one thread that computes a shared batch."""
    cpus: float = 0.2
    """CPUs that one copy reserves on a cluster, unless the settings say otherwise."""
    display_order: int = 100
    """Position in lists that people see: smaller numbers come first."""

    def load(self, spec: Spec, progress: Progress | None) -> Model:
        """Load a model of this kind. Raises ModelError if that fails."""
        module, _, name = self.loader.partition(":")
        model: Model = getattr(import_module(module), name).load(spec, progress)
        return model


SLOTS: Mapping[str, Slot] = MappingProxyType(
    {
        slot.name: slot
        for slot in (
            Slot(
                "tokenizers",
                TokenizersSpec,
                TokenizersSection,
                "models.tokenizers.tokenizer:Tokenizers",
                display_order=2,
            ),
            Slot("words", WordsSpec, WordsSection, "models.words.vectors:WordVectors", display_order=4),
            Slot("songs", SongsSpec, SongsSection, "models.songs.catalogue:SongCatalogue", display_order=5),
            Slot(
                "encoder",
                EncoderSpec,
                EncoderSection,
                "models.encoder:Encoder",
                uses_torch=True,
                display_order=3,
            ),
            Slot(
                "language",
                LanguageSpec,
                LanguageSection,
                "models.language.model:LanguageModel",
                # Its workers only wait for their own tokens from one batch, which one thread computes.
                LaneLimits(8, 16, 300, "Texts that are generated at once, in one batch."),
                uses_torch=True,
                batches=True,
                cpus=1.0,
                display_order=1,
            ),
        )
    }
)
"""By name, in load order: small ones first."""


def in_display_order() -> list[Slot]:
    """The slots in display order, as in config.toml."""
    return sorted(SLOTS.values(), key=lambda slot: slot.display_order)
