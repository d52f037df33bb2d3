"""The song catalogue: search by typed text, and recommendations from likes and playlists."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

import texts
from models.failures import (
    AmbiguousSong,
    NoPlaylistsInFile,
    NoSongsInFile,
    NoSongsWanted,
    NoSuchSong,
    SongGone,
    UnreadableFile,
)
from models.files import finding
from models.files.names import label, path_of
from models.pretrained import reading
from models.progress import Progress
from models.results import Reason, Recommendation, Recommendations, Song, SongPoint
from models.service import Basis, By, SongList, SongMatch
from models.songs import training, versions
from models.songs.counts import Report
from models.songs.layouts import archives
from models.songs.playlists import Playlists, Table, both_of, lists_of, matched, named, read_tags, songs_of
from models.songs.search import Search, searchable
from models.songs.training import TrainingResult
from models.songs.ways import Scores
from models.specs import SongsSpec

MAX_SONGS = 1000
"""Maximum number of songs per request."""
BIG_TAGS = 12
"""Number of big tags that popular songs are taken from in turn."""
SORTED_FIRST = 256
"""Number of best songs to sort first; few requests need more."""
MIN_SIMILARITY = 85
"""Minimum similarity, in percent, of a title to the typed text for `identify`."""
MIN_LEAD = 5
"""Minimum lead in similarity, in percentage points, over any other title."""
NEAREST_NAMED = 3
"""Number of songs that `identify` lists if it finds none or several."""


class SongCatalogue:
    """Songs by id, title and artist, and by the playlists that contain them. Not thread-safe."""

    device = "cpu"
    dtype = "float32"
    few = 5
    """A song in fewer playlists than this is considered little known."""

    def __init__(
        self, table: Table, trained: TrainingResult, name: str, tags: Sequence[tuple[str, ...]] = ()
    ) -> None:
        """`tags` has the tags of each song in the table, or is empty."""
        self.name = name
        self.report: Report = table.report | trained.report
        self._vectors = trained.vectors
        # A playlist may contain a song that the table lacks; it is displayed by its id rather than hidden.
        self.songs = [*table.songs, *(Song(id_, named(id_), "") for id_ in trained.unlisted)]
        self._indices = {song.id: index for index, song in enumerate(self.songs)}
        self._plays = trained.plays
        self.recommender = trained.recommender
        self._works, self._artists = versions.group(self.songs)
        # Most played first; ties are in the order of the table.
        by_plays = np.argsort(-self._plays, kind="stable")
        self._search = Search(self.songs, by_plays)
        self._tags = tags
        self._popular = _by_popularity(by_plays.tolist(), tags)

    @classmethod
    def load(cls, spec: SongsSpec, progress: Progress | None = None) -> Self:
        """Read the table, and train on the playlists unless a saved result exists.

        Any exception from `progress` aborts the loading.
        """
        name = spec.label
        if progress:
            progress(texts.say("progress-reading-songs"), None)
        files = _Files(spec)
        with reading(name, chatty=False):
            table = files.table()
            tags, report = _tags(spec, table)
        if not table.songs:
            raise NoSongsInFile(name)
        trained = _trained(spec, files, table, progress)
        if progress:
            progress(texts.say("progress-preparing-search"), None)
        return cls(replace(table, report=table.report | report), trained, name, tags)

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes + self._plays.nbytes + self.recommender.memory)

    @property
    def detail(self) -> str:
        summary = texts.say(
            "songs-detail",
            songs=len(self),
            playlists=self.recommender.counts.shape[1],
            size=self._vectors.vector_size,
        )
        suspicious = [
            f"{what}: {number:,}" for what, number in self.report.items() if number and what.suspicious
        ]
        return "; ".join([summary, *suspicious])

    def get(self, id_: str) -> Song | None:
        index = self._indices.get(id_.strip())
        return None if index is None else self.songs[index]

    def tags(self, song_id: str) -> tuple[str, ...]:
        """The tags of a song; empty without a tags file, or for a song that it omits."""
        index = self._indices.get(song_id.strip(), len(self._tags))
        return self._tags[index] if index < len(self._tags) else ()

    def same(self, song_id: str) -> frozenset[str]:
        """The ids of all versions of a song by the same artist, including its own."""
        same = self._versions(self._known([song_id]))
        return frozenset(self.songs[index].id for index in same) or frozenset({song_id.strip()})

    def search(self, text: str, limit: int = 25) -> list[Song]:
        """Songs whose title and artist match `text`: exact matches first, then prefixes, words and typos; the most
        played first within each group.
        """
        return [self.songs[index] for index in self._search.find(text, limit)]

    def match(self, text: str) -> SongMatch | None:
        """The song with this id, or the best match for typed text; None if nothing is similar."""
        if (song := self.get(text)) is not None:
            return SongMatch(song, guessed=False)
        return next((_match(song, text) for song in self.search(text, 1)), None)

    def identify(self, text: str) -> SongMatch:
        """The song with this id, or the only one whose title, with or without its artist, fits the text.

        Versions of one song count as one. Raises NoSuchSong or AmbiguousSong.
        """
        if (song := self.get(text)) is not None:
            return SongMatch(song, guessed=False)
        ranked = sorted(
            ((_similarity(song, text), song) for song in self.search(text)),
            key=lambda scored: -scored[0],
        )
        if not ranked or ranked[0][0] < MIN_SIMILARITY:
            raise NoSuchSong(text, tuple(_with_id(song) for _, song in ranked[:NEAREST_NAMED]))
        best, song = ranked[0]
        same = self.same(song.id)
        others = [other for score, other in ranked if score > best - MIN_LEAD and other.id not in same]
        if others:
            raise AmbiguousSong(text, tuple(map(_with_id, [song, *others[:NEAREST_NAMED]])))
        return _match(song, text)

    def similar(
        self,
        like: Sequence[str],
        n: int = 10,
        exclude: Collection[str] = (),
        *,
        unlike: Sequence[str] = (),
        skip: int = 0,
    ) -> Recommendations:
        """The songs nearest by cosine of their Word2Vec vectors, like gensim's `most_similar(like, unlike)`.

        Versions of the given songs are excluded, and the first `skip` of the others are skipped. In such small corpora
        all cosines are near 1, so only the order is meaningful. Ids without a vector are in `unknown`; if no liked song
        has one, the result is empty.
        """
        n, skip = _bounded(n), max(0, skip)
        seeds, unlike_seeds = (
            [id_ for id_ in map(str.strip, ids) if id_ in self._vectors] for ids in (like, unlike)
        )
        unknown = tuple(id_ for id_ in map(str.strip, like) if id_ not in self._vectors)
        seed_songs = tuple(self.songs[index] for index in self._known(seeds))
        if not seeds:
            return Recommendations(self.name, (), (), unknown)
        hidden = frozenset[str]().union(*map(self.same, [*like, *unlike, *exclude]))
        nearest = self._vectors.most_similar(
            positive=seeds, negative=unlike_seeds, topn=skip + n + len(hidden) + 1
        )
        near = [id_ for id_, _ in nearest if id_ not in hidden]
        page = tuple(self._recommendation(self._indices[id_]) for id_ in near[skip : skip + n])
        return Recommendations(self.name, page, seed_songs, unknown, len(near) > skip + n)

    def recommend(
        self,
        likes: Sequence[str],
        n: int = 10,
        exclude: Collection[str] = (),
        *,
        dislikes: Sequence[str] = (),
        unlike: Sequence[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> Recommendations:
        """Songs for a user with these likes, oldest first; see `models.songs.recommender`.

        Liked, disliked and excluded songs and their versions are never recommended; likes that occur in no playlist are
        in `unknown`. A page contains at most `per_artist` songs by one artist (None: any number); the others appear on
        later pages. `skip` is the number of songs on the previous pages: pages of equal length never repeat a song.
        Songs that go with the `unlike` songs are ranked lower.
        """
        return self.blend(
            [likes], n, exclude, dislikes=dislikes, unlike=unlike, skip=skip, per_artist=per_artist
        )

    def blend(
        self,
        likes_of_people: Sequence[Sequence[str]],
        n: int = 10,
        exclude: Collection[str] = (),
        *,
        dislikes: Sequence[str] = (),
        unlike: Sequence[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> Recommendations:
        """Like `recommend`, for several users together: each has the same weight, however many songs they like."""
        n = _bounded(n)
        people = [list(dict.fromkeys(id_.strip() for id_ in likes)) for likes in likes_of_people]
        everything = list(dict.fromkeys(chain.from_iterable(people)))
        liked = self._known(everything)
        seeds = np.array([index for index in liked if self.recommender.playlists[index]], np.int64)
        seed_songs = tuple(self.songs[index] for index in seeds)
        known = {song.id for song in seed_songs}
        unknown = tuple(id_ for id_ in everything if id_ not in known)
        if not len(seeds):
            return Recommendations(self.name, (), (), unknown)
        total = np.zeros(len(self))
        against = [index for index in self._known(dict.fromkeys(unlike)) if self.recommender.playlists[index]]
        for likes in people:
            played = self._known(id_ for id_ in likes if id_ in known)
            total += self.recommender.scores(np.array(played, np.int64), np.array(against, np.int64))
        total[self._versions([*liked, *self._known([*unlike, *dislikes, *exclude])])] = 0.0
        page, more = self._page(_best_first(total, self._plays), n, skip, per_artist)
        songs = tuple(
            self._recommendation(index, reasons)
            for index, reasons in zip(page, self._reasons(page, seeds), strict=True)
        )
        return Recommendations(self.name, songs, seed_songs, unknown, more)

    def popular(
        self, n: int = 10, exclude: Collection[str] = (), *, skip: int = 0, per_artist: int | None = 2
    ) -> Recommendations:
        """The most played songs; if there are tags, the most played of each big tag in turn."""
        hidden = set(self._versions(self._known(exclude)).tolist())
        order = (index for index in self._popular if index not in hidden)
        page, more = self._page(order, _bounded(n), skip, per_artist)
        return Recommendations(self.name, tuple(map(self._recommendation, page)), (), more=more)

    def page_like(
        self,
        like: Sequence[str],
        n: int = 10,
        *,
        unlike: Sequence[str] = (),
        by: By = By.PLAYLISTS,
        known: Collection[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> SongList:
        """A page of songs that go with the `like` songs rather than with the `unlike` ones, given as ids.

        The `known` songs and their versions are excluded. If the playlists say nothing about these songs, the only page
        is one of popular songs. `per_artist` applies to lists from playlists. Raises SongGone for an id not in the
        catalogue.
        """
        liked, unliked = (
            tuple(song for id_ in ids if (song := self.get(id_)) is not None) for ids in (like, unlike)
        )
        if len(liked) < len(like) or len(unliked) < len(unlike):
            raise SongGone
        found = SongList(
            Basis.SONG,
            self.similar(like, n, known, unlike=unlike, skip=skip)
            if by is By.VECTORS
            else self.recommend(like, n, known, unlike=unlike, skip=skip, per_artist=per_artist),
            self.few if by is By.PLAYLISTS else 0,
            like=liked,
            unlike=unliked,
            by=by,
        )
        if found.songs.songs or skip > 0:
            return found
        popular = self.popular(n, [*like, *unlike, *known])
        return replace(found, basis=Basis.POPULAR_UNKNOWN, songs=replace(popular, more=False), few=0)

    def page_for(
        self,
        likes: Sequence[Sequence[str]],
        n: int = 10,
        *,
        dislikes: Sequence[str] = (),
        unlike: Sequence[str] = (),
        skip: int = 0,
        per_artist: int | None = 2,
    ) -> SongList:
        """A page of songs for users with these likes, like `blend`; of popular songs if the likes give no results."""
        if any(likes):
            songs = self.blend(likes, n, dislikes=dislikes, unlike=unlike, skip=skip, per_artist=per_artist)
            if songs.songs:
                against = tuple(self.songs[index] for index in self._known(unlike))
                return SongList(Basis.LIKES, songs, self.few, unlike=against)
            if skip > 0 and songs.seeds:
                return SongList(Basis.SHORTER, songs)
        known = [*chain.from_iterable(likes), *dislikes]
        popular = self.popular(n, known, skip=skip, per_artist=per_artist)
        if not popular.songs:
            return SongList(Basis.NOTHING_LEFT, popular)
        return SongList(Basis.POPULAR_UNKNOWN if any(likes) else Basis.POPULAR_NO_LIKES, popular)

    def map(self, ids: Sequence[str]) -> tuple[SongPoint, ...]:
        """Map coordinates of those songs that occur in a playlist, in the same order."""
        played = [index for index in self._known(dict.fromkeys(ids)) if self.recommender.playlists[index]]
        places = self.recommender.places(np.array(played, np.int64)).tolist() if played else []
        return tuple(SongPoint(self.songs[index], x, y) for index, (x, y) in zip(played, places, strict=True))

    def probe(self) -> None:
        self.similar(self._vectors.index_to_key[:1], 1)
        self.recommend([popular.song.id for popular in self.popular(2).songs], 1)
        self.search("a", 1)

    def _known(self, ids: Iterable[str]) -> list[int]:
        """The indices of those ids that are in the catalogue."""
        return [index for id_ in ids if (index := self._indices.get(id_.strip())) is not None]

    def _versions(self, songs: Sequence[int]) -> NDArray[np.int64]:
        """The indices of all versions of some songs."""
        return np.flatnonzero(np.isin(self._works, self._works[np.array(songs, np.int64)]))

    def _page(
        self, order: Iterator[int], n: int, skip: int, per_artist: int | None
    ) -> tuple[list[int], bool]:
        """The page of `n` songs after the first `skip` songs, and whether another page follows.

        Only the first version of a song in `order` is shown.
        """
        songs = self._without_versions(order)
        waiting: deque[int] = deque()
        while True:
            size = min(n, skip) if skip > 0 else n
            page: list[int] = []
            held: list[int] = []
            by_artist: dict[int, int] = {}
            while len(page) < size:
                song = waiting.popleft() if waiting else next(songs, None)
                if song is None:
                    break
                artist = int(self._artists[song])
                by_artist[artist] = by_artist.get(artist, 0) + 1
                (page if per_artist is None or by_artist[artist] <= per_artist else held).append(song)
            waiting.extendleft(reversed(held))
            if skip <= 0 or not page:
                return page, bool(waiting) or next(songs, None) is not None
            skip -= len(page)

    def _without_versions(self, order: Iterator[int]) -> Iterator[int]:
        seen = set()
        for song in order:
            if (work := int(self._works[song])) not in seen:
                seen.add(work)
                yield song

    def _reasons(self, page: Sequence[int], seeds: NDArray[np.int64]) -> list[tuple[Reason, ...]]:
        """For each song, the seeds that support it, strongest first."""
        songs = np.array(page, np.int64)
        found = []
        for song, counted in zip(page, self.recommender.reasons(seeds, songs), strict=True):
            # A song that shares no playlist with a seed is in playlists similar to theirs.
            reasons = [Reason(self.songs[one.like], one.shared, one.playlists) for one in counted]
            found.append(tuple(reasons) or self._nearest_seed(song, seeds))
        return found

    def _nearest_seed(self, song: int, seeds: NDArray[np.int64]) -> tuple[Reason, ...]:
        """The seed nearest to a song by cosine of their Word2Vec vectors, if they have any."""
        known = [seed for seed in seeds if self.songs[seed].id in self._vectors]
        if not known or self.songs[song].id not in self._vectors:
            return ()
        distances = self._vectors.distances(self.songs[song].id, [self.songs[seed].id for seed in known])
        nearest = known[int(np.argmin(distances))]
        return (Reason(self.songs[nearest], 0, int(self.recommender.playlists[nearest])),)

    def _recommendation(self, index: int, reasons: tuple[Reason, ...] = ()) -> Recommendation:
        return Recommendation(self.songs[index], reasons, int(self.recommender.playlists[index]))


def _match(song: Song, text: str) -> SongMatch:
    exact = text.strip().casefold() in {song.title.casefold(), song.label.casefold()}
    return SongMatch(song, guessed=not exact)


def _similarity(song: Song, text: str) -> float:
    """The similarity of a text to a song's title, with or without its artist, in percent."""
    names = (song.title, f"{song.title} {song.artist}", f"{song.artist} {song.title}", song.label)
    return max(fuzz.ratio(searchable(text), searchable(name)) for name in names)


