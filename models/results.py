"""What the models answer with.

Plain frozen dataclasses and nothing else: no torch, no Discord. A model returns them from a worker
thread, a cog draws them, the terminal prints them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from models.failures import Failure


class State(StrEnum):
    """Where a slot of the hub stands."""

    EMPTY = "empty"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class Finish(StrEnum):
    """Why a text ended."""

    EOS = "eos"
    """The model ended it, by its end token or one of its own stop strings."""
    LENGTH = "length"
    """`max_new_tokens` were written."""
    CONTEXT = "context"
    """The model's window is full."""
    STOP = "stop"
    """One of the texts in `Sampling.stop` was written."""
    STOPPED = "stopped"
    """Somebody asked for it."""
    DEADLINE = "deadline"
    """The asker's time was over."""
    MAX_TIME = "max_time"
    """The model's own settings give a text so much time and no more."""


class Algorithm(StrEnum):
    """How a tokenizer works. One written in Python has an algorithm of its own, which is called by its class instead."""

    BYTE_LEVEL_BPE = "byte-level BPE"
    BPE = "BPE"
    BPE_BYTE_FALLBACK = "BPE with byte fallback"
    WORDPIECE = "WordPiece"
    UNIGRAM = "Unigram"
    UNIGRAM_BYTE_FALLBACK = "Unigram with byte fallback"
    WHOLE_WORDS = "whole words"
    SENTENCEPIECE = "SentencePiece"


class Role(StrEnum):
    """What a special token is for; its sentence is `role-<value>` in `texts/`."""

    CLS = "cls"
    BOS = "bos"
    BOS_LEFT_OUT = "bos-left-out"
    SEP = "sep"
    EOS = "eos"
    MASK = "mask"
    PAD = "pad"
    UNKNOWN = "unknown"
    NEVER_UNKNOWN = "never-unknown"
    GAP = "gap"
    RESERVED = "reserved"


class Mark(StrEnum):
    """What a part of a token means that is no text; its sentence is `token-mark-<value>` in `texts/`."""

    CONTINUES = "continues"
    WORD_END = "word-end"
    SPACE_BYTE = "space-byte"
    SPACE = "space"
    BYTE = "byte"
    HALF_CHARACTER = "half-character"


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a text.

    `text` is what `tokenizer.decode([id])` gives, the way people usually print tokens; it loses the
    word-start mark of SentencePiece and shows an incomplete UTF-8 sequence as U+FFFD. `token` is the
    entry as the vocabulary spells it. `raw` holds the bytes the token stands for, where its
    vocabulary is made of bytes (byte-level BPE, byte-fallback tokens); `partial` says that they are no
    whole characters by themselves. `word_start` says that the vocabulary marks it as beginning a word
    and `continues` that it is marked as going on with one (`##`).
    """

    id: int
    text: str
    token: str
    special: bool = False
    raw: bytes | None = None
    partial: bool = False
    word_start: bool = False
    continues: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """Characters whose bytes are in several tokens: the first of these by its place in the text, all of them, and the text
    that they make together.
    """

    place: int
    pieces: tuple[Piece, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Tokenization:
    """How one tokenizer splits one text. `vocab_size` counts every entry, added ones included."""

    name: str
    text: str
    pieces: tuple[Piece, ...]
    vocab_size: int
    algorithm: Algorithm | str

    @property
    def ids(self) -> list[int]:
        return [piece.id for piece in self.pieces]

    @property
    def tokens(self) -> list[str]:
        return [piece.text for piece in self.pieces]

    @property
    def count(self) -> int:
        return len(self.pieces)

    @property
    def characters_per_token(self) -> float:
        """Code points of the text for each token that came from it; special tokens do not count."""
        own = sum(not piece.special for piece in self.pieces)
        return len(self.text) / own if own else 0.0

    @property
    def splits(self) -> tuple[Split, ...]:
        """The characters of the text whose bytes are in several tokens."""
        found: list[Split] = []
        waiting: list[Piece] = []
        for place, piece in enumerate(self.pieces):
            if piece.raw is None or not (piece.partial or waiting):
                waiting = []
                continue
            waiting.append(piece)
            try:
                text = b"".join(part.raw or b"" for part in waiting).decode()
            except UnicodeDecodeError:
                continue
            found.append(Split(place - len(waiting) + 1, tuple(waiting), text))
            waiting = []
        return tuple(found)


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A token that stands for no text. It has one or more `roles`; `here` is how often it is in the text that was looked at,
    and `added` whether the tokenizer puts it around every text by itself.
    """

    token: str
    id: int
    roles: tuple[Role, ...]
    here: int
    added: bool


@dataclass(frozen=True, slots=True)
class Specials:
    """The special tokens of one tokenizer, those of the text first, and what the marks in its other tokens mean."""

    name: str
    tokens: tuple[SpecialToken, ...]
    marks: tuple[tuple[str, Mark], ...]


@dataclass(frozen=True, slots=True)
class Method:
    """What a tokenizer does, in general and to one text, step by step.

    `normalized` is the text after the normalizer, if that changed it; `whole` are special and other added tokens
    that the text spells, which are found before all else; `chunks` is what the rest is cut into before any
    vocabulary is asked; `word` is the one that came to most tokens, and `steps` how that happened, a merge, a longest
    match or a probability in each. Without a word whose tokens can be followed exactly both are empty.
    """

    name: str
    algorithm: Algorithm | str
    normalized: str | None
    whole: tuple[str, ...]
    chunks: tuple[str, ...]
    word: str
    steps: tuple[str, ...]

    @property
    def idea(self) -> str:
        """The name of the sentences in `texts/` that explain the algorithm."""
        return f"idea-{_IDEAS.get(self.algorithm, 'other')}"


