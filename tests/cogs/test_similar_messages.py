"""Any words can be drawn and shown within Discord's limits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.similar import messages
from models.results import MapPoint, Neighbour, Neighbourhood
from tests.cogs.drawing import obeys


@given(st.lists(st.tuples(st.text(max_size=60), st.floats(-1, 1)), max_size=25))
@settings(deadline=None, max_examples=15)
def test_any_words_can_be_drawn(words: list[tuple[str, float]]) -> None:
    neighbours = tuple(Neighbour(word, score) for word, score in words)
    points = tuple(
        MapPoint(word, score, index % 3, asked=index == 0) for index, (word, score) in enumerate(words)
    )
    result = Neighbourhood("tiny", "q", ("q" * 300,), ("w",), neighbours, points, 0.4)
    answer = messages.neighbourhood(result)
    obeys(answer)
    assert answer.files["map.png"].startswith(b"\x89PNG")


def test_cosines_are_bars_and_numbers() -> None:
    result = Neighbourhood(
        "tiny",
        "king - man + woman",
        ("king", "woman"),
        ("man",),
        (Neighbour("queen", 0.75), Neighbour("not", -0.5)),
        (),
    )
    embed = messages.neighbourhood(result).embed
    assert embed is not None
    assert embed.title == "Nearest to king - man + woman"
    assert "1  queen  ██████   0.750\n2  not            -0.500" in (embed.description or "")
