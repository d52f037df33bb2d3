"""The sections of config.toml for models: one class per kind, with descriptions and allowed values of the keys."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict

import texts
from models.specs import (
    Columns,
    EncoderSpec,
    LanguageSpec,
    Layout,
    SongsSpec,
    Spec,
    TokenizersSpec,
    WordsSpec,
)

# The kind of place that a key names. The settings make relative paths absolute, and `check` tests whether they exist.
PATH: JsonDict = {"place": "path"}
NAME: JsonDict = {"place": "name"}
VECTORS: JsonDict = {"place": "vectors"}
ADDRESS: JsonDict = {"place": "address"}


class Rule(NamedTuple):
    """A validator that can describe what it allows."""

    message: str
    """Name of the message that describes the allowed values."""
    holds: Callable[[Any], object]

    @property
    def words(self) -> str:
        return texts.say(self.message)

    def __call__(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(self.words)
        return value


Name = Annotated[str, Field(min_length=1)]
Device = Annotated[
    str, AfterValidator(Rule("setting-device", re.compile(r"auto|cpu|mps|cuda(:\d+)?").fullmatch))
]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
LONGEST_WORD = 30


def _is_encoding(name: str) -> bool:
    try:
        return not name or "a".encode(name).decode(name) == "a"
    except (LookupError, ValueError):
        return False


Encoding = Annotated[str, AfterValidator(Rule("setting-encoding", _is_encoding))]
Word = Annotated[
    str,
    AfterValidator(Rule("setting-word", lambda word: len(word) <= LONGEST_WORD and word.isprintable())),
]


class Section(BaseModel):
    """A table of config.toml."""

    # Strict, so that `queue = "16"` in the file is an error. Environment variables are strings, which their source
    # parses as the expected type.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelSection(Section):
    """The table of one kind of model."""

    @abstractmethod
    def spec(self, data_dir: Path, workers: int, /) -> Spec:
        """The spec to load. `data_dir` is the folder for downloads, `workers` the number of the lane's workers."""


class LanguageSection(ModelSection):
    name: Name = Field(description="A causal language model.", json_schema_extra=NAME)
    device: Device = Field("auto", description="Where it runs. auto: a GPU if there is one.")
    dtype: Dtype = Field("auto", description="Number format of the weights. auto: whatever suits the device.")
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")
    kv_tokens: int = Field(
        16384,
        ge=64,
        le=10_000_000,
        description="Size of the KV cache in tokens: prompts and texts of all people together.",
    )
    together: bool = Field(
        default=True,
        description="Whether texts are generated in one batch. false: each one separately, which is slower for several.",
    )
    int8: bool = Field(
        default=False,
        description="Whether weights are kept in 8 bits: on a CPU only; faster, half the memory of 16 bits, less exact.",
    )
    runtime: Literal["auto", "torch", "compiled"] = Field(
        "auto",
        description="What generates texts on a CPU: torch, or a step compiled for this processor. auto: the faster one.",
    )
    tokens_per_second: int = Field(
        0,
        ge=0,
        le=1000,
        description="Maximum speed of a text in tokens per second, so that people can watch it grow. 0: no limit.",
    )
    max_new_tokens: int = Field(400, ge=1, le=8192, description="Maximum number of new tokens for /generate.")
    default_new_tokens: int = Field(
        100, ge=1, le=8192, description="New tokens of /generate unless specified."
    )

    @field_validator("default_new_tokens")
    @classmethod
    def _within_the_limit(cls, value: int, info: ValidationInfo) -> int:
        limit = info.data.get("max_new_tokens", value)
        if value > limit:
            raise ValueError(texts.say("setting-default-new-tokens", limit=str(limit)))
        return value

    def spec(self, data_dir: Path, workers: int, /) -> LanguageSpec:
        options = self.model_dump(exclude={"max_new_tokens", "default_new_tokens"})
        return LanguageSpec(**options, batch=workers, cache=data_dir / "language")


class TokenizersSection(ModelSection):
    names: Annotated[list[Name], Field(min_length=1)] = Field(
        description="The tokenizers that /tokens compares.", json_schema_extra=NAME
    )

    def spec(self, _data_dir: Path, _workers: int, /) -> TokenizersSpec:
        return TokenizersSpec(tuple(self.names))


