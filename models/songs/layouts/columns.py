"""Identifies the columns of a table by name, from the settings or by names that datasets and shops commonly use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from models.specs import Columns

_KNOWN: Mapping[str, str] = {
    "list": "playlist playlistid playlistpid pid list listid user userid useruri usersha1 username member memberid "
    "customer customerid person personid reviewer reviewerid listener visitor visitorid account accountid session "
    "sessionid basket basketid cart cartid order orderid invoice invoiceno invoiceid transaction transactionid "
    "group groupid playlistname listname",
    "item": "itemid trackid trackuri spotifytrackuri spotifyid spotifyuri songid movieid filmid productid bookid "
    "albumid gameid appid animeid recipeid articleid newsid poiid businessid artistid isbn sku asin parentasin "
    "stockcode tconst mbid uri item iid id product article",
    "title": "title name trackname songname movietitle filmtitle booktitle itemname productname originaltitle primarytitle "
    "mastermetadatatrackname song track movie film book game anime album albumname description",
    "by": "artist artistname artistnames artists author authors bookauthor director directors by creator composer "
    "performer band brand developer studio mastermetadataalbumartistname albumartist",
    "rating": "rating ratings score stars overall bookrating userrating yourrating myrating reviewscore",
    "time": "timestamp time datetime date ts unixtime unixreviewtime reviewtime addedat playedat endtime createdat "
    "invoicedate eventtime watcheddate pos position",
    "tags": "genres genre tags tag categories category class style styles",
}
_TYPE = re.compile(r":(token|float)(_seq)?$")
"""The type suffix of RecBole's column names."""


def plain(name: str) -> str:
    """A column name without case, punctuation or type suffix."""
    return re.sub(r"[\W_]+", "", _TYPE.sub("", name.strip().casefold()))


def roles_of(header: Sequence[str], columns: Columns) -> dict[str, int]:
    """The role of each column in a header: names from `models.specs.Columns` with the columns' positions."""
    exact = [name.strip() for name in header]
    names = [plain(name) for name in header]
    roles: dict[str, int] = {}
    for role in _KNOWN:
        if (wanted := getattr(columns, role)) and wanted in exact:
            roles[role] = exact.index(wanted)
    for role, known in _KNOWN.items():
        if role in roles:
            continue
        free = {name: place for place, name in reversed([*enumerate(names)]) if place not in roles.values()}
        place = next((free[name] for name in known.split() if name in free), None)
        if place is not None:
            roles[role] = place
    return roles


def is_list_of_songs(roles: Mapping[str, int]) -> bool:
    """Whether each row says which list it belongs to."""
    return "list" in roles and bool({"item", "title", "by"} & roles.keys())


def is_table(roles: Mapping[str, int]) -> bool:
    """Whether each row names an item."""
    return len({"item", "title", "by"} & roles.keys()) > 1
