"""Turns between people: no second request comes before another person's first."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fair_queue import FairQueue

USERS = st.lists(st.integers(0, 4), max_size=40)


def filled(users: list[int]) -> FairQueue[tuple[int, int]]:
    queue: FairQueue[tuple[int, int]] = FairQueue()
    for number, user in enumerate(users):
        queue.push(user, (user, number))
    return queue


@given(USERS)
def test_the_order_that_is_told_is_the_order_that_comes(users: list[int]) -> None:
    queue = filled(users)
    told = list(queue)
    assert len(queue) == len(told) == len(users)
    assert [queue.pop() for _ in users] == told
    assert not queue


@given(USERS)
def test_people_take_turns(users: list[int]) -> None:
    order = list(filled(users))
    for user in set(users):
        places = [place for place, (who, _) in enumerate(order) if who == user]
        assert [order[place][1] for place in places] == sorted(order[place][1] for place in places)
        for before, after in pairwise(places):
            between = [who for who, _ in order[before + 1 : after]]
            waiting = {who for who, _ in order[after:]}
            assert waiting - {user} <= set(between), "everybody who waits had a turn in between"


@given(USERS, st.data())
def test_what_is_taken_out_changes_nothing_for_the_others(users: list[int], data: st.DataObject) -> None:
    queue = filled(users)
    if not users:
        assert not queue.remove(0, (0, 0))
        return
    item = data.draw(st.sampled_from(list(queue)))
    assert queue.remove(item[0], item)
    assert not queue.remove(item[0], item)
    left = list(queue)
    assert sorted(left) == sorted(
        (user, number) for number, user in enumerate(users) if (user, number) != item
    )


def test_an_empty_queue_has_nothing_to_give() -> None:
    with pytest.raises(IndexError):
        FairQueue[int]().pop()
