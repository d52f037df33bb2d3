"""Weights as bytes: nearly the same numbers, half the memory, and the same text alone and in company where asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from models.failures import ModelError
from models.language.model import LanguageModel
from models.language.quantized import ByteLinear, to_bytes
from models.specs import LanguageSpec
from tests.models import tiny


@pytest.mark.parametrize("rows", [1, 2, 7, 24])
@pytest.mark.parametrize(("outputs", "inputs"), [(400, 32), (7, 64), (24, 96)])
def test_it_computes_what_its_weights_say(rows: int, outputs: int, inputs: int) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(inputs, outputs).bfloat16()
    made = ByteLinear(linear)
    weight, scale = made.weight.float(), made.scale.float()
    states = torch.randn(rows, 1, inputs).bfloat16()
    with torch.no_grad():
        expected = nn.functional.linear(states.float(), weight * scale[:, None], linear.bias.float())
        got = made(states)
        exact = linear(states).float()
    assert got.shape == (rows, 1, outputs)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, atol=0.02, rtol=0.02)
    assert float((got.float() - exact).abs().max()) < 0.03 * float(exact.abs().max())


def test_a_row_of_nothing_stays_nothing() -> None:
    linear = nn.Linear(32, 3, bias=False).bfloat16()
    with torch.no_grad():
        linear.weight[1] = 0
        assert ByteLinear(linear)(torch.ones(1, 32).bfloat16())[0, 1] == 0


def test_a_model_in_bytes_is_smaller_and_writes(phi: Path) -> None:
    plain = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="bfloat16"))
    small = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="bfloat16", int8=True))
    small.probe()
    assert small.memory < plain.memory
    assert small.parameters == plain.parameters
    assert len(small.generate("The engineer", max_new_tokens=5).output_ids) == 5


def test_tied_embeddings_stay_whole(tmp_path: Path) -> None:
    folder = tiny.gpt2(tmp_path / "gpt2", n_embd=32)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    to_bytes(model)
    assert model.lm_head.weight is model.get_input_embeddings().weight


def test_other_numbers_are_refused(phi: Path) -> None:
    with pytest.raises(ModelError, match="bfloat16"):
        LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="float32", int8=True))
