"""Texts generated with the compiled step are those that torch generates."""

from __future__ import annotations

import copy
import gc
import json
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import GPT2Config, LlamaConfig, PreTrainedConfig

from models import kernels
from models.failures import CompiledNeedsCpu, Int8Unsupported, NoMemoryForText, Stopped
from models.language import runtimes
from models.language.cache import PaddedRow, empty_row, growing_layers
from models.language.engine import Engine, GenerationRequest
from models.language.layers import CausalModel
from models.language.model import LanguageModel
from models.language.padded import TorchRuntime
from models.language.rows import Row, Rows, Runtime
from models.packed import Float16, Int8, Packed, PackedLinear, linears, pack, packed_in, rows_of, to_bytes
from models.pretrained import footprint
from models.results import Finish, Generation
from models.sampling import Sampling
from models.specs import LanguageSpec
from tests.models import tiny
from tests.models.test_decoder import CONFIGS, GROUPED, ROUNDING, SIZES, UNKNOWN, made
from tests.models.test_engine import PATIENCE, held, loaded, reference, settled, written

pytest.importorskip("numba")
from models.language.compiled import instructions
from models.language.compiled import runtime as compiled_module
from models.language.compiled.instructions import HAS_FOURS, HAS_HALVES, HAS_PAIRS, HAS_TILES, LANES
from models.language.compiled.packed import BFloat16Panels, Float16Panels, Int8Panels
from models.language.compiled.plan import MOST_TOKENS
from models.language.compiled.runtime import CompiledRuntime, covers

pytestmark = pytest.mark.xdist_group("compiled")  # compiling takes seconds, once for a process

FITTING: dict[str, Any] = {"intermediate_size": 128, "max_position_embeddings": 512}
"""Sizes with which a model is covered in all formats."""
GPT2_SIZES: dict[str, Any] = {"vocab_size": 64, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 512}
GPT2_ENDS: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None}
UNCOVERED = "gpt2 with other scales"
COVERED: dict[str, PreTrainedConfig] = {
    **{
        name: type(config)(**{**config.to_dict(), **FITTING})
        for name, config in CONFIGS.items()
        if name != UNCOVERED
    },
    "gpt2 with layers": GPT2Config(**GPT2_SIZES, **GPT2_ENDS),
    "gpt2 without scales": GPT2Config(**GPT2_SIZES, **GPT2_ENDS, scale_attn_weights=False),
    "llama with one head of keys": LlamaConfig(
        **{**SIZES, **FITTING, "num_attention_heads": 12, "hidden_size": 192},
        num_key_value_heads=1,
        head_dim=16,
    ),
    "llama with groups of three": LlamaConfig(
        **{**SIZES, **FITTING, "num_attention_heads": 12, "hidden_size": 192},
        num_key_value_heads=4,
        head_dim=16,
    ),
    "llama that rectifies": LlamaConfig(**{**GROUPED, **FITTING}, hidden_act="relu"),
}
TEXTS = [
    [5, 9, 13, 2, 40, 41, 7],
    [3],
    [number % 60 + 1 for number in range(64)],
    [60 - number % 50 for number in range(37)],
]
LONG = [number * 7 % 60 + 1 for number in range(2 * MOST_TOKENS + 11)]
WITH_LLAMA: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128}


