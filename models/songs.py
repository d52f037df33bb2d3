"""Songs: a table to search, playlists to learn from, and what goes with what."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import gensim
import numpy as np
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray
from scipy import sparse

from models import loading, versions
from models.answers import Recommendation, Recommendations, Song
from models.failures import BadInput, ModelError, NotThere, UnknownSong
from models.playlists import Playlists, Table, read_playlists, read_songs, read_tags
from models.recommender import Recommender
from models.search import Search
from models.specs import Progress, SongsSpec
from models.words import keyed, read_folder, write_folder

log = logging.getLogger(__name__)

MOST = 1000
"""Songs that can be asked for at once."""
REASONS = 3
KEPT_TRAININGS = 4
BIG_TAGS = 12
"""Tags that popular songs are drawn from in turn."""


class SongCatalogue:
    """Songs by id, title and artist, and by the playlists that play them. For one thread at a time."""

    device = "cpu"
    dtype = "float32"
    few = 5
    """A song in fewer playlists than this is little known."""

    def __init__(
        self,
        table: Table,
        playlists: Playlists,
        vectors: Any,
        name: str,
        tags: Sequence[tuple[str, ...]] = (),
        report: Mapping[str, int] | None = None,
    ) -> None:
        """`vectors` are gensim's KeyedVectors over song ids, trained on `playlists`; `tags` has a row a song."""
        self.name = name
        self.report: dict[str, int] = dict(report or {})
        """What was read, and what was left out and why: counts."""
        self._vectors = vectors
        listed = {song.id for song in table.songs}
        played = dict.fromkeys(id_ for playlist in playlists.lists for id_ in playlist)
        # A playlist may name a song that the table lacks; it is shown by its id rather than hidden.
        unlisted = [Song(id_, f"Song {id_}", "") for id_ in played if id_ not in listed]
        self.report["songs played but not in the table"] = len(unlisted)
        self._songs = [*table.songs, *unlisted]
        self._places = {song.id: place for place, song in enumerate(self._songs)}
        self._tags = [*tags, *[()] * (len(self._songs) - len(tags))]
        plays = _matrix(playlists.lists, self._places)
        self._plays = np.asarray(plays.sum(axis=0)).ravel().astype(np.int64)
        self._recommender = Recommender.fit(plays)
        self._lists = len(playlists.lists)
        self._works, self._artists = versions.group(self._songs)
        # Most played first; equally often played songs in the order of the table.
        self._by_plays = np.argsort(-self._plays, kind="stable")
        self._search = Search(self._songs, self._by_plays)

    @classmethod
    def load(cls, spec: SongsSpec, progress: Progress | None = None) -> Self:
        """Read the table and the playlists, and train on them unless that was done before."""
        name = loading.catalogue_label(spec.songs)
        if progress:
            progress("reading songs and playlists", None)
        with loading.reading(name, chatty=False):
            table = read_songs(_bytes(spec.songs))
            playlists = read_playlists(_bytes(spec.playlists))
            tags: list[tuple[str, ...]] = []
            tags_report: dict[str, int] = {}
            if spec.tags is not None:
                names = _bytes(spec.tag_names) if spec.tag_names is not None else None
                rows, tags_report = read_tags(_bytes(spec.tags), names, max(table.lines, default=-1) + 1)
                tags = [rows[line] for line in table.lines]
        if not table.songs:
            raise ModelError(f"{name} holds no songs.")
        if not playlists.lists:
            raise ModelError(f"{loading.label(str(spec.playlists))} holds no playlist of two songs or more.")
        vectors = _trained(spec, playlists.lists, progress)
        if progress:
            progress("preparing the search", None)
        return cls(table, playlists, vectors, name, tags, table.report | playlists.report | tags_report)

    def __len__(self) -> int:
        return len(self._songs)

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes + self._plays.nbytes + self._recommender.memory)

    @property
    def detail(self) -> str:
        return f"{len(self):,} songs, {self._lists:,} playlists, {self._vectors.vector_size} numbers each"

    def get(self, id_: str) -> Song | None:
        place = self._places.get(id_.strip())
        return None if place is None else self._songs[place]

    def tags(self, song_id: str) -> tuple[str, ...]:
        """What people call the song; nothing without a tags file, or for a song that it leaves out."""
        place = self._places.get(song_id.strip())
        return () if place is None else self._tags[place]

    def same(self, song_id: str) -> frozenset[str]:
        """The ids that are one song for a person: versions by the same artist, and the id itself."""
        place = self._places.get(song_id.strip())
        if place is None:
            return frozenset({song_id.strip()})
        return frozenset(self._songs[it].id for it in np.flatnonzero(self._works == self._works[place]))

    def search(self, text: str, limit: int = 25) -> list[Song]:
        """Songs whose title and artist are like `text`: exact, then beginnings, then words, then typos;
        among equals the most played first.
        """
        return [self._songs[place] for place in self._search.find(text, limit)]

    def similar(
        self, song_id: str, n: int = 10, exclude: Collection[str] = (), *, skip: int = 0
    ) -> Recommendations:
        """The songs nearest by cosine of their Word2Vec vectors, as gensim's `most_similar(positive=id)`.

        Versions of the song itself are left out, and the first `skip` of the others. The cosines of such small
        corpora all lie near 1, so only the order means something. UnknownSong if there is no such song; no
        songs, and the id in `unknown`, if no playlist plays it.
        """
        n = _bounded(n)
        if (song := self.get(song_id)) is None:
            raise UnknownSong("I have no song with that id. Choose one from the list of suggestions.")
        if song.id not in self._vectors:
            return Recommendations(self.name, (), (song,), (song.id,))
        cosines = self._vectors.most_similar(positive=song.id, topn=None)
        hidden = {*(id_.strip() for id_ in exclude), *self.same(song.id)}
        near = [id_ for at in np.argsort(-cosines) if (id_ := self._vectors.index_to_key[at]) not in hidden]
        page = tuple(self._recommendation(self._places[id_], (song,)) for id_ in near[skip : skip + n])
        return Recommendations(self.name, page, (song,), more=len(near) > skip + n)

    def recommend(
        self,
        likes: Sequence[str],
        n: int = 10,
        exclude: Collection[str] = (),
        *,
        dislikes: Sequence[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> Recommendations:
        """Songs for somebody who likes these, oldest first: see `models.recommender`.

        Liked, disliked and excluded songs and their versions are never recommended; likes that no playlist plays
        are in `unknown`. The first `skip` songs are left out: pages of the same length have no song twice. A page
        holds at most `per_artist` songs by one artist; those that this holds back come on a later page.
        """
        return self.blend([likes], n, exclude, dislikes=dislikes, skip=skip, per_artist=per_artist)

    def blend(
        self,
        likes_of_people: Sequence[Sequence[str]],
        n: int = 10,
        exclude: Collection[str] = (),
        *,
        dislikes: Sequence[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> Recommendations:
        """Songs for several people together; everybody's likes weigh the same, however many they are."""
        n = _bounded(n)
        everything = list(dict.fromkeys(id_.strip() for likes in likes_of_people for id_ in likes))
        known = self._known(everything)
        seeds = [place for place in known if self._plays[place]]
        unknown = tuple(id_ for id_ in everything if self._places.get(id_) not in seeds)
        answer = Recommendations(self.name, (), tuple(self._songs[it] for it in seeds), unknown)
        if not seeds:
            return answer
        votes = self._recommender.votes(np.array(seeds))
        total = np.zeros(len(self))
        for likes in likes_of_people:
            own = votes[[seeds.index(it) for it in self._known(likes) if it in seeds]].sum(axis=0)
            total += own / (own.max() or 1.0)
        total[self._versions([*known, *self._known([*dislikes, *exclude])])] = 0.0
        order = np.lexsort((-self._plays, -total))
        page, more = self._page(order[total[order] > 0].tolist(), n, skip, per_artist)
        songs = tuple(self._recommendation(it, _reasons(votes[:, it], answer.seeds)) for it in page)
        return Recommendations(self.name, songs, answer.seeds, unknown, more)

    def popular(
        self, n: int = 10, exclude: Collection[str] = (), *, skip: int = 0, per_artist: int | None = 2
    ) -> Recommendations:
        """The most played songs; where there are tags, of the big tags in turn."""
        n = _bounded(n)
        hidden = set(self._versions(self._known(exclude)).tolist())
        page, more = self._page(
            [it for it in self._by_plays.tolist() if it not in hidden], n, skip, per_artist
        )
        return Recommendations(self.name, tuple(map(self._recommendation, page)), (), more=more)

    def probe(self) -> None:
        self.similar(self._vectors.index_to_key[0], 1)
        self.recommend([song.song.id for song in self.popular(2).songs], 1)
        self.search("a", 1)

    def _known(self, ids: Iterable[str]) -> list[int]:
        return [place for id_ in ids if (place := self._places.get(id_.strip())) is not None]

    def _versions(self, places: Sequence[int]) -> NDArray[np.int64]:
        """The places of all versions of some songs."""
        return np.flatnonzero(np.isin(self._works, self._works[np.array(places, np.int64)]))

    def _page(
        self, order: Sequence[int], n: int, skip: int, per_artist: int | None
    ) -> tuple[list[int], bool]:
        """`n` of the songs in `order` after the first `skip`, none a version of another, and whether more follow."""
        page: list[int] = []
        seen: set[int] = set()
        first = []
        for place in order:
            if (work := int(self._works[place])) not in seen:
                seen.add(work)
                first.append(place)
        while True:
            size = min(n, skip) if skip else n
            by: dict[int, int] = {}
            page = []
            for place in first:
                artist = int(self._artists[place])
                if per_artist is None or by.get(artist, 0) < per_artist:
                    by[artist] = by.get(artist, 0) + 1
                    page.append(place)
                    if len(page) == size:
                        break
            taken = set(page)
            first = [it for it in first if it not in taken]
            if not skip or not page:
                return page, bool(first)
            skip -= len(page)

    def _recommendation(self, place: int, because: tuple[Song, ...] = ()) -> Recommendation:
        return Recommendation(self._songs[place], because, int(self._recommender.playlists[place]))


def _matrix(lists: Sequence[Sequence[str]], places: Mapping[str, int]) -> sparse.csr_array:
    """(playlists, songs): how often each playlist plays each song."""
    rows = np.repeat(np.arange(len(lists)), [len(it) for it in lists])
    columns = np.array([places[id_] for playlist in lists for id_ in playlist])
    ones = np.ones(len(rows), np.float32)
    return sparse.csr_array((ones, (rows, columns)), (len(lists), len(places)))


def _bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        return loading.path_of(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotThere(f"There is no file {Path(path).name} on this machine.") from error
    except OSError as error:
        raise NotThere(f"{Path(path).name} cannot be read ({error.strerror}).") from error


def _trained(spec: SongsSpec, playlists: Sequence[Sequence[str]], progress: Progress | None) -> Any:
    """Word2Vec's vectors for the songs, from the cache if the same training was done before."""
    parameters: dict[str, Any] = {
        key: value
        for key, value in asdict(spec).items()
        if key not in {"songs", "playlists", "tags", "tag_names", "cache"}
    }
    folder = None
    if spec.cache is not None:
        facts = json.dumps([parameters, gensim.__version__, playlists], sort_keys=True)
        folder = loading.path_of(spec.cache) / hashlib.sha256(facts.encode()).hexdigest()[:32]
        if (found := _remembered(folder)) is not None:
            return found
    with loading.reading("Word2Vec over the playlists", chatty=False):
        model = Word2Vec(list(map(list, playlists)), callbacks=[_Epochs(progress, spec.epochs)], **parameters)
    vectors = keyed(model.wv.index_to_key, model.wv.vectors)
    if not len(vectors):
        raise ModelError(f"No song is in the playlists {spec.min_count} times; lower min_count.")
    if folder is not None:
        _remember(folder, vectors)
    return vectors


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


def _remembered(folder: Path) -> Any:
    try:
        return read_folder(folder) if folder.is_dir() else None
    except (ModelError, OSError, ValueError):
        log.warning("The trained vectors in the cache are damaged; training anew.")
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _remember(folder: Path, vectors: Any) -> None:
    """Keep a training, and the last few before it. It appears whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="writing-") as made:
            new = Path(made) / folder.name
            new.mkdir()
            write_folder(new, vectors.index_to_key, vectors.vectors)
            new.rename(folder)
        old = sorted(
            (it for it in folder.parent.iterdir() if re.fullmatch(r"[0-9a-f]{32}", it.name)),
            key=lambda it: it.stat().st_mtime,
        )
        for one in old[:-KEPT_TRAININGS]:
            shutil.rmtree(one, ignore_errors=True)
    except OSError as error:
        log.warning("The trained vectors could not be kept (%s).", error.strerror)


def _reasons(votes: NDArray[np.float32], seeds: Sequence[Song]) -> tuple[Song, ...]:
    """The liked songs that speak for a song, the loudest first, without those that hardly do."""
    order = np.argsort(-votes, kind="stable")[:REASONS]
    return tuple(seeds[at] for at in order if votes[at] >= votes.max() / 3 > 0)


def _bounded(n: int) -> int:
    if n < 1:
        raise BadInput("Ask for at least one song.")
    return min(n, MOST)
