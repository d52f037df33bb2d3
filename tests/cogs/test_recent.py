from __future__ import annotations

import pytest

from bot.failures import Refused
from cogs.shared.recent import Recent


def test_the_last_values_are_found_by_their_numbers() -> None:
    recent: Recent[str] = Recent(2)
    first, second = recent.keep("one"), recent.keep("two")
    assert (recent.get(first), recent.get(second)) == ("one", "two")


def test_the_value_that_was_not_used_for_longest_makes_room() -> None:
    recent: Recent[str] = Recent(2)
    first, second = recent.keep("one"), recent.keep("two")
    recent.get(first)
    third = recent.keep("three")
    assert (recent.get(first), recent.get(third)) == ("one", "three")
    with pytest.raises(Refused, match="Run the command again"):
        recent.get(second)


def test_a_number_that_nobody_gave_is_refused() -> None:
    with pytest.raises(Refused):
        Recent[str]().get(1)


def test_values_that_weigh_more_make_more_room() -> None:
    recent: Recent[str] = Recent(6, weigh=len)
    first, second = recent.keep("one"), recent.keep("two")
    third = recent.keep("three")
    assert recent.get(third) == "three"
    for gone in (first, second):
        with pytest.raises(Refused):
            recent.get(gone)
    heavy = recent.keep("heavier than all")
    assert recent.get(heavy) == "heavier than all"
    with pytest.raises(Refused):
        recent.get(third)
