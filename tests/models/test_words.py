"""Word vectors: every format, the grammar of questions, and what is refused."""

from __future__ import annotations

import gzip
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.failures import BadInput, ModelError, NotThere, UnknownWord
from models.results import Neighbourhood, OddOne, Pair
from models.specs import WordsSpec
from models.words import formats
from models.words.formats import keyed_vectors, read_folder, write_folder
from models.words.vectors import WordVectors

WORDS = [
    *("the", "king", "queen", "man", "woman", "engineer", "engineers", "rock-and-roll", "jazz", "Paris"),
    *("USA", "new_york", "c++", "rock", "roll", "café", "well-known", "known", "a-b", "12"),
]


def vectors() -> KeyedVectors:
    numbers = np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32)
    place = {word: at for at, word in enumerate(WORDS)}
    numbers[place["queen"]] = numbers[place["king"]] - numbers[place["man"]] + numbers[place["woman"]]
    made = KeyedVectors(8)
    made.add_vectors(WORDS, numbers)
    return made


@pytest.fixture(scope="module")
def plain() -> KeyedVectors:
    return vectors()


@pytest.fixture(scope="module")
def words(plain: KeyedVectors) -> WordVectors:
    return WordVectors(plain, "small")


def as_folder(path: Path, made: KeyedVectors) -> Path:
    path.mkdir()
    write_folder(path, made.index_to_key, made.vectors)
    return path


def as_half_folder(path: Path, made: KeyedVectors) -> Path:
    path.mkdir()
    write_folder(path, made.index_to_key, made.vectors.astype(np.float16))
    return path


def as_text(path: Path, made: KeyedVectors) -> Path:
    made.save_word2vec_format(str(path), binary=False)
    return path


def as_binary(path: Path, made: KeyedVectors) -> Path:
    made.save_word2vec_format(str(path), binary=True)
    return path


def as_glove(path: Path, made: KeyedVectors) -> Path:
    made.save_word2vec_format(str(path), binary=False, write_header=False)
    return path


Writer = Callable[[Path, KeyedVectors], Path]
FILES: list[Writer] = [as_text, as_binary, as_glove]
FORMATS: list[Writer] = [as_folder, as_half_folder, *FILES]


@pytest.mark.parametrize(
    ("write", "packed"),
    [(it, packed) for it in FORMATS for packed in (False, True) if not packed or it in FILES],
)
@pytest.mark.parametrize("name", ["vectors", "vectors.bin", "vectors.txt"])
def test_formats(tmp_path: Path, plain: KeyedVectors, write: Writer, packed: bool, name: str) -> None:
    path = write(tmp_path / name, plain)
    if packed:
        path = path.rename(path.with_name(path.name + ".raw"))
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress((tmp_path / f"{name}.raw").read_bytes()))
    found = WordVectors.load(WordsSpec(str(path)))
    assert found.name == path.name
    assert len(found) == len(WORDS)
    assert found._vectors.index_to_key == WORDS
    tolerance = 1e-2 if write is as_half_folder else 1e-4
    assert np.allclose(found._vectors.vectors, plain.vectors, atol=tolerance)
    expected = [word for word, _ in plain.most_similar("engineer", topn=3)]
    assert [it.word for it in found.similar("engineer", 3).neighbours] == expected
    found.probe()