@pytest.fixture(params=[*COVERED, "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> CausalModel:
    if request.param == "gpt2":
        folder = tiny.gpt2(tmp_path, n_embd=64, n_head=4, n_positions=512)
        return loaded(folder).requires_grad_(requires_grad=False)
    return made(COVERED[request.param])


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    folder = tiny.llama(tmp_path_factory.mktemp("llama"), **WITH_LLAMA)
    return loaded(folder).requires_grad_(requires_grad=False)


def runtime_of(model: CausalModel, kind: type[Packed] | None = None) -> CompiledRuntime:
    """With the weights packed as `kind` from now on, unless that is None."""
    if kind is not None:
        pack(model, kind)
    runtime = CompiledRuntime.of(model)
    assert runtime is not None
    return runtime


def empty(model: CausalModel) -> PaddedRow:
    return empty_row(model.config.num_hidden_layers)


def expected(model: CausalModel, texts: Sequence[Sequence[int]], keep: int = 1) -> Tensor:
    """The scores after the last `keep` tokens of each text, by transformers."""
    with torch.inference_mode():
        return torch.stack([model(torch.tensor([list(text)])).logits[0, -keep:].float() for text in texts])


def feed(rows: Rows, tokens: Sequence[Sequence[int]], keep: int = 1) -> Tensor:
    with torch.inference_mode():
        return rows.feed(tokens, {}, keep=keep).clone()


def take_back(rows: Rows, counts: Sequence[int]) -> None:
    with torch.inference_mode():
        rows.take_back(counts)


def assert_close(one: Tensor, other: Tensor, error: float = ROUNDING) -> None:
    """`error` is a share of the largest score, if that is more than 1."""
    assert one.shape == other.shape
    assert float((one - other).abs().max()) < error * max(1.0, float(other.abs().max()))


# Scores ----------------------------------------------------------------------------------------------------


def test_whole_texts_and_their_continuations_have_the_scores_of_torch(model: CausalModel) -> None:
    texts = TEXTS
    rows = runtime_of(model).rows([empty(model) for _ in texts])
    assert_close(feed(rows, texts), expected(model, texts))
    texts = [[*text, 8] for text in texts]
    assert_close(feed(rows, [text[-1:] for text in texts]), expected(model, texts))
    # In pieces of different sizes, with several scores.
    new = [[4], [4, 5], [4, 5, 6], [9]]
    texts = [[*text, *more] for text, more in zip(texts, new, strict=True)]
    got, wanted = feed(rows, new, keep=2), expected(model, texts, keep=2)
    assert_close(got[1:3], wanted[1:3])
    assert_close(got[[0, 3], -1:], wanted[[0, 3], -1:])
    # With gaps between their columns now.
    texts = [[*text, 11] for text in texts]
    assert_close(feed(rows, [[11]] * 4), expected(model, texts))


def test_long_texts_are_read_in_several_steps_and_short_ones_beside_them(model: CausalModel) -> None:
    texts = [LONG, TEXTS[0], LONG[:MOST_TOKENS]]
    rows = runtime_of(model).rows([empty(model) for _ in texts])
    assert_close(feed(rows, texts), expected(model, texts))
    texts = [[*text, 8] for text in texts]
    assert_close(feed(rows, [[8]] * 3), expected(model, texts))


def test_padding_is_computed_to_numbers(model: CausalModel) -> None:
    """Masked columns are multiplied too, by 0."""
    rows = runtime_of(model).rows([empty(model), empty(model)])
    feed(rows, [LONG, TEXTS[0]])
    feed(rows, [[4], LONG[:20]])
    for layer in growing_layers(rows.row(0).cache):
        assert bool(layer.keys.isfinite().all())
        assert bool(layer.values.isfinite().all())


@pytest.mark.parametrize("keep", [1, 2, MOST_TOKENS, MOST_TOKENS + 3, len(LONG)])
def test_scores_of_many_tokens_come_from_as_many_steps_as_it_takes(llama: CausalModel, keep: int) -> None:
    rows = runtime_of(llama).rows([empty(llama)])
    with torch.inference_mode():
        wanted = llama(torch.tensor([LONG])).logits[:, -keep:]
    assert_close(feed(rows, [LONG], keep=keep), wanted)


def test_more_texts_than_a_step_has_tokens_are_left_to_torch(llama: CausalModel) -> None:
    texts = [[number % 300 + 1, 5] for number in range(MOST_TOKENS + 1)]
    rows = runtime_of(llama).rows([empty(llama) for _ in texts])
    assert_close(feed(rows, texts), expected(llama, texts))


def test_it_continues_what_torch_has_read(model: CausalModel) -> None:
    torch_runtime = TorchRuntime(model)
    inputs = {"use_cache": True, "position_ids": None, "logits_to_keep": 1}
    read: list[Row] = []
    for text in TEXTS:
        padded = torch_runtime.rows([empty(model)])
        with torch.inference_mode():
            padded.feed([text], inputs)
        read.append(padded.row(0))
    rows = runtime_of(model).rows(read)
    assert [rows.row(place).length for place in range(4)] == [len(text) for text in TEXTS]
    assert_close(feed(rows, [[4]] * 4), expected(model, [[*text, 4] for text in TEXTS]))


def test_torch_continues_what_it_has_read(llama: CausalModel) -> None:
    runtime = runtime_of(llama)
    rows = runtime.rows([empty(llama) for _ in TEXTS])
    feed(rows, TEXTS)
    runtime.leave_prompts_to_torch()
    new = [[4, 5, 6, 7, 8]] * 4
    assert_close(feed(rows, new), expected(llama, [[*text, *new[0]] for text in TEXTS]))


def test_wrong_guesses_are_taken_back(llama: CausalModel) -> None:
    rows = runtime_of(llama).rows([empty(llama), empty(llama)])
    feed(rows, [TEXTS[0], [*TEXTS[3], 1, 2, 3]])
    take_back(rows, [0, 3])
    assert_close(feed(rows, [[6], [7]]), expected(llama, [[*TEXTS[0], 6], [*TEXTS[3], 7]]))


def test_kept_rows_do_not_change(llama: CausalModel) -> None:
    runtime = runtime_of(llama)
    text = TEXTS[3]
    rows = runtime.rows([empty(llama)])
    feed(rows, [text])
    kept = rows.row(0).first(len(text) - 2).kept()
    feed(rows, [[1]])
    for new in (8, 9):
        others = runtime.rows([kept, kept])
        texts = [[*text[:-2], new], [*text[:-2], new + 1]]
        assert_close(feed(others, [[new], [new + 1]]), expected(llama, texts))
    assert_close(feed(rows, [[2]]), expected(llama, [[*text, 1, 2]]))


def test_if_a_step_fails_the_rows_are_as_they_were(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = runtime_of(llama)
    rows = runtime.rows([empty(llama)])
    feed(rows, [TEXTS[0]])
    whole = runtime.decoder._step
    calls = count()
    monkeypatch.setattr(
        runtime.decoder, "_step", lambda *arguments: whole(*arguments) if next(calls) == 0 else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        feed(rows, [LONG])  # fails at its second step
    monkeypatch.undo()
    assert rows.row(0).length == len(TEXTS[0])
    assert_close(feed(rows, [[6]]), expected(llama, [[*TEXTS[0], 6]]))


def test_if_a_thread_cannot_start_the_others_do_not_wait_for_it(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        runtime = runtime_of(llama)
    finally:
        torch.set_num_threads(threads)
    rows = runtime.rows([empty(llama)])
    feed(rows, [TEXTS[0]])
    helpers = runtime.decoder._helpers
    submit, calls = helpers.submit, count(1)

    def ending(*arguments: Any) -> Any:
        if next(calls) == 3:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        return submit(*arguments)

    monkeypatch.setattr(helpers, "submit", ending)
    with pytest.raises(RuntimeError, match="interpreter shutdown"), ThreadPoolExecutor(1) as pool:
        pool.submit(feed, rows, [[6]]).result(PATIENCE)
    monkeypatch.undo()
    assert_close(feed(rows, [[6]]), expected(llama, [[*TEXTS[0], 6]]))


# The same scores in company --------------------------------------------------------------------------------

ROUGH: dict[str, tuple[torch.dtype, type[Packed] | None]] = {
    "bfloat16": (torch.bfloat16, None),
    **({"bfloat16 in panels": (torch.bfloat16, BFloat16Panels)} if HAS_PAIRS else {}),
    "int8": (torch.float32, Int8Panels),
}
"""Formats with fewer bits than the arithmetic of torch, by which no text is checked."""
FORMATS: dict[str, tuple[torch.dtype, type[Packed] | None]] = {
    "float32": (torch.float32, None),
    **({"float16": (torch.float32, Float16Panels)} if HAS_HALVES else {}),
    **ROUGH,
}
KINDS = [kind for _, kind in FORMATS.values() if kind is not None]
OF_BFLOAT16 = BFloat16Panels if HAS_PAIRS and not HAS_TILES else None
needs_halves = pytest.mark.skipif(not HAS_HALVES, reason="this processor cannot convert float16")


@dataclass(frozen=True)
class Given:
    """A model and its runtime, in a format."""

    model: CausalModel
    kind: type[Packed] | None
    runtime: CompiledRuntime


@cache
def given_in(name: str) -> Given:
    dtype, kind = FORMATS[name]
    model = made(COVERED["qwen2"], dtype)
    return Given(model, kind, runtime_of(model, kind))


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    given_in.cache_clear()


@dataclass(frozen=True)
class Turn:
    """What a text gets at once: tokens, and wrong guesses that are taken back."""

    tokens: tuple[int, ...]
    wrong: int


tokens_of_a_turn = st.one_of(
    st.integers(1, 4), st.integers(1, 40), st.integers(MOST_TOKENS - 2, MOST_TOKENS + 20)
).flatmap(lambda length: st.tuples(*[st.integers(0, 63)] * min(length, 3)).map(lambda some: (some, length)))


def spun(some: Sequence[int], length: int) -> tuple[int, ...]:
    """As many tokens as that, from a few."""
    return tuple((some[place % len(some)] + 5 * place) % 64 for place in range(length))


turns_of_a_text = st.builds(
    lambda drawn, wrong: Turn(spun(*drawn), wrong), tokens_of_a_turn, st.sampled_from([0, 0, 1, 3])
)
companies = st.integers(1, 3).flatmap(
    lambda rounds: st.lists(st.tuples(*[turns_of_a_text] * rounds), min_size=1, max_size=6)
)
"""For each text, what it gets in each of some rounds."""


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=25)
@given(company=companies, moves=st.booleans(), begun=st.integers(0, 5))
def test_a_text_has_the_same_scores_to_the_last_bit_in_company(
    name: str, company: list[tuple[Turn, ...]], moves: bool, begun: int
) -> None:
    """However it is cut, whoever else is there, and wherever the gaps are; `moves` puts the texts together again."""
    setting = given_in(name)
    alone = []
    for turns in company:
        text = [token for turn in turns for token in turn.tokens]
        alone.append(
            feed(setting.runtime.rows([empty(setting.model)]), [text[:500]], keep=len(text[:500]))[0]
        )
    together = setting.runtime.rows([empty(setting.model) for _ in company])
    seen = [0] * len(company)
    for number in range(len(company[0])):
        turns_now = [turns[number] for turns in company]
        if max(seen) + MOST_TOKENS + 30 > 500:
            break
        fed = [[*turn.tokens, *[begun] * turn.wrong] for turn in turns_now]
        scores = feed(together, fed, keep=max(map(len, fed)))
        take_back(together, [turn.wrong for turn in turns_now])
        for place, turn in enumerate(turns_now):
            size = len(turn.tokens)
            end = scores.shape[1] - turn.wrong
            wanted = alone[place][seen[place] : seen[place] + size]
            assert torch.equal(scores[place, end - size : end], wanted)
            seen[place] += size
        if moves:
            places = [*range(1, len(company)), 0]
            together = setting.runtime.rows([together.row(place) for place in places])
            company = [company[place] for place in places]
            alone, seen = [alone[place] for place in places], [seen[place] for place in places]


@pytest.mark.parametrize("name", FORMATS)
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    setting = given_in(name)
    dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
    texts = [LONG[:30], LONG[30:33], LONG[50:51]]
    threads = torch.get_num_threads()
    scores = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            model = made(COVERED["qwen2"], dtype)
            rows = runtime_of(model, setting.kind).rows([empty(model) for _ in texts])
            scores.append(torch.cat([feed(rows, texts), feed(rows, [[4]] * 3)]))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(scores[0], scores[1])
    assert torch.equal(scores[0], scores[2])


# Formats ---------------------------------------------------------------------------------------------------


def rounded_like(model: CausalModel, kind: type[Packed] | None) -> CausalModel:
    """A float32 model with the weights that a runtime in some format has."""
    exact = copy.deepcopy(model).float()
    embeddings: Any = exact.get_input_embeddings()
    for _, _, linear in linears(exact):
        if linear.weight is embeddings.weight:  # rounding the head leaves the embeddings as they are
            linear.weight = nn.Parameter(rows_of(linear)[0].clone(), requires_grad=False)
        weight = rows_of(linear)[0]
        if kind is Float16Panels:
            weight.copy_(weight.half().float())
        elif kind is not None:
            whole, steps = to_bytes(weight)
            weight.copy_(whole.float() * steps[:, None])
    return exact


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not BFloat16Panels])
@pytest.mark.parametrize("name", ["llama with biases", "phi", "gpt2 with layers"])
def test_rounded_weights_give_the_scores_of_a_model_that_has_them(name: str, kind: type[Packed]) -> None:
    model = made(COVERED[name]).requires_grad_(requires_grad=False)
    rounded = rounded_like(model, kind)
    off = float((expected(rounded, TEXTS) - expected(model, TEXTS)).abs().max())
    assert off > 1e-5
    rows = runtime_of(model, kind).rows([empty(model) for _ in TEXTS])
    got = feed(rows, TEXTS)
    # States are rounded to 13 bits in products of bytes, far less than the weights.
    assert_close(got, expected(rounded, TEXTS), ROUNDING if kind is Float16Panels else off / 4)
    # So do torch's own layers.
    assert_close(
        expected(model, TEXTS), expected(rounded, TEXTS), ROUNDING if kind is Float16Panels else off / 4
    )


@pytest.mark.parametrize("kind", [None, *([BFloat16Panels] if HAS_PAIRS else [])])
@pytest.mark.parametrize("name", ["llama", "phi", "gpt2 with layers"])
def test_bfloat16_is_as_close_as_that_of_torch(name: str, kind: type[Packed] | None) -> None:
    model = made(COVERED[name], torch.bfloat16).requires_grad_(requires_grad=False)
    exact = expected(rounded_like(model, None), TEXTS)
    close = float((expected(model, TEXTS) - exact).abs().max())
    rows = runtime_of(model, kind).rows([empty(model) for _ in TEXTS])
    assert 0 < float((expected(model, TEXTS) - exact).abs().max()) < 2 * close
    assert 0 < float((feed(rows, TEXTS) - exact).abs().max()) < 2 * close


def test_bytes_of_a_bfloat16_model_are_those_of_its_weights() -> None:
    model = made(COVERED["llama"], torch.bfloat16).requires_grad_(requires_grad=False)
    rounded = rounded_like(model, Int8Panels)
    off = float((expected(rounded, TEXTS) - expected(rounded_like(model, None), TEXTS)).abs().max())
    rows = runtime_of(model, Int8Panels).rows([empty(model) for _ in TEXTS])
    assert_close(feed(rows, TEXTS), expected(rounded, TEXTS), off / 4)


@pytest.mark.parametrize(("dtype", "kind"), FORMATS.values())
def test_weights_are_in_memory_once(dtype: torch.dtype, kind: type[Packed] | None) -> None:
    model = made(COVERED["llama"], dtype)
    numbers = sum(rows_of(linear)[0].numel() for _, _, linear in linears(model))
    before = footprint(model)
    assert runtime_of(model, kind).weight_bytes == 0
    if kind is not None:
        outputs = sum(packed.outputs for packed in packed_in(model))
        assert (
            before - footprint(model)
            == numbers * (8 * dtype.itemsize - kind.bits) // 8 - outputs * kind.beside
        )


@pytest.mark.skipif(not HAS_PAIRS, reason="this processor cannot multiply bfloat16")
@pytest.mark.parametrize("tied", [True, False])
def test_an_output_head_in_bfloat16_is_no_copy_of_the_embeddings(tied: bool) -> None:
    model = made(LlamaConfig(**{**GROUPED, **FITTING}, tie_word_embeddings=tied), torch.bfloat16)
    before = footprint(model)
    runtime = runtime_of(model, BFloat16Panels)
    assert runtime.weight_bytes == 0
    assert footprint(model) == before
    assert isinstance(model.lm_head, PackedLinear) != tied


def test_weights_that_gpt2_has_the_other_way_round_are_copied() -> None:
    model = made(COVERED["gpt2 with layers"])
    head = model.get_output_embeddings().weight.numel()
    numbers = sum(rows_of(linear)[0].numel() for _, _, linear in linears(model))
    assert runtime_of(model).weight_bytes == 4 * (numbers - head)
    assert runtime_of(model, Int8Panels).weight_bytes == 0


# Models that are not covered -------------------------------------------------------------------------------

ODD: dict[str, Any] = {**SIZES, **FITTING, "num_attention_heads": 2, "head_dim": LANES}
OTHERS: dict[str, Callable[[], CausalModel]] = {
    **{name: lambda name=name: made(UNKNOWN[name]) for name in UNKNOWN},  # type: ignore[misc]
    UNCOVERED: lambda: made(CONFIGS[UNCOVERED]),
    "another activation of gpt2": lambda: made(
        GPT2Config(**GPT2_SIZES, **GPT2_ENDS, activation_function="gelu")
    ),
    "another activation of llama": lambda: made(LlamaConfig(**GROUPED, hidden_act="gelu")),
    "small heads": lambda: made(LlamaConfig(**{**SIZES, **FITTING, "head_dim": LANES // 2})),
    "an odd hidden size": lambda: made(LlamaConfig(**{**ODD, "hidden_size": 2 * LANES + 2})),
    "an odd inner size": lambda: made(LlamaConfig(**{**ODD, "intermediate_size": 2 * LANES + 2})),
    "float16 numbers": lambda: made(COVERED["llama"], torch.float16),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_are_left_to_torch(name: str) -> None:
    model = OTHERS[name]()
    assert CompiledRuntime.of(model) is None
    assert runtimes.prepare(model, LanguageSpec("a", dtype="float32", runtime="auto")).runtime is None
    prepared = runtimes.prepare(model, LanguageSpec("a", dtype="float32", runtime="compiled"))
    assert prepared.runtime is None
    assert "torch, because the compiled step does not cover this model" in prepared.detail


@pytest.mark.skipif(not (HAS_PAIRS and HAS_FOURS), reason="this processor multiplies number by number")
def test_inputs_that_are_multiplied_in_groups_must_come_in_groups() -> None:
    """What fits one format need not fit another."""
    sizes = {**SIZES, **FITTING, "intermediate_size": 7 * LANES}
    wide, half = made(LlamaConfig(**sizes)), made(LlamaConfig(**sizes), torch.bfloat16)
    assert covers(wide, None)
    assert covers(wide, Float16Panels)
    assert covers(wide, Int8Panels)
    assert not covers(half, None)
    sizes["intermediate_size"] = 6 * LANES
    assert covers(made(LlamaConfig(**sizes), torch.bfloat16), None)


def test_layers_that_are_not_packed_like_the_others_are_not_multiplied_as_if_they_were() -> None:
    model = made(COVERED["llama"])
    plain = model.model.layers[1].mlp.up_proj
    pack(model, Int8Panels)
    model.model.layers[1].mlp.up_proj = plain
    with pytest.raises(TypeError, match="only some"):
        CompiledRuntime.of(model)


@pytest.mark.skipif(not HAS_FOURS, reason="only where inputs are bytes")
def test_an_output_head_must_have_inputs_in_the_same_format() -> None:
    model = made(COVERED["llama"])
    plain = model.lm_head
    pack(model, Int8Panels)
    model.lm_head = plain
    with pytest.raises(TypeError, match="output head"):
        CompiledRuntime.of(model)


def test_weights_that_are_packed_for_others_are_left_to_torch() -> None:
    if not kernels.works(Float16):
        pytest.skip("this processor lacks the format")
    model = made(COVERED["llama"])
    assert not covers(model, Float16)
    pack(model, Float16)
    assert CompiledRuntime.of(model) is None


# The engine ------------------------------------------------------------------------------------------------


def engine_of(model: CausalModel, **options: Any) -> Engine:
    engine = Engine(model, runtime=runtime_of(model), **options)
    engine.verify([5, 6, 7, 8, 9])
    assert isinstance(engine._runtime, CompiledRuntime)
    return engine


def decoder_in(engine: Engine) -> Any:
    """What computes the steps of an engine; its methods may be replaced."""
    assert isinstance(engine._runtime, CompiledRuntime)
    return engine._runtime.decoder


SAMPLINGS = [Sampling(), Sampling(temperature=1.0, seed=3), Sampling(temperature=0.7, top_p=0.8, seed=4)]


@settings(max_examples=15, deadline=None)
@given(
    requests=st.lists(
        st.tuples(st.integers(1, 50), st.integers(1, 40), st.sampled_from(SAMPLINGS)), min_size=1, max_size=7
    )
)
def test_every_text_is_the_one_that_torch_writes_alone(
    llama: CausalModel, requests: list[tuple[int, int, Sampling]]
) -> None:
    asked = [
        GenerationRequest([(7 * place + number) % 300 + 1 for number in range(length)], count, sampling)
        for place, (length, count, sampling) in enumerate(requests)
    ]
    ours, theirs = engine_of(llama), Engine(llama, together=False)
    assert [written(stream) for stream in [ours.submit(one) for one in asked]] == [
        written(theirs.submit(one)) for one in asked
    ]


@pytest.mark.parametrize(("dtype", "kind"), ROUGH.values())
@settings(max_examples=10, deadline=None)
@given(
    requests=st.lists(
        st.tuples(st.integers(1, 50), st.integers(1, 20), st.sampled_from(SAMPLINGS)), min_size=2, max_size=6
    )
)
def test_in_rough_formats_a_text_is_the_same_as_without_the_others(
    dtype: torch.dtype, kind: type[Packed] | None, requests: list[tuple[int, int, Sampling]]
) -> None:
    model = made(COVERED["llama"], dtype)
    model.generation_config.eos_token_id = None
    runtime = runtime_of(model, kind)
    engine = Engine(model, runtime=runtime)
    engine.verify([5, 6, 7, 8, 9])
    assert engine._runtime is runtime
    asked = [
        GenerationRequest([(7 * place + number) % 60 + 1 for number in range(length)], count, sampling)
        for place, (length, count, sampling) in enumerate(requests)
    ]
    together = [written(stream) for stream in [engine.submit(one) for one in asked]]
    assert together == [written(engine.submit(one)) for one in asked]
    assert engine._runtime is runtime


def test_a_single_text_is_written_with_it(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(llama)
    monkeypatch.setattr(Engine, "_forward", lambda *_: pytest.fail("torch was used"))
    stream = engine.submit(GenerationRequest(TEXTS[0], 12))
    assert written(stream) == reference(llama, TEXTS[0], 12)
    assert engine.status.recomputed == 0


def test_models_write_at_the_same_time(llama: CausalModel) -> None:
    other = made(COVERED["phi"])
    other.generation_config.eos_token_id = None
    engines = [(llama, engine_of(llama)), (other, engine_of(other))]
    streams = [
        (model, text, engine.submit(GenerationRequest(text, 40)))
        for text in TEXTS[:2]
        for model, engine in engines
    ]
    for model, text, stream in streams:
        assert written(stream) == reference(model, text, 40)


def test_doubtful_tokens_are_decided_by_torch(llama: CausalModel) -> None:
    engine = engine_of(llama)
    engine._largest_error = 1.0
    asked = [GenerationRequest(text[:20], 20) for text in TEXTS]
    streams = [engine.submit(one) for one in asked]
    assert [written(stream) for stream in streams] == [reference(llama, list(one.ids), 20) for one in asked]
    assert engine.status.recomputed > 0


def test_guesses_that_repeat_a_text_are_checked_by_it(llama: CausalModel) -> None:
    engine = engine_of(llama)
    text = [11, 12, 13, 14, 15, 16] * 6
    first = reference(llama, text, 30)
    asked = GenerationRequest([*text, *first, *text], 30)
    streams = [engine.submit(asked), engine.submit(GenerationRequest(TEXTS[0], 30))]
    assert [written(stream) for stream in streams] == [
        reference(llama, list(asked.ids), 30),
        reference(llama, TEXTS[0], 30),
    ]


def test_what_was_read_is_reused_for_the_same_person_only(llama: CausalModel) -> None:
    engine = engine_of(llama)
    first = written(engine.submit(GenerationRequest(TEXTS[3], 8, user="ann")))
    settled(engine)
    kept = engine.status
    assert kept.kept_tokens == len(TEXTS[3]) + 7
    assert kept.kept_bytes
    more = [*TEXTS[3], *first]
    assert written(engine.submit(GenerationRequest(more, 8, user="bob"))) == reference(llama, more, 8)
    assert engine.status.reused == 0
    assert written(engine.submit(GenerationRequest(more, 8, user="ann"))) == reference(llama, more, 8)
    assert engine.status.reused == len(more) - 1


def test_texts_take_no_more_memory_than_the_settings_allow(llama: CausalModel) -> None:
    engine = engine_of(llama, kv_tokens=96, batch=8)
    asked = [GenerationRequest(TEXTS[0], 20 + place, user=place) for place in range(8)]
    streams = [engine.submit(one) for one in asked]
    most = 0
    for stream in streams:
        for _ in stream:
            most = max(most, engine.status.running)
    assert most == 3
    settled(engine)
    assert engine.status.kv_tokens == 0


def test_a_cancelled_text_frees_its_place_and_the_others_go_on(llama: CausalModel) -> None:
    engine = engine_of(llama)
    with held(engine) as turns:
        first, second = (engine.submit(GenerationRequest(text, 60)) for text in (TEXTS[0], TEXTS[3]))
        turns.release(4)
        tokens = iter(first)
        assert next(tokens).id == reference(llama, TEXTS[0], 1)[0]
        first.cancel()
    assert len(list(tokens)) < 59
    assert first.finish is Finish.STOPPED
    assert written(second) == reference(llama, TEXTS[3], 60)


def test_what_is_cancelled_before_it_begins_never_begins(llama: CausalModel) -> None:
    engine = engine_of(llama, batch=1)
    with held(engine):
        first, waiting = (engine.submit(GenerationRequest(TEXTS[0], 10)) for _ in range(2))
        waiting.cancel()
    assert written(first) == reference(llama, TEXTS[0], 10)
    with pytest.raises(Stopped):
        written(waiting)


@pytest.mark.parametrize(("dtype", "kind"), FORMATS.values())
def test_numbers_that_are_not_finite_end_only_the_text_that_has_them(
    dtype: torch.dtype, kind: type[Packed] | None
) -> None:
    model = made(COVERED["llama"], dtype)
    with torch.no_grad():
        model.model.embed_tokens.weight[63] = float("nan")
    runtime = runtime_of(model, kind)
    texts = [TEXTS[0], [63, 3], TEXTS[3]]
    rows = runtime.rows([empty(model) for _ in texts])
    alone = [runtime.rows([empty(model)]) for _ in texts]
    for new in (texts, [[7]] * 3, [[8]] * 3):
        scores = feed(rows, new)
        assert not bool(scores[1].isfinite().any())
        for place in (0, 2):
            assert torch.equal(scores[place], feed(alone[place], [new[place]])[0])


def test_if_it_fails_torch_goes_on(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(llama)
    decoder = decoder_in(engine)
    whole, calls = decoder._step, count(1)

    def failing(*arguments: Any) -> Tensor:
        if next(calls) == 6:
            raise RuntimeError("an instruction is missing")
        scores: Tensor = whole(*arguments)
        return scores

    monkeypatch.setattr(decoder, "_step", failing)
    streams = [engine.submit(GenerationRequest(text[:20], 15)) for text in TEXTS]
    assert [written(stream) for stream in streams] == [reference(llama, text[:20], 15) for text in TEXTS]
    assert "an instruction is missing" in caplog.text
    assert engine.uses_torch
    assert engine.weight_bytes == 0
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)


@pytest.mark.parametrize("fault", [lambda scores: scores * 1.01, lambda _: 1 / 0])
def test_a_runtime_that_computes_something_else_is_not_used(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    runtime = runtime_of(llama)
    whole = runtime.decoder.scores
    monkeypatch.setattr(
        runtime.decoder, "scores", lambda *arguments, **named: fault(whole(*arguments, **named))
    )
    engine = Engine(llama, runtime=runtime)
    engine.verify([5, 6, 7, 8, 9])
    assert engine.uses_torch
    assert engine._reads_together
    assert "with torch instead" in caplog.text
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)


@pytest.mark.parametrize("config", ["llama", "positions by length"])
def test_texts_that_are_to_be_apart_stay_apart_without_it(config: str) -> None:
    rope = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}
    by_length = LlamaConfig(**{**GROUPED, "max_position_embeddings": 16}, rope_parameters=rope)
    model = made(CONFIGS.get(config, by_length))
    engine = Engine(model, runtime=runtime_of(model), together=config != "llama")
    engine.verify([5, 6, 7, 8, 9])
    assert engine.uses_torch
    assert not engine._batching
    assert not engine._reads_together


def test_a_prompt_that_finds_no_memory_fails_and_nobody_waits_for_it(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(llama)
    whole = engine._runtime.rows

    def full(rows: Sequence[Row]) -> Rows:
        if rows:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return whole(rows)

    monkeypatch.setattr(engine._runtime, "rows", full)
    stream = engine.submit(GenerationRequest(TEXTS[0], 9))
    with pytest.raises(NoMemoryForText), ThreadPoolExecutor(1) as pool:
        pool.submit(written, stream).result(PATIENCE)
    monkeypatch.undo()
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)
    assert not engine.uses_torch


def test_if_it_fails_torch_keeps_its_own_decoder(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(llama)
    monkeypatch.setattr(decoder_in(engine), "scores", lambda *_, **__: 1 / 0)
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)
    assert engine.uses_torch
    assert engine._torch.decoder is not None


# The settings ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.llama(tmp_path / "llama", **WITH_LLAMA)


def steppers() -> set[threading.Thread]:
    """The threads of all compiled steps."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("step")}


def ended(threads: set[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(PATIENCE)
    return not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"dtype": "float32"}, "float32 weights (compiled with Numba "),
        pytest.param({}, "float16 weights (compiled with Numba ", marks=needs_halves),
        pytest.param({"dtype": "float16"}, "float16 weights (compiled with Numba ", marks=needs_halves),
        ({"dtype": "bfloat16"}, "bfloat16 weights (compiled with Numba "),
        ({"int8": True}, "int8 weights (compiled with Numba "),
    ],
)
def test_a_model_is_loaded_with_it_and_gives_its_memory_back(
    folder: Path, options: dict[str, Any], detail: str
) -> None:
    spec = LanguageSpec(str(folder), device="cpu", **options)
    plain = LanguageModel.load(replace(spec, runtime="torch"))
    before = steppers()
    model = LanguageModel.load(replace(spec, runtime="compiled"))
    model.probe()
    assert detail in model.detail
    assert model.memory <= plain.memory
    text = model.generate("A word", max_new_tokens=9).text
    if "float" in options.get("dtype", "") and options["dtype"] != "bfloat16":
        assert text == plain.generate("A word", max_new_tokens=9).text
    settled(model.engine)
    runtime = weakref.ref(model.engine._runtime)
    decoder = weakref.ref(decoder_in(model.engine))
    own = steppers() - before
    assert own or torch.get_num_threads() == 1
    model.release()
    gc.collect()
    assert runtime() is None
    assert decoder() is None
    assert ended(own)


def test_loading_again_and_again_leaves_neither_threads_nor_weights(folder: Path) -> None:
    before = steppers()
    left: list[weakref.ref[Any]] = []
    threads: set[threading.Thread] = set()
    for _ in range(3):
        model = LanguageModel.load(LanguageSpec(str(folder), device="cpu", runtime="compiled"))
        model.probe()
        left += [weakref.ref(kept) for kept in decoder_in(model.engine)._kept]
        threads |= steppers() - before
        settled(model.engine)
        model.release()
        del model
        gc.collect()
    assert len(left) > 30
    assert not [kept for kept in left if kept() is not None]
    assert ended(threads)


def test_texts_end_when_the_model_is_released(folder: Path) -> None:
    model = LanguageModel.load(
        LanguageSpec(str(folder), device="cpu", runtime="compiled", tokens_per_second=5)
    )
    model.probe()
    runtime = weakref.ref(model.engine._runtime)
    begun = threading.Barrier(3)

    def write(user: int) -> Generation:
        tokens = count()
        return model.generate(
            "A word",
            max_new_tokens=90,
            user=user,
            on_text=lambda *_: begun.wait(PATIENCE) if next(tokens) == 0 else None,
        )

    with ThreadPoolExecutor(2) as pool:
        going = [pool.submit(write, user) for user in range(2)]
        begun.wait(PATIENCE)
        model.release()
        assert [text.result(PATIENCE).finish for text in going] == [Finish.STOPPED] * 2
    settled(model.engine)
    gc.collect()
    assert runtime() is None


def test_what_admins_see_is_what_generates_the_texts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = LanguageSpec(str(folder), device="cpu", dtype="float32")
    plain = LanguageModel.load(replace(spec, runtime="torch"))
    model = LanguageModel.load(replace(spec, runtime="compiled"))
    monkeypatch.setattr(decoder_in(model.engine), "scores", lambda *_, **__: 1 / 0)
    model.probe()
    assert model.memory == plain.memory
    assert "torch, because the compiled step failed" in model.detail
    assert "Numba" not in model.detail


def test_a_loaded_model_that_it_does_not_cover_says_so(tmp_path: Path) -> None:
    spec = LanguageSpec(str(tiny.gpt2(tmp_path, activation_function="gelu")), device="cpu")
    model = LanguageModel.load(replace(spec, runtime="compiled"))
    model.probe()
    assert "torch, because the compiled step does not cover this model" in model.detail
    plain = LanguageModel.load(replace(spec, runtime="torch"))
    assert model.generate("A word", max_new_tokens=9).text == plain.generate("A word", max_new_tokens=9).text


def test_torch_is_torch() -> None:
    prepared = runtimes.prepare(made(COVERED["llama"]), LanguageSpec("a", runtime="torch"))
    assert prepared.runtime is None
    assert not prepared.detail


def test_it_needs_a_cpu() -> None:
    class OnGpu:
        device = torch.device("cuda")

    with pytest.raises(CompiledNeedsCpu):
        runtimes.prepare(OnGpu(), LanguageSpec("a", runtime="compiled"))


@pytest.mark.parametrize("runtime", ["torch", "compiled", "auto"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_bytes_are_not_what_a_precise_data_type_promises(runtime: str, dtype: str) -> None:
    with pytest.raises(Int8Unsupported):
        runtimes.prepare(made(COVERED["llama"]), LanguageSpec("a", runtime=runtime, dtype=dtype, int8=True))


@pytest.mark.parametrize("runtime", ["torch", "auto"])
def test_bytes_that_torch_lacks_are_an_error(monkeypatch: pytest.MonkeyPatch, runtime: str) -> None:
    monkeypatch.setattr(kernels, "works", lambda _: False)
    with pytest.raises(Int8Unsupported):
        runtimes.prepare(made(COVERED["llama"]), LanguageSpec("a", runtime=runtime, int8=True))


@pytest.mark.parametrize(
    ("dtype", "options", "kind"),
    [
        (torch.float32, {"dtype": "float32"}, None),
        (torch.bfloat16, {}, OF_BFLOAT16),
        (torch.bfloat16, {"dtype": "bfloat16"}, OF_BFLOAT16),
        (torch.float32, {"int8": True}, Int8Panels),
        (torch.bfloat16, {"int8": True}, Int8Panels),
        pytest.param(torch.float32, {}, Float16Panels, marks=needs_halves),
        pytest.param(torch.float16, {"dtype": "float16"}, Float16Panels, marks=needs_halves),
    ],
)
def test_what_torch_computes_has_the_same_weights(
    dtype: torch.dtype, options: dict[str, Any], kind: type[Packed] | None
) -> None:
    model = made(COVERED["llama"], dtype)
    old = [weakref.ref(linear.weight) for _, _, linear in linears(model) if linear is not model.lm_head]
    prepared = runtimes.prepare(model, LanguageSpec("a", runtime="compiled", **options))
    assert prepared.runtime is not None
    assert {type(one) for one in packed_in(model)} == ({kind} if kind else set())
    gc.collect()
    assert kind is None or not [weight for weight in old if weight() is not None]
    by_steps = feed(prepared.runtime.rows([empty(model)]), [TEXTS[2]])
    prepared.runtime.leave_prompts_to_torch()
    rows = prepared.runtime.rows([empty(model)])
    error = 2e-2 if model.dtype == torch.bfloat16 else 1e-3 if kind is Int8Panels else ROUNDING
    assert_close(feed(rows, [TEXTS[2]]), by_steps, error)
    assert_close(feed(rows, [[4]]), expected(model, [[*TEXTS[2], 4]]), error)


# Measuring -------------------------------------------------------------------------------------------------

FAST, SLOW = (0.5,) * 3, (2.0,) * 3
AUTO = LanguageSpec("a", runtime="auto", dtype="float32")


@pytest.fixture
def raced(monkeypatch: pytest.MonkeyPatch) -> Callable[[kernels.Seconds], list[type]]:
    """Let any model be worth measuring, with a second for everything that torch does."""

    def set_times(compiled: kernels.Seconds) -> list[type]:
        races: list[type] = []

        def race(runtime: Runtime, _: object) -> kernels.Seconds:
            races.append(type(runtime))
            return compiled if isinstance(runtime, CompiledRuntime) else (1.0,) * 3

        monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
        monkeypatch.setattr(runtimes, "_race", race)
        monkeypatch.setattr(
            kernels,
            "measure",
            lambda _, kinds: dict.fromkeys(["plain", *map(kernels._name, kinds)], (1.0,) * 3),
        )
        return races

    return set_times


@pytest.mark.parametrize("takes", [FAST, SLOW])
def test_auto_takes_the_faster_and_remembers(
    tmp_path: Path, raced: Callable[[kernels.Seconds], list[type]], takes: kernels.Seconds
) -> None:
    races = raced(takes)
    for _ in range(2):
        prepared = runtimes.prepare(made(COVERED["llama"]), replace(AUTO, cache=tmp_path))
        assert (prepared.runtime is not None) == (takes is FAST)
    assert races == [TorchRuntime, CompiledRuntime]
    assert (tmp_path / "runtimes.json").exists()
    if takes is FAST:
        assert "measured 2.0 times as fast as torch for one text, 2.0 times for 8" in prepared.detail
    else:
        assert not prepared.detail


def test_what_lost_is_not_even_made_the_next_time(
    tmp_path: Path, raced: Callable[[kernels.Seconds], list[type]], monkeypatch: pytest.MonkeyPatch
) -> None:
    raced(SLOW)
    spec = replace(AUTO, cache=tmp_path)
    assert runtimes.prepare(made(COVERED["llama"]), spec).runtime is None
    monkeypatch.setattr(CompiledRuntime, "of", lambda *_: pytest.fail("it was compiled"))
    assert runtimes.prepare(made(COVERED["llama"]), spec).runtime is None


def test_a_measurement_is_that_of_its_data_type_and_shapes(
    tmp_path: Path, raced: Callable[[kernels.Seconds], list[type]]
) -> None:
    races = raced(FAST)
    spec = replace(AUTO, cache=tmp_path)
    runtimes.prepare(made(COVERED["llama"]), spec)
    runtimes.prepare(made(COVERED["llama with wide heads"]), spec)
    runtimes.prepare(made(COVERED["llama"]), replace(spec, dtype="auto"))
    assert len(races) == 6


def test_without_a_folder_it_measures_each_time(raced: Callable[[kernels.Seconds], list[type]]) -> None:
    races = raced(FAST)
    for _ in range(2):
        assert runtimes.prepare(made(COVERED["llama"]), AUTO).runtime is not None
    assert len(races) == 4


def test_it_is_used_where_the_settings_say_so_even_if_it_is_slower(
    raced: Callable[[kernels.Seconds], list[type]],
) -> None:
    raced(SLOW)
    prepared = runtimes.prepare(made(COVERED["llama"]), replace(AUTO, runtime="compiled"))
    assert prepared.runtime is not None
    assert "measured 0.5 times as fast as torch for one text" in prepared.detail


@pytest.mark.parametrize("reading", [0.9, 1.1, 5.0])
def test_whichever_is_quicker_reads_the_prompts(
    raced: Callable[[kernels.Seconds], list[type]], monkeypatch: pytest.MonkeyPatch, reading: float
) -> None:
    raced((0.5, 0.5, reading))
    model = made(COVERED["llama"])
    prepared = runtimes.prepare(model, AUTO)
    assert prepared.runtime is not None
    widths: list[int] = []
    whole = prepared.runtime.decoder._step

    def counted(ids: Tensor, *others: Any) -> Tensor:
        widths.append(ids.numel())
        return whole(ids, *others)

    monkeypatch.setattr(prepared.runtime.decoder, "_step", counted)
    rows = prepared.runtime.rows([empty(model), empty(model)])
    feed(rows, [TEXTS[0], TEXTS[3]])
    assert widths == ([74] if reading < 1 else [])
    feed(rows, [[1], [2]])
    assert_close(
        feed(rows, [[5, 6], [7, 8, 9]]),
        expected(model, [[*TEXTS[0], 1, 5, 6], [*TEXTS[3], 2, 7, 8, 9]]),
    )
    assert widths[-2:] == [2, 6]


@pytest.mark.parametrize(("reading", "wins"), [(0.9, True), (5.0, False)])
def test_weights_that_are_packed_for_it_are_read_by_it_alone(
    raced: Callable[[kernels.Seconds], list[type]], reading: float, wins: bool
) -> None:
    raced((0.5, 0.5, reading))
    spec = replace(AUTO, dtype="auto", int8=True)
    assert (runtimes.prepare(made(COVERED["llama"]), spec).runtime is not None) == wins
    runtime = runtimes.prepare(made(COVERED["llama"]), replace(spec, runtime="compiled")).runtime
    assert runtime is not None
    assert runtime.is_steady


def test_auto_compares_with_the_weights_that_torch_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    monkeypatch.setattr(kernels, "measure", lambda *_: {"plain": (4.0,) * 3, "int8 fbgemm": (1.0,) * 3})
    monkeypatch.setattr(runtimes, "_race", lambda *_: (2.0,) * 3)
    monkeypatch.setattr(kernels, "works", lambda _: True)
    model = made(COVERED["llama"])
    times = runtimes._times_of_torch(model, LanguageSpec("a", runtime="auto", int8=True))
    assert times == (0.5, 0.5, 2.0)


@pytest.mark.parametrize("name", ["phi", "gpt2 with layers"])
def test_auto_really_measures_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    runtimes.prepare(made(COVERED[name]), replace(AUTO, cache=tmp_path))
    kept = json.loads((tmp_path / "runtimes.json").read_text(encoding="utf-8"))
    (times,) = [entry for entry in kept.values() if isinstance(entry, dict)]
    assert times.keys() == {"plain", "compiled"}
    assert all(0 < seconds < 5 for all_ in times.values() for seconds in all_)
    assert {len(all_) for all_ in times.values()} == {len(kernels.ROWS)}


@pytest.mark.parametrize("fault", ["measuring", "importing"])
def test_if_it_cannot_be_used_here_torch_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    if fault == "measuring":
        monkeypatch.setattr(compiled_module.CompiledDecoder, "scores", lambda *_, **__: 1 / 0)
    else:
        monkeypatch.setitem(sys.modules, "models.language.compiled.runtime", None)
    prepared = runtimes.prepare(made(COVERED["llama"]), AUTO)
    assert prepared.runtime is None
    assert "torch, because the compiled step failed" in prepared.detail
    assert "compiled step cannot be used" in caplog.text


def test_a_format_that_this_processor_lacks_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "works", lambda _: False)
    spec = LanguageSpec("a", runtime="compiled", dtype="float16")
    prepared = runtimes.prepare(made(COVERED["llama"], torch.float16), spec)
    assert prepared.runtime is None
    assert "torch" in prepared.detail


@pytest.mark.parametrize("runtime", ["compiled", "auto"])
def test_separate_texts_are_left_to_torch_and_admins_see_why(
    runtime: str, raced: Callable[[kernels.Seconds], list[type]]
) -> None:
    races = raced(FAST)
    prepared = runtimes.prepare(made(COVERED["llama"]), replace(AUTO, runtime=runtime, together=False))
    assert prepared.runtime is None
    assert ("together = false" in prepared.detail) == (runtime == "compiled")
    assert not races


def test_small_models_are_left_to_torch_and_nothing_is_imported_for_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "models.language.compiled.runtime", None)
    prepared = runtimes.prepare(made(COVERED["llama"]), LanguageSpec("a", runtime="auto"))
    assert prepared.runtime is None
    assert not prepared.detail
    assert not caplog.text


def test_what_lost_is_packed_for_torch_from_the_next_load_on(
    tmp_path: Path, raced: Callable[[kernels.Seconds], list[type]]
) -> None:
    raced(SLOW)
    spec = LanguageSpec("a", runtime="auto", int8=True, cache=tmp_path)
    model = made(COVERED["llama"])
    prepared = runtimes.prepare(model, spec)
    assert prepared == runtimes.Prepared(None, "int8 weights (Numba)")
    assert {type(packed) for packed in packed_in(model)} == {Int8Panels}
    if kernels.works(Int8):
        model = made(COVERED["llama"])
        assert "(fbgemm)" in runtimes.prepare(model, spec).detail
        assert {type(packed) for packed in packed_in(model)} == {Int8}


def test_what_lost_is_packed_for_torch_at_once_if_it_can_be(
    raced: Callable[[kernels.Seconds], list[type]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kernels.works(Float16):
        pytest.skip("this processor lacks the format")
    raced(SLOW)
    monkeypatch.setattr(instructions, "HAS_PAIRS", False)
    half = {"plain": (1.0,) * 3, "float16 fbgemm": (0.5,) * 3}
    monkeypatch.setattr(kernels, "measure", lambda *_: half)
    model = made(COVERED["llama"], torch.bfloat16)
    prepared = runtimes.prepare(model, replace(AUTO, dtype="auto"))
    assert prepared.runtime is None
    assert "float16 weights (fbgemm)" in prepared.detail
    assert {type(packed) for packed in packed_in(model)} == {Float16}


def test_if_it_fails_late_admins_see_the_format_that_the_weights_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled_module.CompiledDecoder, "scores", lambda *_, **__: 1 / 0)
    model = made(COVERED["llama"])
    rounded = rounded_like(model, Int8Panels)
    prepared = runtimes.prepare(model, LanguageSpec("a", runtime="compiled", int8=True))
    assert prepared.runtime is None
    assert prepared.detail == "int8 weights (Numba), torch, because the compiled step failed"
    assert_close(expected(model, TEXTS), expected(rounded, TEXTS), 1e-3)


# Steady scores ---------------------------------------------------------------------------------------------


def test_it_is_steady_as_long_as_it_reads_the_prompts_too(llama: CausalModel) -> None:
    reading, writing = runtime_of(llama), runtime_of(llama)
    writing.leave_prompts_to_torch()
    assert [one.is_steady for one in (reading, writing, TorchRuntime(llama))] == [True, False, False]


@pytest.mark.parametrize(("dtype", "kind"), ROUGH.values())
def test_guesses_in_rough_formats_change_no_text(
    dtype: torch.dtype, kind: type[Packed] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(COVERED["llama"], dtype)
    model.generation_config.eos_token_id = None
    engine = Engine(model, runtime=runtime_of(model, kind))
    engine.verify([5, 6, 7, 8, 9])
    asked = [GenerationRequest(text[:30], 120) for text in (TEXTS[0], TEXTS[3])]
    guessing = [written(stream) for stream in [engine.submit(one) for one in asked]]
    assert engine.status.guessed > 0
    monkeypatch.setattr(Engine, "_may_guess", False)
    assert [written(engine.submit(one)) for one in asked] == guessing
