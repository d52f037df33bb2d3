"""What is learnt from playlists and kept: the same every time, whole or not at all, and nothing pickled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gensim.models import Word2Vec

from models.failures import NumbersNotFinite, Stopped
from models.files import kept
from models.songs import training
from models.songs.catalogue import SongCatalogue
from models.songs.playlists import read_playlists, read_songs
from models.songs.training import TrainingResult, folder_name, load_saved, save, train
from tests.models.catalogue import TABLE, ids, playlists, spec

SETTINGS = {
    "vector_size": 8,
    "window": 20,
    "negative": 5,
    "min_count": 1,
    "epochs": 2,
    "seed": 1,
    "workers": 1,
}


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return train(read_songs(TABLE.encode()), read_playlists(playlists().encode()), SETTINGS)


def test_what_is_kept_comes_back_bit_by_bit(trained: TrainingResult, tmp_path: Path) -> None:
    save(tmp_path / "one", trained)
    found = load_saved(tmp_path / "one")
    assert found is not None
    assert isinstance(found.vectors.vectors, np.memmap)
    assert found.vectors.index_to_key == trained.vectors.index_to_key
    for one, other in (
        (found.vectors.vectors, trained.vectors.vectors),
        (found.recommender.counts.data, trained.recommender.counts.data),
        (found.recommender.counts.indices, trained.recommender.counts.indices),
        (found.plays, trained.plays),
    ):
        assert np.array_equal(one, other)
    assert (found.recommender.mixes, found.unlisted, found.report) == (
        trained.recommender.mixes,
        trained.unlisted,
        trained.report,
    )
    assert load_saved(tmp_path / "other") is None


def test_every_training_is_the_same(trained: TrainingResult) -> None:
    """Another process hashes strings with another seed."""
    again = train(read_songs(TABLE.encode()), read_playlists(playlists().encode()), SETTINGS)
    assert again.vectors.vectors.tobytes() == trained.vectors.vectors.tobytes()
    assert again.recommender.mixes == trained.recommender.mixes
    script = (
        "from tests.models.test_training import *\n"
        "made = train(read_songs(TABLE.encode()), read_playlists(playlists().encode()), SETTINGS)\n"
        "print(made.vectors.vectors.tobytes().hex(), made.recommender.counts.data.tobytes().hex(), made.recommender.mixes)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONWARNINGS": "ignore"}
    output = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, env=environment
    ).stdout
    expected = f"{trained.vectors.vectors.tobytes().hex()} {trained.recommender.counts.data.tobytes().hex()} {trained.recommender.mixes}"
    assert output.strip() == expected


def test_a_training_that_went_astray_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = Word2Vec

    def astray(*arguments: object, **options: object) -> object:
        model = train(*arguments, **options)
        model.wv.vectors[1, 0] = np.nan
        return model

    monkeypatch.setattr(training, "Word2Vec", astray)
    with pytest.raises(NumbersNotFinite):
        SongCatalogue.load(spec(tmp_path))


@pytest.mark.parametrize("name", ["plays", "data", "indices", "indptr", "vectors"])
@pytest.mark.parametrize("damage", ["empty", "cut off", "flipped"])
def test_damage_to_what_was_learnt_makes_it_learn_again(tmp_path: Path, name: str, damage: str) -> None:
    made = spec(tmp_path, cache=tmp_path / "cache")
    before = ids(SongCatalogue.load(made).recommend(["1", "2"]))
    (folder,) = (tmp_path / "cache").iterdir()
    content = (folder / f"{name}.npy").read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    (folder / f"{name}.npy").write_bytes({"empty": b"", "cut off": content[:-1], "flipped": flipped}[damage])
    assert ids(SongCatalogue.load(made).recommend(["1", "2"])) == before
    assert (folder / f"{name}.npy").read_bytes() == content


def test_nothing_is_pickled(trained: TrainingResult, tmp_path: Path) -> None:
    save(tmp_path / "one", trained)
    for file in (tmp_path / "one").iterdir():
        match file.suffix:
            case ".npy":
                np.load(file, allow_pickle=False)
            case ".json":
                json.loads(file.read_text(encoding="utf-8"))
            case _:
                assert file.name in {"words.txt", kept.MANIFEST}


def test_the_name_of_a_folder_changes_with_all_that_matters() -> None:
    names = {
        folder_name(SETTINGS, b"ids", b"lists"),
        folder_name(SETTINGS | {"seed": 2}, b"ids", b"lists"),
        folder_name(SETTINGS, b"id", b"slists"),
        folder_name(SETTINGS, b"ids", b"lists "),
    }
    assert len(names) == 4
    assert folder_name(SETTINGS, b"ids", b"lists") in names


def test_who_comes_second_keeps_what_the_first_has_kept(
    trained: TrainingResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "one", trained)
    before = (tmp_path / "one").stat().st_mtime_ns
    save(tmp_path / "one", trained)
    assert (tmp_path / "one").stat().st_mtime_ns == before
    assert [it.name for it in tmp_path.iterdir()] == ["one"]
    assert not caplog.records


def test_many_processes_may_train_at_once(tmp_path: Path) -> None:
    made = spec(tmp_path, cache=tmp_path / "cache")
    script = (
        "import sys; from models.songs.catalogue import SongCatalogue; from models.specs import SongsSpec\n"
        "made = SongsSpec(sys.argv[1], sys.argv[2], vector_size=8, epochs=3, negative=5, cache=sys.argv[3])\n"
        "print([it.song.id for it in SongCatalogue.load(made).recommend(['1', '2']).songs])"
    )
    command = [sys.executable, "-c", script, made.songs, made.playlists, tmp_path / "cache"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # noqa: S603 - our own interpreter
    answers = {process.communicate(timeout=100)[0] for process in running}
    assert {process.returncode for process in running} == {0}
    assert answers == {f"{ids(SongCatalogue.load(made).recommend(['1', '2']))}\n"}
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_a_killed_process_left_is_swept_away(trained: TrainingResult, tmp_path: Path) -> None:
    for name, age in (("writing-old", kept.ABANDONED + 60), ("writing-new", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    save(tmp_path / ("a" * 32), trained)
    assert sorted(it.name for it in tmp_path.iterdir()) == ["a" * 32, "writing-new"]


def test_progress_grows_and_may_end_the_training(tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []
    SongCatalogue.load(spec(tmp_path, cache=tmp_path / "cache"), lambda *it: told.append(it))
    shares = [share for what, share in told if share is not None]
    assert shares == sorted(shares)
    assert len(shares) == 3
    assert [what for what, share in told if share is None] == [
        "reading songs",
        "reading playlists",
        "learning which go together",
        "preparing the search",
    ]

    def stop(_what: str, share: float | None) -> None:
        if share:
            raise Stopped("Enough.")

    with pytest.raises(Stopped):
        SongCatalogue.load(spec(tmp_path, cache=tmp_path / "other"), stop)
    assert not (tmp_path / "other").exists()


def test_a_new_title_needs_no_new_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SongCatalogue.load(spec(tmp_path, cache=tmp_path / "cache"))

    def never(*_: object) -> Callable[..., None]:
        raise AssertionError

    monkeypatch.setattr(training, "train", never)
    table = TABLE.replace("Fade To Black", "Fade to White")
    found = SongCatalogue.load(spec(tmp_path, table, cache=tmp_path / "cache")).get("2")
    assert found is not None
    assert found.title == "Fade to White"


def test_plays_that_only_the_header_knows_count() -> None:
    found = train(read_songs(TABLE.encode()), read_playlists(b"0 1 2 99\n7 1 1 9\n0 1\n0 2 2\n"), SETTINGS)
    assert found.plays[:3].tolist() == [7, 1, 2]
    assert found.unlisted == ()
    assert found.recommender.counts.shape == (14, 2)


def test_no_play_of_a_long_list_is_left_out() -> None:
    """Gensim itself cuts a list off after 10,000."""
    long = [str(number % 700) for number in range(25_000)]
    pieces = training._in_pieces([long, ["a", "b"]])
    assert [song for piece in pieces for song in piece] == [*long, "a", "b"]
    assert max(map(len, pieces)) <= 10_000
