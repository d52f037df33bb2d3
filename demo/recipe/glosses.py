"""Full sentences from WordNet's definitions: "An engineer is a person who ...", and questions about words."""

from __future__ import annotations

import random
import re
from collections import Counter

from demo.recipe.grammar import capital, listing, with_article
from demo.recipe.templates import each
from demo.recipe.wordnet import Synset, WordNet

_DETERMINERS = frozenset(
    each(
        "a an the any some one two three four several all each every either no another anything something someone somebody "
        "his her its their your what that those these being"
    )
)
# Where the head noun of a definition ends.
_TAIL = re.compile(
    r",|\s(?:of|that|which|who|whose|whom|used|with|in|having|for|usually|from|to|made|consisting|by|on|at|containing|"
    r"resembling|native|living|found|produced|worn|designed|given|who's|as|characterized|marked|covered|such|when|especially|often)\b"
)
# Lexicographer files (man 5 lexnames) whose nouns are as a rule countable: animal, artifact, body, group,
# location, object, person, plant, time.
_COUNTABLE = frozenset((5, 6, 8, 14, 15, 17, 18, 20, 28))
# Where "the upper part of ..." still defines a countable thing: "A head is the upper part of ...".
_THE_IS_A = frozenset((5, 6, 8, 18, 20))
# Animals, artifacts, food, people, plants: what people ask about first.
_CONCRETE = frozenset((5, 6, 13, 18, 20))
# Feelings, states and substances take no article: "Joy is", "Water is".
_UNCOUNTABLE = frozenset((12, 26, 27))
_PERSON = 18
_MASS = frozenset(
    each(
        "music bread money information knowledge time life art love work weather news equipment furniture software traffic rice sugar salt "
        "milk coffee tea glass gold silver wood air fire light energy power blood grass food meat cheese butter health luck advice homework "
        "luggage cotton wool sand snow rain ice electricity nature history science poetry literature mathematics chess tennis football"
    )
)
# A definition that starts with these is not a noun phrase.
_NO_NOUN = frozenset(each("used of relating to in when not having being by capable from with considered"))
# Topics that a study group's bot should avoid.
_UNWANTED = re.compile(
    r"offensive|disparag|ethnic slur|obscene|vulgar|taboo|sexual|coitus|genital|penis|vagina|prostitut|\brap(?:e|ist)\b|semen|lewd|intercourse|erotic|incest|orgy|whore|negro",
    re.IGNORECASE,
)
_LONGEST = 150
# Ranks below this are never held out; above it, one synset in this many is.
_HEAD = 3000
_HELD_OUT = 40


def clean(definition: str) -> str:
    """The first clause of a definition without its remarks in parentheses; empty where little is left."""
    text = re.sub(r"\s*\([^)]*\)?", "", definition)
    text = text.split(";")[0].split(" -- ")[0].split(": ")[0]
    text = re.sub(r"\s+([,.])", r"\1", re.sub(r"\s+", " ", text)).strip(" ,.:`'-")
    return text if 6 <= len(text) <= _LONGEST and '"' not in text else ""


def noun_phrases(synset: Synset, lemma: str) -> tuple[str, str] | None:
    """("an engineer", "a person who ..."), or None where the definition does not tell how to say it."""
    definition = clean(synset.definition)
    first = definition.split(maxsplit=1)[0] if definition else ""
    if not definition or first in _NO_NOUN:
        return None
    head = _TAIL.split(definition, maxsplit=1)[0].split()[-1]
    plural, name = _plural(head), not lemma[0].islower()
    if not name and _plural(lemma) != plural:
        return None
    countable = synset.topic in _COUNTABLE
    if first in {"a", "an", "any"}:
        lemma_takes, definition_takes = countable or not (synset.topic in _UNCOUNTABLE or _mass(lemma)), False
    elif first in _DETERMINERS:
        lemma_takes, definition_takes = synset.topic in _THE_IS_A, False
    else:
        lemma_takes = definition_takes = countable and not head.endswith("ing")
    if name:
        lemma_takes, definition_takes = False, first not in _DETERMINERS and not plural
    return (
        with_article(lemma) if lemma_takes else lemma,
        with_article(definition) if definition_takes else definition,
    )


def unwanted(synset: Synset) -> bool:
    """Whether a synset is a slur or otherwise nothing for a study group, as far as WordNet says so itself."""
    return bool(_UNWANTED.search(" ".join((synset.definition, *synset.examples, *synset.lemmas))))


