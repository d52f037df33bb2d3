"""The text that the embedded models learn from: filled templates, articles, definitions turned into sentences."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from demo.recipe.explanations import explanation, instruction, talk, tips
from demo.recipe.glosses import clean, noun_phrases
from demo.recipe.grammar import article, capital, listing, with_article
from demo.recipe.letters import KINDS, MISHAPS, apology, letter
from demo.recipe.stories import rhyme, story
from demo.recipe.templates import NAMES, fill
from demo.recipe.wordnet import Synset

Source = Callable[[random.Random], tuple[str, str]]
SOURCES: list[Source] = [
    apology,
    lambda chance: apology(chance, ("skydiving", "karaoke")),
    letter,
    explanation,
    instruction,
    tips,
    talk,
    story,
    lambda chance: story(chance, opening=True),
    rhyme,
]
# "a" before a vowel and "an" before a consonant, but for the words that are spoken otherwise.
WRONG_ARTICLE = re.compile(
    r"\ba (?!uni|use|usu|eu|one|once|U)[aeiouAEIO][a-z]|\ban (?!hour|hono|honest|heir|LLM|[AEFHILMNORSX]\b)[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]"
)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("engineer", "an engineer"),
        ("teacher", "a teacher"),
        ("hour", "an hour"),
        ("university", "a university"),
        ("unhappy clown", "an unhappy clown"),
        ("European", "a European"),
        ("LLM", "an LLM"),
        ("uncle", "an uncle"),
        ("unimportant detail", "an unimportant detail"),
        ("ukulele", "a ukulele"),
    ],
)
def test_article(phrase: str, expected: str) -> None:
    assert with_article(phrase) == expected
    assert article(phrase) == expected.split(maxsplit=1)[0]


def test_listing_and_capital() -> None:
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b"]) == "a and b"
    assert listing(["a", "b", "c"], last="or") == "a, b or c"
    assert capital("phi is") == "Phi is"
    assert capital("") == ""


def test_fill_takes_one_alternative_and_every_slot() -> None:
    template = "{^a thing} [is|was] [[very |]good|bad]: {thing}"
    seen = {fill(template, random.Random(seed), {"thing": "egg"}) for seed in range(100)}
    assert seen == {
        f"An egg {verb} {what}: egg" for verb in ("is", "was") for what in ("very good", "good", "bad")
    }


def test_fill_names_a_missing_slot() -> None:
    with pytest.raises(KeyError, match="name"):
        fill("Dear {name}", random.Random(1))


@pytest.mark.parametrize("source", SOURCES)
def test_documents_are_complete_and_clean(source: Source) -> None:
    chance = random.Random(7)
    for _ in range(300):
        prompt, answer = source(chance)
        text = f"{prompt}\n\n{answer}"
        assert answer
        assert not re.search(r"[{}\[\]|]", text), text
        assert not WRONG_ARTICLE.search(text), text
        assert not re.search(r" [.,!?]|  |\.\.|^ | $", text, re.MULTILINE), text


@pytest.mark.parametrize("source", SOURCES)
def test_documents_vary_and_repeat_with_the_seed(source: Source) -> None:
    assert source(random.Random(3)) == source(random.Random(3))
    assert len({source(random.Random(seed)) for seed in range(200)}) > 20


def test_an_apology_is_about_what_its_prompt_names() -> None:
    chance = random.Random(11)
    for _ in range(300):
        prompt, answer = apology(chance)
        topics = [topic for mishap in MISHAPS for topic in mishap.topics if topic in prompt]
        assert any(topic in answer for topic in topics), (prompt, answer)
        greeted = re.match(r"(?:Dear|Hi|Hello) (.+),\n", answer)
        assert greeted
        assert greeted[1].split()[-1] in prompt or "my " in prompt, (prompt, answer)
        assert answer.rsplit("\n", 1)[1] in NAMES


def test_a_letter_is_signed_by_somebody_else_than_its_reader() -> None:
    chance = random.Random(12)
    for _ in range(300):
        _, answer = letter(chance)
        lines = answer.split("\n")
        assert lines[-1] in NAMES
        assert f" {lines[-1]}," not in lines[0]


def test_every_matter_of_every_letter_has_details() -> None:
    for kind in KINDS:
        assert len({matter for matter, _ in kind.matters}) == len(kind.matters)
        assert all(len(details) >= 2 for _, details in kind.matters)


def test_sums_are_right() -> None:
    numbers = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ]
    chance, found = random.Random(5), 0
    for _ in range(500):
        _, answer = talk(chance)
        if sum_ := re.fullmatch(r"(\w+) (plus|minus) (\w+) is (\w+)\.", answer):
            found += 1
            one, two, result = (numbers.index(sum_[place].lower()) for place in (1, 3, 4))
            assert result == (one + two if sum_[2] == "plus" else one - two)
    assert found > 100


def test_tips_are_as_many_as_asked_for() -> None:
    chance = random.Random(6)
    for _ in range(100):
        prompt, answer = tips(chance)
        wanted = next(
            number
            for word, number in {"two": 2, "three": 3, "four": 4, "five": 5}.items()
            if f" {word} " in prompt
        )
        assert len(re.findall(r"^\d\. ", answer, re.MULTILINE)) == wanted


def _noun(definition: str, topic: int = 18) -> Synset:
    return Synset("n", 1, topic, ("x",), (1,), definition, (), ())


def test_definitions_become_phrases() -> None:
    assert clean("(botany) a plant (or its seed) that grows; a weed") == "a plant that grows"
    assert clean("short") == ""
    person = _noun("a person who uses scientific knowledge to solve practical problems")
    assert noun_phrases(person, "engineer") == ("an engineer", person.definition)
    animal = _noun("feline mammal usually having thick soft fur", topic=5)
    assert noun_phrases(animal, "cat") == ("a cat", "a feline mammal usually having thick soft fur")
    substance = _noun("a binary compound that is liquid", topic=27)
    assert noun_phrases(substance, "water") == ("water", substance.definition)
    name = _noun("the capital and largest city of France", topic=15)
    assert noun_phrases(name, "Paris") == ("Paris", name.definition)
    assert noun_phrases(_noun("used to wrap around pipes or boilers", topic=27), "lagging") is None
    assert noun_phrases(_noun("massive mammals with long shaggy coats", topic=5), "bear") is None
