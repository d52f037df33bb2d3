"""Packed weights: the same numbers but for rounding, less memory, and everything that looks at a model goes on working."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, Conv1D

from models import kernels, pretrained
from models.failures import Int8Unsupported
from models.files import finding
from models.inside.attribution import why
from models.inside.lens import lens
from models.inside.next_token import next_token
from models.inside.surprise import surprise
from models.inside.twins import twin
from models.language.engine import Engine, GenerationRequest
from models.language.model import LanguageModel
from models.packed import (
    BFloat16,
    Float16,
    Int8,
    Int8OfTorch,
    Packed,
    PackedLinear,
    pack,
    packed_in,
    rows_of,
    to_bytes,
)
from models.specs import LanguageSpec
from models.tokenizers.tokenizer import read
from tests.models import tiny

TRIED: tuple[type[Packed], ...] = (Float16, BFloat16, Int8, Int8OfTorch)
KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(not kernels.works(kind), reason="not on this CPU"))
    for kind in TRIED
]
FLOAT32 = [
    pytest.param(kind, marks=pytest.mark.skipif(not kernels.works(kind), reason="not on this CPU"))
    for kind in (Float16, Int8)
]
NEEDS_FLOAT16 = pytest.mark.skipif(not kernels.works(Float16), reason="not on this CPU")
OFF = {"float16": 1e-3, "bfloat16": 1e-2, "int8": 2e-2}
"""Share of an output's length by which rounding the weights, and for bfloat16 the states, may put it off."""
MAKERS: dict[str, Callable[[Path], Path]] = {"phi": tiny.phi, "gpt2": tiny.gpt2, "llama": tiny.llama}
PROMPT = "The engineer explains"


def loaded(folder: Path, kind: type[Packed] | None) -> LanguageModel:
    dtype = torch.float32 if kind is None else kind.states
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    if kind is not None:
        pack(model, kind)
    return LanguageModel(model, read(finding.find(str(folder), slot="language")), folder.name)


# Products ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 2, 7, 24])
@pytest.mark.parametrize(("outputs", "inputs"), [(400, 32), (7, 64), (96, 416)])
def test_products_are_those_of_the_weight(kind: type[Packed], rows: int, outputs: int, inputs: int) -> None:
    torch.manual_seed(rows)
    weight, bias = torch.randn(outputs, inputs), torch.randn(outputs)
    packed = kind(weight, bias)
    states = torch.randn(rows, 2, inputs)
    with torch.no_grad():
        got = packed.product(states.to(kind.states))
        own = nn.functional.linear(states, packed.dense(), bias)
        exact = nn.functional.linear(states, weight, bias)
    assert got.shape == exact.shape
    assert got.dtype == kind.states
    assert float((got.float() - exact).norm() / exact.norm()) < OFF[kind.name]
    # Against the numbers that it holds, only sums and inputs are rounded.
    close = 1e-2 if kind.states is torch.bfloat16 else 2e-3 if kind.rounds_inputs else 1e-6
    assert float((got.float() - own).norm() / own.norm()) < close


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_very_different_sizes_do_not_disturb_each_other(kind: type[Packed]) -> None:
    packed = kind(torch.randn(16, 64), None)
    states = torch.randn(3, 64)
    states[1] *= 1e4
    states[2] = 0
    with torch.no_grad():
        together = packed.product(states.to(kind.states)).float()
        alone = torch.cat([packed.product(row[None].to(kind.states)).float() for row in states])
    torch.testing.assert_close(together, alone, rtol=1e-2, atol=1e-5)
    assert not together[2].any()


@pytest.mark.parametrize("kind", FLOAT32)
def test_the_largest_numbers_of_all_do_not_overflow(kind: type[Packed]) -> None:
    # With AVX2 two products of bytes are added in 16 bits, which full ones would leave.
    weight = torch.ones(8, 256)
    states = torch.ones(2, 256)
    states[1] = -1
    got = kind(weight, None).product(states)
    torch.testing.assert_close(got, torch.tensor([[256.0] * 8, [-256.0] * 8]), rtol=1e-3, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_without_weights_is_nothing(kind: type[Packed]) -> None:
    weight = torch.randn(3, 32)
    weight[1] = 0
    assert not kind(weight, None).product(torch.ones(1, 32).to(kind.states))[0, 1]


@pytest.mark.parametrize("kind", FLOAT32)
def test_numbers_that_are_not_finite_are_not_hidden(kind: type[Packed]) -> None:
    states = torch.ones(2, 32)
    states[0, 3] = torch.nan
    got = kind(torch.randn(4, 32), None).product(states)
    assert not torch.isfinite(got[0]).any()
    assert torch.isfinite(got[1]).all()


def test_bytes_are_the_nearest_steps() -> None:
    weight = torch.tensor([[1.27, -0.5, 0.004], [0.0, 0.0, 0.0], [-12.7, 0.1, 3.0]])
    whole, scale = to_bytes(weight)
    assert whole.tolist() == [[127, -50, 0], [0, 0, 0], [-127, 1, 30]]
    torch.testing.assert_close(scale[[0, 2]], torch.tensor([0.01, 0.1]))


@NEEDS_FLOAT16
def test_what_float16_cannot_hold_stays(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny.phi(tmp_path / "phi"), dtype=torch.float32).eval()
    large = model.model.layers[0].mlp.fc1
    with torch.no_grad():
        large.weight[0, 0] = 1e6
    pack(model, Float16)
    assert model.model.layers[0].mlp.fc1 is large
    assert isinstance(model.model.layers[0].mlp.fc2, PackedLinear)


# Whole models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_model_computes_nearly_the_same_in_less_memory(
    tmp_path: Path, kind: type[Packed], maker: str
) -> None:
    folder = MAKERS[maker](tmp_path / maker)
    plain, small = loaded(folder, None), loaded(folder, kind)
    assert small.parameters == plain.parameters
    # A tied output head is packed beside the embeddings, which are most of a tiny model.
    tied = sum(
        p.nbytes
        for p in packed_in(small._model)
        if p.outputs == len(small._model.get_input_embeddings().weight)
    )
    assert small.memory - (tied if maker == "gpt2" else 0) < plain.memory
    assert small.dtype == kind.name
    small.probe()
    ids = torch.tensor([[5, 9, 40, 12]])
    with torch.inference_mode():
        exact, got = (model._model(ids).logits.float() for model in (plain, small))
    assert float((got - exact).norm() / exact.norm()) < 4 * OFF[kind.name]
    linear = [module for module in small._model.modules() if type(module) in {nn.Linear, Conv1D}]
    # Int8OfTorch takes widths that are multiples of 32 only.
    assert kind is Int8OfTorch or not linear


