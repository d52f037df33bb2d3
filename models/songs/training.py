"""What is learnt from playlists, kept on disk and opened again without reading the playlists.

A folder holds arrays, lines of text and one JSON object: nothing is pickled, and the arrays are mapped into
memory. Its name is a hash of everything that it was made from, so a change of data or settings finds no folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gensim
import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray
from scipy import sparse

from models.failures import ModelError
from models.files import cache
from models.songs.playlists import Playlists, Table
from models.songs.recommender import Recommender, count
from models.specs import Progress, SongsSpec
from models.words.vectors import keyed, read_folder, write_folder

log = logging.getLogger(__name__)

FORMAT = 3
KEPT_TRAININGS = 4
WORD2VEC = ("vector_size", "window", "negative", "min_count", "epochs", "seed", "workers")
"""The parameters of a `SongsSpec` that are `Word2Vec`'s."""
_ARRAYS = ("plays", "data", "indices", "indptr")


@dataclass(frozen=True, slots=True)
class Trained:
    """`vectors` are gensim's KeyedVectors over song ids. The rows of `counts`, sparse (songs, playlists), are the
    songs of the table and after them the `unlisted` ones, which only playlists name; `plays` counts their plays and
    `shares` are the `Recommender`'s.
    """

    vectors: Any
    counts: Any
    shares: tuple[float, ...]
    plays: NDArray[np.int64]
    unlisted: tuple[str, ...]
    report: dict[str, int]


def parameters(spec: SongsSpec) -> dict[str, int]:
    """What `Word2Vec` is to be called with."""
    return {name: getattr(spec, name) for name in WORD2VEC}


def train(
    table: Table, playlists: Playlists, settings: Mapping[str, Any], progress: Progress | None = None
) -> Trained:
    """Count the playlists and train on them; with one worker always to the same numbers."""
    vectors = word2vec(playlists.lists, settings, progress)
    if not len(vectors):
        raise ModelError(f"No song is in the playlists {settings['min_count']} times; lower min_count.")
    listed = {song.id: place for place, song in enumerate(table.songs)}
    played = dict.fromkeys(id_ for playlist in playlists.lists for id_ in playlist)
    unlisted = tuple(id_ for id_ in played if id_ not in listed)
    places = listed | {id_: len(listed) + number for number, id_ in enumerate(unlisted)}
    if progress:
        progress("learning what goes together", None)
    recommender = Recommender.fit(count(playlists.lists, places), settings["seed"])
    counts = recommender.counts
    plays = counts.sum(axis=1).astype(np.int64)
    # The header may count more plays than the playlists of this file have.
    for id_, told in playlists.plays.items():
        if (place := places.get(id_)) is not None and told > plays[place] > 0:
            plays[place] = told
    report = {**playlists.report, "songs played but not in the table": len(unlisted)}
    return Trained(vectors, counts, recommender.shares, plays, unlisted, report)


def word2vec(
    lists: Sequence[Sequence[str]], settings: Mapping[str, Any], progress: Progress | None = None
) -> Any:
    """KeyedVectors of gensim over song ids. What `progress` raises ends the training."""
    model = Word2Vec(list(lists), callbacks=[_Epochs(progress, settings["epochs"])], **settings)
    return keyed(model.wv.index_to_key, model.wv.vectors)


class _Epochs(CallbackAny2Vec):  # type: ignore[misc]
    """Tells how far a training is."""

    def __init__(self, progress: Progress | None, epochs: int) -> None:
        self._progress = progress
        self._epochs = epochs
        self._done = 0

    def on_epoch_begin(self, _model: Any) -> None:
        if self._progress:
            self._progress("training Word2Vec on the playlists", self._done / self._epochs)
        self._done += 1


# Keeping ---------------------------------------------------------------------------------------------------


def folder_name(settings: Mapping[str, Any], *contents: bytes) -> str:
    """The name of the folder for a training with these settings on files with these contents."""
    hashes = [hashlib.sha256(it).hexdigest() for it in contents]
    return cache.fingerprint(FORMAT, gensim.__version__, dict(settings), hashes)


def remembered(folder: Path) -> Trained | None:
    """What was kept in a folder; nothing if there is none or it is damaged."""
    if not folder.is_dir():
        return None
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        arrays = {it: np.load(folder / f"{it}.npy", mmap_mode="r", allow_pickle=False) for it in _ARRAYS}
        counts = sparse.csr_array(
            (arrays["data"], arrays["indices"], arrays["indptr"]), tuple(facts["shape"])
        )
        counts.check_format(full_check=True)
        plays = arrays["plays"].reshape(counts.shape[:1])
        vectors = read_folder(folder)
        shares = tuple(float(it) for it in facts["shares"])
        return Trained(vectors, counts, shares, plays, tuple(facts["unlisted"]), facts["report"])
    except (ModelError, OSError, ValueError, KeyError, TypeError):
        log.warning("What was learnt from the playlists is damaged on disk; learning it anew.")
        shutil.rmtree(folder, ignore_errors=True)
        return None


def remember(folder: Path, trained: Trained) -> None:
    """Keep a training, and the last few before it."""

    def write(new: Path) -> None:
        write_folder(new, trained.vectors.index_to_key, trained.vectors.vectors)
        arrays = (trained.plays, trained.counts.data, trained.counts.indices, trained.counts.indptr)
        for name, array in zip(_ARRAYS, arrays, strict=True):
            np.save(new / f"{name}.npy", array, allow_pickle=False)
        facts = {
            "shape": trained.counts.shape,
            "shares": trained.shares,
            "unlisted": trained.unlisted,
            "report": trained.report,
        }
        (new / "facts.json").write_text(json.dumps(facts), encoding="utf-8")

    cache.store(folder, write, "What was learnt from the playlists", KEPT_TRAININGS)
