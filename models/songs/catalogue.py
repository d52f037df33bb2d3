"""Songs: found by what people type, and recommended by what they like and what playlists put together."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.failures import BadInput, ModelError, NotThere, UnknownSong
from models.files import finding
from models.files.names import catalogue_label, label, path_of
from models.pretrained import reading
from models.results import Recommendation, Recommendations, Song
from models.songs import training, versions
from models.songs.playlists import Table, read_playlists, read_songs, read_tags
from models.songs.recommender import Recommender, Scores
from models.songs.search import Search
from models.songs.training import Trained
from models.specs import Progress, SongsSpec

MOST = 1000
"""Songs that can be asked for at once."""
REASONS = 3
"""Liked songs that a recommendation names at most."""
BIG_TAGS = 12
"""Tags that popular songs are drawn from in turn."""
FIRST = 256
"""Songs at the top that are put in order at once; few questions need more."""


class SongCatalogue:
    """Songs by id, title and artist, and by the playlists that play them. For one thread at a time."""

    device = "cpu"
    dtype = "float32"
    few = 5
    """A song in fewer playlists than this is little known."""

    def __init__(
        self, table: Table, trained: Trained, name: str, tags: Sequence[tuple[str, ...]] = ()
    ) -> None:
        """`tags` has a row for each song of the table, or none at all."""
        self.name = name
        self.report: dict[str, int] = table.report | trained.report
        """What was read, and what was left out and why: counts."""
        self._vectors = trained.vectors
        # A playlist may name a song that the table lacks; it is shown by its id rather than hidden.
        self.songs = [*table.songs, *(Song(id_, f"Song {id_}", "") for id_ in trained.unlisted)]
        self._places = {song.id: place for place, song in enumerate(self.songs)}
        self._plays = trained.plays
        self.recommender = Recommender(trained.counts, trained.shares)
        self._works, self._artists = versions.group(self.songs)
        # Most played first; equally often played songs in the order of the table.
        by_plays = np.argsort(-self._plays, kind="stable")
        self._search = Search(self.songs, by_plays)
        self._tags = tags
        self._popular = _in_turn(by_plays.tolist(), tags)

    @classmethod
    def load(cls, spec: SongsSpec, progress: Progress | None = None) -> Self:
        """Read the table, and learn from the playlists unless that was done before.

        What `progress` raises ends the loading.
        """
        name = catalogue_label(spec.songs)
        if progress:
            progress("reading songs", None)
        with reading(name, chatty=False):
            table = read_songs(_bytes(spec.songs, spec))
            tags, report = _tags(spec, table)
        if not table.songs:
            raise ModelError(f"{name} holds no songs.")
        trained = _trained(spec, table, progress)
        if progress:
            progress("preparing the search", None)
        return cls(replace(table, report=table.report | report), trained, name, tags)

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes + self._plays.nbytes + self.recommender.memory)

    @property
    def detail(self) -> str:
        lists = self.recommender.counts.shape[1]
        odd = [f"{what}: {number:,}" for what, number in self.report.items() if number and _tells(what)]
        facts = f"{len(self):,} songs, {lists:,} playlists, {self._vectors.vector_size} numbers each"
        return "; ".join([facts, *odd])

    def get(self, id_: str) -> Song | None:
        place = self._places.get(id_.strip())
        return None if place is None else self.songs[place]

    def tags(self, song_id: str) -> tuple[str, ...]:
        """What people call the song; nothing without a tags file, or for a song that it leaves out."""
        place = self._places.get(song_id.strip(), len(self._tags))
        return self._tags[place] if place < len(self._tags) else ()

    def same(self, song_id: str) -> frozenset[str]:
        """The ids that are one song for a person: its versions by the same artist, and the id itself."""
        found = self._versions(self._known([song_id]))
        return frozenset(self.songs[it].id for it in found) or frozenset({song_id.strip()})

    def search(self, text: str, limit: int = 25) -> list[Song]:
        """Songs whose title and artist are like `text`: exact, then beginnings, then words, then typos;
        among equals the most played first.
        """
        return [self.songs[place] for place in self._search.find(text, limit)]

    def similar(
        self, song_id: str, n: int = 10, exclude: Collection[str] = (), *, skip: int = 0
    ) -> Recommendations:
        """The songs nearest by cosine of their Word2Vec vectors, as gensim's `most_similar(positive=id)`.

        Versions of the song itself are left out, and the first `skip` of the others. The cosines of such small
        corpora all lie near 1, so only the order means something. UnknownSong if there is no such song; no
        songs, and the id in `unknown`, if no playlist plays it.
        """
        n, skip = _bounded(n), max(0, skip)
        if (song := self.get(song_id)) is None:
            raise UnknownSong("I have no song with that id. Choose one from the list of suggestions.")
        if song.id not in self._vectors:
            return Recommendations(self.name, (), (song,), (song.id,))
        hidden = {id_.strip() for id_ in exclude} | self.same(song.id)
        found = self._vectors.most_similar(positive=song.id, topn=skip + n + len(hidden) + 1)
        near = [id_ for id_, _ in found if id_ not in hidden]
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
        """Songs for somebody who likes these, oldest first; `models.recommender` says how.

        Liked, disliked and excluded songs and their versions are never recommended; likes that no playlist
        plays are in `unknown`. A page holds at most `per_artist` songs by one artist (None: any number); what
        that holds back comes on a later page. `skip` is the number of songs on the pages before: pages of the
        same length show no song twice.
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
        """As `recommend`, for several people together: each counts the same, however much they like."""
        n = _bounded(n)
        people = [list(dict.fromkeys(id_.strip() for id_ in likes)) for likes in likes_of_people]
        everything = list(dict.fromkeys(chain.from_iterable(people)))
        liked = self._known(everything)
        seeds = np.array([it for it in liked if self.recommender.playlists[it]], np.int64)
        known = {self.songs[it].id for it in seeds}
        unknown = tuple(id_ for id_ in everything if id_ not in known)
        named = tuple(self.songs[it] for it in seeds)
        if not len(seeds):
            return Recommendations(self.name, (), (), unknown)
        total = np.zeros(len(self))
        for likes in people:
            total += self.recommender.scores(
                np.array(self._known(it for it in likes if it in known), np.int64)
            )
        total[self._versions([*liked, *self._known([*dislikes, *exclude])])] = 0.0
        page, more = self._page(_best(total, self._plays), n, skip, per_artist)
        songs = tuple(
            self._recommendation(place, tuple(named[it] for it in reasons))
            for place, reasons in zip(page, self._reasons(page, seeds), strict=True)
        )
        return Recommendations(self.name, songs, named, unknown, more)

    def popular(
        self, n: int = 10, exclude: Collection[str] = (), *, skip: int = 0, per_artist: int | None = 2
    ) -> Recommendations:
        """The most played songs; where there are tags, the most played of each big tag in turn."""
        hidden = set(self._versions(self._known(exclude)).tolist())
        order = (it for it in self._popular if it not in hidden)
        page, more = self._page(order, _bounded(n), skip, per_artist)
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
        self, order: Iterator[int], n: int, skip: int, per_artist: int | None
    ) -> tuple[list[int], bool]:
        """The page of `n` songs that comes after `skip` songs on pages before it, and whether another follows.

        Of several versions of a song only the first in `order` is shown.
        """
        songs = self._different(order)
        waiting: deque[int] = deque()
        while True:
            size = min(n, skip) if skip > 0 else n
            page: list[int] = []
            held: list[int] = []
            by_artist: dict[int, int] = {}
            while len(page) < size:
                place = waiting.popleft() if waiting else next(songs, None)
                if place is None:
                    break
                artist = int(self._artists[place])
                by_artist[artist] = by_artist.get(artist, 0) + 1
                (page if per_artist is None or by_artist[artist] <= per_artist else held).append(place)
            waiting.extendleft(reversed(held))
            if skip <= 0 or not page:
                return page, bool(waiting) or next(songs, None) is not None
            skip -= len(page)

    def _different(self, order: Iterator[int]) -> Iterator[int]:
        seen = set()
        for place in order:
            if (work := int(self._works[place])) not in seen:
                seen.add(work)
                yield place

    def _reasons(self, page: Sequence[int], seeds: NDArray[np.int64]) -> list[list[int]]:
        """For each song which seeds, as numbers, speak for it: the loudest first, none that hardly does."""
        songs = np.array(page, np.int64)
        votes = self.recommender.votes(seeds, songs)
        for column in np.flatnonzero(votes.max(axis=0, initial=0.0) <= 0):
            # No playlist plays it beside a seed, so it came by the way of playlists like theirs.
            votes[:, column] = self._nearness(self.songs[songs[column]].id, seeds)
        loud = (votes > 0) & (votes >= votes.max(axis=0, initial=0.0) / 3)
        order = np.argsort(-votes, axis=0, kind="stable")[:REASONS]
        return [[int(it) for it in order[:, at] if loud[it, at]] for at in range(len(page))]

    def _nearness(self, id_: str, seeds: NDArray[np.int64]) -> Scores:
        """Cosines of Word2Vec, from 0 up: of a song and the nearest seed, and 0 for the other seeds."""
        found = np.zeros(len(seeds))
        known = [at for at, it in enumerate(seeds) if self.songs[it].id in self._vectors]
        if known and id_ in self._vectors:
            cosines = self._vectors.distances(id_, [self.songs[seeds[at]].id for at in known])
            found[known[int(np.argmin(cosines))]] = 1.0
        return found

    def _recommendation(self, place: int, because: tuple[Song, ...] = ()) -> Recommendation:
        return Recommendation(self.songs[place], because, int(self.recommender.playlists[place]))