def test_entries_with_blanks_and_repeated_ones(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_bytes(b"the 1 2 3\n. . . 4 5 6\nat amazon.com 7 8 9\nthe 1 0 0\n\nna\xefve 1 1 1\n")
    found = WordVectors.load(WordsSpec(str(path)))
    assert found._vectors.index_to_key == ["the", ". . .", "at amazon.com", "na\ufffdve"]
    assert found._vectors.get_vector(". . .").tolist() == [4, 5, 6]
    assert found._vectors.get_vector("the").tolist() == [1, 2, 3]


def test_repeated_words_in_a_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "words.bin"
    rows = [("the", 1), ("of", 2), ("the", 3), ("at", 4)]
    packed = b"".join(
        word.encode() + b" " + np.array([number, 1], np.float32).tobytes() for word, number in rows
    )
    path.write_bytes(b"4 2\n" + packed)
    for _ in range(2):  # parsed, and kept
        found = WordVectors.load(WordsSpec(str(path), data_dir=str(tmp_path / "data")))
        assert found._vectors.index_to_key == ["the", "of", "at"]
        assert found._vectors.vectors.tolist() == [[1, 1], [2, 1], [4, 1]]


def test_a_folder_is_not_read_before_it_is_needed(tmp_path: Path, plain: KeyedVectors) -> None:
    assert isinstance(read_folder(as_folder(tmp_path / "folder", plain)).vectors, np.memmap)


def test_a_gensim_data_name_means_its_vectors_and_not_its_code(
    tmp_path: Path, plain: KeyedVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "glove-wiki-gigaword-50"
    folder = tmp_path / name
    folder.mkdir()
    as_text(folder / "plain.txt", plain)
    (folder / f"{name}.gz").write_bytes(gzip.compress((folder / "plain.txt").read_bytes()))
    (folder / "__init__.py").write_text("raise SystemExit('ran')")
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path))
    found = WordVectors.load(WordsSpec(name))
    assert found.name == name
    assert "king" in found
    monkeypatch.delenv("GENSIM_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with pytest.raises(NotThere, match=name):
        WordVectors.load(WordsSpec(name))


@pytest.mark.parametrize("write", FILES)
@pytest.mark.parametrize("name", ["glove.gz", "vectors.txt", "wiki.vec", "news.bin"])
def test_a_folder_with_one_file_of_vectors(
    tmp_path: Path, plain: KeyedVectors, write: Writer, name: str
) -> None:
    folder = tmp_path / "some-vectors"
    folder.mkdir()
    write(folder / "made", plain)
    content = (folder / "made").read_bytes()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (folder / "__init__.py").write_text("raise SystemExit('ran')")
    found = WordVectors.load(WordsSpec(str(folder)))
    assert found.name == "some-vectors"
    assert "king" in found


def test_a_folder_without_vectors_says_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(NotThere, match=r"vectors\.npy") as caught:
        WordVectors.load(WordsSpec(str(tmp_path)))
    assert str(tmp_path.parent) not in str(caught.value)


@pytest.mark.parametrize("suffix", [".model", ".kv", ".txt", ""])
def test_pickles_are_refused_unopened(tmp_path: Path, plain: KeyedVectors, suffix: str) -> None:
    path = tmp_path / f"saved{suffix}"
    plain.save(str(path))
    with pytest.raises(ModelError, match="pickle"):
        WordVectors.load(WordsSpec(str(path)))


def test_a_pickle_inside_an_array_is_refused(tmp_path: Path, plain: KeyedVectors) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    folder = as_folder(tmp_path / "folder", plain)
    np.save(folder / "vectors.npy", np.array([[Trap()]], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError):
        WordVectors.load(WordsSpec(str(folder)))
    (folder / "vectors.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError):
        WordVectors.load(WordsSpec(str(folder)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"just a sentence\n",
        b"3 4\nking 1 2\n",
        b"king 1 2 3\nqueen 1 2\n",
        b"\x1f\x8b\x08 broken",
    ],
)
@pytest.mark.parametrize("name", ["words.txt", "words.bin", "words.gz"])
def test_files_that_hold_no_vectors_get_a_sentence(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        WordVectors.load(WordsSpec(str(path)))
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_whose_parts_do_not_fit_is_refused(tmp_path: Path, plain: KeyedVectors) -> None:
    folder = as_folder(tmp_path / "folder", plain)
    for words in (WORDS[:-1], [*WORDS[:-1], WORDS[0]]):
        (folder / "words.txt").write_text("".join(f"{word}\n" for word in words))
        with pytest.raises(ModelError, match=r"do not match|appears twice"):
            WordVectors.load(WordsSpec(str(folder)))
    (folder / "words.txt").unlink()
    with pytest.raises(ModelError):
        WordVectors.load(WordsSpec(str(folder)))


@pytest.mark.parametrize("name", ["", "../none", "no such thing", "/none"])
def test_vectors_that_are_not_here(name: str) -> None:
    with pytest.raises(NotThere) as caught:
        WordVectors.load(WordsSpec(name))
    assert "/" not in str(caught.value)


QUERIES = {
    "engineer": (["engineer"], []),
    "  engineer ": (["engineer"], []),
    "ENGINEER": (["engineer"], []),
    "paris": (["Paris"], []),
    "usa": (["USA"], []),
    "Cafe\u0301": (["café"], []),
    '"king"': (["king"], []),
    "king - man + woman": (["king", "woman"], ["man"]),
    "King-Man+Woman": (["king", "woman"], ["man"]),
    "king -man +woman": (["king", "woman"], ["man"]),
    "king- man+ woman": (["king", "woman"], ["man"]),
    "king − man ＋ woman": (["king", "woman"], ["man"]),
    "- man + king": (["king"], ["man"]),
    "-man": ([], ["man"]),
    "+ king": (["king"], []),
    "rock-and-roll": (["rock-and-roll"], []),
    "Rock-And-Roll+jazz": (["rock-and-roll", "jazz"], []),
    "jazz-rock-and-roll": (["jazz"], ["rock-and-roll"]),
    "well-known - known": (["well-known"], ["known"]),
    "a-b": (["a-b"], []),
    "c++": (["c++"], []),
    "c++ + king": (["c++", "king"], []),
    "new york": (["new_york"], []),
    "New York - king": (["new_york"], ["king"]),
    "rock-jazz": (["rock"], ["jazz"]),
    "king + king": (["king", "king"], []),
    "12": (["12"], []),
}


@pytest.mark.parametrize("query", QUERIES)
def test_questions(words: WordVectors, query: str) -> None:
    found = words.similar(query, 3)
    positive, negative = QUERIES[query]
    assert (list(found.positive), list(found.negative)) == (positive, negative)
    assert found.query == query
    assert not {it.word for it in found.neighbours} & {*positive, *negative}


def test_a_sum_is_gensims(words: WordVectors, plain: KeyedVectors) -> None:
    found = words.similar("king - man + woman", 5)
    expected = plain.most_similar(positive=["king", "woman"], negative=["man"], topn=5)
    assert [it.word for it in found.neighbours] == [word for word, _ in expected]
    assert [it.score for it in found.neighbours] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert found.neighbours[0].word == "queen"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Write a word"),
        ("   ", "Write a word"),
        ("+", "Write a word"),
        ("-", "missing"),
        ("king -", "missing"),
        ("king + + man", "missing"),
        ("king man", "more than one word"),
        ("king - king", "cancel"),
        (" + ".join(["king"] * 40), "at most"),
        ("half \ud800", "surrogate"),
    ],
)
def test_questions_that_are_none(words: WordVectors, query: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        words.similar(query)


@pytest.mark.parametrize(
    ("query", "word", "meant"),
    [
        ("enginer", "enginer", "engineer"),
        ("kign - man", "kign", "king"),
        ("king - wonam + man", "wonam", "woman"),
        ("well-knwon", "well-knwon", "well-known"),
    ],
)
def test_unknown_words_come_with_known_ones(words: WordVectors, query: str, word: str, meant: str) -> None:
    with pytest.raises(UnknownWord) as caught:
        words.similar(query)
    assert caught.value.word == word
    assert caught.value.suggestions[0] == meant
    assert f"Did you mean {meant}" in str(caught.value)


@pytest.mark.parametrize("query", ["zzzzqqqq", "5"])
def test_a_word_like_no_other(query: str) -> None:
    words = WordVectors(keyed_vectors(["a", "b", "king"], np.eye(3, dtype=np.float32)), "letters")
    with pytest.raises(UnknownWord, match="Try another") as caught:
        words.similar(query)
    assert caught.value.suggestions == ()


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40) | st.lists(st.sampled_from([*WORDS, "+", "-", " ", "x"]), max_size=8).map("".join)
)
def test_every_question_has_an_answer_or_a_sentence(words: WordVectors, query: str) -> None:
    try:
        neighbours = len(words.similar(query, 4).neighbours)
    except BadInput:
        neighbours = 4
    assert neighbours == 4


def test_how_many(words: WordVectors) -> None:
    assert len(words.similar("king", 10**9).neighbours) == len(WORDS) - 1
    assert len(words.similar("king", 1).neighbours) == 1
    with pytest.raises(BadInput):
        words.similar("king", 0)


def test_the_map_holds_the_words_asked_for_and_those_found(words: WordVectors, plain: KeyedVectors) -> None:
    found = words.similar("king - man + woman", 6)
    assert [point.word for point in found.points if point.asked] == ["king", "woman", "man"]
    assert {point.word for point in found.points if not point.asked} == {it.word for it in found.neighbours}
    assert 0 < found.explained <= 1
    rows = np.stack([plain.get_vector(point.word, norm=True) for point in found.points]).astype(float)
    lengths = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    assert found.explained == pytest.approx(float((lengths[:2] ** 2).sum() / (lengths**2).sum()))
    spread = np.array([[point.x, point.y] for point in found.points])
    assert (spread**2).sum(0) == pytest.approx(lengths[:2] ** 2)
    assert words.similar("king - man + woman", 6).points == found.points


def test_a_vocabulary_of_few() -> None:
    made = KeyedVectors(3)
    made.add_vectors(["one", "two"], np.eye(2, 3, dtype=np.float32))
    found = WordVectors(made, "few").similar("one", 10)
    assert [it.word for it in found.neighbours] == ["two"]
    assert all(math.isfinite(point.x) and math.isfinite(point.y) for point in found.points)
    lone = KeyedVectors(3)
    lone.add_vectors(["one"], np.ones((1, 3), np.float32))
    alone = WordVectors(lone, "lone")
    alone.probe()
    with pytest.raises(BadInput, match="no other words"):
        alone.similar("one")


def test_a_word_that_was_typed_whole_is_suggested_first() -> None:
    made = KeyedVectors(2)
    made.add_vectors(["many", "manner", "man", "Man"], np.eye(4, 2, dtype=np.float32) + 1)
    words = WordVectors(made, "few")
    assert words.suggest("man") == ["man", "many", "manner", "Man"]
    assert words.suggest("Man", 2) == ["Man", "many"]
    assert words.suggest("MAN") == ["MAN", "many", "manner", "Man"], "as typed; it finds man"


def test_suggestions_begin_as_typed_then_look_alike(words: WordVectors) -> None:
    assert words.suggest("eng") == ["engineer", "engineers"]
    assert words.suggest("PAR") == ["Paris"]
    assert words.suggest("enginer")[:2] == ["engineer", "engineers"]
    assert words.suggest("") == []
    assert words.suggest("k", 0) == []
    assert len(words.suggest("r", 2)) == 2


# Kept once parsed


@pytest.mark.parametrize("write", FILES)
def test_a_file_is_parsed_once(
    tmp_path: Path, plain: KeyedVectors, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = WordsSpec(str(write(tmp_path / "vectors.txt", plain)), tmp_path / "data")
    first = WordVectors.load(spec)
    (folder,) = (tmp_path / "data" / "vectors").iterdir()
    assert {it.suffix for it in folder.iterdir()} == {".npy", ".txt"}
    with monkeypatch.context() as patch:
        patch.setattr(formats, "_read_file", lambda *_: pytest.fail("it was parsed again"))
        again = WordVectors.load(spec)
    assert isinstance(again._vectors.vectors, np.memmap)
    assert again._vectors.index_to_key == first._vectors.index_to_key
    for query in ("king", "king - man + woman"):
        assert again.similar(query) == first.similar(query)


def test_a_file_that_changed_is_parsed_anew(tmp_path: Path, plain: KeyedVectors) -> None:
    path = as_glove(tmp_path / "vectors.txt", plain)
    spec = WordsSpec(str(path), tmp_path / "data")
    assert len(WordVectors.load(spec)) == len(WORDS)
    path.write_text(path.read_text(encoding="utf-8") + "another 1 2 3 4 5 6 7 8\n", encoding="utf-8")
    assert "another" in WordVectors.load(spec)


def test_what_was_kept_and_is_damaged_is_made_anew(
    tmp_path: Path, plain: KeyedVectors, caplog: pytest.LogCaptureFixture
) -> None:
    spec = WordsSpec(str(as_glove(tmp_path / "vectors.txt", plain)), tmp_path / "data")
    WordVectors.load(spec)
    (folder,) = (tmp_path / "data" / "vectors").iterdir()
    (folder / "vectors.npy").write_bytes(b"\x93NUMPY")
    assert "king" in WordVectors.load(spec)
    assert "damaged" in caplog.text
    assert "king" in WordVectors.load(spec)
    assert caplog.text.count("damaged") == 1


def test_only_the_last_few_files_are_kept(tmp_path: Path, plain: KeyedVectors) -> None:
    for number in range(formats.CACHED_FILES + 2):
        WordVectors.load(WordsSpec(str(as_glove(tmp_path / f"{number}.txt", plain)), tmp_path / "data"))
    assert len(list((tmp_path / "data" / "vectors").iterdir())) == formats.CACHED_FILES


def test_where_nothing_can_be_kept_the_words_are_there_all_the_same(
    tmp_path: Path, plain: KeyedVectors, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("in the way")
    assert "king" in WordVectors.load(WordsSpec(str(as_glove(tmp_path / "a.txt", plain)), tmp_path / "data"))
    assert "could not be cached" in caplog.text


NUMBERS = st.floats(-9, 9, width=32, allow_subnormal=False)
ENTRIES = st.dictionaries(
    st.text(st.characters(exclude_categories=("Cs", "Zs", "Cc", "Zl", "Zp")), min_size=1, max_size=8),
    st.lists(NUMBERS, min_size=3, max_size=3),
    min_size=2,
    max_size=12,
)


@given(ENTRIES)
@settings(deadline=None, max_examples=40)
def test_what_was_kept_is_what_was_parsed(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, list[float]]
) -> None:
    folder = tmp_path_factory.mktemp("entries")
    assume(any(map(any, entries.values())))
    lines = [f"{word} {' '.join(map(repr, row))}" for word, row in entries.items()]
    (folder / "vectors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    spec = WordsSpec(str(folder / "vectors.txt"), folder / "data")
    parsed, opened = WordVectors.load(spec), WordVectors.load(spec)
    assert opened._vectors.index_to_key == parsed._vectors.index_to_key
    assert parsed._vectors.index_to_key == [word for word, row in entries.items() if any(row)]
    assert opened._zeros == parsed._zeros == {word for word, row in entries.items() if not any(row)}
    assert opened._vectors.vectors.tobytes() == parsed._vectors.vectors.tobytes()


# Other questions


def test_a_word_is_its_own_neighbour_only_when_asked_by_vector(
    words: WordVectors, plain: KeyedVectors
) -> None:
    by_word, by_vector = words.similar("king", 5), words.similar("king", 5, by_vector=True)
    assert by_vector.by_vector
    assert by_vector.neighbours[0].word == "king"
    assert by_vector.neighbours[0].score == pytest.approx(1.0)
    assert "king" not in {it.word for it in by_word.neighbours}
    assert [it.word for it in by_vector.neighbours[1:]] == [it.word for it in by_word.neighbours[:4]]
    expected = plain.most_similar(positive=[plain["king"]], topn=5)
    assert [it.word for it in by_vector.neighbours] == [word for word, _ in expected]


@pytest.mark.parametrize("query", ["king, queen", "king,queen", " 'King' , queen ", "king\uff0cqueen"])
def test_a_pair_gets_its_cosine_and_ranks(words: WordVectors, plain: KeyedVectors, query: str) -> None:
    found = words.ask(query)
    assert isinstance(found, Pair)
    assert (found.first, found.second, found.words) == ("king", "queen", len(WORDS))
    assert found.cosine == pytest.approx(float(plain.similarity("king", "queen")))
    near = [word for word, _ in plain.most_similar("king", topn=len(WORDS))]
    assert found.rank_of_second == 1 + near.index("queen")
    assert words.pair("king", "king").cosine == pytest.approx(1.0)
    assert words.pair("king", "king").rank_of_first == 0


def test_the_odd_one_out_is_gensims(words: WordVectors, plain: KeyedVectors) -> None:
    found = words.ask("king, queen, man, jazz")
    assert isinstance(found, OddOne)
    assert found.odd == plain.doesnt_match(["king", "queen", "man", "jazz"])
    scores = [it.score for it in found.words]
    assert scores == sorted(scores, reverse=True)
    assert {point.word for point in found.points} == {"king", "queen", "man", "jazz"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("king, king, queen", "3 to"),
        ("king - man, woman", "either a sum"),
        (",", "do not know"),
        ("king, nothere", "nothere"),
    ],
)
def test_lists_that_are_none(words: WordVectors, query: str, says: str) -> None:
    with pytest.raises((BadInput, UnknownWord), match=says):
        words.ask(query)


def test_a_word_with_a_comma_is_a_word() -> None:
    made = KeyedVectors(2)
    made.add_vectors([",", "a,b", "c"], np.eye(3, 2, dtype=np.float32) + 0.1)
    assert isinstance(WordVectors(made, "commas").ask("a,b"), Neighbourhood)
    assert isinstance(WordVectors(made, "commas").ask(","), Neighbourhood)
