"""`models.service`'s protocols for each kind of model, as requests to a Ray cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from models.results import (
    Attention,
    Attribution,
    Contexts,
    Embedding,
    Explanation,
    Lens,
    Neighbourhood,
    NextToken,
    OddOne,
    Pair,
    Paths,
    Song,
    SongPoint,
    Surprise,
    Tokenization,
)
from models.service import (
    AskAttention,
    AskLens,
    AskNext,
    AskPaths,
    AskSurprise,
    AskWhy,
    AskWords,
    CompareContexts,
    CompareTokenizers,
    Comparison,
    Decode,
    Decoded,
    EmbedText,
    Explain,
    FindSongs,
    Generate,
    GenerationEvent,
    GetSongs,
    ListTokenizers,
    MapSongs,
    OneOf,
    SongList,
    SongMatch,
    SongsFor,
    SongsLike,
    SuggestSongs,
    SuggestWords,
    Tokenize,
)
from models.slots import INSIDE

if TYPE_CHECKING:
    from models.ray.service import RayService


class _Kind:
    """Requests to one slot."""

    slot: str

    def __init__(self, service: RayService) -> None:
        self._service = service

    async def _ask(self, errand: str, request: Any) -> Any:
        return await self._service.ask(self.slot, errand, request)

    async def _look_up(self, errand: str, request: Any) -> Any:
        return await self._service.look_up(self.slot, errand, request)


class Tokenizers(_Kind):
    """`models.service.TokenizerService`."""

    slot = "tokenizers"

    async def names(self, request: ListTokenizers) -> tuple[str, ...]:
        names: tuple[str, ...] = await self._look_up("tokenizers.names", request)
        return names

    async def compare(self, request: CompareTokenizers) -> Comparison:
        comparison: Comparison = await self._ask("tokenizers.compare", request)
        return comparison

    async def tokenize(self, request: Tokenize) -> OneOf[Tokenization]:
        found: OneOf[Tokenization] = await self._ask("tokenizers.tokenize", request)
        return found

    async def explain(self, request: Explain) -> OneOf[Explanation]:
        found: OneOf[Explanation] = await self._ask("tokenizers.explain", request)
        return found

    async def decode(self, request: Decode) -> Decoded:
        decoded: Decoded = await self._ask("tokenizers.decode", request)
        return decoded


class Language(_Kind):
    """`models.service.LanguageService`."""

    slot = "language"

    def generate(self, request: Generate) -> AsyncGenerator[GenerationEvent, None]:
        return self._service.write(request)


class Inside(_Kind):
    """`models.service.InsideService`."""

    slot = "language"

    async def next(self, request: AskNext) -> NextToken:
        found: NextToken = await self._view("inside.next", request)
        return found

    async def lens(self, request: AskLens) -> Lens:
        found: Lens = await self._view("inside.lens", request)
        return found

    async def surprise(self, request: AskSurprise) -> Surprise:
        found: Surprise = await self._view("inside.surprise", request)
        return found

    async def attention(self, request: AskAttention) -> Attention:
        slot = "encoder" if request.encoder else "language"
        found: Attention = await self._view("inside.attention", request, slot)
        return found

    async def why(self, request: AskWhy) -> Attribution:
        found: Attribution = await self._view("inside.why", request)
        return found

    async def paths(self, request: AskPaths) -> Paths:
        found: Paths = await self._view("inside.paths", request)
        return found

    async def _view(self, errand: str, request: Any, slot: str = "language") -> Any:
        return await self._service.ask(slot, errand, request, INSIDE)


class Encoder(_Kind):
    """`models.service.EncoderService`."""

    slot = "encoder"

    async def embed(self, request: EmbedText) -> Embedding:
        embedding: Embedding = await self._ask("encoder.embed", request)
        return embedding

    async def contexts(self, request: CompareContexts) -> Contexts:
        contexts: Contexts = await self._ask("encoder.contexts", request)
        return contexts


class Words(_Kind):
    """`models.service.WordService`."""

    slot = "words"

    async def ask(self, request: AskWords) -> Neighbourhood | Pair | OddOne:
        found: Neighbourhood | Pair | OddOne = await self._ask("words.ask", request)
        return found

    async def suggest(self, request: SuggestWords) -> tuple[str, ...]:
        words: tuple[str, ...] = await self._look_up("words.suggest", request)
        return words


class Songs(_Kind):
    """`models.service.SongService`."""

    slot = "songs"

    async def get(self, request: GetSongs) -> tuple[Song, ...]:
        songs: tuple[Song, ...] = await self._ask("songs.get", request)
        return songs

    async def find(self, request: FindSongs) -> tuple[SongMatch | None, ...]:
        matches: tuple[SongMatch | None, ...] = await self._ask("songs.find", request)
        return matches

    async def suggest(self, request: SuggestSongs) -> tuple[Song, ...]:
        songs: tuple[Song, ...] = await self._look_up("songs.suggest", request)
        return songs

    async def like(self, request: SongsLike) -> SongList:
        songs: SongList = await self._ask("songs.like", request)
        return songs

    async def recommend(self, request: SongsFor) -> SongList:
        songs: SongList = await self._ask("songs.recommend", request)
        return songs

    async def map(self, request: MapSongs) -> tuple[SongPoint, ...]:
        points: tuple[SongPoint, ...] = await self._ask("songs.map", request)
        return points
