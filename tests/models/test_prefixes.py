"""Which cached prefixes stay, and for whom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from models.language.prefixes import EVERYBODY, WORTH_KEEPING, Prefixes


@dataclass(frozen=True)
class Tokens:
    """A row of a cache, without the cache."""

    length: int
    nbytes: int = 7

    @property
    def room(self) -> int:
        return self.length

    def first(self, length: int) -> Tokens:
        return replace(self, length=length)

    def kept(self) -> Tokens:
        return self


@pytest.fixture
def prefixes() -> Prefixes:
    return Prefixes()


def ids(start: int, count: int) -> list[int]:
    return list(range(start, start + count))


def keep(prefixes: Prefixes, owner: object, tokens: list[int], room: int = 100) -> None:
    prefixes.keep(owner, tokens, Tokens(len(tokens) + 5), room=room)


def length(prefixes: Prefixes, owner: object, tokens: list[int]) -> int:
    row = prefixes.longest(owner, [*tokens, 1])
    return row.length if row else 0


def test_a_prefix_serves_its_owner_and_what_is_shared_serves_everybody(prefixes: Prefixes) -> None:
    keep(prefixes, "ann", ids(0, 30))
    keep(prefixes, EVERYBODY, ids(0, 20))
    assert length(prefixes, "ann", ids(0, 40)) == 30
    assert length(prefixes, "bob", ids(0, 40)) == 20
    assert length(prefixes, "bob", ids(5, 40)) == 0
    assert (prefixes.tokens, prefixes.nbytes) == (50, 14)


def test_what_is_too_short_or_too_long_is_not_kept(prefixes: Prefixes) -> None:
    keep(prefixes, "ann", ids(0, WORTH_KEEPING - 1))
    keep(prefixes, "ann", ids(0, 101))
    assert prefixes.tokens == 0


def test_the_least_recently_used_makes_room(prefixes: Prefixes) -> None:
    for number, owner in enumerate(("ann", "bob", "eve")):
        keep(prefixes, owner, ids(100 * number, 30))
    assert length(prefixes, "ann", ids(0, 30)) == 30
    keep(prefixes, "dan", ids(500, 40))
    assert [length(prefixes, owner, ids(start, 40)) for owner, start in (("ann", 0), ("bob", 100), ("dan", 500))] == [
        30, 0, 40,
    ]  # fmt: skip


def test_a_text_that_goes_on_replaces_its_beginning_and_nothing_else(prefixes: Prefixes) -> None:
    keep(prefixes, "bob", ids(100, 20), room=50)
    keep(prefixes, "ann", ids(0, 20), room=50)
    keep(prefixes, "ann", ids(0, 30), room=50)
    assert prefixes.tokens == 50
    assert length(prefixes, "bob", ids(100, 20)) == 20
    assert length(prefixes, "ann", ids(0, 30)) == 30
