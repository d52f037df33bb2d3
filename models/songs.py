"""Songs: a table to search, playlists to learn from, and what goes with what."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import logging
import os
import re
import shutil
import tempfile
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import gensim
import numpy as np
import pandas as pd
from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from models import loading
from models.answers import Recommendation, Recommendations, Song
from models.failures import BadInput, ModelError, NotThere, UnknownSong
from models.specs import Progress, SongsSpec
from models.words import keyed, read_folder, write_folder

log = logging.getLogger(__name__)

HEADER_LINES = 2
"""Lines before the playlists: all song ids, and how often each was played."""
MOST = 1000
"""Songs that can be asked for at once."""
SHRINK = 5.0
"""Playlists' worth of doubt: two songs that met once by chance are no proof of likeness."""
WHISPER = 1e-3
"""Weight of Word2Vec's cosine beside co-occurrence: it only orders what was never played together."""
REASONS = 3
KEPT_TRAININGS = 4

_ESCAPED = re.compile(r"\\([/\\])")


class SongCatalogue:
    """Songs by id, title and artist, and by the playlists that play them. For one thread at a time."""

    device = "cpu"
    dtype = "float32"

    def __init__(
        self,
        songs: Sequence[Song],
        playlists: Sequence[Sequence[str]],
        vectors: Any,
        name: str,
        report: Mapping[str, int] | None = None,
    ) -> None:
        """`vectors` are gensim's KeyedVectors over song ids, trained on `playlists`."""
        self.name = name
        self.report: dict[str, int] = dict(report or {})
        """What was read, and what was left out and why: counts."""
        self._vectors = vectors
        listed = {song.id for song in songs}
        played = dict.fromkeys(id_ for playlist in playlists for id_ in playlist)
        # A playlist may name a song that the table lacks; it is shown by its id rather than hidden.
        unlisted = [Song(id_, f"Song {id_}", "") for id_ in played if id_ not in listed]
        self.report["songs played but not in the table"] = len(unlisted)
        self._songs = [*songs, *unlisted]
        self._places = {song.id: place for place, song in enumerate(self._songs)}
        lines = [np.array([self._places[id_] for id_ in playlist], np.int32) for playlist in playlists]
        everything = np.concatenate([*lines, np.empty(0, np.int32)])
        self._plays = np.bincount(everything, minlength=len(self._songs))
        self._meetings = _Meetings([np.unique(line) for line in lines], len(self._songs))
        self._directions: NDArray[np.float32] = vectors.get_normed_vectors()
        self._vector_places = np.array([self._places[id_] for id_ in vectors.index_to_key], np.int64)
        # Most played first; equally often played songs in the order of the table.
        self._by_plays = np.argsort(-self._plays, kind="stable")
        self._search = _Search(self._songs, self._by_plays)

    @classmethod
    def load(cls, spec: SongsSpec, progress: Progress | None = None) -> Self:
        """Read the table and the playlists, and train Word2Vec on them unless that was done before."""
        name = loading.catalogue_label(spec.songs)
        if progress:
            progress("reading songs and playlists", None)
        with loading.reading(name, chatty=False):
            songs, songs_report = read_songs(_bytes(spec.songs))
            playlists, playlists_report = read_playlists(_bytes(spec.playlists))
        if not songs:
            raise ModelError(f"{name} holds no songs.")
        if not playlists:
            raise ModelError(f"{loading.label(str(spec.playlists))} holds no playlist of two songs or more.")
        vectors = _trained(spec, playlists, progress)
        if progress:
            progress("preparing the search", None)
        return cls(songs, playlists, vectors, name, songs_report | playlists_report)

    def __len__(self) -> int:
        return len(self._songs)

    @property
    def memory(self) -> int:
        return int(self._vectors.vectors.nbytes + self._plays.nbytes + self._meetings.memory)

    @property
    def detail(self) -> str:
        return f"{len(self):,} songs, {len(self._meetings):,} playlists, {self._vectors.vector_size} numbers each"

    def get(self, id_: str) -> Song | None:
        place = self._places.get(id_.strip())
        return None if place is None else self._songs[place]

    def search(self, text: str, limit: int = 25) -> list[Song]:
        """Songs whose title and artist are like `text`: exact, then beginnings, then words, then typos;
        among equals the most played first.
        """
        return [self._songs[place] for place in self._search.find(text, limit)]

    def similar(self, song_id: str, n: int = 10, exclude: Collection[str] = ()) -> Recommendations:
        """The songs nearest by cosine of their Word2Vec vectors, as gensim's `most_similar(positive=id)`.

        The cosines of such small corpora all lie near 1, so only the order means something.
        UnknownSong if there is no such song; no songs, and the id in `unknown`, if no playlist plays it.
        """
        n = _bounded(n)
        if (song := self.get(song_id)) is None:
            raise UnknownSong("I have no song with that id. Choose one from the list of suggestions.")
        if song.id not in self._vectors:
            return Recommendations(self.name, (), (song,), (song.id,))
        skip = {id_.strip() for id_ in exclude} - {song.id}
        found = self._vectors.most_similar(positive=song.id, topn=n + len(skip))
        near = [id_ for id_, _ in found if id_ not in skip][:n]
        songs = tuple(Recommendation(self._songs[self._places[id_]], (song,)) for id_ in near)
        return Recommendations(self.name, songs, (song,))

    def recommend(self, likes: Sequence[str], n: int = 10, exclude: Collection[str] = ()) -> Recommendations:
        """Songs for somebody who likes these: each liked song votes for those that playlists put beside it.

        A vote is the cosine of two songs over playlists, shrunk towards nothing for songs that seldom met
        (item-item collaborative filtering, Sarwar et al. 2001). On 800 Yes.com playlists, from five songs of
        the fifth part that was put aside, it reaches nDCG@10 0.55; the mean Word2Vec vector 0.15. Liked and
        excluded songs are never recommended; likes that no playlist plays are in `unknown`.
        """
        n = _bounded(n)
        ids = list(dict.fromkeys(id_.strip() for id_ in likes))
        places = [place for id_ in ids if (place := self._places.get(id_)) is not None and self._plays[place]]
        seeds = [self._songs[place] for place in places]
        known = {song.id for song in seeds}
        unknown = tuple(id_ for id_ in ids if id_ not in known)
        if not places:
            return Recommendations(self.name, (), (), unknown)
        votes = np.stack([self._votes(place) for place in places])
        total = votes.sum(axis=0)
        total[self._known([*ids, *exclude])] = 0.0
        songs = tuple(
            Recommendation(self._songs[place], _reasons(votes[:, place], seeds))
            for place in np.lexsort((-self._plays, -total))[:n]
            if total[place] > 0
        )
        return Recommendations(self.name, songs, tuple(seeds), unknown)

    def popular(self, n: int = 10, exclude: Collection[str] = ()) -> Recommendations:
        """The most played songs."""
        skip = set(self._known(exclude))
        n = _bounded(n)
        places = (place for place in self._by_plays[: n + len(skip)].tolist() if place not in skip)
        songs = tuple(Recommendation(self._songs[place]) for place in places)[:n]
        return Recommendations(self.name, songs, ())

    def probe(self) -> None:
        self.similar(self._vectors.index_to_key[0], 1)
        self.recommend([song.song.id for song in self.popular(2).songs], 1)
        self.search("a", 1)

    def _known(self, ids: Iterable[str]) -> list[int]:
        return [place for id_ in ids if (place := self._places.get(id_.strip())) is not None]

    def _votes(self, place: int) -> NDArray[np.float64]:
        """What one liked song says about every song: (songs,), not negative."""
        votes = self._meetings.cosines(place)
        id_ = self._songs[place].id
        if id_ in self._vectors:
            cosines = self._directions @ self._directions[self._vectors.key_to_index[id_]]
            votes[self._vector_places] += WHISPER * np.clip(cosines, 0.0, None)
        return votes


