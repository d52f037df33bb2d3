from __future__ import annotations

import pytest

from bot.failures import Refused
from cogs.shared.recent import Kept


def test_the_last_values_are_found_by_their_numbers() -> None:
    kept: Kept[str] = Kept(2)
    first, second = kept.keep("one"), kept.keep("two")
    assert (kept.get(first), kept.get(second)) == ("one", "two")


def test_the_value_that_was_not_used_for_longest_makes_room() -> None:
    kept: Kept[str] = Kept(2)
    first, second = kept.keep("one"), kept.keep("two")
    kept.get(first)
    third = kept.keep("three")
    assert (kept.get(first), kept.get(third)) == ("one", "three")
    with pytest.raises(Refused, match="Ask again"):
        kept.get(second)


def test_a_number_that_nobody_gave_is_refused() -> None:
    with pytest.raises(Refused):
        Kept[str]().get(1)


def test_values_that_weigh_more_make_more_room() -> None:
    kept: Kept[str] = Kept(6, weigh=len)
    first, second = kept.keep("one"), kept.keep("two")
    third = kept.keep("three")
    assert kept.get(third) == "three"
    for gone in (first, second):
        with pytest.raises(Refused):
            kept.get(gone)
    heavy = kept.keep("heavier than all")
    assert kept.get(heavy) == "heavier than all"
    with pytest.raises(Refused):
        kept.get(third)