def frequency(wordnet: WordNet) -> dict[tuple[str, str], float]:
    """How common (lemma, part of speech) is.

    The definitions and examples that use the word are shared out among its parts of speech by how often each was
    tagged, so that "much" is not a common noun.
    """
    seen: Counter[str] = Counter()
    tagged: Counter[tuple[str, str]] = Counter()
    for synset in wordnet:
        for text in (synset.definition, *synset.examples):
            seen.update(re.findall(r"[a-z]+", text.lower()))
        for lemma, count in zip(synset.lemmas, synset.counts, strict=True):
            tagged[lemma.lower(), synset.part] += count
    totals: Counter[str] = Counter()
    for (lemma, _), count in tagged.items():
        totals[lemma] += count
    return {
        (lemma, part): (seen[lemma] + 3 * totals[lemma]) * (count + 0.2) / (totals[lemma] + 1)
        for (lemma, part), count in tagged.items()
    }


class Glosses:
    """Draws documents about words; common words come more often."""

    def __init__(
        self,
        wordnet: WordNet,
        size: int,
        without: frozenset[str] = frozenset(),
        held_out: bool = False,
    ) -> None:
        self.wordnet = wordnet
        common = frequency(wordnet)
        self.nouns: list[tuple[Synset, str, str, str]] = []
        self.others: list[tuple[Synset, str, str]] = []
        for (lemma, part), senses in wordnet.senses.items():
            synset = senses[0]
            spelled = next((name for name in synset.lemmas if name.lower() == lemma), lemma)
            if unwanted(synset) or spelled in without:
                continue
            if len(spelled) < 3 or not re.fullmatch(r"[A-Za-z][a-z]+(?:[ -][A-Za-z]?[a-z]+)*", spelled):
                continue
            if part == "n":
                if phrases := noun_phrases(synset, spelled):
                    self.nouns.append((synset, spelled, *phrases))
            elif (definition := clean(synset.definition)) and not definition.startswith("of a "):
                self.others.append((synset, spelled, definition))
        self.nouns.sort(
            key=lambda entry: -common[entry[1].lower(), "n"] * (3 if entry[0].topic in _CONCRETE else 1)
        )
        self.others.sort(key=lambda entry: -common[entry[1].lower(), entry[0].part])
        del self.nouns[size:]
        del self.others[size // 2 :]
        self._phrases = {
            (synset.part, synset.offset): (subject, name) for synset, name, subject, _ in reversed(self.nouns)
        }
        # Some of the rarer words are kept for measuring, and training never sees them.
        self.nouns = [entry for rank, entry in enumerate(self.nouns) if _kept(rank, entry[0]) != held_out]
        self.others = [entry for rank, entry in enumerate(self.others) if _kept(rank, entry[0]) != held_out]
        # Zipf-like, but flat enough for the rarer words to be seen at all.
        self._noun_weights = _cumulative(len(self.nouns), 0.75)
        self._other_weights = _cumulative(len(self.others), 0.75)
        self.examples = [
            text
            for synset in wordnet
            if _kept(_HEAD, synset) != held_out and not unwanted(synset)
            for text in map(_sentence, synset.examples)
            if text
        ]

    def document(self, chance: random.Random) -> tuple[str, str]:
        """(prompt, answer) about one word; the prompt is empty where the text stands alone."""
        if chance.random() < 0.72:
            return self._noun(chance)
        return self._other(chance)

    def _noun(self, chance: random.Random) -> tuple[str, str]:
        synset, lemma, subject, definition = chance.choices(self.nouns, cum_weights=self._noun_weights)[0]
        sentence = f"{capital(subject)} is {definition}."
        style = chance.random()
        if lemma[0].isupper():
            return self._proper(synset, lemma, sentence, chance) if style > 0.3 else ("", sentence)
        if style < 0.4:
            return "", f"{lemma} is {definition}."
        if style < 0.52:
            return "", sentence + self._more(synset, lemma, subject, chance)
        if style < 0.58:
            return self._kind(synset, subject, chance) or ("", sentence)
        questions = (
            f"What is {subject}?",
            f"Explain what {subject} is.",
            f"Define {lemma}.",
            f'What does "{lemma}" mean?',
            f"What is the meaning of {lemma}?",
            f"What is {subject}?",
            f"Tell me what {subject} is.",
            f"Describe {subject}.",
        )
        return chance.choice(questions), sentence + self._more(synset, lemma, subject, chance)

    def _proper(self, synset: Synset, lemma: str, sentence: str, chance: random.Random) -> tuple[str, str]:
        """A question about somebody or something with a name."""
        asked = f"Who is {lemma}?" if synset.topic == _PERSON else f"What is {lemma}?"
        return chance.choice((asked, asked, f"Tell me about {lemma}.", f"Describe {lemma}.")), sentence

    def _more(self, synset: Synset, lemma: str, subject: str, chance: random.Random) -> str:
        """A second sentence about the same thing, or nothing."""
        choice = chance.random()
        if choice < 0.25 and (kinds := self._names(synset, "~")):
            kinds = chance.sample(kinds, min(3, len(kinds)))
            return f" {capital(listing(kinds))} {'are kinds' if len(kinds) > 1 else 'is a kind'} of {lemma}."
        if choice < 0.45 and (parents := self._names(synset, "@", "@i")):
            return f" It is a kind of {parents[0]}."
        if choice < 0.6:
            others = [name for name in synset.lemmas if name.lower() != lemma.lower()]
            if others:
                return f" {capital(subject)} is also called {with_article(others[0]) if subject != lemma and others[0][0].islower() else others[0]}."
        if choice < 0.8 and (example := _example(synset, lemma)):
            return f' For example: "{example}"'
        return ""

    def _names(self, synset: Synset, *symbols: str) -> list[str]:
        """The common names of related synsets; rare ones are left out."""
        keys = ((other.part, other.offset) for other in self.wordnet.related(synset, *symbols))
        return [self._phrases[key][1] for key in keys if key in self._phrases]

    def _kind(self, synset: Synset, subject: str, chance: random.Random) -> tuple[str, str] | None:
        """Whether one thing is a kind of another; the wrong one is drawn at random."""
        parents = self._names(synset, "@", "@i")
        if not parents:
            return None
        if chance.random() < 0.5:
            return f"Is {subject} a kind of {parents[0]}?", f"Yes, {subject} is a kind of {parents[0]}."
        other = chance.choice(self.nouns[:2000])[1]
        if other in parents:
            return None
        return f"Is {subject} a kind of {other}?", f"No, {subject} is a kind of {parents[0]}."

    def _other(self, chance: random.Random) -> tuple[str, str]:
        synset, lemma, definition = chance.choices(self.others, cum_weights=self._other_weights)[0]
        opposites = [other.lemmas[0] for other in self.wordnet.related(synset, "!")]
        synonyms = [name for name in synset.lemmas if name != lemma]
        style = chance.random()
        if opposites and style < 0.2:
            return f'What is the opposite of "{lemma}"?', f'The opposite of "{lemma}" is "{opposites[0]}".'
        if synonyms and style < 0.35:
            return f'Give me another word for "{lemma}".', f'Another word for "{lemma}" is "{synonyms[0]}".'
        if synset.part == "v":
            short, sentence = f"to {lemma} is to {definition}.", f"To {lemma} is to {definition}."
        else:
            short, sentence = f"{lemma} means {definition}.", f'"{capital(lemma)}" means {definition}.'
        example = _example(synset, lemma)
        more = f' For example: "{example}"' if example and chance.random() < 0.4 else ""
        if style < 0.5:
            return "", short
        if style < 0.65:
            return "", sentence + more
        questions = (
            f'What does "{lemma}" mean?',
            f'What does the word "{lemma}" mean?',
            f'Explain the word "{lemma}".',
            f"What does {lemma} mean?",
            f"Define {lemma}.",
        )
        return chance.choice(questions), sentence + more


def _kept(rank: int, synset: Synset) -> bool:
    """Whether training may see it: all of the common words, and most of the others."""
    return rank < _HEAD or synset.offset % _HELD_OUT != 0


def _cumulative(size: int, power: float) -> list[float]:
    total, sums = 0.0, []
    for rank in range(size):
        total += (rank + 30) ** -power
        sums.append(total)
    return sums


def _plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ics"))


def _mass(lemma: str) -> bool:
    return lemma in _MASS or lemma.endswith(
        ("ness", "ism", "ity", "ance", "ence", "ing", "ics", "ment", "ship", "hood", "logy", "ture")
    )


def _example(synset: Synset, lemma: str) -> str:
    """The first example that is a sentence and contains the word itself, not a synonym."""
    stem = lemma.lower()[: max(3, len(lemma) - 2)]
    return next((text for text in map(_sentence, synset.examples) if stem in text.lower()), "")


def _sentence(example: str) -> str:
    """An example as a sentence, or nothing if it is a mere phrase."""
    words = example.split()
    if not 4 <= len(words) <= 24 or '"' in example:
        return ""
    starts = {
        "he",
        "she",
        "they",
        "we",
        "you",
        "i",
        "it",
        "the",
        "his",
        "her",
        "my",
        "this",
        "there",
        "don't",
        "what",
        "who",
        "how",
    }
    if not (example[0].isupper() or words[0] in starts) or (words[0] == "I" and len(words) < 4):
        return ""
    if words[0] in {"the", "his", "her", "my", "this"} and not re.search(
        r"\b(?:is|was|are|were|has|had|have|will|would|can|could|did|does|\w+ed)\b", example
    ):
        return ""
    text = capital(example.replace("--", " - "))
    return text if text[-1] in ".!?" else text + "."
