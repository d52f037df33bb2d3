"""Training on playlists, with saved results so that the playlists need not be read again.

A saved folder contains arrays, lines of text and a JSON object: nothing is pickled, and arrays are memory-mapped. Its
name is a hash of all inputs, so other data or settings use another folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import gensim
import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from gensim.models.word2vec import MAX_WORDS_IN_BATCH
from numpy.typing import NDArray
from scipy import sparse

import texts
from models.failures import NoFrequentSong
from models.files import kept
from models.progress import Progress
from models.songs.counts import CatalogueCount, Report
from models.songs.playlists import Playlists, Table
from models.songs.recommender import Recommender, count_plays
from models.songs.ways import Regression, Regressor, way_as_list, way_from_list
from models.specs import SongsSpec
from models.words.formats import Vectors, checked, read_folder, write_folder

FORMAT = 5
SAVED_TRAININGS = 4
KEPT = "What was learnt from the playlists"
"""The description in log messages."""
WORD2VEC = ("vector_size", "window", "negative", "min_count", "epochs", "seed", "workers")
"""The parameters in `SongsSpec` that are passed to `Word2Vec`."""
_ARRAYS = ("plays", "data", "indices", "indptr")
_REGRESSION = ("values", "vectors", "factor")
"""The arrays of each `Regressor`."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """`vectors` are by song id. The songs of the `recommender` are those of the table, followed by the `unlisted` ones,
    which occur only in playlists; `plays`, (songs,), counts their plays.
    """

    vectors: Vectors
    recommender: Recommender
    plays: NDArray[np.int64]
    unlisted: tuple[str, ...]
    report: Report


def parameters(spec: SongsSpec) -> dict[str, int]:
    """The keyword arguments for `Word2Vec`."""
    return {name: getattr(spec, name) for name in WORD2VEC}


def train(
    table: Table, playlists: Playlists, settings: Mapping[str, int], progress: Progress | None = None
) -> TrainingResult:
    """Count the playlists and train on them; deterministic with one worker.

    Raises NoFrequentSong if no song reaches `min_count`, and any exception from `progress`.
    """
    listed = {song.id: index for index, song in enumerate(table.songs)}
    played = dict.fromkeys(id_ for playlist in playlists.lists for id_ in playlist)
    unlisted = tuple(id_ for id_ in played if id_ not in listed)
    indices = listed | {id_: index for index, id_ in enumerate(unlisted, len(listed))}
    with ThreadPoolExecutor(1) as executor:
        # Both take about as long and are independent of each other.
        fitting = executor.submit(Recommender.fit, count_plays(playlists.lists, indices), settings["seed"])
        vectors = word2vec(playlists.lists, settings, progress)
        if progress:
            progress(texts.say("progress-learning-playlists"), None)
        recommender = fitting.result()
    if not len(vectors):
        raise NoFrequentSong(settings["min_count"])
    plays = recommender.counts.sum(axis=1).astype(np.int64)
    # The header may count more plays than the playlists in this file contain.
    for id_, header_plays in playlists.plays.items():
        if (index := indices.get(id_)) is not None and header_plays > plays[index] > 0:
            plays[index] = header_plays
    report = playlists.report | {CatalogueCount.UNLISTED_SONGS: len(unlisted)}
    return TrainingResult(vectors, recommender, plays, unlisted, report)


def word2vec(
    lists: Sequence[Sequence[str]], settings: Mapping[str, int], progress: Progress | None = None
) -> Vectors:
    """Vectors by song id. Exceptions from `progress` abort the training; NumbersNotFinite if it diverged."""
    callbacks = [_epoch_callback(progress, settings["epochs"])] if progress else []
    model = Word2Vec(_in_pieces(lists), callbacks=callbacks, **settings)
    return checked(model.wv.index_to_key, model.wv.vectors, "Word2Vec").vectors


def _in_pieces(lists: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The lists, with those longer than gensim's MAX_WORDS_IN_BATCH split: gensim would silently drop the rest."""
    return [
        playlist[start : start + MAX_WORDS_IN_BATCH]
        for playlist in lists
        for start in range(0, len(playlist), MAX_WORDS_IN_BATCH)
    ]


def _epoch_callback(progress: Progress, epochs: int) -> CallbackAny2Vec:
    """Reports the share of completed epochs."""
    done = count()
    what = texts.say("progress-training-word2vec")
    callback = CallbackAny2Vec()
    callback.on_epoch_begin = lambda _model: progress(what, next(done) / epochs)
    return callback


# Saving ----------------------------------------------------------------------------------------------------


def folder_name(settings: Mapping[str, int], *contents: bytes) -> str:
    """The folder name for a training with these settings on files with these contents."""
    hashes = [hashlib.sha256(content).hexdigest() for content in contents]
    return kept.fingerprint(FORMAT, gensim.__version__, dict(settings), hashes)


def load_saved(folder: Path) -> TrainingResult | None:
    """The result saved in a folder; None if it is missing or damaged."""
    return kept.recall(folder, _read, KEPT)


def _read(folder: Path) -> TrainingResult:
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    arrays = {name: _load(folder / f"{name}.npy") for name in _ARRAYS}
    counts = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), tuple(facts["shape"]))
    counts.check_format(full_check=True)
    mixes = [{way_from_list(way): float(share) for way, share in mix} for mix in facts["mixes"]]
    regressors = {}
    for number, (values, identity) in enumerate(facts["regressors"]):
        way = way_from_list(values)
        if not isinstance(way, Regression):
            raise TypeError(values)
        kept_arrays = {name: _load(folder / f"{name}-{number}.npy") for name in _REGRESSION}
        regressors[way] = Regressor(scale=way.scale, identity=float(identity), **kept_arrays)
    return TrainingResult(
        vectors=read_folder(folder),
        recommender=Recommender(counts, mixes, regressors),
        plays=arrays["plays"].reshape(counts.shape[:1]),
        unlisted=tuple(facts["unlisted"]),
        report={CatalogueCount(name): number for name, number in facts["report"].items()},
    )


def _load(path: Path) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def save(folder: Path, result: TrainingResult) -> None:
    """Save a training result, and keep the last few earlier ones."""

    def write(new: Path) -> None:
        write_folder(new, result.vectors.index_to_key, result.vectors.vectors)
        recommender = result.recommender
        counts = recommender.counts
        arrays = dict(zip(_ARRAYS, (result.plays, counts.data, counts.indices, counts.indptr), strict=True))
        for number, regressor in enumerate(recommender.regressors.values()):
            arrays |= {f"{name}-{number}": getattr(regressor, name) for name in _REGRESSION}
        for name, array in arrays.items():
            np.save(new / f"{name}.npy", array, allow_pickle=False)
        facts = {
            "shape": counts.shape,
            "mixes": [[(way_as_list(way), share) for way, share in mix.items()] for mix in recommender.mixes],
            "regressors": [
                (way_as_list(way), regressor.identity) for way, regressor in recommender.regressors.items()
            ],
            "unlisted": result.unlisted,
            "report": result.report,
        }
        (new / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    kept.store(folder, write, KEPT, SAVED_TRAININGS)
