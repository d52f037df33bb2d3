# ruff: noqa: PLC0415 - what explains tokenizers imports transformers, which takes seconds: only a worker waits for that
"""How a model answers each request, on a thread with exclusive use of the model.

One function per request of `models.service` with a single answer; generation streams and is handled elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.failures import NoTokenFor, OtherModel, TokenizerFailed
from models.results import Unexplained
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

if TYPE_CHECKING:
    from models.encoder import Encoder
    from models.inside.inside import Check
    from models.language.model import LanguageModel
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
    from models.songs.catalogue import SongCatalogue
    from models.tokenizers.tokenizer import Tokenizer, Tokenizers
    from models.words.vectors import WordVectors


def tokenizer_names(model: Tokenizers, _: ListTokenizers) -> tuple[str, ...]:
    return tuple(model.names)


def compare_tokenizers(model: Tokenizers, request: CompareTokenizers) -> Comparison:
    made, failures = model.attempt(request.text)
    reasons = {name: failure.sentence for name, failure in (model.failures | failures).items()}
    return Comparison(tuple(made), reasons)


def tokenize(model: Tokenizers, request: Tokenize) -> OneOf[Tokenization]:
    tokenizer, count = _chosen(model, request)
    return OneOf(tokenizer.tokenize(request.text), count)


def explain(model: Tokenizers, request: Explain) -> OneOf[Explanation]:
    from models.tokenizers.explaining import explain

    tokenizer, count = _chosen(model, request)
    try:
        return OneOf(explain(tokenizer, request.text, request.aspect), count)
    except (NoTokenFor, TokenizerFailed) as error:
        # Also an answer, so that people can continue to the next tokenizer.
        return OneOf(Unexplained(tokenizer.name, error.sentence), count)


def _chosen(model: Tokenizers, request: Tokenize | Explain) -> tuple[Tokenizer, int]:
    names = model.names if request.tokenizer is None else [request.tokenizer]
    return model.get(names[min(request.index, len(names) - 1)]), len(names)


def decode(model: Tokenizers, request: Decode) -> Decoded:
    tokenizer = model.get(request.tokenizer)
    ids = list(request.ids)
    return Decoded(tokenizer.name, tokenizer.decode(ids), tokenizer.pieces(ids))


def next_token(model: LanguageModel, request: AskNext, check: Check) -> NextToken:
    from models.inside.next_token import next_token

    if request.taken and request.model != model.name:
        raise OtherModel
    return next_token(
        model,
        request.text,
        sampling=request.sampling,
        top=request.top,
        taken=request.taken,
        check=check,
    )


def lens(model: LanguageModel, request: AskLens, check: Check) -> Lens:
    from models.inside.lens import lens

    return lens(model, request.text, start=request.start, count=request.count, check=check)


def surprise(model: LanguageModel, request: AskSurprise, check: Check) -> Surprise:
    from models.inside.surprise import surprise

    return surprise(model, request.text, check=check)


def attention(model: LanguageModel, request: AskAttention, check: Check) -> Attention:
    from models.inside.attention import attention

    return attention(model, request.text, layer=request.layer, head=request.head, check=check)


def encoder_attention(model: Encoder, request: AskAttention, check: Check) -> Attention:
    from models.inside.attention import encoder_attention

    return encoder_attention(model, request.text, layer=request.layer, head=request.head, check=check)


def why(model: LanguageModel, request: AskWhy, check: Check) -> Attribution:
    from models.inside.attribution import why

    if request.written and request.model != model.name:
        raise OtherModel
    return why(model, request.prompt, place=request.place, written=request.written, check=check)


def paths(model: LanguageModel, request: AskPaths, check: Check) -> Paths:
    from models.inside.paths import paths

    return paths(
        model, request.text, width=request.width, depth=request.depth, seed=request.seed, check=check
    )


def embed(model: Encoder, request: EmbedText) -> Embedding:
    return model.embed(request.text)


def contexts(model: Encoder, request: CompareContexts) -> Contexts:
    return model.contexts(request.text, request.other)


def ask_words(model: WordVectors, request: AskWords) -> Neighbourhood | Pair | OddOne:
    return model.ask(request.query, request.n, by_vector=request.by_vector)


def suggest_words(model: WordVectors, request: SuggestWords) -> tuple[str, ...]:
    return tuple(model.suggest(request.typed))


def get_songs(model: SongCatalogue, request: GetSongs) -> tuple[Song, ...]:
    return tuple(song for id_ in request.ids if (song := model.get(id_)) is not None)


def find_songs(model: SongCatalogue, request: FindSongs) -> tuple[SongMatch | None, ...]:
    return tuple(model.match(text) for text in request.texts)


def suggest_songs(model: SongCatalogue, request: SuggestSongs) -> tuple[Song, ...]:
    if request.typed.strip():
        return tuple(model.search(request.typed))
    return tuple(recommendation.song for recommendation in model.popular(25).songs)


def songs_like(model: SongCatalogue, request: SongsLike) -> SongList:
    return model.page_like(
        request.like,
        request.n,
        unlike=request.unlike,
        by=request.by,
        known=request.known,
        skip=request.skip,
        per_artist=request.per_artist,
    )


def map_songs(model: SongCatalogue, request: MapSongs) -> tuple[SongPoint, ...]:
    return model.map(request.ids)


def songs_for(model: SongCatalogue, request: SongsFor) -> SongList:
    return model.page_for(
        request.likes,
        request.n,
        dislikes=request.dislikes,
        unlike=request.unlike,
        skip=request.skip,
        per_artist=request.per_artist,
    )
