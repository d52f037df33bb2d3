"""The models' results.

Plain frozen dataclasses without torch or Discord. A model returns them from a worker thread, a cog
draws them, and the terminal prints them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from models.failures import Failure
from models.function_words import is_function_word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class State(StrEnum):
    """The state of a slot."""

    EMPTY = "empty"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class Finish(StrEnum):
    """Why a text ended."""

    EOS = "eos"
    """The model ended it with its end token or one of its own stop strings."""
    LENGTH = "length"
    """It reached `max_new_tokens`."""
    CONTEXT = "context"
    """The context window is full."""
    STOP = "stop"
    """It reached one of the texts in `Sampling.stop`."""
    STOPPED = "stopped"
    """Someone stopped it."""
    DEADLINE = "deadline"
    """The request's time was up."""
    MAX_TIME = "max_time"
    """It reached the model's own time limit for a text."""


class Algorithm(StrEnum):
    """A tokenizer's algorithm. A tokenizer written in Python has its own, named after its class."""

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
    """The meaning of a part of a token that is not text; its sentence is `token-mark-<value>` in `texts/`."""

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
    and `continues` that it is marked as continuing one (`##`).
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
    """A token that does not represent text. It has one or more `roles`; `here` counts its occurrences in the text,
    and `added` whether the tokenizer adds it to every text.
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
    vocabulary is asked; `word` is the one with the most merges, or the most tokens where nothing is merged, and `steps`
    how it came to its tokens, a merge, a longest match or a probability in each. The pair that is merged next is in
    brackets. Without a word whose tokens can be followed exactly both are empty.
    """

    name: str
    algorithm: Algorithm | str
    normalized: str | None
    whole: tuple[str, ...]
    chunks: tuple[str, ...]
    word: str
    steps: tuple[str, ...]

    @property
    def merges(self) -> bool:
        """Whether the steps are merges."""
        return len(self.steps) > 1 and self.algorithm in _MERGING

    @property
    def idea(self) -> str:
        """The name of the sentences in `texts/` that explain the algorithm."""
        return f"idea-{_IDEAS.get(self.algorithm, 'other')}"


_MERGING = {Algorithm.BYTE_LEVEL_BPE, Algorithm.BPE, Algorithm.BPE_BYTE_FALLBACK}
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
    """The explanations of a tokenizer and a text."""

    PIECES = "pieces"
    BYTES = "bytes"
    SPECIAL_TOKENS = "special tokens"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Why the tokenizer called `name` cannot answer for a text."""

    name: str
    reason: str


Explanation: TypeAlias = Tokenization | Specials | Method | Unexplained


@dataclass(frozen=True, slots=True)
class ChosenToken:
    """The id of a token, and the probabilities, before temperature and all cuts, of the likeliest tokens and of itself by id."""

    id: int
    probabilities: Mapping[int, float]


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
    """A continuation of `prompt`: `text` and `output_ids` contain only what is new.

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
    """A word in two texts, and the cosine in [-1, 1] between its vectors there: 1 means that the context
    changed nothing. The vector of a word with several tokens is their mean.
    """

    text: str
    cosine: float
    first: Word
    second: Word


