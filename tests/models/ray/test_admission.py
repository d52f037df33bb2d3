"""Admission over several processes of the bot follows the same rules as in a single one."""

from __future__ import annotations

import pytest

from models.failures import AlreadyAsking, LaneFull
from models.ray.admission import Admission
from models.ray.plan import Question


def question(
    key: str, client: str = "one", *, user: int = 0, lane: str = "language", **options: int
) -> Question:
    """Without a `user`, each question has a different one."""
    facts = {"privileged": False, "per_user": 2, **options}
    return Question(key, client, lane, user or hash((key, client)), **facts)  # type: ignore[arg-type]


@pytest.fixture
def books() -> Admission:
    books = Admission()
    books.set_lane("language", capacity=2, queue=3)
    books.set_lane("words", capacity=1, queue=0)
    return books


def test_places_are_counted_over_all_processes(books: Admission) -> None:
    places = [books.admit(question(key, client)) for key in "ab" for client in ("one", "two")]
    assert places == [0, 0, 1, 2]
    books.release("one", "a")
    assert books.changes("two").is_set()
    assert books.places("one") == {"b": 0}
    assert books.places("two") == {"a": 0, "b": 1}
    assert not books.changes("two").is_set()
    assert books.status["language"].running == 2
    assert books.status["language"].waiting == 1


def test_one_more_than_may_wait_is_refused(books: Admission) -> None:
    for number in range(5):
        books.admit(question(str(number)))
    with pytest.raises(LaneFull) as caught:
        books.admit(question("5", "two"))
    assert (caught.value.position, caught.value.waiting) == (4, 3)
    books.release("one", "4")
    assert books.admit(question("5", "two")) == 3


def test_a_person_has_one_limit_over_all_lanes_and_processes(books: Admission) -> None:
    books.admit(question("a", "one", user=7))
    books.admit(question("b", "two", user=7, lane="words"))
    with pytest.raises(AlreadyAsking) as caught:
        books.admit(question("c", "two", user=7))
    assert caught.value.limit == 2
    assert books.admit(question("c", "two", user=7, privileged=True)) == 0
    assert books.admit(question("d", "two", user=7, per_user=3)) == 1
    books.release("one", "a")
    books.release("two", "d")
    assert books.admit(question("e", "one", user=7)) == 0


def test_people_take_turns_whichever_process_they_ask(books: Admission) -> None:
    books.set_lane("language", capacity=1, queue=10)
    books.admit(question("busy", user=1))
    places = [
        books.admit(question("a1", "one", user=2, per_user=9)),
        books.admit(question("a2", "one", user=2, per_user=9)),
        books.admit(question("a3", "one", user=2, per_user=9)),
        books.admit(question("b1", "two", user=3)),
    ]
    assert places == [1, 2, 3, 2]
    assert books.places("one") == {"busy": 0, "a1": 1, "a2": 3, "a3": 4}


def test_what_a_process_was_promised_ends_with_it(books: Admission) -> None:
    for key in "ab":
        books.admit(question(key, "one", user=1))
    assert books.admit(question("c", "two")) == 1
    books.leave("one")
    assert not books.knows("one")
    assert books.places("two") == {"c": 0}
    assert books.admit(question("d", "two", user=1)) == 0


def test_more_replicas_let_more_begin_and_fewer_let_those_end_that_have_begun(books: Admission) -> None:
    for key in "abcd":
        books.admit(question(key))
    books.set_lane("language", capacity=3, queue=3)
    assert books.places("one") == {"a": 0, "b": 0, "c": 0, "d": 1}
    books.set_lane("language", capacity=1, queue=3)
    books.release("one", "a")
    assert books.places("one") == {"b": 0, "c": 0, "d": 1}
    assert books.status["language"].running == 2


def test_who_waits_for_a_replica_is_behind_those_who_wait_for_room_in_one(books: Admission) -> None:
    for key in "abcd":
        books.admit(question(key))
    books.move_in_engine("one", "b", 1)
    assert books.places("one") == {"a": 0, "b": 1, "c": 2, "d": 3}
    books.move_in_engine("one", "b", 0)
    assert books.places("one") == {"a": 0, "b": 0, "c": 1, "d": 2}


def test_a_new_coordinator_takes_over_what_the_old_one_promised(books: Admission) -> None:
    """No one loses a place, and running work continues, even if it exceeds the limit."""
    open_ = (question("a", begun=True), question("b", begun=True), question("c", begun=True), question("d"))
    books.attach("one", open_)
    assert books.status["language"].running == 3
    assert books.places("one") == {"a": 0, "b": 0, "c": 0, "d": 1}
    books.attach("one", open_)
    assert books.status["language"].running == 3
    assert books.places("one") == {"a": 0, "b": 0, "c": 0, "d": 1}
    for key in "ab":
        books.release("one", key)
    assert books.places("one") == {"c": 0, "d": 0}


def test_a_new_coordinator_knows_who_waits_for_room_in_a_replica(books: Admission) -> None:
    open_ = (question("a", begun=True), question("b", begun=True, in_engine=1), question("c"))
    books.attach("one", open_)
    assert books.places("one") == {"a": 0, "b": 1, "c": 2}


def test_a_question_that_is_asked_again_because_the_answer_was_lost_has_one_place(books: Admission) -> None:
    assert books.admit(question("a", user=5)) == books.admit(question("a", user=5)) == 0
    assert books.status["language"].running == 1
    books.release("one", "a")
    books.release("one", "a")
    assert books.status["language"].running == 0
    assert books.admit(question("b", user=5)) == 0
