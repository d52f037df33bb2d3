"""Quality lost by rounding weights: the perplexity of a text, and how often the likeliest token differs from float32.

    python -m bench.quality [--model FOLDER] [--text FILE] [--tokens N] [--window N]

By default the model is SmolLM2 (135 M parameters), from `$TOKENWISE_DATA_DIR/starter` or `data/starter`, and the text is
this project's documentation, which no model has memorized. Every format reads the same windows, and each token is scored
after the text's own tokens.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer

from models import kernels
from models.language.cache import empty_row
from models.language.compiled.instructions import HAS_PAIRS
from models.language.compiled.packed import BFloat16Panels, Float16Panels, Int8Panels
from models.language.compiled.runtime import CompiledRuntime
from models.language.rows import Runtime
from models.packed import BFloat16, Float16, Int8, Int8OfTorch, Network, Packed, linears, pack, rows_of
from models.pretrained import footprint

GROUP = 64
"""Inputs of an int4 weight with a common scale."""
ROOT = Path(__file__).resolve().parent.parent
SMOLLM2 = "smollm2-135m-instruct"


Scores: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""The scores of a window, shape (tokens, vocabulary), from its ids, shape (1, tokens)."""


@dataclass(frozen=True)
class Way:
    """A way to keep weights: in what the model computes, how its weights are packed, and with what."""

    dtype: torch.dtype
    kind: type[Packed] | None = None
    compiled: bool = False
    int4: bool = False
    """Rounded to 4 bits, and computed as if they were not: it tells what they would lose, not how fast they are."""

    @property
    def works(self) -> bool:
        return self.kind is None or kernels.works(self.kind)

    def load(self, folder: Path) -> tuple[Scores, int]:
        """A model, and the bytes of its weights."""
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=self.dtype).eval()
        if self.kind is not None:
            pack(model, self.kind)
        if self.compiled:
            runtime = CompiledRuntime.of(model)
            if runtime is None:
                raise ValueError("the compiled step does not cover this model")
            layers = model.config.num_hidden_layers
            return lambda ids: _with_runtime(runtime, layers, ids), footprint(model)
        if self.int4:
            return lambda ids: model(ids).logits[0], _round_to_int4(model)
        return lambda ids: model(ids).logits[0], footprint(model)


def _round_to_int4(model: Network) -> int:
    """Round the weights of linear layers to 15 steps, with a scale for each group of inputs; returns their bytes."""
    model.set_output_embeddings(copy.deepcopy(model.get_output_embeddings()))  # the embeddings stay exact
    nbytes = 0
    for _, _, linear in linears(model):
        weight, _ = rows_of(linear)
        groups = weight.reshape(len(weight), -1, GROUP)
        scale = (groups.abs().amax(-1, keepdim=True) / 7).half().float().clamp_min(1e-7)
        weight.copy_(((groups / scale).round().clamp(-7, 7) * scale).view_as(weight))
        nbytes += weight.numel() // 2 + 2 * scale.numel()
    return nbytes


def _with_runtime(runtime: Runtime, layers: int, ids: torch.Tensor) -> torch.Tensor:
    return runtime.rows([empty_row(layers)]).feed(ids.tolist(), {}, keep=ids.shape[1])[0]


WAYS = {
    "float32": Way(torch.float32),
    "float16": Way(torch.float32, Float16),
    "bfloat16": Way(torch.bfloat16),
    "bfloat16, packed": Way(torch.bfloat16, BFloat16),
    "int8": Way(torch.float32, Int8),
    "int8 with bfloat16": Way(torch.bfloat16, Int8OfTorch),
    "int4": Way(torch.float32, int4=True),
    "compiled, float32": Way(torch.float32, compiled=True),
    "compiled, float16": Way(torch.float32, Float16Panels, compiled=True),
    "compiled, bfloat16": Way(torch.bfloat16, BFloat16Panels if HAS_PAIRS else None, compiled=True),
    "compiled, int8": Way(torch.float32, Int8Panels, compiled=True),
}
"""The exact one first."""


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


def read(scores_of: Scores, nbytes: int, ids: Sequence[int], size: int) -> Read:
    bits, likeliest = [], []
    with torch.inference_mode():
        for window in windows(ids, size):
            scores = scores_of(window)[:-1].float()
            logs = scores.log_softmax(-1)
            bits.append(-logs.gather(-1, window[0, 1:, None])[:, 0] / math.log(2))
            likeliest.append(scores.argmax(-1))
    return Read(torch.cat(bits).double(), torch.cat(likeliest), nbytes)


def compare(folder: Path, text: str, tokens: int, size: int, console: Console) -> dict[str, Read]:
    """Score the first `tokens` tokens of a text with each variant that this processor supports."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ids = [int(number) for number in tokenizer(text, verbose=False)["input_ids"][:tokens]]
    found = {}
    for name, way in WAYS.items():
        if not way.works:
            continue
        began = time.monotonic()
        found[name] = read(*way.load(folder), ids, size)
        console.print(f"{name}: {time.monotonic() - began:.0f} s", highlight=False)
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
