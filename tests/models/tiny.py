"""Model folders of a few thousand random numbers, with tokenizers of the four usual kinds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

CORPUS = [
    "Write an email apologizing to Sarah for the tragic gardening mishap.",
    "Explain how it happened. The engineer is a person who designs engines.",
    "CAPITALIZATION and other stuff: naïve café, Zoë; straße; 你好; สวัสดี; مرحبا.",
    "A word is known by the company it keeps, and a song by its playlists.",
] * 4


@cache
def byte_bpe(corpus: tuple[str, ...] = tuple(CORPUS)) -> PreTrainedTokenizerFast:
    """Byte-level BPE as of GPT-2 and Phi."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )


@cache
def wordpiece() -> PreTrainedTokenizerFast:
    """Lower-casing WordPiece with [CLS] and [SEP], as of BERT."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=160, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator([text.replace("你好", "") for text in CORPUS], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


@cache
def unigram() -> PreTrainedTokenizerFast:
    """Unigram with the word-start mark and </s>, as of T5."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator([text.replace("你好", "") for text in CORPUS], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


@cache
def fallback_bpe() -> PreTrainedTokenizerFast:
    """BPE with byte fallback and the word-start mark, as of Llama and Phi-3."""
    mark = "▁"
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(mark), normalizers.Replace(" ", mark)])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace(mark, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=specials, show_progress=False)
    ascii_only = [text.encode("ascii", "ignore").decode() for text in CORPUS]
    tokenizer.train_from_iterator(ascii_only, trainer)
    # The trainer made the bytes special; in these vocabularies they are ordinary entries.
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def phi(
    folder: Path, *, seed: int = 0, tokenizer: PreTrainedTokenizerFast | None = None, **config: Any
) -> Path:
    """A Phi model, greedy continuations of which are varied enough to compare."""
    torch.manual_seed(seed)
    tokenizer = tokenizer or byte_bpe()
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 8,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "initializer_range": 0.6,
    }
    model = PhiForCausalLM(PhiConfig(**settings | config))
    return _saved(folder, model, tokenizer)


def gpt2(folder: Path, **config: Any) -> Path:
    torch.manual_seed(1)
    tokenizer = byte_bpe()
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "n_positions": 48,
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 2,
        "initializer_range": 0.6,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    return _saved(folder, GPT2LMHeadModel(GPT2Config(**settings | config)), tokenizer)


def llama(folder: Path, **config: Any) -> Path:
    torch.manual_seed(2)
    tokenizer = fallback_bpe()
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "initializer_range": 0.6,
    }
    return _saved(folder, LlamaForCausalLM(LlamaConfig(**settings | config)), tokenizer)


def bert(folder: Path, *, vocab_size: int | None = None) -> Path:
    torch.manual_seed(3)
    tokenizer = wordpiece()
    config = BertConfig(
        vocab_size=vocab_size or len(tokenizer),
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    return _saved(folder, BertModel(config, add_pooling_layer=False), tokenizer)


def roberta(folder: Path) -> Path:
    torch.manual_seed(4)
    tokenizer = byte_bpe()
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        pad_token_id=1,
    )
    return _saved(folder, RobertaModel(config, add_pooling_layer=False), tokenizer)


def t5(folder: Path) -> Path:
    torch.manual_seed(5)
    tokenizer = unigram()
    config = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    return _saved(folder, T5EncoderModel(config), tokenizer)


def _saved(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
