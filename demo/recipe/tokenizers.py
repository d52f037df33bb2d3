"""Four kinds of tokenizers, like those of well-known models, with the same size and training text."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from demo.recipe.corpus import END

SIZE = 8000
Settings: TypeAlias = dict[str, str | int | bool]
"""Of tokenizer_config.json."""
START = "\u2581"  # the word-start mark of SentencePiece
ALPHABET = [*string.ascii_letters, *string.digits, *string.punctuation]
"""Known to every tokenizer, also where the text is silent about one of them."""


def byte_level(text: Iterable[str]) -> tuple[Tokenizer, Settings]:
    """Byte-level BPE, as phi-1_5 has it: every text can be spelled, and nothing is lost."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    return tokenizer, {"bos_token": END, "eos_token": END, "unk_token": END, "model_max_length": 256}


def word_piece(text: Iterable[str]) -> tuple[Tokenizer, Settings]:
    """Lower-casing WordPiece with [CLS] and [SEP], as BERT has it; `##` marks a continued word."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=SIZE, special_tokens=specials, initial_alphabet=ALPHABET, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    names = {f"{special[1:-1].lower()}_token": special for special in specials}
    return tokenizer, {**names, "do_lower_case": True, "model_max_length": 128}


def unigram(text: Iterable[str]) -> tuple[Tokenizer, Settings]:
    """Unigram with the word-start mark and </s> at the end, as T5 has it; white space is evened out."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=START, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=START, prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=SIZE,
        special_tokens=["<pad>", "</s>", "<unk>"],
        initial_alphabet=ALPHABET,
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return tokenizer, {
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": 512,
    }


def byte_fallback(text: Iterable[str]) -> tuple[Tokenizer, Settings]:
    """BPE over characters that spells what it does not know in bytes, as Llama and Phi-3 have it.

    Trained word by word and line by line: a piece never spans a blank, and a line break stays the byte <0x0A>.
    """
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(replacement=START, prepend_scheme="always")
    specials = ["<unk>", "<s>", "</s>"]
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=[*specials, *fallback],
        initial_alphabet=ALPHABET,
        limit_alphabet=300,
        show_progress=False,
    )
    learner.train_from_iterator((line for document in text for line in document.split("\n")), trainer)
    learnt = json.loads(learner.to_str())["model"]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=learnt["vocab"],
            merges=[tuple(merge) for merge in learnt["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.add_special_tokens(
        [AddedToken(special, normalized=False, special=True) for special in specials]
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(START), normalizers.Replace(" ", START)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(START, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A",
        pair="<s> $A <s> $B",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>"))],
    )
    return tokenizer, {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": 2048,
    }


KINDS = {"tiny-phi": byte_level, "tiny-bert": word_piece, "tiny-t5": unigram, "tiny-llama": byte_fallback}


def make(text: list[str], target: Path) -> None:
    """Trains all four on the same documents and writes `tokenizer.json` and `tokenizer_config.json` of each."""
    for name, kind in KINDS.items():
        tokenizer, config = kind(text)
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        compact = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
        (folder / "tokenizer.json").write_text(compact, encoding="utf-8")
        # Clean-up would eat blanks before punctuation, which a student wants to see.
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            **config,
        }
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        print(f"tokenizers: {name} has {tokenizer.get_vocab_size():,} entries", flush=True)
