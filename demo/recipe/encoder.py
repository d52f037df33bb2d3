"""The encoder: a small BERT that begins with skip-gram vectors of its tokens and learns to guess masked words.

In a few minutes, masked-word training alone would not teach it that a dog is more like a horse than a table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from gensim.models import Word2Vec
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerBase

from demo.recipe import words
from demo.recipe.corpus import Corpus
from demo.recipe.language import half
from demo.recipe.wordnet import WordNet

LENGTH = 64
WIDTH, LAYERS, HEADS, INNER = 96, 4, 4, 384
STEPS = 2200
BATCH = 64  # sequences of LENGTH tokens
RATE = 1.5e-3
WARMUP = 300
MASKED = 0.2
_IGNORED = -100


def config(tokenizer: PreTrainedTokenizerBase) -> BertConfig:
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=128,
        type_vocab_size=2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )


def first_vectors(wordnet: WordNet, tokenizer: PreTrainedTokenizerBase, seed: int) -> dict[int, Tensor]:
    """Token id to a unit vector (WIDTH,), by skip-gram over the text that the word vectors are made from."""
    known: dict[str, list[str]] = {}
    text = []
    for sentence in words.sentences(wordnet):
        for word in sentence:
            if word not in known:
                known[word] = tokenizer.tokenize(word)
        text.append([piece for word in sentence for piece in known[word]])
    random.Random(seed).shuffle(text)
    model = Word2Vec(
        text,
        vector_size=WIDTH,
        window=6,
        min_count=5,
        sg=1,
        negative=6,
        sample=3e-4,
        epochs=4,
        seed=seed,
        workers=1,
    )
    centred = torch.tensor(model.wv.vectors - model.wv.vectors.mean(axis=0))
    vocabulary = tokenizer.get_vocab()
    ids = [vocabulary[piece] for piece in model.wv.index_to_key]
    return dict(zip(ids, functional.normalize(centred, dim=1), strict=True))


def batches(documents: Iterator[str], tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[Tensor, Tensor]]:
    """(ids, attention mask), each (BATCH, up to LENGTH); documents of like length go together to save padding."""
    while chunk := list(islice(documents, BATCH * 16)):
        chunk.sort(key=len)
        order = torch.randperm(16).tolist()
        for place in order:
            batch = tokenizer(
                chunk[place * BATCH : (place + 1) * BATCH],
                truncation=True,
                max_length=LENGTH,
                padding=True,
                return_tensors="pt",
            )
            yield batch["input_ids"], batch["attention_mask"]


def mask(ids: Tensor, attention: Tensor, tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, Tensor]:
    """(what the model sees, what it has to guess): of the chosen tokens 80% are masked, 10% replaced, 10% kept."""
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids)) | (attention == 0)
    chosen = (torch.rand(ids.shape) < MASKED) & ~special
    labels = torch.where(chosen, ids, torch.full_like(ids, _IGNORED))
    fate = torch.rand(ids.shape)
    seen = torch.where(chosen & (fate < 0.8), torch.full_like(ids, int(tokenizer.mask_token_id)), ids)
    other = torch.randint(0, len(tokenizer), ids.shape)
    return torch.where(chosen & (fate > 0.9), other, seen), labels


def make(
    wordnet: WordNet, corpus: Corpus, target: Path, seed: int = 1, device: str = "cpu", steps: int = STEPS
) -> None:
    """Trains on masked words and writes the encoder without its head as float16 safetensors beside the tokenizer."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(target)
    model = BertForMaskedLM(config(tokenizer)).train()
    torch.nn.Module.to(model, device)
    table = model.bert.embeddings.word_embeddings.weight
    with torch.no_grad():
        for token, vector in first_vectors(wordnet, tokenizer, seed).items():
            table[token] = vector
    print("encoder: begins with skip-gram vectors", flush=True)
    rest = [p for p in model.parameters() if p is not table]
    # The pretrained embeddings are worth keeping, so they learn at a fifth of the rate.
    tool = torch.optim.AdamW(
        [{"params": rest, "pace": 1.0}, {"params": [table], "pace": 0.2}],
        betas=(0.9, 0.98),
        weight_decay=0.01,
    )
    source = batches(corpus.documents(seed), tokenizer)
    began, running = time.monotonic(), 0.0
    for step in range(steps):
        rate = RATE * min(1.0, (step + 1) / WARMUP, (1 - step / steps) / 0.8)
        ids, attention = next(source)
        seen, labels = (tensor.to(device) for tensor in mask(ids, attention, tokenizer))
        wanted = labels != _IGNORED
        with half(model.device):
            hidden = model.bert(input_ids=seen, attention_mask=attention.to(device)).last_hidden_state
            logits = model.cls(hidden[wanted])  # only where there is something to guess
        value = functional.cross_entropy(logits.float(), labels[wanted])
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in tool.param_groups:
            group["lr"] = rate * group["pace"]
        tool.step()
        tool.zero_grad()
        running = value.item() if step == 0 else 0.98 * running + 0.02 * value.item()
        if step % 100 == 99:
            left = (time.monotonic() - began) / (step + 1) * (steps - step - 1) / 60
            print(f"encoder: step {step + 1} of {steps}, loss {running:.3f}, {left:.0f} min left", flush=True)
    # The guessing head has done its work. The pooler, which only sentence pairs would train, stays as it was drawn,
    # so that AutoModel finds every weight it looks for.
    encoder = BertModel(model.config)
    encoder.load_state_dict(model.bert.state_dict(), strict=False)
    encoder.eval().half().save_pretrained(target)