@dataclass(frozen=True, slots=True)
class Contexts:
    """The shared words of two texts, those that moved most first. `unrelated` is the mean cosine between
    different words of the two texts, as a baseline.
    """

    first: Embedding
    second: Embedding
    words: tuple[SharedWord, ...]
    unrelated: float | None

    @property
    def moved(self) -> SharedWord:
        """The word that moved most, preferably not a function word."""
        return next((word for word in self.words if not is_function_word(word.text)), self.words[0])


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A word and its cosine to the query, in [-1, 1]."""

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
    """The nearest words to a query such as `king - man + woman`, best first."""

    model: str
    query: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    points: tuple[MapPoint, ...]
    explained: float = 0.0
    """Share of the variance that the two axes of the map keep, in [0, 1]."""
    by_vector: bool = False
    """Whether the query was for the vector, so that its words are included in the results."""


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
    """Words in the vocabulary; the highest possible rank is one less."""


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
class Reason:
    """A song that supports a recommendation: `shared` of its `playlists` also contain the recommended song.

    0 of 0 if that was not counted; 0 of some if only similar playlists contain the recommended song.
    """

    song: Song
    shared: int = 0
    playlists: int = 0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A song and its reasons, strongest first; none for a merely popular song.

    `playlists` is how many playlists of the catalogue play it.
    """

    song: Song
    reasons: tuple[Reason, ...] = ()
    playlists: int = 0

    @property
    def because(self) -> tuple[Song, ...]:
        """The seed songs that it came from."""
        return tuple(reason.song for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Recommendations:
    """`unknown` contains requested or liked ids that the catalogue or the model does not know; `more` says
    that there is a next page.
    """

    model: str
    songs: tuple[Recommendation, ...]
    seeds: tuple[Song, ...]
    unknown: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class SongPoint:
    """A song's position on a map, without a unit: songs are close together if they share neighbours in playlists."""

    song: Song
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One of several copies of a slot's model: its name and its machine's, the version that it holds, the bytes that its
    process takes, the jobs that it works on, and how many it has ended.
    """

    name: str
    node: str
    version: int
    state: State
    memory: int
    running: int
    ended: int = 0


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """The public status of a slot. `memory` is in bytes, `load_seconds` in seconds."""

    slot: str
    name: str
    state: State
    device: str = ""
    dtype: str = ""
    memory: int = 0
    load_seconds: float = 0.0
    detail: str = ""
    """One sentence: what the model is, or why it is not loaded."""
    window: int | None = None
    """Tokens that a model can look at, where it has such a limit and says so."""
    generation: int = 0
    """Number of successful loads of the slot."""
    leases: int = 0
    failure: Failure | None = None
    """Why the last load failed; its `sentence` is for everyone, its `hint` for admins."""
    figures: Mapping[str, float] = field(default_factory=dict, compare=False)
    """Current numbers for metrics; they depend on the kind of model."""
    replicas: tuple[ReplicaStatus, ...] = ()
    """The copies on other machines, if the models run there; `memory` is their sum."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes: of the whole process, and of its models by their own count."""

    process: int
    models: int


@dataclass(frozen=True, slots=True)
class Reload:
    """A slot after a reload, with the memory before and after.

    `drained` says that two copies did not fit, so the old model was freed before the new one was loaded.
    """

    status: SlotStatus
    before: Memory
    after: Memory
    drained: bool = False


# Looking inside ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a model read it: `pieces` has one entry per token. `bos_left_out` says that the tokenizer has a
    beginning-of-text token but does not add it, so nothing precedes the first token.
    """

    model: str
    text: str
    pieces: tuple[Piece, ...]
    bos_left_out: bool = False

    @property
    def ids(self) -> list[int]:
        return [piece.id for piece in self.pieces]

    @property
    def tokens(self) -> list[str]:
        return [piece.text for piece in self.pieces]


@dataclass(frozen=True, slots=True)
class Guess:
    """A token, and the probability in [0, 1] that a model gives it."""

    piece: Piece
    probability: float


@dataclass(frozen=True, slots=True)
class Option:
    """A possible next token: the model's own `probability`, and `kept`, the probability under the settings: 0 if it is cut,
    otherwise renormalised.
    """

    piece: Piece
    probability: float
    kept: float


@dataclass(frozen=True, slots=True)
class NextToken:
    """The distribution over the next token. `options` are the likeliest before the settings, likeliest first.

    The entropies are in bits: of the model's own distribution, and of what the settings leave; `left` is how many tokens
    they leave. `added` is the text of the tokens taken after the text, `drawn` what the seed of the settings draws.
    """

    reading: Reading
    options: tuple[Option, ...]
    entropy_bits: float
    kept_entropy_bits: float
    left: int
    added: str = ""
    drawn: Option | None = None

    @property
    def choices(self) -> float:
        """The number of equally likely tokens with the same entropy."""
        return float(2**self.entropy_bits)

    @property
    def kept_choices(self) -> float:
        return float(2**self.kept_entropy_bits)


@dataclass(frozen=True, slots=True)
class Lens:
    """Each layer's prediction of the next token, at the positions `[start, start + count)` of the text.

    `layers` has a row for the embedding, one for what each layer but the last puts out, and one for what the model answers; in
    each the likeliest token at every position.
    """

    reading: Reading
    layers: tuple[tuple[Guess, ...], ...]
    start: int = 0

    def takes_over(self, column: int) -> int:
        """The first row from which all rows agree with the model's answer, for a column of `layers`."""
        answer = self.layers[-1][column].piece.id
        rows = range(len(self.layers))
        return next(
            row for row in rows if all(layer[column].piece.id == answer for layer in self.layers[row:])
        )


@dataclass(frozen=True, slots=True)
class Surprising:
    """A surprising token: its position, its bits, and the expected tokens, likeliest first."""

    place: int
    bits: float
    expected: tuple[Guess, ...]


@dataclass(frozen=True, slots=True)
class Surprise:
    """The surprisal of each token of a text: -log2 of its probability, in bits.

    None for a first token with nothing before it. `perplexity` is 2 to the power of the others' mean, None if there are
    none. In a text longer than `window` tokens, each token was read with at least half a window before it.
    """

    reading: Reading
    bits: tuple[float | None, ...]
    perplexity: float | None
    peaks: tuple[Surprising, ...]
    window: int

    @property
    def mean_bits(self) -> float | None:
        return None if self.perplexity is None else math.log2(self.perplexity)


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array of float32 as bytes, the last axis fastest."""

    shape: tuple[int, ...]
    data: bytes = field(repr=False)

    def array(self) -> NDArray[np.float32]:
        """The numbers as a read-only array."""
        import numpy as np  # noqa: PLC0415 - results themselves need no library

        return np.frombuffer(self.data, dtype=np.float32).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What a head attends to, as shares in [0, 1] of its attention: to the token before, to the first token, and to the token
    after an earlier occurrence of the same one (induction). Averages over the tokens of the text, of the induction score over
    the second half of random tokens that come twice.
    """

    layer: int
    head: int
    previous: float
    first: float
    induction: float


@dataclass(frozen=True, slots=True)
class Attention:
    """Where tokens look. `weights` are of one `layer`, shape (heads, tokens, tokens): row i, column j is how much of the
    attention of token i goes to token j. Only `head` is there if one was asked for. `mean` is over all layers and heads.

    Layers and heads are counted from 0. `scores` has one for each head of each layer; none for an encoder, whose tokens
    look both ways.
    """

    reading: Reading
    layer: int
    head: int | None
    layers: int
    heads: int
    weights: Numbers
    mean: Numbers
    scores: tuple[HeadScores, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a context and what the target owes to it: the places of its tokens, by how much the natural logarithm of the
    target's probability falls if the tokens are taken out, and the sum of gradient x input over them.

    `occlusion` is None where nothing would be left, `gradient` for a model without derivatives. Where words of a long text are
    taken out several at a time, `group` is the same for them.
    """

    text: str
    places: tuple[int, ...]
    occlusion: float | None
    gradient: float | None
    group: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a token rests on. `reading` is all that the model had read when it wrote `target`, its template and earlier tokens of
    its own included; `parts` are the words of the prompt. `written` counts the tokens of its own.
    """

    reading: Reading
    target: Guess
    parts: tuple[Part, ...]
    gradients: tuple[float, ...] | None
    """Gradient x input of each token, in the unit of the logarithm; None for a model without derivatives."""
    written: int = 0

    @property
    def occlusion(self) -> list[float | None]:
        """One for each token; those of a word have the whole word's, and what is no word of the prompt None."""
        found: list[float | None] = [None] * len(self.reading.pieces)
        for part in self.parts:
            for place in part.places:
                found[place] = part.occlusion
        return found


@dataclass(frozen=True, slots=True)
class Branch:
    """A token of a tree of continuations: its probability after those before it, and what may follow, likeliest first.

    `greedy` marks the path of the likeliest token each time, `sampled` one that was drawn; `ends` that the model ends there.
    """

    piece: Piece
    probability: float
    next: tuple[Branch, ...] = ()
    greedy: bool = False
    sampled: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Paths:
    """The likeliest continuations of a text as a tree. `root` is the last token of the text, with probability 1."""

    reading: Reading
    root: Branch
    width: int
    depth: int
    seed: int
