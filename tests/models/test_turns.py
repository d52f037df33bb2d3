"""Turns: first come, first served, and long work lets others go first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from models.language import turns as turns_module
from models.language.turns import Turns

SOON = 10.0


def waiting(turns: Turns, count: int) -> bool:
    return len(turns._waiting) == count


def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(SOON / 0.001)):
        if holds():
            return
        threading.Event().wait(0.001)
    raise TimeoutError


def test_turns_go_round_in_the_order_of_asking() -> None:
    turns = Turns()
    order: list[int] = []

    def take(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    with turns:
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(partial(waiting, turns, number))
        assert not order
    for thread in threads:
        thread.join(SOON)
    assert order == [0, 1, 2, 3]


def test_a_long_turn_is_passed_on_once_it_has_lasted() -> None:
    turns = Turns()
    order: list[str] = []

    def other() -> None:
        with turns:
            order.append("other")

    thread = threading.Thread(target=other)
    with turns:
        thread.start()
        until(lambda: waiting(turns, 1))
        turns._since += SOON
        turns.pass_on()
        assert not order, "a turn is passed on before its time"
        turns._since -= SOON + turns_module.SLICE
        turns.pass_on()
        order.append("first again")
    thread.join(SOON)
    assert order == ["other", "first again"]