_IDEAS: dict[str, str] = {
    Algorithm.BYTE_LEVEL_BPE: "byte-level-bpe",
    Algorithm.BPE: "bpe",
    Algorithm.BPE_BYTE_FALLBACK: "bpe-byte-fallback",
    Algorithm.WORDPIECE: "wordpiece",
    Algorithm.UNIGRAM: "unigram",
    Algorithm.UNIGRAM_BYTE_FALLBACK: "unigram-byte-fallback",
    Algorithm.WHOLE_WORDS: "whole-words",
}


class Aspect(StrEnum):
    """What can be explained about a tokenizer and a text."""

    PIECES = "pieces"
    BYTES = "bytes"
    SPECIAL_TOKENS = "special tokens"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Why the tokenizer called `name` has nothing to say about a text."""

    name: str
    reason: str


Explanation: TypeAlias = Tokenization | Specials | Method | Unexplained


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that could come next, and the probability in [0, 1] that the model gave it, before
    the temperature and all cuts. `text` is what `tokenizer.decode([id])` gives.
    """

    id: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """Why a token was written: the one that was chosen, and the five likeliest that were not, likeliest
    first. Where tokens are drawn, one of those may have been likelier.
    """

    chosen: Candidate
    others: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """A continuation of `prompt`: `text` and `output_ids` hold what is new, not the prompt again.

    A text that ended at a stop string includes it. `input_ids` and `output_ids` are token ids of the model's own
    tokenizer: all that it read, and what it wrote. `seed` is None where nothing was drawn. `steps` has one for each of
    `output_ids`; `pieces` one for each of both. `chat` says that the prompt was put into the model's chat template.
    """

    model: str
    prompt: str
    text: str
    input_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    finish: Finish
    seconds: float
    seed: int | None = None
    steps: tuple[Step, ...] = field(default=(), repr=False)
    pieces: tuple[Piece, ...] = field(default=(), repr=False)
    chat: bool = False

    @property
    def tokens_per_second(self) -> float:
        return len(self.output_ids) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, and the places of the tokens that it was cut into."""

    text: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Contextual vectors of one text. `shape` is (texts, tokens, numbers per token), so (1, T, D);
    `vectors` holds T rows of D floats. `words` is empty where the tokenizer does not know its words.
    """

    model: str
    text: str
    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    shape: tuple[int, int, int]
    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    pieces: tuple[Piece, ...] = field(default=(), repr=False)
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedWord:
    """A word that stands in two texts, and the cosine in [-1, 1] between its vectors there: 1 means that the
    context changed nothing. The vector of a word of several tokens is the mean of theirs.
    """

    text: str
    cosine: float
    first: Word
    second: Word


@dataclass(frozen=True, slots=True)
class Contexts:
    """The words that two texts share, those that moved most first. `unrelated` is the mean cosine between the
    different words of the two texts: what a cosine is worth here.
    """

    first: Embedding
    second: Embedding
    words: tuple[SharedWord, ...]
    unrelated: float | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word and its cosine to the question, in [-1, 1]."""

    word: str
    score: float


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A word's place on the 2-D map (principal components of the words shown; no unit)."""

    word: str
    x: float
    y: float
    asked: bool


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The nearest words to a question such as `king - man + woman`, best first."""

    model: str
    query: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    points: tuple[MapPoint, ...]
    explained: float = 0.0
    """Share of the variance that the two axes of the map keep, in [0, 1]."""
    by_vector: bool = False
    """Whether the vector was asked about and not the words, so that they are answers too."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words, the cosine between their vectors in [-1, 1], and which neighbour, from 1, each is of the other."""

    model: str
    first: str
    second: str
    cosine: float
    rank_of_second: int
    rank_of_first: int
    words: int
    """Words in the vocabulary: the highest rank there could be is one less."""


@dataclass(frozen=True, slots=True)
class OddOne:
    """Several words with their cosines to the mean of all of them, nearest first: the last fits least."""

    model: str
    words: tuple[Neighbour, ...]
    points: tuple[MapPoint, ...]
    explained: float = 0.0

    @property
    def odd(self) -> str:
        return self.words[-1].word


@dataclass(frozen=True, slots=True)
class Song:
    id: str
    title: str
    artist: str

    @property
    def label(self) -> str:
        return f"{self.title} - {self.artist}" if self.artist else self.title


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A song and the seed songs it came from, strongest first; empty for a merely popular song.

    `playlists` is how many playlists of the catalogue play it.
    """

    song: Song
    because: tuple[Song, ...] = ()
    playlists: int = 0


@dataclass(frozen=True, slots=True)
class Recommendations:
    """`unknown` holds the asked-for or liked ids that the catalogue or the model does not know; `more` says
    that there is a next page.
    """

    model: str
    songs: tuple[Recommendation, ...]
    seeds: tuple[Song, ...]
    unknown: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One slot of the hub as people see it. `memory` is in bytes, `load_seconds` in seconds."""

    slot: str
    name: str
    state: State
    device: str = ""
    dtype: str = ""
    memory: int = 0
    load_seconds: float = 0.0
    detail: str = ""
    """One sentence: what the model is, or why it is not there."""
    generation: int = 0
    """How often the slot was filled; grows with every successful reload."""
    leases: int = 0
    failure: Failure | None = None
    """Why the last load failed; its `sentence` is for everybody, its `hint` for the people who run the bot."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that the process holds in memory, and those of the models in it as they count themselves."""

    process: int
    models: int


@dataclass(frozen=True, slots=True)
class Reload:
    """A slot after its model was exchanged, and the memory before and after.

    `drained` says that two copies did not fit: the old model was let go before the new one was loaded.
    """

    status: SlotStatus
    before: Memory
    after: Memory
    drained: bool = False
