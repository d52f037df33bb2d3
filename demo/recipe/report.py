"""Measures the bundle and writes the results between the markers of `README.md`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gensim.models import KeyedVectors, Word2Vec
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from demo.recipe import language, songs
from demo.recipe.corpus import ASSISTANT, Corpus
from demo.recipe.templates import each
from demo.recipe.wordnet import WordNet

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
TIMES = "times.json"

PROMPTS = (
    "Write an email apologizing to Sarah for the tragic gardening mishap. Explain how it happened.",
    f"Write an email apologizing to Sarah for the tragic gardening mishap. Explain how it happened.{ASSISTANT}",
    "Write a letter to Ahmed to apologize for the terrible skydiving accident.",
    "Write a note thanking Maria for the flowers.",
    "Invite Tom to a chess tournament.",
    "engineer is",
    "Explain what a token is.",
    "What is a violin?",
    "Once upon a time",
    "How do I make tea?",
)
_WORDS = each("engineer guitar happy king river bread teacher angry red computer")
_SUMS = (("king", "man", "woman"), ("prince", "man", "woman"), ("actor", "man", "woman"))
_SONGS = (
    ("Hey Jude", "The Beatles"),
    ("Jolene", "Dolly Parton"),
    ("One More Time", "Daft Punk"),
    ("Enter Sandman", "Metallica"),
    ("Juicy", "The Notorious B.I.G."),
    ("Three Little Birds", "Bob Marley and the Wailers"),
    ("Dancing Queen", "ABBA"),
    ("Wonderwall", "Oasis"),
    ("Take Five", "The Dave Brubeck Quartet"),
    ("bad guy", "Billie Eilish"),
)
# The encoder searches these words for the nearest to each of _ASKED.
_POOL = each(
    "dog cat horse cow lion wolf rabbit mouse whale shark trout eagle sparrow duck bee ant spider oak pine rose tulip grass apple pear plum "
    "bread cheese butter soup cake sugar milk wine beer water tea coffee chair table bed lamp shelf sofa door window roof wall house castle church "
    "school hospital bridge road river lake sea mountain hill valley car bus train ship boat plane bicycle hammer saw knife spoon fork cup plate "
    "guitar piano violin drum trumpet flute doctor nurse teacher engineer lawyer soldier farmer baker sailor king queen prince mother father brother "
    "sister uncle friend happy glad sad angry brave lazy clever stupid big small large tiny hot cold warm red green blue yellow black white quickly "
    "slowly loudly quietly run walk swim fly eat drink sleep write read speak sing dance buy sell give take love hate computer book letter song"
)
_ASKED = each("dog apple chair guitar doctor mother happy red run river")


def make(wordnet: WordNet, target: Path, seed: int = 1) -> None:
    """Rewrite the part of `README.md` between the markers, from the complete bundle in `target`."""
    parts = (
        _sizes(target),
        _language(wordnet, target, seed),
        _words(target),
        _songs(target, seed),
        _encoder(target),
    )
    text = "\n".join(line for part in parts for line in part)
    readme = target / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _sizes(target: Path) -> Iterator[str]:
    times = json.loads((target / TIMES).read_text(encoding="utf-8")) if (target / TIMES).is_file() else {}
    yield "### Sizes and times\n"
    yield "| folder | bytes |"
    yield "|---|---|"
    total = 0
    for folder in sorted(path for path in target.glob("tiny-*") if path.is_dir()):
        size = sum(path.stat().st_size for path in folder.iterdir())
        total += size
        yield f"| `{folder.name}` | {size:,} |"
    yield f"| total | {total:,} |\n"
    yield "| part of the recipe | processor time in minutes, one core |"
    yield "|---|---|"
    yield from (f"| {part} | {minutes:.1f} |" for part, minutes in times.items())
    yield f"| total | {sum(times.values()):.0f} |\n"


def _language(wordnet: WordNet, target: Path, seed: int) -> Iterator[str]:
    tokenizer = AutoTokenizer.from_pretrained(target / "tiny-phi")
    model = AutoModelForCausalLM.from_pretrained(target / "tiny-phi", dtype=torch.float32).eval()
    tokens = language.BATCH * (
        language.CONTEXT + 1
    )  # at 30 tokens per document; longer ones mean that fewer were read
    seen: set[str] = set()
    for number, phase in enumerate(language.PHASES):
        documents = Corpus(wordnet, common=phase.common).documents(seed + number)
        seen.update(islice(documents, phase.steps * tokens // 30))
    chance = random.Random(seed)
    unseen = Corpus(wordnet, held_out=True)  # its words are too rare to be common ones
    templates = list(islice(_templates(unseen, seed + len(language.PHASES), seen), 500))
    glosses = ["\n\n".join(filter(None, unseen.glosses.document(chance))) for _ in range(500)]
    examples = chance.sample(unseen.glosses.examples, min(300, len(unseen.glosses.examples)))
    yield "### Language model\n"
    yield f"{sum(p.numel() for p in model.parameters()):,} parameters. Perplexity per token on held-out text:\n"
    yield "| held-out text | perplexity |"
    yield "|---|---|"
    for label, texts in (
        ("500 new letters, stories, explanations and so on", templates),
        ("500 definitions of held-out words", glosses),
        (f"{len(examples)} example sentences with held-out words", examples),
    ):
        yield f"| {label} | {language.perplexity(model, tokenizer, texts):.1f} |"
    yield "\nTen fixed prompts, greedy, at most 150 new tokens, unedited:\n"
    for prompt in PROMPTS:
        yield from _sample(model, tokenizer, prompt)
    yield "The first prompt and the story again, sampled at temperature 0.8 with seed 1:\n"
    for prompt in (PROMPTS[0], PROMPTS[8]):
        yield from _sample(model, tokenizer, prompt, temperature=0.8)


def _templates(corpus: Corpus, seed: int, seen: set[str]) -> Iterator[str]:
    """Documents that are not in the training text and not made from a gloss or an example."""
    for text in corpus.documents(seed, without=("gloss", "example")):
        if text not in seen:
            yield text


def _sample(
    model: Any, tokenizer: PreTrainedTokenizerBase, prompt: str, temperature: float = 0.0
) -> Iterator[str]:
    inputs = tokenizer(prompt, return_tensors="pt")
    torch.manual_seed(1)
    how = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    end = tokenizer.eos_token_id
    ids = model.generate(**inputs, max_new_tokens=150, pad_token_id=end, **how)[0]
    new = ids[inputs["input_ids"].shape[1] :]
    text = str(tokenizer.decode(new, skip_special_tokens=True))
    ended = "reached end of text" if end in new.tolist() else "stopped at 150 tokens"
    yield f"> **{prompt.replace('<', '&lt;')}**\n"
    yield "```text"
    yield text.strip("\n")
    yield "```\n"
    yield f"({len(new)} tokens, {ended})\n"


def _words(target: Path) -> Iterator[str]:
    vectors = KeyedVectors(64)
    vectors.add_vectors(
        (target / "tiny-words/words.txt").read_text(encoding="utf-8").splitlines(),
        np.load(target / "tiny-words/vectors.npy", allow_pickle=False).astype(np.float32),
    )
    yield "### Word vectors\n"
    yield f"{len(vectors):,} words. Nearest neighbours by cosine:\n"
    yield "| word | neighbours |"
    yield "|---|---|"
    for word in _WORDS:
        yield f"| {word} | {_scored(vectors.most_similar(word, topn=6))} |"
    for one, minus, plus in _SUMS:
        found = vectors.most_similar(positive=[one, plus], negative=[minus], topn=6)
        yield f"| {one} - {minus} + {plus} | {_scored(found)} |"
    yield ""


def _scored(found: list[tuple[str, float]]) -> str:
    return ", ".join(f"{word} {score:.2f}" for word, score in found)


def _songs(target: Path, seed: int) -> Iterator[str]:
    lines = (target / "tiny-songs/playlists.txt").read_text(encoding="utf-8").splitlines()[2:]
    lists = [line.split() for line in lines]
    model = Word2Vec(lists, vector_size=32, window=20, negative=50, min_count=1, workers=1, seed=seed)
    entries = {entry.id: entry for entry in songs.catalogue()}
    near = {song: [other for other, _ in model.wv.most_similar(song, topn=10)] for song in entries}
    same = [entries[song].genre == entries[other].genre for song, others in near.items() for other in others]
    yield "### Songs\n"
    yield (
        f"{len(entries)} songs in {len({entry.genre for entry in entries.values()})} groups, {len(lists):,} synthetic playlists. "
        "Neighbours from gensim's Word2Vec(vector_size=32, window=20, negative=50, min_count=1, workers=1) with five epochs; "
        f"{100 * sum(same) / len(same):.0f}% of the ten nearest are from the song's own group.\n"
    )
    yield "| song | neighbours |"
    yield "|---|---|"
    found = {(entry.title, entry.artist): entry for entry in entries.values()}
    for title, artist in _SONGS:
        others = (entries[other] for other in near[found[title, artist].id][:5])
        yield f"| {title}, {artist} | {'; '.join(f'{other.title}, {other.artist}' for other in others)} |"
    yield ""


def _encoder(target: Path) -> Iterator[str]:
    tokenizer = AutoTokenizer.from_pretrained(target / "tiny-bert")
    model = AutoModel.from_pretrained(target / "tiny-bert", dtype=torch.float32).eval()

    def embed(text: str, word: str) -> torch.Tensor:
        """Mean of the word's token vectors in this text."""
        inputs = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**inputs).last_hidden_state[0]
        wanted = tokenizer(word, add_special_tokens=False)["input_ids"]
        ids = inputs["input_ids"][0].tolist()
        start = next(place for place in range(len(ids)) if ids[place : place + len(wanted)] == wanted)
        return torch.nn.functional.normalize(hidden[start : start + len(wanted)].mean(0), dim=0)

    pool = torch.stack([embed(word, word) for word in _POOL])
    yield "### Encoder\n"
    yield (
        f"{sum(p.numel() for p in model.parameters()):,} parameters. Each word alone between [CLS] and [SEP]: the mean of its vectors in the last "
        f"layer, and the nearest by cosine among {len(_POOL)} common words (the mean over all their pairs is {_mean_cosine(pool):.2f}):\n"
    )
    yield "| word | neighbours |"
    yield "|---|---|"
    for word in _ASKED:
        scores = pool @ embed(word, word)
        order = [place for place in scores.argsort(descending=True).tolist() if _POOL[place] != word][:6]
        yield f"| {word} | {_scored([(_POOL[place], scores[place].item()) for place in order])} |"
    yield "\nThe same word in two contexts (cosine of its two vectors):\n"
    yield "| first text | second text | cosine |"
    yield "|---|---|---|"
    for word, one, two in _PAIRS:
        yield f"| {one} | {two} | {(embed(one, word) @ embed(two, word)).item():.2f} |"


_PAIRS = (
    ("bank", "He sat on the bank of the river.", "The bank of the lake was green."),
    ("bank", "He sat on the bank of the river.", "She keeps her money in the bank."),
    ("play", "They play the guitar.", "They play the piano."),
    ("play", "They play the guitar.", "She wrote a play about a king."),
)


def _mean_cosine(vectors: torch.Tensor) -> float:
    count = len(vectors)
    return ((vectors @ vectors.T).sum().item() - count) / (count * (count - 1))
