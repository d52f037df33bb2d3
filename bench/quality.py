"""Quality lost by rounding weights: the perplexity of a text, and how often the likeliest token differs from float32.

    python -m bench.quality [--model FOLDER] [--text FILE] [--tokens N] [--window N]

By default the model is SmolLM2 (135 M parameters), from `$TOKENWISE_DATA_DIR/starter` or `data/starter`, and the text is
this project's documentation, which no model has memorized. Every format reads the same windows, and each token is scored
after the text's own tokens.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer

from models import kernels
from models.packed import BFloat16, Float16, Int8, Int8OfTorch, Network, Packed, pack
from models.pretrained import footprint

ROOT = Path(__file__).resolve().parent.parent
SMOLLM2 = "smollm2-135m-instruct"
WAYS: dict[str, tuple[torch.dtype, type[Packed] | None]] = {
    "float32": (torch.float32, None),
    "float16": (torch.float32, Float16),
    "bfloat16": (torch.bfloat16, None),
    "bfloat16, packed": (torch.bfloat16, BFloat16),
    "int8": (torch.float32, Int8),
    "int8 with bfloat16": (torch.bfloat16, Int8OfTorch),
}
"""Ways to keep weights, the exact one first: in what the model computes, and how its weights are packed."""


@dataclass(frozen=True)
class Read:
    """The scores of a text: the surprisal in bits of each scored token, and the most likely token at its position."""

    bits: torch.Tensor
    likeliest: torch.Tensor
    nbytes: int

    @property
    def perplexity(self) -> float:
        return float(2 ** self.bits.mean())


def default_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))


def windows(ids: Sequence[int], size: int) -> Iterator[torch.Tensor]:
    for start in range(0, len(ids) - 1, size):
        part = ids[start : start + size]
        if len(part) > 1:
            yield torch.tensor([part])


def read(model: Network, ids: Sequence[int], size: int) -> Read:
    bits, likeliest = [], []
    with torch.inference_mode():
        for window in windows(ids, size):
            scores = model(window).logits[0, :-1].float()
            logs = scores.log_softmax(-1)
            bits.append(-logs.gather(-1, window[0, 1:, None])[:, 0] / math.log(2))
            likeliest.append(scores.argmax(-1))
    return Read(torch.cat(bits).double(), torch.cat(likeliest), footprint(model))


def load(folder: Path, way: str) -> Network:
    dtype, kind = WAYS[way]
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype).eval()
    if kind is not None:
        pack(model, kind)
    return model


def compare(folder: Path, text: str, tokens: int, size: int, console: Console) -> dict[str, Read]:
    """Score the first `tokens` tokens of a text with each variant that this processor supports."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ids = [int(number) for number in tokenizer(text, verbose=False)["input_ids"][:tokens]]
    found = {}
    for way, (_, kind) in WAYS.items():
        if kind is not None and not kernels.works(kind):
            continue
        began = time.monotonic()
        found[way] = read(load(folder, way), ids, size)
        console.print(f"{way}: {time.monotonic() - began:.0f} s", highlight=False)
    return found


def report(found: dict[str, Read], console: Console) -> None:
    exact = found["float32"]
    table = Table(box=None)
    for head in ("weights", "memory, MB", "perplexity", "against float32", "another token first"):
        table.add_column(head, justify="left" if head == "weights" else "right")
    for way, one in found.items():
        differs = float((one.likeliest != exact.likeliest).double().mean())
        table.add_row(
            way,
            f"{one.nbytes / 1e6:,.0f}",
            f"{one.perplexity:.3f}",
            f"{one.perplexity / exact.perplexity - 1:+.2%}",
            f"{differs:.2%}",
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("TOKENWISE_DATA_DIR") or ROOT / "data")
    parser.add_argument("--model", type=Path, default=data / "starter" / SMOLLM2)
    parser.add_argument("--text", type=Path, help="UTF-8 text file")
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--window", type=int, default=512)
    options = parser.parse_args()
    if not options.model.is_dir():
        parser.error(f"there is no model at {options.model}; `python -m bot fetch starter` brings it")
    text = options.text.read_text(encoding="utf-8") if options.text else default_text()
    console = Console(width=120)
    found = compare(options.model, text, options.tokens, options.window, console)
    count = len(found["float32"].bits)
    console.print(
        f"{options.model.name}, {count:,} tokens in windows of {options.window}, {kernels.processor()}",
        highlight=False,
    )
    report(found, console)


if __name__ == "__main__":
    main()