class EncoderSection(ModelSection):
    name: Name = Field(
        description="A model that gives every token a vector that depends on its context.",
        json_schema_extra=NAME,
    )
    tokenizer: str = Field(
        "", description="The encoder's tokenizer. Empty: the model's own.", json_schema_extra=NAME
    )
    device: Device = Field("auto", description="Where it runs. auto: a GPU if there is one.")
    dtype: Dtype = Field("auto", description="Number format of the weights. auto: whatever suits the device.")
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")

    def spec(self, _data_dir: Path, _workers: int, /) -> EncoderSpec:
        return EncoderSpec(**self.model_dump())


class WordsSection(ModelSection):
    name: Name = Field(description="The word vectors: a file, address or dataset.", json_schema_extra=VECTORS)
    neighbours: int = Field(10, ge=1, le=25, description="Neighbours that /similar shows unless specified.")

    def spec(self, data_dir: Path, _workers: int, /) -> WordsSpec:
        return WordsSpec(self.name, data_dir)


class SongsColumns(Section):
    """`models.specs.Columns`."""

    list: str = Field("", description="Column with the person, playlist or session that a row belongs to.")
    item: str = Field("", description="Column with the item's id.")
    rating: str = Field("", description="Column with the rating, a number.")
    time: str = Field("", description="Column with the time, used to order a list.")
    title: str = Field("", description="Column with the title.")
    by: str = Field("", description="Column with the artist, author or maker.")
    tags: str = Field("", description="Column with the tags, separated by bars, commas or semicolons.")


class SongsWords(Section):
    """Replacements for the words about songs; the keys are terms of the messages."""

    item: Word = Field("", description="The word for one item. Empty: song.")
    items: Word = Field("", description="Its plural. Empty: songs.")
    list: Word = Field("", description="The word for a list of items. Empty: playlist.")
    lists: Word = Field("", description="Its plural. Empty: playlists.")
    by: Word = Field("", description="The word for the maker of an item. Empty: artist.")


class SongsSection(ModelSection):
    songs: Name = Field(
        description="The songs: a table with ids, titles and artists, or a dataset that also contains the playlists.",
        json_schema_extra=ADDRESS,
    )
    playlists: str | None = Field(
        None,
        description="The playlists: one line of song ids each, or any other layout in docs/catalogues.md. Empty: "
        "`songs` contains both.",
        json_schema_extra=ADDRESS,
    )
    tags: str | None = Field(
        None,
        description="Tag ids, one line per line of the table. Empty: none.",
        json_schema_extra=ADDRESS,
    )
    tag_names: str | None = Field(
        None,
        description="The names of the tags: id, tag. Empty: use the ids.",
        json_schema_extra=ADDRESS,
    )
    vector_size: int = Field(32, ge=1, le=1024, description="Numbers in a song's vector.")
    window: int = Field(20, ge=1, le=10_000, description="Songs to each side that count as context.")
    negative: int = Field(50, ge=1, le=1000, description="Negative samples per pair.")
    min_count: int = Field(1, ge=1, le=1_000_000, description="Songs with fewer plays are left out.")
    epochs: int = Field(5, ge=1, le=1000, description="Training passes over the playlists.")
    seed: int = Field(
        1, ge=0, lt=2**32, description="Seed of the training; the same seed gives the same vectors."
    )

    min_rating: float | None = Field(
        None,
        allow_inf_nan=False,
        description="For catalogues with ratings: the lowest rating that counts as a like. None: four fifths of the highest.",
    )
    encoding: Encoding = Field("", description="Text encoding of the files, such as cp1252. Empty: detected.")
    columns: SongsColumns = SongsColumns()
    words: SongsWords = SongsWords()

    @field_validator("playlists", "tags", "tag_names", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    def spec(self, data_dir: Path, _workers: int, /) -> SongsSpec:
        values = self.model_dump(exclude={"columns", "min_rating", "encoding", "words"})
        layout = Layout(Columns(**self.columns.model_dump()), self.min_rating, self.encoding)
        values["playlists"] = self.playlists or ""
        return SongsSpec(**values, layout=layout, cache=data_dir / "songs", data_dir=data_dir)