def _with_id(song: Song) -> str:
    return f"{song.label} (id {song.id})"


def _best_first(scores: Scores, plays: NDArray[np.int64]) -> Iterator[int]:
    """The indices of positive scores, best first; ties by plays, then in the order of the table."""
    start = np.partition(scores, -SORTED_FIRST)[-SORTED_FIRST] if len(scores) > SORTED_FIRST else 0.0
    for songs in (
        np.flatnonzero((scores >= start) & (scores > 0)),
        np.flatnonzero((scores < start) & (scores > 0)),
    ):
        yield from songs[np.lexsort((-plays[songs], -scores[songs]))].tolist()


def _by_popularity(by_plays: Sequence[int], tags: Sequence[tuple[str, ...]]) -> list[int]:
    """All songs: the most played of each big tag in turn, without repetition, then the others by plays."""
    counts: dict[str, int] = {}
    for tag in chain.from_iterable(tags):
        counts[tag] = counts.get(tag, 0) + 1
    big = sorted(counts, key=counts.__getitem__, reverse=True)[:BIG_TAGS]
    queues = [
        iter([song for song in by_plays if song < len(tags) and tag in tags[song]][:MAX_SONGS]) for tag in big
    ]
    taken: dict[int, None] = {}
    while queues:
        for queue in list(queues):
            song = next((song for song in queue if song not in taken), None)
            if song is None:
                queues.remove(queue)
            else:
                taken[song] = None
    return list(taken | dict.fromkeys(by_plays))