def _tells(what: str) -> bool:
    """Whether a count of the report is of something that people should look into."""
    return what.endswith("left out") or "undecodable" in what or "not in the table" in what


def _best(scores: Scores, plays: NDArray[np.int64]) -> Iterator[int]:
    """The places of positive scores, best first; of equal ones the most played, then the first in the table."""
    start = np.partition(scores, -FIRST)[-FIRST] if len(scores) > FIRST else 0.0
    for places in (
        np.flatnonzero((scores >= start) & (scores > 0)),
        np.flatnonzero((scores < start) & (scores > 0)),
    ):
        yield from places[np.lexsort((-plays[places], -scores[places]))].tolist()


def _in_turn(by_plays: Sequence[int], tags: Sequence[tuple[str, ...]]) -> list[int]:
    """All songs: the most played of each big tag in turn, without repetition, then the others by plays."""
    heard: dict[str, int] = {}
    for row in tags:
        for tag in row:
            heard[tag] = heard.get(tag, 0) + 1
    big = sorted(heard, key=heard.__getitem__, reverse=True)[:BIG_TAGS]
    queues = [iter([it for it in by_plays if it < len(tags) and tag in tags[it]][:MOST]) for tag in big]
    found: dict[int, None] = {}
    while queues:
        for queue in list(queues):
            place = next((it for it in queue if it not in found), None)
            if place is None:
                queues.remove(queue)
            else:
                found[place] = None
    return list(found | dict.fromkeys(by_plays))


