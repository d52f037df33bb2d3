"""Word vectors: skip-gram over WordNet's definitions, examples and relations."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec

from demo.recipe.wordnet import Synset, WordNet

SIZE = 64
COUNT = 25_600
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_SLUR = re.compile(r"offensive (?:term|name|word)|ethnic slur|disparaging|obscene|vulgar")
# Relations whose two ends mean nearly the same are worth more sentences than distant ones.
_RELATIONS = {"@": 2, "&": 2, "!": 1, "+": 1, "%p": 1, "%m": 1, "#m": 1, "*": 1, "\\": 1, "=": 1, ">": 1}


def split(text: str) -> list[str]:
    """The lower-case words of a text, without numbers and punctuation."""
    return _WORD.findall(text.lower())


def sentences(wordnet: WordNet) -> Iterator[list[str]]:
    """The training text of skip-gram: lemmas with definitions, examples, and pairs of related lemmas."""
    for synset in wordnet:
        names = _names(synset)
        definition = split(synset.definition)
        for name in names:
            yield [name, *definition]
        yield from (split(example) for example in synset.examples)
        if len(names) > 1:
            yield names
            yield names[::-1]
        for symbol, weight in _RELATIONS.items():
            for other in wordnet.related(synset, symbol):
                for one in names:
                    for two in _names(other):
                        yield from [[one, two]] * weight


def make(wordnet: WordNet, target: Path, seed: int = 1, epochs: int = 8) -> None:
    """Writes `vectors.npy` (float16, (COUNT, SIZE), unit length) and `words.txt`, most frequent first."""
    text = list(sentences(wordnet))
    random.Random(seed).shuffle(text)
    print(f"words: {len(text):,} sentences, {sum(map(len, text)):,} words", flush=True)
    model = Word2Vec(
        text,
        vector_size=SIZE,
        window=6,
        min_count=2,
        sg=1,
        negative=8,
        sample=3e-4,
        ns_exponent=0.75,
        epochs=epochs,
        seed=seed,
        workers=1,  # more would make the result depend on the machine's scheduling
    )
    left_out = slurs(wordnet)
    words = [word for word in model.wv.index_to_key if word not in left_out][:COUNT]
    vectors = model.wv[words]
    # What all vectors have in common says nothing about any word and makes all cosines high
    # (Mu and Viswanath, "All-but-the-Top", 2018, take away a few principal components as well).
    vectors = vectors - vectors.mean(axis=0)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    target.mkdir(parents=True, exist_ok=True)
    np.save(target / "vectors.npy", vectors.astype(np.float16), allow_pickle=False)
    (target / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    print(f"words: {len(words):,} vectors of {SIZE}", flush=True)


def slurs(wordnet: WordNet) -> set[str]:
    """Words that WordNet itself marks as slurs or obscene in their commonest sense."""
    return {lemma for (lemma, _), senses in wordnet.senses.items() if _SLUR.search(senses[0].definition)}


def _names(synset: Synset) -> list[str]:
    """Single-word lemmas: the parts of "fire engine" would mislead."""
    return [lemma.lower() for lemma in synset.lemmas if _WORD.fullmatch(lemma.lower())]