@pytest.mark.parametrize("kind", KINDS)
def test_released_weights_are_gone(phi: Path, kind: type[Packed]) -> None:
    model = loaded(phi, kind)
    weights = packed_in(model._model)
    model.release()
    assert not pretrained.footprint(model._model)
    for packed in weights:
        with pytest.raises((RuntimeError, TypeError)):
            packed.product(torch.ones(1, packed.inputs).to(kind.states))


@pytest.mark.parametrize("kind", KINDS)
def test_twins_share_weights(phi: Path, kind: type[Packed]) -> None:
    model = loaded(phi, kind)._model
    made = twin(model)
    assert all(one is other for one, other in zip(packed_in(model), packed_in(made), strict=True))
    modules = zip(model.modules(), made.modules(), strict=True)
    assert all(one is not other for one, other in modules)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", MAKERS)
def test_views_work_on_packed_weights(tmp_path: Path, kind: type[Packed], maker: str) -> None:
    folder = MAKERS[maker](tmp_path / maker)
    plain, small = loaded(folder, None), loaded(folder, kind)
    rough = 100 * OFF[kind.name]
    assert len(lens(small, PROMPT).layers) == len(lens(plain, PROMPT).layers)
    one, other = surprise(plain, PROMPT).perplexity, surprise(small, PROMPT).perplexity
    assert other == pytest.approx(one, rel=rough)
    assert next_token(small, PROMPT).options[0].probability == pytest.approx(
        next_token(plain, PROMPT).options[0].probability, rel=rough
    )


@pytest.mark.parametrize("kind", FLOAT32)
@pytest.mark.parametrize("maker", MAKERS)
def test_gradients_pass_through_packed_weights(tmp_path: Path, kind: type[Packed], maker: str) -> None:
    small, plain = (loaded(MAKERS[maker](tmp_path / maker), kind) for _ in range(2))
    for module in list(plain._model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, PackedLinear):
                linear = nn.Linear(child.in_features, child.out_features)
                linear.weight.data = child.weight
                linear.bias.data = child(torch.zeros(1, child.in_features))[0].detach()
                setattr(module, name, linear)
    expected, got = (why(model, PROMPT, written=(7,)).gradients for model in (plain, small))
    assert expected is not None
    scale = max(map(abs, expected))
    assert got == pytest.approx(expected, abs=(0.02 if kind.rounds_inputs else 1e-4) * scale)


def test_a_weight_can_be_looked_at_in_rows() -> None:
    own = Conv1D(8, 32)
    weight, bias = rows_of(own)
    assert weight.shape == (8, 32)
    layer = PackedLinear(Int8OfTorch(weight, bias))
    torch.testing.assert_close(layer.weight, own.weight.t(), atol=1e-3, rtol=2e-2)
    assert "int8" in repr(layer)


@NEEDS_FLOAT16
@pytest.mark.parametrize("maker", MAKERS)
def test_texts_in_float16_are_the_same_alone_and_in_company(tmp_path: Path, maker: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(MAKERS[maker](tmp_path / maker), dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    pack(model, Float16)
    engine = Engine(model)
    engine.verify([3, 4, 5])
    prompts = [[number, 2 * number, 7] for number in range(1, 7)]
    expected = [
        model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, pad_token_id=0)[
            0, 3:
        ].tolist()
        for ids in prompts
    ]
    streams = [engine.submit(GenerationRequest(ids, 12, user=number)) for number, ids in enumerate(prompts)]
    texts: list[list[int]] = [[] for _ in prompts]

    def read(number: int) -> None:
        texts[number] = [token.id for token in streams[number]]

    readers = [threading.Thread(target=read, args=(number,)) for number in range(len(prompts))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert texts == expected


# Settings ----------------------------------------------------------------------------------------------------


@NEEDS_FLOAT16
def test_float16_on_a_cpu_means_its_weights(phi: Path) -> None:
    plain = LanguageModel.load(LanguageSpec(str(phi), device="cpu"))
    half = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="float16"))
    assert (plain.dtype, half.dtype) == ("float32", "float16")
    assert "float16 weights (fbgemm)" in half.detail
    assert half.memory < plain.memory
    half.probe()


@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
def test_bytes_write(phi: Path, dtype: str) -> None:
    plain = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype="bfloat16"))
    small = LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype=dtype, int8=True))
    small.probe()
    assert small.dtype == "int8"
    assert "int8 weights" in small.detail
    assert small.parameters == plain.parameters
    assert len(small.generate("The engineer", max_new_tokens=5).output_ids) == 5


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_bytes_with_other_numbers_are_refused(phi: Path, dtype: str) -> None:
    with pytest.raises(Int8Unsupported):
        LanguageModel.load(LanguageSpec(str(phi), device="cpu", dtype=dtype, int8=True))