class _Meetings:
    """Which songs were played in the same playlists, and how surprising that is."""

    def __init__(self, playlists: Sequence[NDArray[np.int32]], songs: int) -> None:
        """Each playlist holds places of songs, none twice."""
        self._playlists = playlists
        self._songs = songs
        flat = np.concatenate([*playlists, np.empty(0, np.int32)])
        numbers = np.repeat(np.arange(len(playlists), dtype=np.int32), [len(it) for it in playlists])
        order = np.argsort(flat, kind="stable")
        self._homes = numbers[order]
        self._count = np.bincount(flat, minlength=songs)
        self._start = np.concatenate(([0], np.cumsum(self._count)))

    def __len__(self) -> int:
        return len(self._playlists)

    @property
    def memory(self) -> int:
        return sum(it.nbytes for it in self._playlists) + self._homes.nbytes + self._start.nbytes

    def cosines(self, place: int) -> NDArray[np.float64]:
        """Shrunk cosine of one song to every song: n(a, b) / (sqrt(n(a) n(b)) + SHRINK)."""
        homes = self._homes[self._start[place] : self._start[place + 1]]
        met = np.bincount(np.concatenate([self._playlists[home] for home in homes]), minlength=self._songs)
        return np.asarray(met / (np.sqrt(self._count[place] * self._count) + SHRINK), np.float64)


