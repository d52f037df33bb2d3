"""Texts generated with OpenVINO are those that torch generates."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig

from models import kernels
from models.failures import NoMemoryForText, OpenVinoMissing, OpenVinoNeedsCpu
from models.language import runtimes
from models.language.cache import PaddedRow, empty_row
from models.language.decoder import CausalModel
from models.language.engine import Engine, GenerationRequest
from models.language.model import LanguageModel
from models.language.padded import TorchRuntime
from models.language.rows import Row, Rows
from models.packed import Float16, Int8, linears, pack, packed_in, rows_of
from models.results import Finish, Generation
from models.sampling import Sampling
from models.specs import LanguageSpec
from tests.models import tiny
from tests.models.test_decoder import CONFIGS, GROUPED, ROUNDING, UNKNOWN, made
from tests.models.test_engine import PATIENCE, loaded, reference, settled, written

pytest.importorskip("models.language.openvino.paged")
from models.language.openvino.paged import OpenVinoRuntime, Page

PAGE = 32
TEXTS = [
    [5, 9, 13, 2, 40, 41, 7],
    [3],
    [number % 60 + 1 for number in range(2 * PAGE)],
    [60 - number % 50 for number in range(PAGE + 5)],
]


@pytest.fixture(params=[*CONFIGS, "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> CausalModel:
    if request.param == "gpt2":
        return loaded(tiny.gpt2(tmp_path)).requires_grad_(requires_grad=False)
    config = CONFIGS[request.param]
    return made(type(config)(**{**config.to_dict(), "max_position_embeddings": 128}))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return loaded(tiny.llama(tmp_path_factory.mktemp("llama"))).requires_grad_(requires_grad=False)


def runtime_of(model: CausalModel, tokens: int = 2048) -> OpenVinoRuntime:
    runtime = OpenVinoRuntime.of(model, None, tokens)
    assert runtime is not None
    assert runtime.page_size == PAGE
    return runtime


def empty(model: CausalModel) -> PaddedRow:
    return empty_row(model.config.num_hidden_layers)


def scores_of(model: CausalModel, text: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        scores: torch.Tensor = model(torch.tensor([list(text)])).logits[0].float()
    return scores


def expected(model: CausalModel, texts: Sequence[Sequence[int]], keep: int = 1) -> torch.Tensor:
    return torch.stack([scores_of(model, text)[-keep:] for text in texts])


def feed(rows: Rows, tokens: Sequence[Sequence[int]], keep: int = 1) -> torch.Tensor:
    with torch.inference_mode():
        return rows.feed(tokens, {}, keep=keep).clone()


def assert_close(one: torch.Tensor, other: torch.Tensor, error: float = ROUNDING) -> None:
    assert one.shape == other.shape
    assert float((one - other).abs().max()) < error


def limited(model: CausalModel) -> list[list[int]]:
    """The texts, cut to what the model can read."""
    room = getattr(model.config, "max_position_embeddings", None) or model.config.n_positions
    return [text[: room - 8] for text in TEXTS]


def test_whole_texts_and_their_continuations_have_the_scores_of_torch(model: CausalModel) -> None:
    texts = limited(model)
    rows = runtime_of(model).rows([empty(model) for _ in texts])
    assert_close(feed(rows, texts), expected(model, texts))
    texts = [[*text, 8] for text in texts]
    assert_close(feed(rows, [text[-1:] for text in texts]), expected(model, texts))
    # One in pieces of different sizes, with several scores.
    texts = [[*text, *([4, 5, 6][: place + 1])] for place, text in enumerate(texts[:3])] + texts[3:]
    new = [text[-(min(place, 2) + 1) :] if place < 3 else [9] for place, text in enumerate(texts)]
    texts[3] = [*texts[3], 9]
    made = feed(rows, new, keep=2)
    wanted = expected(model, texts, keep=2)
    assert_close(made[1:3], wanted[1:3])
    assert_close(made[[0, 3], -1:], wanted[[0, 3], -1:])


def test_a_text_has_the_same_scores_to_the_last_bit_in_company(model: CausalModel) -> None:
    runtime, texts = runtime_of(model), limited(model)
    together = runtime.rows([empty(model) for _ in texts])
    alone = [runtime.rows([empty(model)]) for _ in texts]
    for new in [texts, [[7]] * 4, [[8]] * 4]:
        made = feed(together, new)
        for place, rows in enumerate(alone):
            assert torch.equal(feed(rows, [new[place]])[0], made[place])


def test_it_continues_what_torch_has_read(model: CausalModel) -> None:
    texts = limited(model)
    torch_runtime = TorchRuntime(model)
    inputs = {"use_cache": True, "position_ids": None, "logits_to_keep": 1}
    for text in texts:
        padded = torch_runtime.rows([empty(model)])
        with torch.inference_mode():
            padded.feed([text], inputs)
        rows = runtime_of(model).rows([padded.row(0)])
        assert rows.row(0).length == len(text)
        assert_close(feed(rows, [[4]]), expected(model, [[*text, 4]]))


def test_wrong_guesses_are_taken_back(llama: CausalModel) -> None:
    rows = runtime_of(llama).rows([empty(llama), empty(llama)])
    feed(rows, [TEXTS[0], [*TEXTS[3], 1, 2, 3]])
    rows.take_back([0, 3])
    assert_close(feed(rows, [[6], [7]]), expected(llama, [[*TEXTS[0], 6], [*TEXTS[3], 7]]))


def test_kept_rows_share_their_pages_and_do_not_change(llama: CausalModel) -> None:
    runtime = runtime_of(llama)
    text = TEXTS[3]
    rows = runtime.rows([empty(llama)])
    feed(rows, [text])
    kept = rows.row(0).first(len(text) - 2).kept()
    feed(rows, [[1]])  # goes on in the page of which the other shares the beginning
    for new in (8, 9):
        others = runtime.rows([kept, kept])
        assert_close(
            feed(others, [[new], [new + 1]]), expected(llama, [[*text[:-2], new], [*text[:-2], new + 1]])
        )
        first, second = others.row(0).pages, others.row(1).pages
        assert first[0] is second[0]
        assert first[1] is not second[1]
    assert_close(feed(rows, [[2]]), expected(llama, [[*text, 1, 2]]))


def test_pages_are_used_again_when_nobody_refers_to_them(llama: CausalModel) -> None:
    runtime = runtime_of(llama, tokens=4 * PAGE)
    whole = 5
    """One more than the tokens need, for a copy."""
    for _ in range(3):
        rows = runtime.rows([empty(llama)])
        feed(rows, [TEXTS[2] + TEXTS[0]])
        assert rows.capacity == 3 * PAGE
        assert rows.nbytes == 3 * runtime.page_bytes
        kept: Row = rows.row(0).first(PAGE).kept()
        assert (kept.room, kept.nbytes) == (PAGE, runtime.page_bytes)
        del rows
        assert len(runtime._free) == whole - 1
        del kept
        assert len(runtime._free) == whole


def test_a_full_cache_is_a_lack_of_memory() -> None:
    free = [0]
    page = Page(free)
    with pytest.raises(MemoryError):
        Page(free)
    del page
    assert free == [0]


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_models_are_left_to_torch(name: str) -> None:
    assert OpenVinoRuntime.of(made(UNKNOWN[name]), None, 64) is None


@pytest.mark.parametrize("kind", [Float16, Int8])
@pytest.mark.parametrize("name", ["llama with biases", "phi"])
def test_rounded_weights_are_the_same_as_those_of_torch(name: str, kind: Any) -> None:
    model = made(CONFIGS[name])
    exact = expected(model, TEXTS[:1])
    runtime = OpenVinoRuntime.of(model, kind, 256)
    assert runtime is not None
    try:
        pack(model, kind)
    except RuntimeError as error:
        pytest.skip(str(error))
    rows = runtime.rows([empty(model)])
    made_ = feed(rows, TEXTS[:1])
    off = float((made_ - exact).abs().max())
    assert off > 1e-6
    # The inputs of int8 products are rounded too, and not in the same way.
    assert_close(made_, expected(model, TEXTS[:1]), ROUNDING if kind is Float16 else 2 * off)


def test_bfloat16_is_as_close_as_that_of_torch() -> None:
    exact = expected(made(CONFIGS["llama"]), TEXTS[:1])
    model = made(CONFIGS["llama"], torch.bfloat16)
    rows = runtime_of(model).rows([empty(model)])
    close = float((expected(model, TEXTS[:1]) - exact).abs().max())
    assert float((feed(rows, TEXTS[:1]) - exact).abs().max()) < 4 * close


# The engine ------------------------------------------------------------------------------------------------


def engine_of(model: CausalModel, **options: Any) -> Engine:
    engine = Engine(model, runtime=runtime_of(model, options.get("kv_tokens", 2048)), **options)
    engine.verify([5, 6, 7, 8, 9])
    assert isinstance(engine._runtime, OpenVinoRuntime)
    return engine


@settings(max_examples=15, deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            st.integers(1, 50),
            st.integers(1, 40),
            st.sampled_from(
                [Sampling(), Sampling(temperature=1.0, seed=3), Sampling(temperature=0.7, top_p=0.8, seed=4)]
            ),
        ),
        min_size=1,
        max_size=7,
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


def test_a_single_text_is_written_with_openvino(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(llama)
    monkeypatch.setattr(Engine, "_forward", lambda *_: pytest.fail("torch was used"))
    stream = engine.submit(GenerationRequest(TEXTS[0], 12))
    assert written(stream) == reference(llama, TEXTS[0], 12)
    assert engine.status.recomputed == 0


def test_doubtful_tokens_are_decided_by_torch(llama: CausalModel) -> None:
    engine = engine_of(llama)
    engine._largest_error = 1.0
    asked = [GenerationRequest(text[:20], 20) for text in TEXTS]
    streams = [engine.submit(one) for one in asked]
    assert [written(stream) for stream in streams] == [reference(llama, list(one.ids), 20) for one in asked]
    assert engine.status.recomputed > 0


def test_what_was_read_is_reused_for_the_same_person_only(llama: CausalModel) -> None:
    engine = engine_of(llama)
    first = written(engine.submit(GenerationRequest(TEXTS[3], 8, user="ann")))
    settled(engine)
    kept = engine.status
    assert kept.kept_tokens == 2 * PAGE
    assert kept.kept_bytes
    more = [*TEXTS[3], *first]
    assert written(engine.submit(GenerationRequest(more, 8, user="bob"))) == reference(llama, more, 8)
    assert engine.status.reused == 0
    assert written(engine.submit(GenerationRequest(more, 8, user="ann"))) == reference(llama, more, 8)
    assert engine.status.reused == len(more) - 1


def test_texts_take_no_more_pages_than_the_settings_allow(llama: CausalModel) -> None:
    engine = engine_of(llama, kv_tokens=3 * PAGE, batch=8)
    runtime = cast("OpenVinoRuntime", engine._runtime)
    asked = [GenerationRequest(TEXTS[0], 20 + place, user=place) for place in range(8)]
    streams = [engine.submit(one) for one in asked]
    assert [written(stream) for stream in streams] == [
        reference(llama, TEXTS[0], one.max_new_tokens) for one in asked
    ]
    settled(engine)
    assert engine.status.kv_tokens == 0
    assert len(runtime._free) * PAGE + engine.status.kept_tokens == 4 * PAGE


def test_if_it_fails_torch_goes_on(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(llama)
    runtime = cast("OpenVinoRuntime", engine._runtime)
    whole, calls = runtime.scores, []

    def failing(*arguments: Any) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("an instruction is missing")
        return whole(*arguments)

    monkeypatch.setattr(runtime, "scores", failing)
    streams = [engine.submit(GenerationRequest(text[:20], 15)) for text in TEXTS]
    assert [written(stream) for stream in streams] == [reference(llama, text[:20], 15) for text in TEXTS]
    assert isinstance(engine._runtime, TorchRuntime)
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)


@pytest.mark.parametrize("fault", [lambda scores: scores * 1.01, lambda _: 1 / 0])
def test_a_runtime_that_computes_something_else_is_not_used(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    runtime = runtime_of(llama)
    whole = runtime.scores
    monkeypatch.setattr(runtime, "scores", lambda *arguments: fault(whole(*arguments)))
    engine = Engine(llama, runtime=runtime)
    engine.verify([5, 6, 7, 8, 9])
    assert isinstance(engine._runtime, TorchRuntime)
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
    assert isinstance(engine._runtime, TorchRuntime)
    assert not engine._batching
    assert not engine._reads_together


def test_a_prompt_that_finds_no_page_fails_and_nobody_waits_for_it(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(llama)
    runtime = cast("OpenVinoRuntime", engine._runtime)
    whole = runtime.rows

    def full(rows: Sequence[Row]) -> Rows:
        if rows:
            raise MemoryError("the cache is full")
        return whole(rows)

    monkeypatch.setattr(runtime, "rows", full)
    stream = engine.submit(GenerationRequest(TEXTS[0], 9))
    with pytest.raises(NoMemoryForText), ThreadPoolExecutor(1) as pool:
        pool.submit(written, stream).result(PATIENCE)
    monkeypatch.undo()
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)


def test_if_it_fails_torch_keeps_its_own_decoder(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(llama)
    monkeypatch.setattr(engine._runtime, "scores", lambda *_: 1 / 0)
    assert written(engine.submit(GenerationRequest(TEXTS[0], 9))) == reference(llama, TEXTS[0], 9)
    assert isinstance(engine._runtime, TorchRuntime)
    assert engine._torch.decoder is not None


# The settings ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.llama(tmp_path / "llama")


def test_a_model_is_loaded_with_it_and_gives_its_memory_back(folder: Path) -> None:
    plain = LanguageModel.load(LanguageSpec(str(folder), device="cpu"))
    model = LanguageModel.load(LanguageSpec(str(folder), device="cpu", runtime="openvino"))
    model.probe()
    assert "float32 weights (OpenVINO 2026" in model.detail
    assert model.memory > plain.memory
    assert model.generate("A word", max_new_tokens=9).text == plain.generate("A word", max_new_tokens=9).text
    settled(model.engine)
    runtime = weakref.ref(model.engine._runtime)
    model.release()
    gc.collect()
    assert runtime() is None


def test_texts_end_when_the_model_is_released(folder: Path) -> None:
    model = LanguageModel.load(
        LanguageSpec(str(folder), device="cpu", runtime="openvino", tokens_per_second=5)
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
    plain = LanguageModel.load(LanguageSpec(str(folder), device="cpu"))
    model = LanguageModel.load(LanguageSpec(str(folder), device="cpu", runtime="openvino"))
    monkeypatch.setattr(model.engine._runtime, "scores", lambda *_: 1 / 0)
    model.probe()
    assert model.memory == plain.memory
    assert "torch, because OpenVINO failed" in model.detail
    assert "OpenVINO 2026" not in model.detail


def test_without_the_package_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(OpenVinoMissing):
        LanguageModel.load(LanguageSpec(str(folder), device="cpu", runtime="openvino"))
    model = LanguageModel.load(LanguageSpec(str(folder), device="cpu", runtime="auto"))
    assert isinstance(model.engine._runtime, TorchRuntime)


def test_nothing_is_reported_to_its_makers(tmp_path: Path) -> None:
    code = (
        "import sys, threading, models.language.openvino.paged\n"
        "assert not sys.modules.get('openvino_telemetry')\n"
        "assert threading.active_count() == 1"
    )
    settings = {name: value for name, value in os.environ.items() if name != "CI"}
    subprocess.run([sys.executable, "-c", code], env=settings | {"HOME": str(tmp_path)}, check=True)  # noqa: S603 - our own code
    assert not list(tmp_path.iterdir())


def test_it_needs_a_cpu() -> None:
    class OnGpu:
        device = torch.device("cuda")

    with pytest.raises(OpenVinoNeedsCpu):
        runtimes.prepare(OnGpu(), LanguageSpec("a", runtime="openvino"))


def test_a_model_that_it_does_not_cover_is_left_to_torch() -> None:
    prepared = runtimes.prepare(made(UNKNOWN["another kind"]), LanguageSpec("a", runtime="openvino"))
    assert prepared.runtime is None
    assert "torch" in prepared.detail


@pytest.mark.parametrize(
    ("spec", "packed"),
    [
        (LanguageSpec("a", runtime="openvino", dtype="float32"), None),
        (LanguageSpec("a", runtime="openvino", dtype="float16"), Float16),
        (LanguageSpec("a", runtime="openvino", int8=True), Int8),
    ],
)
def test_solo_texts_have_the_same_weights(spec: LanguageSpec, packed: Any) -> None:
    if packed is not None and not kernels.works(packed):
        pytest.skip("this processor lacks the format")
    model = made(CONFIGS["llama"])
    prepared = runtimes.prepare(model, spec)
    assert prepared.runtime is not None
    assert {type(one) for one in packed_in(model)} == ({packed} if packed else set())


@pytest.mark.parametrize("openvino_takes", [0.5, 2.0])
def test_auto_takes_the_faster_and_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, openvino_takes: float
) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    raced: list[type] = []

    def race(runtime: object, _: object) -> kernels.Seconds:
        raced.append(type(runtime))
        return (1.0,) * 3 if isinstance(runtime, TorchRuntime) else (openvino_takes,) * 3

    monkeypatch.setattr(runtimes, "_race", race)
    spec = LanguageSpec("a", runtime="auto", dtype="float32", cache=tmp_path)
    for _ in range(2):
        prepared = runtimes.prepare(made(CONFIGS["llama"]), spec)
        assert (prepared.runtime is not None) == (openvino_takes < 1)
    assert raced == [TorchRuntime, OpenVinoRuntime]
    if openvino_takes < 1:
        assert "measured 2.0 times as fast as torch for one text, 2.0 times for 8" in prepared.detail


def test_auto_compares_with_the_weights_that_torch_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    monkeypatch.setattr(kernels, "measure", lambda *_: {"plain": (4.0,) * 3, "int8 fbgemm": (1.0,) * 3})
    monkeypatch.setattr(
        runtimes, "_race", lambda one, _: ((2.0 if isinstance(one, TorchRuntime) else 1.0),) * 3
    )
    monkeypatch.setattr(kernels, "works", lambda _: True)
    model = made(CONFIGS["llama"])
    times = runtimes._measured(model, runtime_of(model), LanguageSpec("a", runtime="auto", int8=True))
    assert times == {"plain": (0.5, 0.5, 2.0), "openvino": (1.0, 1.0, 1.0)}


def test_auto_measures_with_a_small_cache_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    races: list[type] = []
    race = runtimes._race

    def counted(runtime: Any, model: CausalModel) -> kernels.Seconds:
        races.append(type(runtime))
        return race(runtime, model)

    monkeypatch.setattr(runtimes, "_race", counted)
    spec = LanguageSpec("a", runtime="auto", dtype="float32", kv_tokens=64)
    runtimes.prepare(made(CONFIGS["llama"]), spec)
    assert races == [TorchRuntime, OpenVinoRuntime]


@pytest.mark.parametrize("fault", ["measuring", "importing"])
def test_if_it_cannot_be_used_here_torch_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    if fault == "measuring":
        monkeypatch.setattr(OpenVinoRuntime, "scores", lambda *_: 1 / 0)
    else:
        monkeypatch.setitem(sys.modules, "models.language.openvino.paged", None)
    prepared = runtimes.prepare(made(CONFIGS["llama"]), LanguageSpec("a", runtime="auto", dtype="float32"))
    assert prepared.runtime is None
    assert "OpenVINO cannot be used" in caplog.text


def test_a_format_that_this_processor_lacks_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "works", lambda _: False)
    spec = LanguageSpec("a", runtime="openvino", dtype="float16")
    prepared = runtimes.prepare(made(CONFIGS["llama"]), spec)
    assert prepared.runtime is None
    assert "torch" in prepared.detail


def test_separate_texts_are_left_to_torch_and_admins_see_why() -> None:
    spec = LanguageSpec("a", runtime="openvino", dtype="float32", together=False)
    prepared = runtimes.prepare(made(CONFIGS["llama"]), spec)
    assert prepared.runtime is None
    assert "together = false" in prepared.detail


def test_its_weights_count_when_a_model_is_to_fit_into_memory(folder: Path) -> None:
    spec = LanguageSpec(str(folder), device="cpu", dtype="float32")
    device, size = spec.weight()
    assert replace(spec, runtime="openvino").weight() == (device, 3 * size)
    assert replace(spec, runtime="auto").weight() == (device, 3 * size)


def test_weights_count_twice_because_openvino_keeps_what_it_was_given() -> None:
    model = made(CONFIGS["llama"])
    numbers = sum(rows_of(linear)[0].numel() for _, _, linear in linears(model))
    assert runtime_of(model).weight_bytes == 8 * numbers
    rounded = OpenVinoRuntime.of(model, Float16, 64)
    assert rounded is not None
    assert rounded.weight_bytes == 6 * numbers


def test_auto_really_measures_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "WORTH_TRYING", 0)
    model = made(CONFIGS["phi"])
    times = runtimes._measured(model, runtime_of(model), LanguageSpec("a", runtime="auto", dtype="float32"))
    assert times.keys() == {"plain", "openvino"}
    assert all(0 < seconds < 5 for all_ in times.values() for seconds in all_)


def test_small_models_are_left_to_torch() -> None:
    assert runtimes.prepare(made(CONFIGS["llama"]), LanguageSpec("a", runtime="auto")).runtime is None
