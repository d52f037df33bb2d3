"""Catalogues in JSON: the Million Playlist Dataset, and Spotify's exports of personal data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from models.songs.counts import CatalogueCount
from models.songs.layouts.part import Part

PAUSE = timedelta(hours=1)
"""A pause this long ends a list, because songs in a person's whole history do not all go together."""
PLAYED = 30_000
"""Minimum milliseconds for a play to count, as for Spotify; shorter plays were probably skipped."""

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Record: TypeAlias = Mapping[str, Json]


def read(content: Json) -> Part | None:
    """The contents of a JSON file; None if it has neither format."""
    if isinstance(content, Mapping):
        playlists = _records(content.get("playlists"))
        if playlists:
            return _playlists(playlists)
        tracks = _records(content.get("tracks"))
        return _playlists([content]) if tracks and _track(tracks[0]) else None
    plays = _records(content)
    if plays and any("endTime" in play or "ts" in play for play in plays):
        return _history(plays)
    return _playlists(plays) if plays and any("tracks" in one or "items" in one for one in plays) else None


def _playlists(playlists: Iterable[Record]) -> Part | None:
    """Playlists of {tracks: [...]} or {items: [{track: ...}]}."""
    part = Part()
    lists = []
    for playlist in playlists:
        entries = _records(playlist.get("tracks")) or _records(playlist.get("items"))
        tracks = [_track(entry) for entry in entries]
        lists.append([part.name(*track) for track in tracks if track])
    part.add_lists(lists)
    return part if part.songs else None


def _history(plays: Sequence[Record]) -> Part | None:
    """StreamingHistory (endTime) and the extended history (ts): a list ends at a long pause."""
    part = Part()
    heard: list[tuple[datetime, str, bool]] = []
    for play in plays:
        moment, track = _moment(play), _track(play)
        if moment is not None and track:
            length = play.get("ms_played", play.get("msPlayed", PLAYED))
            long = isinstance(length, int | float) and length >= PLAYED
            heard.append((moment, part.name(*track), long))
    kept = [(moment, id_) for moment, id_, long in heard if long]
    if not kept:  # if all plays are short, keep them
        kept = [(moment, id_) for moment, id_, _ in heard]
    part.report[CatalogueCount.SHORT_PLAYS] = len(heard) - len(kept)
    kept.sort(key=lambda play: play[0])
    sittings = [*_sittings(kept)]
    if not any(len(sitting) > 1 for sitting in sittings):
        sittings = [[id_ for _, id_ in kept]]
    part.add_lists(sittings)
    return part if part.songs else None


def _sittings(plays: Sequence[tuple[datetime, str]]) -> Iterator[list[str]]:
    sitting: list[str] = []
    last: datetime | None = None
    for moment, id_ in plays:
        if last is not None and moment - last > PAUSE:
            yield sitting
            sitting = []
        sitting.append(id_)
        last = moment
    yield sitting


def _track(entry: Record) -> tuple[str, str, str] | None:
    """The title, artist and id of a track in any of the exports; None for podcasts, videos and the like."""
    inner = entry.get("track")
    if isinstance(inner, Mapping):
        return _track(inner)
    title = _text(entry, "track_name", "trackName", "master_metadata_track_name", "track", "name")
    artist = _text(entry, "artist_name", "artistName", "master_metadata_album_artist_name", "artist")
    id_ = _text(entry, "track_uri", "trackUri", "spotify_track_uri", "uri")
    if id_.startswith(("spotify:episode:", "spotify:chapter:")):
        return None
    return (title, artist, id_) if title and (artist or id_) else None


def _moment(play: Record) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(play, "endTime", "ts"))
    except ValueError:
        return None
    return moment.replace(tzinfo=None)


def _text(record: Record, *keys: str) -> str:
    found = (record.get(key) for key in keys)
    return next((value.strip() for value in found if isinstance(value, str) and value.strip()), "")


def _records(value: Json) -> list[Record]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [one for one in value if isinstance(one, Mapping)]