class _Search:
    """Titles and artists by their words, tolerant of accents, case, punctuation, blanks and typos."""

    def __init__(self, songs: Sequence[Song], by_plays: NDArray[np.int64]) -> None:
        self._rank = np.empty(len(songs), np.int64)
        self._rank[by_plays] = np.arange(len(songs))
        titles = [fold(song.title) for song in songs]
        artists = [fold(song.artist) for song in songs]
        # What a whole query may be, exactly or as a beginning.
        self._wholes = _Postings(
            (text, place)
            for place, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for text in {title, artist, f"{title} {artist}", f"{artist} {title}"}
            if text.strip()
        )
        self._titles = _Postings((title, place) for place, title in enumerate(titles) if title)
        # Joined, so that “acdc”, “theweeknd” and “bohemianrhapsody” are words too.
        self._words = _Postings(
            (word, place)
            for place, (title, artist) in enumerate(zip(titles, artists, strict=True))
            for word in {*title.split(), *artist.split(), title.replace(" ", ""), artist.replace(" ", "")}
            if word
        )

    def find(self, text: str, limit: int) -> list[int]:
        """Places of songs, best first."""
        query = fold(text[:200])
        tokens = list(dict.fromkeys(query.split()))[:12]
        if not tokens or limit < 1:
            return []
        hit = np.ones(len(self._rank), bool)
        for token in tokens:
            one = np.zeros(len(self._rank), bool)
            one[self._words.beginning(token)] = True
            hit &= one
        tier = np.full(len(self._rank), 3, np.int64)
        tier[self._wholes.beginning(query)] = 2
        tier[self._wholes.exactly(query)] = 1
        tier[self._titles.exactly(query)] = 0
        found = np.flatnonzero(hit | (tier < 3))  # noqa: PLR2004
        best = self._first(found, tier[found], limit)
        if len(best) < limit:
            best += [place for place in self._alike(tokens, limit + len(best)) if place not in set(best)]
        return best[:limit]

    def _first(self, places: NDArray[np.int64], tier: NDArray[np.int64], limit: int) -> list[int]:
        key = tier * len(self._rank) + self._rank[places]
        if len(places) > limit:
            chosen = np.argpartition(key, limit)[:limit]
            places, key = places[chosen], key[chosen]
        return [int(place) for place in places[np.argsort(key)]]

    def _alike(self, tokens: list[str], limit: int) -> list[int]:
        """Songs with most of these words, or words a few letters from them."""
        score = np.zeros(len(self._rank), np.float32)
        for token in tokens:
            score += len(token) * self._likeness(token)
        joined = "".join(tokens)
        if len(tokens) > 1:
            score = np.maximum(score, len(joined) * self._likeness(joined))
        found = np.flatnonzero(score >= 0.7 * len(joined))
        worse = np.round((len(joined) - score[found]) * 1000).astype(np.int64)
        return self._first(found, worse, limit)

    def _likeness(self, token: str) -> NDArray[np.float32]:
        """How well the best word of each song fits a word of the query, in [0, 1]."""
        like = np.zeros(len(self._rank), np.float32)
        exact = self._words.exactly(token)
        # A word that many songs have is no typo, and looking for others would take the time.
        if len(exact) < 50:  # noqa: PLR2004
            for places, share in self._words.near(token):
                like[places] = 0.95 * share
        like[self._words.beginning(token)] = 0.95
        like[exact] = 1.0
        return like


class _Postings:
    """Places by text, in sorted order of the texts."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        places: dict[str, list[int]] = {}
        for text, place in pairs:
            places.setdefault(text, []).append(place)
        self._texts = sorted(places)
        self._places = np.array([place for text in self._texts for place in places[text]], np.int64)
        self._start = np.concatenate(([0], np.cumsum([len(places[text]) for text in self._texts]))).astype(
            int
        )
        self._by_length: dict[int, tuple[list[str], list[int]]] = {}
        for number, text in enumerate(self._texts):
            texts, numbers = self._by_length.setdefault(len(text), ([], []))
            texts.append(text)
            numbers.append(number)

    def exactly(self, text: str) -> NDArray[np.int64]:
        at = bisect_left(self._texts, text)
        return self._between(at, at + (at < len(self._texts) and self._texts[at] == text))

    def beginning(self, text: str) -> NDArray[np.int64]:
        return self._between(bisect_left(self._texts, text), bisect_left(self._texts, text + "\U0010ffff"))

    def near(self, text: str) -> Iterator[tuple[NDArray[np.int64], float]]:
        """Places of texts a few letters away, with the share of letters that agree; the best last."""
        most = min(2, len(text) // 3) if len(text) < 12 else 3  # noqa: PLR2004
        found: list[tuple[int, int]] = []
        if most:
            for length in range(len(text) - most, len(text) + most + 1):
                texts, numbers = self._by_length.get(length, ([], []))
                matches = process.extract(
                    text, texts, scorer=OSA.distance, processor=None, score_cutoff=most, limit=None
                )
                found += [(int(distance), numbers[at]) for _, distance, at in matches]
        for distance, number in sorted(found, reverse=True):
            yield self._between(number, number + 1), 1 - distance / len(text)

    def _between(self, start: int, end: int) -> NDArray[np.int64]:
        return self._places[self._start[start] : self._start[end]]


def fold(text: str) -> str:
    """A text as people search for it: no accents, case, punctuation or double blanks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = re.sub("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]", "", decomposed)
    plain = re.sub("['`\N{RIGHT SINGLE QUOTATION MARK}]", "", plain)
    words = " ".join(re.sub(r"[\W_]+", " ", plain).split())
    return words or " ".join(text.casefold().split())  # the band “!!!” has no letters


