"""The short decoder computes what the model itself computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PhiConfig,
    PreTrainedConfig,
    Qwen2Config,
)
from transformers.cache_utils import Cache

from models.language import decoder as decoder_module
from models.language.cache import GrowingLayer
from models.language.decoder import Decoder
from models.language.engine import Engine, GenerationRequest
from models.language.layers import CausalModel
from models.packed import BFloat16, Float16, Int8, Packed, pack
from tests.models import tiny

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
GROUPED: dict[str, Any] = {**SIZES, "num_key_value_heads": 2}
SCALED: dict[str, Any] = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
}
CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**GROUPED),
    "llama with biases": LlamaConfig(**GROUPED, attention_bias=True, mlp_bias=True),
    "llama with scaled positions": LlamaConfig(
        **GROUPED, rope_parameters={**SCALED, "original_max_position_embeddings": 16}
    ),
    "llama with wide heads": LlamaConfig(**GROUPED, head_dim=32),
    "mistral": MistralConfig(**GROUPED, sliding_window=None),
    "phi": PhiConfig(**SIZES),
    "gpt2 with other scales": GPT2Config(
        vocab_size=64,
        n_embd=64,
        n_layer=2,
        n_head=4,
        n_positions=64,
        scale_attn_weights=False,
        scale_attn_by_inverse_layer_idx=True,
    ),
    "phi with groups": PhiConfig(**GROUPED),
    "qwen2": Qwen2Config(**GROUPED),
}
UNKNOWN: dict[str, PreTrainedConfig] = {
    "another kind": BloomConfig(vocab_size=64, hidden_size=32, n_layer=2, n_head=4),
    "a window": MistralConfig(**GROUPED, sliding_window=8),
    "some windows": Qwen2Config(**GROUPED, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "another attention": LlamaConfig(**{**GROUPED, "attn_implementation": "eager"}),
    "norms of queries": PhiConfig(**SIZES, qk_layernorm=True),
}
IDS = torch.tensor([[5, 9, 13, 2, 40, 41, 7], [3, 3, 3, 3, 8, 1, 60]])
ROUNDING = 1e-4
"""Largest difference in a score that the order of sums can explain."""


def made(config: PreTrainedConfig, dtype: torch.dtype = torch.float32) -> CausalModel:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


@pytest.fixture(params=[*CONFIGS, "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> CausalModel:
    if request.param == "gpt2":
        return AutoModelForCausalLM.from_pretrained(tiny.gpt2(tmp_path)).eval()
    return made(CONFIGS[request.param])


Read = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""Reads more tokens, with a mask over all so far, and returns their scores."""


