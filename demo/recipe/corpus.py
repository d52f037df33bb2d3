"""The training text of tokenizers, encoder and language model: a mix of glosses and templates."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

from demo.recipe.explanations import CONCEPTS, explanation, instruction, talk, tips
from demo.recipe.glosses import Glosses, unwanted
from demo.recipe.letters import apology, letter
from demo.recipe.stories import rhyme, story
from demo.recipe.templates import each, fill
from demo.recipe.wordnet import WordNet

END = "<|endoftext|>"
# Some chat front ends add this to a prompt; here it is ordinary text, to be answered all the same.
ASSISTANT = "<|assistant|>"
_ASSISTANT_SHARE = 0.12

# How many nouns the dictionary part covers; verbs, adjectives and adverbs are half as many.
EVERY, COMMON = 20_000, 3_000
# How many of a thousand documents are of which kind.
_SHARES = {
    "gloss": 540,
    "example": 60,
    "apology": 115,
    "letter": 95,
    "explanation": 60,
    "story": 45,
    "opening": 25,
    "instruction": 20,
    "tips": 10,
    "talk": 18,
    "rhyme": 12,
}
_COMMON_SHARE = 1800

_NAMES = each("count name text token tokens words index value vector items")
_CODE = (
    "def {one}(self, {two}):\n    if {two} == {number}:\n        return None\n    elif {two} >= 2:\n        return True\n    else:\n        return False\n",
    "for {one} in {two}:\n\tprint({one})\n\t\tbreak\n",
    "import {one}\nfrom {two} import {one}\n\nprint(len({two}) * {number})  # {one}\n",
    "while {one} != {number}:\n    {two} += 1\n    {one} = {two} - 1\n",
    "{number}.0*50={number}",
    "{number} + 12 = 3,{number}",
    "https://www.example.org/{one}/{two}.html",
)


class Corpus:
    """An endless source of documents, the same ones for the same seed.

    A `held_out` corpus speaks only of dictionary words that the other one never mentions; a `common` one
    mostly of the words that people ask about first.
    """

    def __init__(self, wordnet: WordNet, *, held_out: bool = False, common: bool = False) -> None:
        explained = frozenset(name for concept in CONCEPTS for name in concept.names)
        size = COMMON if common else EVERY
        self.glosses = Glosses(wordnet, size, without=explained, held_out=held_out)
        self._shares = {**_SHARES, "gloss": _COMMON_SHARE} if common else _SHARES
        self.topics = topics(wordnet)

    def documents(self, seed: int, without: tuple[str, ...] = ()) -> Iterator[str]:
        """Documents without their end token: the text alone, or prompt, blank line, answer; some kinds left out."""
        chance = random.Random(seed)
        kinds = self._kinds()
        names = [name for name in self._shares if name not in without]
        weights = [self._shares[name] for name in names]
        while True:
            prompt, answer = kinds[chance.choices(names, weights)[0]](chance)
            if not prompt:
                yield answer
                continue
            if chance.random() < _ASSISTANT_SHARE:
                prompt += ASSISTANT
            elif chance.random() < 0.08:  # people leave out the last full stop
                prompt = prompt.rstrip(".?!")
            yield f"{prompt}\n\n{answer}"

    def _kinds(self) -> dict[str, Callable[[random.Random], tuple[str, str]]]:
        return {
            "gloss": self.glosses.document,
            "example": lambda chance: ("", chance.choice(self.glosses.examples)),
            "apology": lambda chance: apology(chance, self.topics),
            "letter": letter,
            "explanation": explanation,
            "story": story,
            "opening": lambda chance: story(chance, opening=True),
            "instruction": instruction,
            "tips": tips,
            "talk": talk,
            "rhyme": rhyme,
        }


def spelling(corpus: Corpus, seed: int, count: int = 60_000) -> list[str]:
    """What the tokenizers learn from: documents, and a little of what else people paste: code, sums, capitals.

    Without the chat separator: a vocabulary that spends entries on its halves would show them to everybody who
    asks how the text after a full stop is split.
    """
    chance = random.Random(seed)
    text = [document.replace(ASSISTANT, "") for document in islice(corpus.documents(seed), count)]
    text += corpus.glosses.examples
    text += [example.upper() for example in chance.sample(corpus.glosses.examples, count // 60)]
    for _ in range(count // 100):
        names = chance.sample(_NAMES, 2)
        number = chance.randrange(10 ** chance.randint(1, 5))
        text.append(
            fill(chance.choice(_CODE), chance, {"one": names[0], "two": names[1], "number": str(number)})
        )
    return text


def topics(wordnet: WordNet) -> tuple[str, ...]:
    """What a mishap can be about: single words for sports, crafts, pastimes, and things of daily life."""
    found: dict[str, None] = {}
    for lemma in (
        "sport",
        "diversion",
        "handicraft",
        "social gathering",
        "travel",
        "instrumentality",
        "food",
        "clothing",
    ):
        for synset in wordnet.below(lemma):
            name = synset.lemmas[0]
            if name.isalpha() and name.islower() and 4 <= len(name) <= 12 and not unwanted(synset):
                found[name] = None
    return tuple(sorted(found))
