"""The models' API: one protocol per kind, with frozen requests and results.

Requests and results are plain values that can be pickled, so the models can run in this process (`models.local`) or
elsewhere. A request carries the remaining seconds, never a clock time, and an id for cancelling it. Every method raises
`models.failures.Failure`: `Busy` or `Stopping` if it is not admitted, before anything else is awaited; `Late`,
`Cancelled`, `NotReady` or `BadInput` later.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar

from models.results import (
    Aspect,
    Attention,
    Attribution,
    Contexts,
    Embedding,
    Explanation,
    Generation,
    Lens,
    Neighbourhood,
    NextToken,
    OddOne,
    Pair,
    Paths,
    Piece,
    Recommendations,
    Reload,
    SlotStatus,
    Song,
    SongPoint,
    Surprise,
    Tokenization,
)
from models.sampling import GREEDY, UNCHANGED, Sampling
from models.specs import Spec

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Caller:
    """The asker. `seconds` are those left for the answer, including waiting; None uses the slot's limit.

    Requests while someone is `typing` do not count against a limit. `questions` is the person's limit of concurrent
    requests; None leaves that to the service.
    """

    request_id: str
    user: int
    seconds: float | None = None
    typing: bool = False
    questions: int | None = None


# Tokenizers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListTokenizers:
    caller: Caller


@dataclass(frozen=True, slots=True)
class CompareTokenizers:
    caller: Caller
    text: str


@dataclass(frozen=True, slots=True)
class Tokenize:
    """`tokenizer` is a name; without one it is the one of number `index` among all."""

    caller: Caller
    text: str
    tokenizer: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Explain:
    """As `Tokenize`, for what `aspect` names."""

    caller: Caller
    text: str
    aspect: Aspect
    tokenizer: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Decode:
    caller: Caller
    tokenizer: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One text as each tokenizer splits it; `failures` say why one is missing or cannot split it, by its name."""

    tokenizations: tuple[Tokenization, ...]
    failures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OneOf(Generic[T_co]):
    """The result of one of `count` tokenizers."""

    found: T_co
    count: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of token ids together and one by one."""

    tokenizer: str
    text: str
    pieces: tuple[Piece, ...]


class TokenizerService(Protocol):
    async def names(self, request: ListTokenizers) -> tuple[str, ...]: ...
    async def compare(self, request: CompareTokenizers) -> Comparison: ...
    async def tokenize(self, request: Tokenize) -> OneOf[Tokenization]: ...
    async def explain(self, request: Explain) -> OneOf[Explanation]:
        """One aspect of how a tokenizer treats a text."""

    async def decode(self, request: Decode) -> Decoded: ...


# Language model --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Generate:
    """A prompt to continue by at most `max_new_tokens`. `written` contains earlier ids of `model` to continue from, which mean
    nothing to another model (`OtherModel`).
    """

    caller: Caller
    prompt: str
    max_new_tokens: int
    sampling: Sampling = GREEDY
    written: tuple[int, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A position in the queue: 1 for the next, 0 for started. `loading` says that the model is not loaded yet."""

    position: int
    loading: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What has been added to the continuation: whole characters, and the ids of all new tokens."""

    text: str
    ids: tuple[int, ...]


GenerationEvent: TypeAlias = Queued | Written | Generation
"""A queue position, then the growing text, then the complete result, also after a stop or timeout."""


class LanguageService(Protocol):
    def generate(self, request: Generate) -> AsyncGenerator[GenerationEvent, None]:
        """Closing the iterator, or cancelling the request, ends the work at the next token.

        `Queued` may occur again later, when a started text waits for room in the cache.
        """


# Looking inside ---------------------------------------------------------------------------------------------


MOST_WIDTH = 5
"""Continuations that `AskPaths` follows at most."""
MOST_DEPTH = 6
"""Tokens of each."""


@dataclass(frozen=True, slots=True)
class AskNext:
    """What could follow a text and the tokens `taken` after it, which are ids of `model` (otherwise `OtherModel`).

    Of `sampling` the temperature and the cuts count; at temperature 0 only the likeliest token is kept. With a seed, a
    token is drawn, too.
    """

    caller: Caller
    text: str
    sampling: Sampling = UNCHANGED
    top: int = 15
    taken: tuple[int, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class AskLens:
    """What each layer would say, at `count` positions from `start` on; a negative `start` counts from the end.

    All positions if `count` is None.
    """

    caller: Caller
    text: str
    start: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class AskSurprise:
    caller: Caller
    text: str


@dataclass(frozen=True, slots=True)
class AskAttention:
    """The attention of one layer, or of one of its heads; of the encoder instead of the language model if `encoder`."""

    caller: Caller
    text: str
    layer: int = 0
    head: int | None = None
    encoder: bool = False


@dataclass(frozen=True, slots=True)
class AskWhy:
    """What token number `place`, counted from 0, of a continuation depends on.

    `written` holds the ids that `model` wrote (else `OtherModel`); what of them is missing up to `place` is written greedily.
    The prompt is read as `Generate` reads it.
    """

    caller: Caller
    prompt: str
    place: int = 0
    written: tuple[int, ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class AskPaths:
    """The tree of the `width` likeliest continuations up to `depth` tokens; the sampled path is drawn with `seed`."""

    caller: Caller
    text: str
    width: int = 3
    depth: int = 4
    seed: int = 0


class InsideService(Protocol):
    """Views into the language model. They take turns with generation, and can be cancelled between layers."""

    async def next(self, request: AskNext) -> NextToken: ...
    async def lens(self, request: AskLens) -> Lens: ...
    async def surprise(self, request: AskSurprise) -> Surprise: ...
    async def attention(self, request: AskAttention) -> Attention: ...
    async def why(self, request: AskWhy) -> Attribution: ...
    async def paths(self, request: AskPaths) -> Paths: ...


# Encoder ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmbedText:
    caller: Caller
    text: str


@dataclass(frozen=True, slots=True)
class CompareContexts:
    caller: Caller
    text: str
    other: str


class EncoderService(Protocol):
    async def embed(self, request: EmbedText) -> Embedding: ...
    async def contexts(self, request: CompareContexts) -> Contexts: ...


# Words -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskWords:
    """A word, a sum such as `king - man + woman`, two words to compare, or more to find the odd one among."""

    caller: Caller
    query: str
    n: int = 10
    by_vector: bool = False


@dataclass(frozen=True, slots=True)
class SuggestWords:
    caller: Caller
    typed: str


class WordService(Protocol):
    async def ask(self, request: AskWords) -> Neighbourhood | Pair | OddOne: ...
    async def suggest(self, request: SuggestWords) -> tuple[str, ...]: ...


# Songs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetSongs:
    caller: Caller
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindSongs:
    """Songs as typed or chosen by people: ids, titles, artists."""

    caller: Caller
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuggestSongs:
    """The songs like what is typed so far; the popular ones before anything is."""

    caller: Caller
    typed: str


class By(StrEnum):
    """How the songs are found that go with some others."""

    PLAYLISTS = "playlists"
    """As for somebody who likes those: the best way."""
    VECTORS = "vectors"
    """By cosine of the vectors, as in the notebook."""


@dataclass(frozen=True, slots=True)
class SongsLike:
    """Songs that go with the `like` ones rather than with the `unlike` ones, all by id. `known` ones are left out."""

    caller: Caller
    like: tuple[str, ...]
    unlike: tuple[str, ...] = ()
    by: By = By.PLAYLISTS
    n: int = 5
    skip: int = 0
    known: tuple[str, ...] = ()
    per_artist: int | None = 2


@dataclass(frozen=True, slots=True)
class SongsFor:
    """Songs for one or several people, of each of whom there are their likes, oldest first.

    Songs that go with the `unlike` ones come later; those they dislike are only left out.
    """

    caller: Caller
    likes: tuple[tuple[str, ...], ...]
    dislikes: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    n: int = 5
    skip: int = 0
    per_artist: int | None = 2


@dataclass(frozen=True, slots=True)
class MapSongs:
    """The songs with these ids on a map."""

    caller: Caller
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SongMatch:
    """A song that was meant; `guessed` if it is the best match for what was typed, not an id or its title."""

    song: Song
    guessed: bool


class Basis(StrEnum):
    """What a list of songs is made from."""

    SONG = "song"
    LIKES = "likes"
    POPULAR_NO_LIKES = "popular: no likes yet"
    POPULAR_UNKNOWN = "popular: too little is known of the song or the likes"
    SHORTER = "nothing on this page any more"
    NOTHING_LEFT = "an opinion on every song"


@dataclass(frozen=True, slots=True)
class SongList:
    """A page of songs and what it is made from; a song in fewer than `few` playlists is little known."""

    basis: Basis
    songs: Recommendations
    few: int = 0
    like: tuple[Song, ...] = ()
    """The songs that all of them go with, if they were asked for by songs."""
    unlike: tuple[Song, ...] = ()
    by: By = By.PLAYLISTS


class SongService(Protocol):
    async def get(self, request: GetSongs) -> tuple[Song, ...]:
        """Those of the ids that the catalogue has."""

    async def find(self, request: FindSongs) -> tuple[SongMatch | None, ...]:
        """For each text the song with this id, or the best match; None where nothing is like it."""

    async def suggest(self, request: SuggestSongs) -> tuple[Song, ...]: ...
    async def like(self, request: SongsLike) -> SongList: ...
    async def recommend(self, request: SongsFor) -> SongList: ...
    async def map(self, request: MapSongs) -> tuple[SongPoint, ...]:
        """Those of the songs that playlists play, in the order of the ids."""


# Models ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReloadModel:
    """Load a slot from `spec`; with `fetch`, first download what is missing or newer."""

    caller: Caller
    slot: str
    spec: Spec
    fetch: bool = False


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The current step, the share done in [0, 1] if known, and whether the old model still answers."""

    what: str
    share: float | None
    serving: bool


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane at one moment: running and waiting jobs, and the limits of both."""

    running: int
    waiting: int
    workers: int
    queue: int


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    slots: tuple[SlotStatus, ...]
    lanes: Mapping[str, LaneStatus]

    def slot(self, name: str) -> SlotStatus | None:
        return next((status for status in self.slots if status.slot == name), None)


@dataclass(frozen=True, slots=True)
class JobDone:
    """For logs and metrics: a finished request, its outcome ("answered" or the name of its failure), and its durations."""

    request_id: str
    slot: str
    outcome: str
    queue_seconds: float
    run_seconds: float


@dataclass(frozen=True, slots=True)
class TextDone:
    """For metrics: a text with at least one token, whatever its outcome.

    Seconds from the request to the first token, waiting included, and from the first token to the last.
    """

    tokens: int
    first_token_seconds: float
    writing_seconds: float


@dataclass(frozen=True, slots=True)
class LoadDone:
    """For metrics: a load of a model, its outcome ("loaded" or the name of the failure), and its duration."""

    slot: str
    outcome: str
    seconds: float


ServiceEvent: TypeAlias = JobDone | TextDone | LoadDone


class Service(Protocol):
    """All models and their state."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The configured slots, in load order."""

    @property
    def tokenizers(self) -> TokenizerService: ...
    @property
    def language(self) -> LanguageService: ...
    @property
    def inside(self) -> InsideService: ...
    @property
    def encoder(self) -> EncoderService: ...
    @property
    def words(self) -> WordService: ...
    @property
    def songs(self) -> SongService: ...

    async def status(self) -> ServiceStatus:
        """The status of slots and lanes. Never waits for a model."""

    def reload(self, request: ReloadModel) -> AsyncGenerator[LoadProgress | Reload, None]:
        """Load a model while the old one serves, then replace it; the last item is the result."""

    def listen(self, listener: Callable[[ServiceEvent], object]) -> None:
        """Call `listener` on the event loop whenever a request, a text or a load ends."""

    async def cancel(self, request_id: str) -> bool:
        """Cancel a request; returns whether there was one."""

    async def start(self) -> None:
        """Start loading every model in the background."""

    async def loaded(self) -> None:
        """Wait until the first load of every model has succeeded or failed."""

    async def idle(self) -> None:
        """Wait until nothing is waiting or running, except loads."""

    def stop_admitting(self) -> None:
        """Stop admitting, and fail waiting jobs with `Stopping`. Running jobs continue."""

    async def drain(self, seconds: float) -> bool:
        """Let running work finish for at most `seconds`, then stop it; returns whether all of it finished."""

    async def close(self) -> None:
        """Release everything. The service cannot be used afterwards."""
