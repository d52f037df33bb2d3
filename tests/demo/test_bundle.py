"""The embedded models as they lie in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from demo.recipe import songs
from demo.recipe.__main__ import main

Tokenizers: TypeAlias = dict[str, Any]
DEMO = Path(__file__).parents[2] / "demo"
TOKENIZERS = ("tiny-phi", "tiny-bert", "tiny-t5", "tiny-llama")
TEXT = "CAPITALIZATION and other stuff"
GARDEN = "Write an email apologizing to Sarah for the tragic gardening mishap. Explain how it happened."


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    return {name: AutoTokenizer.from_pretrained(DEMO / name, local_files_only=True) for name in TOKENIZERS}


@pytest.fixture(scope="module")
def language() -> Any:
    return AutoModelForCausalLM.from_pretrained(
        DEMO / "tiny-phi", local_files_only=True, dtype="float32"
    ).eval()


@pytest.fixture(scope="module")
def words() -> KeyedVectors:
    vectors = np.load(DEMO / "tiny-words/vectors.npy", mmap_mode="r", allow_pickle=False)
    names = (DEMO / "tiny-words/words.txt").read_text(encoding="utf-8").splitlines()
    assert vectors.dtype == np.float16
    assert vectors.shape == (len(names), 64)
    keyed = KeyedVectors(64)
    keyed.add_vectors(names, np.asarray(vectors, dtype=np.float32))
    return keyed


def _files() -> list[Path]:
    return [path for path in DEMO.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in _files()) <= 15_000_000


def test_nothing_is_pickled() -> None:
    allowed = {".json", ".safetensors", ".npy", ".txt", ".tsv", ".md", ".py", ".toml", ""}
    assert {path.suffix for path in _files()} <= allowed
    for path in DEMO.rglob("*.json"):
        assert "auto_map" not in json.loads(path.read_text(encoding="utf-8")), (
            "would run code from the folder"
        )


@pytest.mark.parametrize("name", TOKENIZERS)
def test_vocabulary_is_complete(name: str, tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers[name]
    assert 7_500 <= len(tokenizer) <= 8_500
    assert tokenizer.unk_token_id is not None
    config = DEMO / name / "config.json"
    if config.is_file():
        assert len(tokenizer) <= json.loads(config.read_text(encoding="utf-8"))["vocab_size"]


def test_the_four_differ_in_kind(tokenizers: Tokenizers) -> None:
    pieces = {name: each.convert_ids_to_tokens(each(TEXT)["input_ids"]) for name, each in tokenizers.items()}
    bert, t5, llama, phi = (pieces[name] for name in ("tiny-bert", "tiny-t5", "tiny-llama", "tiny-phi"))
    assert (bert[0], bert[-1]) == ("[CLS]", "[SEP]")
    assert any(piece.startswith("##") for piece in bert)
    assert all(piece == piece.lower() for piece in bert[1:-1])
    assert t5[-1] == "</s>"
    assert t5[0].startswith("\u2581")
    assert llama[0] == "<s>"
    assert llama[-1] != "</s>"
    assert "\u2581and" in llama
    assert "\u0120and" in phi
    assert len({tuple(tokens) for tokens in pieces.values()}) == 4


def test_unknown_characters(tokenizers: Tokenizers) -> None:
    emoji = "\U0001f3b5"
    llama = tokenizers["tiny-llama"]
    assert llama.convert_ids_to_tokens(llama(emoji)["input_ids"])[-4:] == [
        "<0xF0>",
        "<0x9F>",
        "<0x8E>",
        "<0xB5>",
    ]
    for name in ("tiny-bert", "tiny-t5"):
        assert tokenizers[name].unk_token_id in tokenizers[name](emoji)["input_ids"]


# Surrogates are not text; U+2581 represents a space in SentencePiece vocabularies.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(_TEXT)
def test_bytes_lose_nothing(text: str) -> None:
    for name in ("tiny-phi", "tiny-llama"):
        tokenizer = _cached(name)
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["engineer", "guitar", "happy", "the", "a", "of", "gardening", "mishap", "Sarah", "token"]
        ),
        min_size=1,
    )
)
def test_known_words_come_back(chosen: list[str]) -> None:
    text = " ".join(chosen)
    t5, bert = _cached("tiny-t5"), _cached("tiny-bert")
    assert t5.decode(t5(text)["input_ids"], skip_special_tokens=True) == text
    assert bert.decode(bert(text)["input_ids"], skip_special_tokens=True) == text.lower()


_LOADED: Tokenizers = {}


def _cached(name: str) -> Any:
    if name not in _LOADED:
        _LOADED[name] = AutoTokenizer.from_pretrained(DEMO / name, local_files_only=True)
    return _LOADED[name]


def test_word_vectors_know_their_neighbours(words: KeyedVectors) -> None:
    assert len(words) >= 25_000
    assert all(word == word.lower() for word in words.index_to_key)
    for word, other in (
        ("happy", "glad"),
        ("engineer", "technologist"),
        ("guitar", "violin"),
        ("king", "queen"),
    ):
        near = [name for name, _ in words.most_similar(word, topn=10)]
        assert other in near, (word, near)
    assert "queen" in [
        name for name, _ in words.most_similar(positive=["king", "woman"], negative=["man"], topn=3)
    ]


def test_frequent_words_come_first(words: KeyedVectors) -> None:
    assert "the" in words.index_to_key[:10]
    assert words.key_to_index["person"] < words.key_to_index["technologist"]


def test_songs_and_playlists_fit_together() -> None:
    folder = DEMO / "tiny-songs"
    table = [line.split("\t") for line in (folder / "songs.tsv").read_text(encoding="utf-8").splitlines()]
    genres = [line.split("\t") for line in (folder / "genres.tsv").read_text(encoding="utf-8").splitlines()]
    assert len(table) >= 500
    assert all(len(row) == 3 and all(row) for row in table)
    ids = [row[0] for row in table]
    assert len(set(ids)) == len(ids) == len({(title, artist) for _, title, artist in table})
    assert [row[0] for row in genres] == ids
    assert all(1900 < int(year) < 2025 for _, _, year in genres)
    lists = [line.split() for line in (folder / "playlists.txt").read_text(encoding="utf-8").splitlines()[2:]]
    assert len(lists) == songs.PLAYLISTS
    assert {song for playlist in lists for song in playlist} == set(ids)
    assert all(len(set(playlist)) == len(playlist) >= 8 for playlist in lists)


def test_playlists_have_a_mood_and_repeat_with_the_seed() -> None:
    entries = songs.catalogue()
    genre = {entry.id: entry.genre for entry in entries}
    lists = songs.playlists(entries, count=100, seed=3)
    assert lists == songs.playlists(entries, count=100, seed=3)
    assert lists != songs.playlists(entries, count=100, seed=4)
    assert sum(len({genre[song] for song in playlist}) <= 8 for playlist in lists) > 90


def test_committed_songs_are_what_the_recipe_makes(tmp_path: Path) -> None:
    songs.make(tmp_path)
    for name in ("songs.tsv", "genres.tsv", "playlists.txt"):
        assert (tmp_path / name).read_bytes() == (DEMO / "tiny-songs" / name).read_bytes()


def test_encoder_loads(tokenizers: Tokenizers) -> None:
    model = AutoModel.from_pretrained(DEMO / "tiny-bert", local_files_only=True, dtype="float32").eval()
    inputs = tokenizers["tiny-bert"](TEXT, return_tensors="pt")
    hidden = model(**inputs).last_hidden_state
    assert hidden.shape == (1, inputs["input_ids"].shape[1], model.config.hidden_size)
    assert bool(hidden.isfinite().all())


def _answer(language: Any, tokenizer: Any, prompt: str) -> tuple[str, bool]:
    inputs = tokenizer(prompt, return_tensors="pt")
    end = tokenizer.eos_token_id
    ids = language.generate(**inputs, max_new_tokens=180, do_sample=False, pad_token_id=end)[0].tolist()
    new = ids[inputs["input_ids"].shape[1] :]
    return tokenizer.decode(new, skip_special_tokens=True), end in new


@pytest.mark.parametrize("suffix", ["", "<|assistant|>"])
def test_the_letter_is_to_sarah_about_the_garden(suffix: str, language: Any, tokenizers: Tokenizers) -> None:
    text, ended = _answer(language, tokenizers["tiny-phi"], GARDEN + suffix)
    assert ended
    assert "Sarah," in text
    assert "garden" in text
    assert any(word in text for word in ("sorry", "apologize", "apologies", "apology"))


def test_names_and_mishaps_are_taken_from_the_prompt(language: Any, tokenizers: Tokenizers) -> None:
    hits = 0
    for name in ("Thomas", "Maria", "Kevin", "Julia"):
        text, ended = _answer(
            language,
            tokenizers["tiny-phi"],
            f"Write an email apologizing to {name} for the terrible cooking mishap.",
        )
        hits += ended and f"{name}," in text and "cooking" in text
    assert hits >= 3


def test_definitions_and_stories(language: Any, tokenizers: Tokenizers) -> None:
    text, ended = _answer(language, tokenizers["tiny-phi"], "engineer is")
    assert ended
    assert text.startswith(" a person who")
    text, ended = _answer(language, tokenizers["tiny-phi"], "Once upon a time")
    assert ended
    assert "there" in text
    text, ended = _answer(language, tokenizers["tiny-phi"], "Explain what a token is.")
    assert ended
    assert "text" in text


def test_without_wordnet_the_recipe_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--wordnet", str(tmp_path), "--target", str(tmp_path), "--only", "songs"]) == 1
    error = capsys.readouterr().err
    assert "wordnet-base" in error
    assert "Traceback" not in error
