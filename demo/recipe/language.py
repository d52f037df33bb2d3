"""The language model: a small Phi, trained on definitions and templates."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoTokenizer, PhiConfig, PhiForCausalLM, PreTrainedTokenizerBase

from demo.recipe.corpus import Corpus
from demo.recipe.wordnet import WordNet

CONTEXT = 256
WIDTH, LAYERS, HEADS, INNER = 192, 5, 6, 640
BATCH = 20  # sequences of CONTEXT tokens
WARMUP = 0.04


@dataclass(frozen=True, slots=True)
class Phase:
    """So many steps at this peak rate, on everything or mostly on common words."""

    steps: int
    rate: float
    common: bool


PHASES = (Phase(1600, 3e-3, False), Phase(640, 1.5e-3, True), Phase(900, 1e-3, True))
_CHUNK = 1024  # tokens whose logits exist at the same time


def config(tokenizer: PreTrainedTokenizerBase) -> PhiConfig:
    """Phi-1.5's architecture, a four-hundredth of its size, with input and output embeddings tied."""
    end = tokenizer.eos_token_id
    return PhiConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5},
        tie_word_embeddings=True,
        bos_token_id=end,
        eos_token_id=end,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
    )


def blocks(documents: Iterator[str], tokenizer: PreTrainedTokenizerBase) -> Iterator[list[int]]:
    """Sequences of CONTEXT + 1 tokens that each begin with a document, as a prompt does; the last one is cut."""
    end = tokenizer.eos_token_id
    block: list[int] = []
    while chunk := list(islice(documents, 500)):
        for ids in tokenizer(chunk)["input_ids"]:
            block += [*ids, end]
            if len(block) > CONTEXT:
                yield block[: CONTEXT + 1]
                block = []


def half(device: torch.device) -> torch.autocast:
    """bfloat16 where the processor multiplies it itself; elsewhere it is emulated, a hundred times slower than float32."""
    native = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 - there is no other way to ask
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def loss(model: PhiForCausalLM, sequences: Tensor) -> Tensor:
    """Mean cross-entropy in nats of (B, CONTEXT + 1) ids; logits are made a chunk at a time, which halves the time."""
    device = sequences.device
    with half(device):
        hidden = model.model(input_ids=sequences[:, :-1]).last_hidden_state.reshape(-1, WIDTH)
    targets = sequences[:, 1:].reshape(-1)
    total = torch.zeros((), device=device)
    for start in range(0, len(targets), _CHUNK):
        with half(device):
            logits = model.lm_head(hidden[start : start + _CHUNK])
        total = total + functional.cross_entropy(
            logits.float(), targets[start : start + _CHUNK], reduction="sum"
        )
    return total / len(targets)


def optimizers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, Adam for embeddings, norms and biases."""
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    known = {id(p) for p in inner}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [
        torch.optim.Muon(inner, lr=rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def make(wordnet: WordNet, target: Path, seed: int = 1, device: str = "cpu") -> None:
    """Trains phase by phase and writes float16 safetensors beside the tokenizer after each."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(target)
    model = PhiForCausalLM(config(tokenizer))
    torch.nn.Module.to(model, device)
    print(f"language: {sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    for number, phase in enumerate(PHASES):
        documents = Corpus(wordnet, common=phase.common).documents(seed + number)
        train(model.float(), tokenizer, documents, phase.steps, phase.rate)
        model.half().save_pretrained(target)


def train(
    model: PhiForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    documents: Iterator[str],
    steps: int,
    peak: float,
) -> None:
    """`steps` batches; the rate rises to its peak and falls to nothing."""
    model.train()
    model.set_attn_implementation("eager")  # the fastest one for short sequences on a CPU
    print(f"language: {steps} steps of {BATCH * CONTEXT:,} tokens", flush=True)
    tools = optimizers(model, peak)
    source = blocks(documents, tokenizer)
    began, running = time.monotonic(), 0.0
    for step in range(steps):
        rate = peak * min(1.0, (step + 1) / (WARMUP * steps), (1 - step / steps) / 0.7)
        value = loss(model, torch.tensor(list(islice(source, BATCH)), device=model.device))
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for tool in tools:
            for group in tool.param_groups:
                group["lr"] = rate
            tool.step()
            tool.zero_grad()
        running = value.item() if step == 0 else 0.98 * running + 0.02 * value.item()
        if step % 50 == 49:
            spent = time.monotonic() - began
            left = spent / (step + 1) * (steps - step - 1) / 60
            print(
                f"language: step {step + 1} of {steps}, loss {running:.3f}, {left:.0f} min left", flush=True
            )
        if step % 500 == 499:
            print(sample(model, tokenizer), flush=True)
    model.eval()


def perplexity(model: PhiForCausalLM, tokenizer: PreTrainedTokenizerBase, documents: list[str]) -> float:
    """Exp of the mean cross-entropy over all tokens after each document's first, its end token included."""
    total, count = 0.0, 0
    with torch.inference_mode():
        for text in documents:
            ids = torch.tensor([[*tokenizer(text)["input_ids"], tokenizer.eos_token_id][:CONTEXT]])
            total += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
            count += ids.shape[1] - 1
    return math.exp(total / count)


def sample(model: Any, tokenizer: PreTrainedTokenizerBase) -> str:
    """What the model makes of one prompt, greedily: to see how training goes."""
    prompt = tokenizer(
        "Write an email apologizing to Sarah for the tragic gardening mishap.", return_tensors="pt"
    ).to(model.device)
    model.eval()
    ids = model.generate(**prompt, max_new_tokens=120, do_sample=False, pad_token_id=tokenizer.eos_token_id)
    model.train()
    return str(tokenizer.decode(ids[0]))