def read_songs(data: bytes) -> tuple[list[Song], dict[str, int]]:
    r"""Songs of a table `id<TAB>title<TAB>artist`, and what was met on the way.

    Ids are text. Nothing is quoted; `\/` stands for `/`. Fields after the third belong to the artist.
    A missing title is replaced by the id, of a repeated id the first line counts.
    """
    text, undecodable = _decoded(data)
    columns = max((line.count("\t") for line in text.split("\n")), default=0) + 1
    table = pd.read_csv(
        io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")),
        sep="\t",
        header=None,
        names=range(max(3, columns)),
        dtype=str,
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        skip_blank_lines=True,
    ).fillna("")
    songs: dict[str, Song] = {}
    report = dict.fromkeys(
        (
            "lines with a header",
            "songs without an id, left out",
            "songs with an id that was there before, left out",
            "songs without a title",
            "songs without an artist",
        ),
        0,
    )
    for number, row in enumerate(table.itertuples(index=False)):
        id_, title, artist, *more = (_ESCAPED.sub(r"\1", str(value)).strip() for value in row)
        artist = " ".join(filter(None, [artist, *more]))
        if number == 0 and (id_.casefold(), title.casefold()) in {("id", "title"), ("song_id", "title")}:
            report["lines with a header"] += 1
        elif not id_:
            report["songs without an id, left out"] += bool(title or artist)
        elif id_ in songs:
            report["songs with an id that was there before, left out"] += 1
        else:
            report["songs without a title"] += not title
            report["songs without an artist"] += not artist
            songs[id_] = Song(id_, title or f"Song {id_}", artist)
    return list(songs.values()), {"songs": len(songs), **report, "songs file: undecodable bytes": undecodable}


def read_playlists(data: bytes) -> tuple[list[list[str]], dict[str, int]]:
    """Playlists of at least two songs, one of song ids a line after two header lines, and what was left out."""
    text, undecodable = _decoded(data)
    lines = [line.split() for line in text.replace("\0", "").splitlines()[HEADER_LINES:]]
    playlists = [line for line in lines if len(line) > 1]
    return playlists, {
        "playlists": len(playlists),
        "playlists of one song, left out": sum(len(line) == 1 for line in lines),
        "blank lines among the playlists": sum(not line for line in lines),
        "playlists file: undecodable bytes": undecodable,
    }


def _bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        return loading.path_of(path).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotThere(f"There is no file {Path(path).name} on this machine.") from error
    except OSError as error:
        raise NotThere(f"{Path(path).name} cannot be read ({error.strerror}).") from error


def _decoded(data: bytes) -> tuple[str, int]:
    """The text, and the number of bytes that are in no order of UTF-8 and were read as Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        return text, text.count("\N{REPLACEMENT CHARACTER}")
    data = data.removeprefix(codecs.BOM_UTF8)
    text = data.decode("utf-8", "surrogateescape")
    # Each byte that did not fit is now a lone surrogate that holds it in its lower half.
    broken = re.compile("[\udc80-\udcff]")
    return broken.sub(lambda it: chr(ord(it[0]) - 0xDC00), text), len(broken.findall(text))


def _trained(spec: SongsSpec, playlists: Sequence[Sequence[str]], progress: Progress | None) -> Any:
    """Word2Vec's vectors for the songs, from the cache if the same training was done before."""
    parameters: dict[str, Any] = {
        key: value for key, value in asdict(spec).items() if key not in {"songs", "playlists", "cache"}
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


def _reasons(votes: NDArray[np.float64], seeds: Sequence[Song]) -> tuple[Song, ...]:
    """The liked songs that speak for a song, the loudest first, without those that hardly do."""
    order = np.argsort(-votes, kind="stable")[:REASONS]
    return tuple(seeds[at] for at in order if votes[at] >= votes.max() / 3 > 0)


def _bounded(n: int) -> int:
    if n < 1:
        raise BadInput("Ask for at least one song.")
    return min(n, MOST)