class _Files:
    """The files of a catalogue. If songs and lists are at the same address, it is read only once."""

    def __init__(self, spec: SongsSpec) -> None:
        self._layout = spec.layout
        self._songs = _local(spec.songs or spec.playlists, spec)
        self._lists = _local(spec.playlists or spec.songs, spec)
        self._both: tuple[Table, Playlists] | None = None
        self.label = label(str(spec.playlists or spec.songs))

    def table(self) -> Table:
        files = archives.files_of(self._songs)
        if self._songs != self._lists:
            return songs_of(files, self._layout)
        self._both = both_of(files, self._layout)
        return self._both[0]

    def playlists(self, table: Table) -> Playlists:
        if self._both is not None:
            return self._both[1]
        return matched(lists_of(archives.files_of(self._lists), self._layout), table)

    def fingerprint(self) -> bytes:
        """Identifies the content that the lists are read from."""
        return archives.fingerprint(self._lists) + repr(self._layout).encode()


def _tags(spec: SongsSpec, table: Table) -> tuple[list[tuple[str, ...]], Report]:
    """The tags of each song: from the tags file, otherwise from a column."""
    if spec.tags is None:
        return ([table.tags.get(song.id, ()) for song in table.songs] if table.tags else []), {}
    names = None if spec.tag_names is None else _bytes(spec.tag_names, spec)
    rows, report = read_tags(_bytes(spec.tags, spec), names, max(table.lines, default=-1) + 1)
    return [rows[line] for line in table.lines], report


