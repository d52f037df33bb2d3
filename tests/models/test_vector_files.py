"""Files of word vectors that are packed, strange or wrong: a right answer or a sentence that names the place, never a guess."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.failures import (
    ArchiveEncrypted,
    ArchiveOfSeveral,
    BadInput,
    BrokenEntry,
    DamagedWordVectors,
    DecimalComma,
    LineNotFinite,
    ModelError,
    NotAMatrix,
    NotUtf8,
    NotWordVectors,
    NumbersNotFinite,
    OnlyZeros,
    PickledWordVectors,
    VectorCountWrong,
    VectorFilesJoined,
    VectorLengthWrong,
    VectorLineUnreadable,
    VectorsGoOn,
    WordWithoutDirection,
)
from models.results import Neighbourhood
from models.specs import WordsSpec
from models.words.vectors import WordVectors

ROWS = [
    "king 0.5 0.2 0.1 0.7",
    "queen 0.45 0.25 0.15 0.68",
    "man 0.3 0.9 0.1 0.2",
    "woman 0.28 0.88 0.2 0.25",
]
GLOVE = "\n".join(ROWS) + "\n"


def load(tmp_path: Path, content: str | bytes, name: str = "words.txt", *, keep: bool = False) -> WordVectors:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return WordVectors.load(WordsSpec(str(path), tmp_path / "data" if keep else None))


def words_of(found: WordVectors) -> list[str]:
    return list(found._vectors.index_to_key)


def vector(found: WordVectors, word: str) -> list[float]:
    return [round(float(number), 4) for number in found._vectors.get_vector(word)]


# What is read ----------------------------------------------------------------------------------------------

SAME: dict[str, str | bytes] = {
    "plain": GLOVE,
    "header": "4 4\n" + GLOVE,
    "no line break at the end": GLOVE.rstrip(),
    "byte-order mark": b"\xef\xbb\xbf" + GLOVE.encode(),
    "byte-order mark and header": b"\xef\xbb\xbf4 4\n" + GLOVE.encode(),
    "line breaks of Windows": GLOVE.replace("\n", "\r\n"),
    "header and line breaks of Windows": "4 4\r\n" + GLOVE.replace("\n", "\r\n"),
    "blanks at the ends": "4 4 \n" + GLOVE.replace("\n", " \n"),
    "blanks at the start": "\n".join(f" {row}" for row in ROWS),
    "tabs": GLOVE.replace(" ", "\t"),
    "a tab after the word": "\n".join(row.replace(" ", "\t", 1) for row in ROWS),
    "columns": GLOVE.replace(" ", "   "),
    "empty lines": "\n\n" + GLOVE.replace("\n", "\n\n"),
    "exponents": GLOVE.replace("0.5 ", "5e-1 ").replace("0.9 ", "+9.0E-01 "),
    "a nameless row": GLOVE + "  1 2 3 4\n",
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_words_in_many_dresses(tmp_path: Path, kind: str) -> None:
    found = load(tmp_path, SAME[kind])
    assert words_of(found) == ["king", "queen", "man", "woman"]
    assert vector(found, "king") == [0.5, 0.2, 0.1, 0.7]
    assert vector(found, "man") == [0.3, 0.9, 0.1, 0.2]


@pytest.mark.parametrize(
    "word",
    [
        "a\xa0b", "\xa0", "\x85", "a\u2028b", "\u3000", "\ufeffx", "١", "½", "1/2", "-", "...", "0.5", "nan", "1e5", "a,b", "3,5",
        ". . .", "at name@domain.com", "model 747 b", "the 1st",
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["", "5 4\n"])
def test_words_that_real_files_have(tmp_path: Path, word: str, header: str) -> None:
    found = load(tmp_path, f"{header}{GLOVE}{word} 4 3 2 1\n")
    assert words_of(found) == ["king", "queen", "man", "woman", word]
    assert vector(found, word) == [4, 3, 2, 1]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda content: zipped({"glove.50d.txt": content}),
    "zip, stored": lambda content: zipped({"glove.50d.txt": content}, zipfile.ZIP_STORED),
    "zip with a licence": lambda content: zipped(
        {"README.txt": b"x", "meta.json": b"{}", "model.txt": content}
    ),
    "zip of a Mac": lambda content: zipped(
        {"folder/": b"", "folder/glove.txt": content, "__MACOSX/folder/._glove.txt": b"x", ".DS_Store": b"x"}
    ),
}


@pytest.mark.parametrize("name", ["words", "words.txt", "words.gz"])
@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_is_known_by_its_content(tmp_path: Path, packer: str, name: str) -> None:
    found = load(tmp_path, PACKERS[packer](GLOVE.encode()), name)
    assert words_of(found) == ["king", "queen", "man", "woman"]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_that_is_cut_off_or_flipped(tmp_path: Path, packer: str) -> None:
    rows = "\n".join(f"w{row} {row / 7} {row / 11} {row / 13}" for row in range(1, 300)).encode()
    whole = PACKERS[packer](rows)
    for content in (whole[: len(whole) // 2], whole[:-1], whole[:40]):
        with pytest.raises(ModelError) as caught:
            load(tmp_path, content)
        assert "\n" not in str(caught.value)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    with pytest.raises((DamagedWordVectors, ModelError)):
        load(tmp_path, bytes(flipped))


def test_archives_that_do_not_hold_one_file_of_vectors(tmp_path: Path) -> None:
    with pytest.raises(ArchiveOfSeveral, match=r"a\.txt, b\.txt.*Unpack"):
        load(tmp_path, zipped({"a.txt": GLOVE.encode(), "b.txt": GLOVE.encode()}), "glove.zip")
    with pytest.raises(NotWordVectors):
        load(tmp_path, zipped({}), "glove.zip")
    with pytest.raises(NotWordVectors):
        load(tmp_path, zipped({"vectors.npy": b"\x93NUMPY"}), "vectors.npz")
    with pytest.raises(PickledWordVectors):
        load(tmp_path, zipped({"archive/data.pkl": b"\x80"}), "vectors.pt")
    with pytest.raises(PickledWordVectors):
        load(tmp_path, zipped({"inside": b"\x80\x04"}), "vectors.zip")
    locked = bytearray(zipped({"a.txt": GLOVE.encode()}))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(sign) + at] |= 1
    with pytest.raises(ArchiveEncrypted):
        load(tmp_path, bytes(locked), "glove.zip")


# What is refused -------------------------------------------------------------------------------------------


def joined(*lines: str) -> str:
    return "\n".join(lines) + "\n"


WRONG: dict[str, tuple[str | bytes, type[ModelError], str]] = {
    "header with too many numbers": (joined("4 6", *ROWS), VectorLengthWrong, "line 2 has 4 .*line 1 .* 6"),
    "header with too few numbers": (joined("4 3", *ROWS), VectorLengthWrong, "line 2 has 4 .*line 1 .* 3"),
    "swapped header": (joined("4 3", *(row.rsplit(" ", 0)[0] for row in ROWS[:3])), VectorLengthWrong, "line 2 has 4"),
    "header with too many words": (joined("5 4", *ROWS), VectorCountWrong, "announces 5 words.* contains 4"),
    "header with too few words": (joined("3 4", *ROWS), VectorCountWrong, "announces 3 words.* contains 4"),
    "header alone": ("3 4\n", VectorCountWrong, "announces 3 words.* contains 0"),
    "header with no numbers": (joined("4 0", *ROWS), NotWordVectors, "no word vectors"),
    "header with 5,000 digits": (joined(f"{'9' * 5000} 4", *ROWS), ModelError, "."),
    "header of three": (joined("4 4 4", *ROWS), VectorLengthWrong, "line 2 has 4 .*line 1 .* 2"),
    "header in the middle": (joined(*ROWS, "4 4", *ROWS), VectorLengthWrong, "line 5 has one number"),
    "a surplus number": (joined(ROWS[0], ROWS[1] + " 0.9", *ROWS[2:]), VectorLengthWrong, "line 2 has 5 .* 4"),
    "a surplus whole number": (joined(ROWS[0], "at 12 7 8 9 1", *ROWS[2:]), VectorLengthWrong, "line 2 has 5 .* 4"),
    "surplus from the start": (joined(ROWS[0] + " 0.9", *ROWS[1:]), VectorLengthWrong, "line 2 has 4 .* 5"),
    "a missing number": (joined(*ROWS[:3], "woman 0.28 0.88 0.2"), VectorLengthWrong, "line 4 has 3 .* 4"),
    "a missing word": (joined(*ROWS[:3], "0.28 0.88 0.2 0.25"), VectorLengthWrong, "line 4 has 3 .* 4"),
    "a word alone": (joined(*ROWS[:3], "woman"), VectorLengthWrong, "line 4 has 0 .* 4"),
    "a longer file behind": (joined(*ROWS, "a 1 2 3 4 5 6 7 8"), VectorLengthWrong, "line 5 has 8 .* 4"),
    "a missing line break": (joined(ROWS[0], ROWS[1] + ROWS[2], ROWS[3]), VectorLineUnreadable, "line 2 has “0.68man”"),
    "a missing line break at first": (joined(ROWS[0] + ROWS[1], *ROWS[2:]), VectorLineUnreadable, "line 1 has “0.7queen”"),
    "decimal commas": (GLOVE.replace(".", ","), DecimalComma, "line 1 has “0,7”.*point"),
    "decimal commas after a header": ("4 4\n" + GLOVE.replace(".", ","), DecimalComma, "line 2 has “0,5”.*point"),
    "a decimal comma": (GLOVE.replace("0.9", "0,9"), DecimalComma, "line 3 has “0,9”"),
    "decimal commas and whole numbers": (joined("king 0,5 0,2 1 1", "queen 0,4 0,3 1 0"), DecimalComma, "line 1"),
    "separated by commas": (GLOVE.replace(" ", ","), NotWordVectors, "no word vectors"),
    "commas and blanks between": (GLOVE.replace(" ", ", "), VectorLineUnreadable, "line 1"),
    "brackets": (joined("king [0.1 0.2 0.3]", "man [0.1 0.2 0.4]"), VectorLineUnreadable, "line 1"),
    "a word for a number": (GLOVE.replace("0.88", "null"), VectorLineUnreadable, "line 4 has “null”"),
    "a decimal in a word": (joined(*ROWS, "jack 3.5 mm 4 3 2 1"), VectorLineUnreadable, "line 5"),
    "a broken number": (GLOVE.replace("0.9 ", "0.1 e2 3 "), VectorLineUnreadable, "line 3"),
    "glued numbers": (GLOVE.replace("0.9 0.1", "0.9-0.1"), VectorLineUnreadable, "line 3 has “0.9-0.1”"),
    "glued numbers and a blank": (GLOVE.replace("0.9 0.1", " 0.9-0.1"), VectorLineUnreadable, "line 3"),
    "hexadecimal": (GLOVE.replace("0.88", "0x1p3"), VectorLineUnreadable, "line 4"),
    "underscores": (GLOVE.replace("0.88", "1_0"), VectorLineUnreadable, "line 4"),
    "line breaks of old Macs": (GLOVE.replace("\n", "\r"), ModelError, "."),
    "UTF-16": (GLOVE.encode("utf-16"), NotUtf8, "UTF-8"),
    "NaN": (GLOVE.replace("0.88", "nan"), LineNotFinite, "“woman” in line 4"),
    "NaN of Windows": (GLOVE.replace("0.88", "-1.#IND"), VectorLineUnreadable, "line 4"),
    "infinity": (GLOVE.replace("0.9", "-inf"), LineNotFinite, "“man” in line 3"),
    "a number too large": (GLOVE.replace("0.9", "1e400"), LineNotFinite, "“man” in line 3"),
    "counts of words": (joined("the 120", "of 80"), NotWordVectors, "no word vectors"),
    "a sentence": ("just a sentence\n", NotWordVectors, "no word vectors"),
    "a web page": ("<!DOCTYPE html>\n<html>\n", NotWordVectors, "no word vectors"),
    "JSON": ('{"king": [0.5, 0.2]}', ModelError, "."),
    "one line without end": ("a" * 100_000, NotWordVectors, "no word vectors"),
    "only zeros": (joined("king 0 0", "queen 0 0"), OnlyZeros, "all zeros"),
    "two files joined": (GLOVE + GLOVE.replace("0.2", "-0.3"), VectorFilesJoined, "“king” .line or entry 5.*4 times"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_contradicts_itself_is_refused_with_its_line(tmp_path: Path, kind: str) -> None:
    content, failure, says = WRONG[kind]
    with pytest.raises(failure, match=says) as caught:
        load(tmp_path, content)
    assert "\n" not in str(caught.value)
    with pytest.raises(failure):
        load(tmp_path, gzip.compress(content.encode() if isinstance(content, str) else content), "words.gz")


@pytest.mark.parametrize("line", [1, 255, 256, 257, 700, 1000])
@pytest.mark.parametrize("wrong", ["w 1 2 x", "w 1 2 3 4", "w 1", "w nan 1 2", "w  1 2 x", "w\t1 2 x"])
def test_the_first_wrong_line_is_named_wherever_it_is(tmp_path: Path, line: int, wrong: str) -> None:
    rows = ["2000 3", *(f"w{row} {row} 1 2" for row in range(1, 2001))]
    rows[line] = wrong
    rows[line + 10] = "w 1"
    with pytest.raises(ModelError, match=rf"line {line + 1}\b"):
        load(tmp_path, joined(*rows))


def test_a_file_that_repeats_itself_is_no_contradiction(tmp_path: Path) -> None:
    assert words_of(load(tmp_path, GLOVE * 2)) == ["king", "queen", "man", "woman"]
    assert vector(load(tmp_path, GLOVE + "king 9 9 9 9\n"), "king") == [0.5, 0.2, 0.1, 0.7]


NUMBERS = st.floats(-9, 9, width=32).map(lambda number: f"{number:.4f}")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=3, max_size=8),
    st.data(),
)
def test_a_number_lost_or_added_anywhere_is_found(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 2))
    changed = [list(row) for row in rows]
    if data.draw(st.booleans()):
        del changed[at][column]
    else:
        changed[at].insert(column, data.draw(NUMBERS))
    lines = [f"w{number} {' '.join(row)}" for number, row in enumerate(changed)]
    with pytest.raises(VectorLengthWrong):
        load(tmp_path_factory.mktemp("rows"), joined(*lines))


# Binary files ----------------------------------------------------------------------------------------------


def binary(rows: dict[str, list[float]], header: str | None = None, end: bytes = b"") -> bytes:
    columns = len(next(iter(rows.values())))
    entries = (word.encode() + b" " + np.array(row, "<f4").tobytes() + end for word, row in rows.items())
    return (header or f"{len(rows)} {columns}").encode() + b"\n" + b"".join(entries)


BINARY = {"king": [0.5, 0.2, 0.1], "queen": [0.4, 0.3, 0.1], "man": [-0.3, 0.9, 0.0], "café": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("packer", [None, *PACKERS])
def test_a_binary_file(tmp_path: Path, end: bytes, packer: str | None) -> None:
    content = binary(BINARY, end=end)
    found = load(tmp_path, PACKERS[packer](content) if packer else content, keep=True)
    assert words_of(found) == list(BINARY)
    assert vector(found, "café") == [1, 2, 3]


@pytest.mark.parametrize("seed", range(20))
def test_bytes_are_never_taken_for_text(tmp_path: Path, seed: int) -> None:
    numbers = np.random.default_rng(seed).normal(size=(30, 2 + seed % 7)).tolist()
    rows = {f"w{number}": row for number, row in enumerate(numbers)}
    assert words_of(load(tmp_path, binary(rows))) == list(rows)


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("junk", [b"\n", b"\0", b"xyz\n", b"\x3e\x01\x02"])
def test_bytes_too_many_do_not_become_part_of_a_word(tmp_path: Path, end: bytes, junk: bytes) -> None:
    content = binary(BINARY, end=end)
    at = content.index(b"queen ")
    content = content[:at] + junk + content[at:]
    if junk == b"\n":  # one line break more or less does not matter
        assert words_of(load(tmp_path, content)) == list(BINARY)
    else:
        with pytest.raises(BrokenEntry, match="word 2"):
            load(tmp_path, content)


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize(
    ("header", "failure"),
    [
        ("5 3", VectorCountWrong),
        ("3 3", VectorsGoOn),
        ("4 2", ModelError),
        ("4 4", ModelError),
        ("4 300", VectorCountWrong),
        ("3 4", ModelError),
        ("999999999999 3", VectorCountWrong),
        ("4 999999999999", NotWordVectors),
    ],
)
def test_a_binary_file_that_its_header_does_not_fit(
    tmp_path: Path, header: str, failure: type[ModelError], end: bytes
) -> None:
    with pytest.raises(failure):
        load(tmp_path, binary(BINARY, header, end))


def test_a_binary_file_that_was_cut_off_anywhere(tmp_path: Path) -> None:
    whole = binary(BINARY)
    for length in range(len(whole)):
        with pytest.raises(ModelError):
            load(tmp_path, whole[:length])


# Values ----------------------------------------------------------------------------------------------------


def in_text(path: Path, rows: dict[str, list[float]]) -> Path:
    path.write_text(joined(*(f"{word} {' '.join(map(repr, row))}" for word, row in rows.items())))
    return path


def in_binary(path: Path, rows: dict[str, list[float]]) -> Path:
    path.write_bytes(binary(rows))
    return path


def in_folder(path: Path, rows: dict[str, list[float]], dtype: str = "f4") -> Path:
    path.mkdir()
    with np.errstate(over="ignore"):
        np.save(path / "vectors.npy", np.array(list(rows.values())).astype(dtype))
    (path / "words.txt").write_text(joined(*rows))
    return path


def in_doubles(path: Path, rows: dict[str, list[float]]) -> Path:
    return in_folder(path, rows, "f8")


def in_halves(path: Path, rows: dict[str, list[float]]) -> Path:
    return in_folder(path, rows, "f2")


Writer = Callable[[Path, dict[str, list[float]]], Path]
WRITERS: list[Writer] = [in_text, in_binary, in_folder, in_doubles, in_halves]
GOOD = {"king": [0.5, 0.25, 0.125], "queen": [0.5, 0.375, 0.125], "man": [-0.25, 1.0, 0.0]}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_value_that_is_not_finite_is_refused_with_its_place(
    tmp_path: Path, write: Writer, bad: float, at: int
) -> None:
    rows = list(GOOD.items())
    rows.insert(at, ("bad", [0.1, bad, 0.2]))
    with pytest.raises((LineNotFinite, NumbersNotFinite), match=rf"“bad”.* (line|row) {at + 1}\b"):
        WordVectors.load(WordsSpec(str(write(tmp_path / "it", dict(rows))), tmp_path / "data"))


def test_a_signalling_nan_is_refused_without_a_warning(tmp_path: Path) -> None:
    content = binary({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(NumbersNotFinite, match="row 2"):
        load(tmp_path, content[:-4] + b"\x01\x00\x80\x7f")


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_vector_of_zeros_is_answered_in_a_sentence_and_is_in_no_list(
    tmp_path: Path, write: Writer, at: int
) -> None:
    rows = list(GOOD.items())
    rows.insert(at, ("zero", [0.0, -0.0, 0.0]))
    spec = WordsSpec(str(write(tmp_path / "it", dict(rows))), tmp_path / "data")
    for _ in range(2):  # read, and kept
        found = WordVectors.load(spec)
        found.probe()
        assert len(found) == len(GOOD)
        assert "zero" in found
        for query in ("zero", "Zero", "king + zero", "king, zero", "king, queen, zero", "king - zero"):
            with pytest.raises(WordWithoutDirection, match="“zero” is all zeros"):
                found.ask(query)
        for word in GOOD:
            for by_vector in (False, True):
                answer = found.ask(word, by_vector=by_vector)
                assert isinstance(answer, Neighbourhood)
                assert {it.word for it in answer.neighbours} <= set(GOOD)
                assert np.isfinite([it.score for it in answer.neighbours]).all()
        assert "zero" not in found.suggest("z")
        with pytest.raises(BadInput, match="do not know"):
            found.ask("nil")


@pytest.mark.parametrize("write", [in_text, in_binary, in_folder, in_doubles])
@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e-30, 1e-20, 1e19, 1e30, 1e38])
def test_lengths_that_float32_cannot_square_change_no_answer(
    tmp_path: Path, write: Writer, scale: float
) -> None:
    rows = {**GOOD, "scaled": [scale, 2 * scale, 3 * scale]}
    expected = {**GOOD, "scaled": [1.0, 2.0, 3.0]}
    spec = WordsSpec(str(write(tmp_path / "it", rows)), tmp_path / "data")
    right = WordVectors.load(WordsSpec(str(write(tmp_path / "expected", expected))))
    for found in (WordVectors.load(spec), WordVectors.load(spec)):
        for word in rows:
            answer, wanted = found.similar(word), right.similar(word)
            assert [it.word for it in answer.neighbours] == [it.word for it in wanted.neighbours]
            # The smallest numbers of float32 have few digits.
            close = 0.1 if scale < 1e-40 else 1e-5
            scores = [it.score for it in wanted.neighbours]
            assert [it.score for it in answer.neighbours] == pytest.approx(scores, abs=close)


@pytest.mark.parametrize("write", [in_text, in_doubles])
@pytest.mark.parametrize("scale", [1e-300, 1e-60, 1e60, 1e300])
def test_numbers_that_only_double_precision_holds(tmp_path: Path, write: Writer, scale: float) -> None:
    rows = {**GOOD, "double": [number * scale for number in GOOD["queen"]]}
    found = WordVectors.load(WordsSpec(str(write(tmp_path / "it", rows))))
    best = found.similar("double", 1).neighbours[0]
    assert best.word == "queen"
    assert best.score == pytest.approx(1.0)


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.zeros((3, 0)), np.zeros((3, 2), "c8"), np.zeros((3, 2), "U1"), np.zeros((3, 1, 1))]
)  # fmt: skip
def test_a_folder_without_a_table_of_numbers(tmp_path: Path, array: np.ndarray) -> None:
    folder = in_folder(tmp_path / "folder", GOOD)
    np.save(folder / "vectors.npy", array)
    with pytest.raises(NotAMatrix, match=r"vectors\.npy"):
        WordVectors.load(WordsSpec(str(folder)))


def test_a_folder_whose_words_were_saved_on_windows(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "folder", GOOD)
    (folder / "words.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*GOOD, ""]).encode())
    assert words_of(WordVectors.load(WordsSpec(str(folder)))) == list(GOOD)