def by_transformers(model: CausalModel) -> Read:
    cache = Cache(layers=[GrowingLayer() for _ in range(model.config.num_hidden_layers)])

    def read(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        before = cache.get_seq_length()
        whole = torch.ones(len(ids), before + ids.shape[1], dtype=torch.long) if mask is None else mask
        positions = (whole.cumsum(-1) - 1).clamp(min=0)[:, before:]
        output = model(input_ids=ids, attention_mask=whole, position_ids=positions, past_key_values=cache)
        scores: torch.Tensor = output.logits
        return scores

    return read


def by_decoder(model: CausalModel) -> Read:
    decoder = Decoder.of(model)
    assert decoder is not None
    cache = [GrowingLayer() for _ in range(model.config.num_hidden_layers)]

    def read(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        before = cache[0].get_seq_length()
        whole = torch.ones(len(ids), before + ids.shape[1], dtype=torch.long) if mask is None else mask
        positions = (whole.cumsum(-1) - 1).clamp(min=0)[:, before:]
        return decoder.scores(ids, positions, mask, cache, keep=ids.shape[1])

    return read


def compared(model: CausalModel, *chunks: tuple[torch.Tensor, torch.Tensor | None]) -> list[float]:
    """The largest difference in a score of an unmasked token, for each chunk of ids and their mask."""
    theirs, ours = by_transformers(model), by_decoder(model)
    differences = []
    with torch.inference_mode():
        for ids, mask in chunks:
            real = torch.ones_like(ids).bool() if mask is None else mask[:, -ids.shape[1] :].bool()
            difference = (theirs(ids, mask) - ours(ids, mask))[real]
            assert bool(difference.isfinite().all())
            differences.append(float(difference.abs().max()))
    return differences


def test_one_text_has_the_same_scores_to_the_last_bit(model: CausalModel) -> None:
    text = IDS[:1]
    chunks = [(text[:, :4], None), *((text[:, place : place + 1], None) for place in range(4, 7))]
    assert compared(model, *chunks) == [0.0] * len(chunks)


def test_texts_of_different_lengths_have_the_same_scores(model: CausalModel) -> None:
    mask = torch.ones(2, 7, dtype=torch.long)
    mask[1, :2] = 0
    chunks = [(IDS[:, :4], mask[:, :4]), (IDS[:, 4:6], mask[:, :6]), (IDS[:, 6:], mask)]
    assert max(compared(model, *chunks)) < ROUNDING


def test_texts_of_one_length_need_no_mask(model: CausalModel) -> None:
    chunks = [(IDS[:, :3], None), (IDS[:, 3:6], None), (IDS[:, 6:], None)]
    assert max(compared(model, *chunks)) < ROUNDING


def test_columns_between_tokens_may_be_unused(model: CausalModel) -> None:
    mask = torch.tensor([[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]])
    chunks = [(IDS[:, :3], mask[:, :3]), (IDS[:, 3:4], mask[:, :4]), (IDS[:, 4:5], mask)]
    assert max(compared(model, *chunks)) < ROUNDING


@pytest.mark.parametrize("lengths", [(9, 9, 3, 2), (3, 9, 2, 9), (9, 4, 4, 4), (2, 3, 9, 9)])
def test_texts_of_very_different_lengths_are_attended_to_in_groups(
    model: CausalModel, lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "WORTH_SPLITTING", 4)
    ids = torch.randint(0, 64, (4, 12), generator=torch.Generator().manual_seed(1))
    # The last three columns are new to all.
    mask = (torch.arange(12) >= 9 - torch.tensor(lengths)[:, None]).long()
    chunks = [
        (ids[:, :7], mask[:, :7]),
        (ids[:, 7:9], mask[:, :9]),
        *((ids[:, place : place + 1], mask[:, : place + 1]) for place in (9, 10, 11)),
    ]
    assert max(compared(model, *chunks)) < ROUNDING


@pytest.mark.parametrize("kind", [Float16, BFloat16, Int8])
@pytest.mark.parametrize("name", ["llama", "phi"])
def test_packed_weights_are_multiplied_alike(name: str, kind: type[Packed]) -> None:
    model = made(CONFIGS[name], kind.states)
    try:
        pack(model, kind)
    except RuntimeError as error:
        pytest.skip(str(error))
    assert compared(model, (IDS[:1, :4], None), (IDS[:1, 4:5], None)) == [0.0, 0.0]


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_models_are_left_to_transformers(name: str) -> None:
    assert Decoder.of(made(UNKNOWN[name])) is None


def test_the_engine_uses_it_only_if_it_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    model = made(CONFIGS["llama"])
    engine = Engine(model)
    engine.verify([5, 6, 7, 8])
    assert engine._torch.decoder is not None
    own = model.model.layers[0].forward
    model.model.layers[0].forward = lambda *arguments, **options: own(*arguments, **options) * 1.001
    engine = Engine(model)
    with caplog.at_level("INFO"):
        engine.verify([5, 6, 7, 8])
    assert engine._torch.decoder is None
    assert "own layers" in caplog.text


def test_a_decoder_that_fails_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> torch.Tensor:
        raise RuntimeError("no kernel for this")

    monkeypatch.setattr(decoder_module.Decoder, "_added", fail)
    engine = Engine(made(CONFIGS["llama"]))
    engine.verify([5, 6, 7, 8])
    assert engine._torch.decoder is None
    assert engine._batching
    assert "the decoder failed" in caplog.text


def test_another_default_dtype_changes_nothing() -> None:
    """Transformers changes it for all threads while it builds a model."""
    model = made(CONFIGS["llama"])
    torch.set_default_dtype(torch.float16)
    try:
        assert max(compared(model, (IDS[:, :4], None), (IDS[:, 4:6], None))) < ROUNDING
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0},
        {
            "rope_type": "longrope",
            "rope_theta": 10_000.0,
            "short_factor": [1.0] * 8,
            "long_factor": [4.0] * 8,
        },
    ],
)
def test_positions_that_depend_on_the_length_are_computed_for_each_text(rope: dict[str, Any]) -> None:
    rope["original_max_position_embeddings"] = 16
    model = made(LlamaConfig(**{**GROUPED, "max_position_embeddings": 16}, rope_parameters=rope))
    model.generation_config.eos_token_id = None
    engine = Engine(model)
    engine.verify([5, 6, 7, 8])
    prompts = [[5, 6, 7], list(range(3, 33))]
    streams = [engine.submit(GenerationRequest(ids, 8)) for ids in prompts]
    for ids, stream in zip(prompts, streams, strict=True):
        inputs = torch.tensor([ids])
        whole = model.generate(
            inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=8, do_sample=False
        )
        assert [token.id for token in stream] == whole[0, len(ids) :].tolist()