def _tags(spec: SongsSpec, table: Table) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    if spec.tags is None:
        return [], {}
    names = None if spec.tag_names is None else _bytes(spec.tag_names, spec)
    rows, report = read_tags(_bytes(spec.tags, spec), names, max(table.lines, default=-1) + 1)
    return [rows[line] for line in table.lines], report


def _trained(spec: SongsSpec, table: Table, progress: Progress | None) -> Trained:
    """What the playlists teach, from the cache if it was learnt before."""
    data = _bytes(spec.playlists, spec)
    settings = training.parameters(spec)
    folder = None
    if spec.cache is not None:
        # The rows of what is kept are the songs of the table, whatever their titles are.
        ids = "\n".join(song.id for song in table.songs).encode()
        folder = path_of(spec.cache) / training.folder_name(settings, ids, data)
        if (found := training.remembered(folder)) is not None:
            return found
    if progress:
        progress("reading playlists", None)
    name = label(str(spec.playlists))
    with reading(name, chatty=False):
        playlists = read_playlists(data)
        if not playlists.lists:
            raise ModelError(f"{name} holds no playlist of two songs or more.")
        found = training.train(table, playlists, settings, progress)
    if folder is not None:
        training.remember(folder, found)
    return found


def _bytes(address: str | os.PathLike[str], spec: SongsSpec) -> bytes:
    path = finding.local(address, spec.data_dir, slot="songs")
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotThere(f"{path.name} cannot be read ({error.strerror}).") from error


def _bounded(n: int) -> int:
    if n < 1:
        raise BadInput("Ask for at least one song.")
    return min(n, MOST)