def _trained(spec: SongsSpec, files: _Files, table: Table, progress: Progress | None) -> TrainingResult:
    """The training result for the playlists, from the cache if possible."""
    settings = training.parameters(spec)
    folder = None
    if spec.cache is not None:
        # Saved rows refer to the ids of the table; titles do not matter.
        ids = "\n".join(song.id for song in table.songs).encode()
        folder = path_of(spec.cache) / training.folder_name(settings, ids, files.fingerprint())
        if (saved := training.load_saved(folder)) is not None:
            return saved
    if progress:
        progress(texts.say("progress-reading-playlists"), None)
    with reading(files.label, chatty=False):
        playlists = files.playlists(table)
        if not playlists.lists:
            raise NoPlaylistsInFile(files.label)
        result = training.train(table, playlists, settings, progress)
    if folder is not None:
        training.save(folder, result)
    return result


def _local(address: str | os.PathLike[str], spec: SongsSpec) -> Path:
    return finding.local(address, spec.data_dir, slot="songs")


def _bytes(address: str | os.PathLike[str], spec: SongsSpec) -> bytes:
    path = _local(address, spec)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(path.name, error.strerror or type(error).__name__) from error


def _bounded(n: int) -> int:
    if n < 1:
        raise NoSongsWanted
    return min(n, MAX_SONGS)
