"""Many texts at once: each is the same as alone, whoever joins and leaves, and failures do not affect others."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BloomConfig,
    Gemma2Config,
    MambaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedConfig,
)

from models.failures import BadInput, ModelError, Stopped
from models.language import engine as engines
from models.language.cache import CACHE_GROWTH
from models.language.decoder import Decoder
from models.language.engine import Engine, GenerationRequest, Stream
from models.language.layers import CausalModel
from models.language.model import LanguageModel
from models.results import Finish, Generation
from models.sampling import Sampling
from models.specs import LanguageSpec
from models.tokenizers.tokenizer import PretrainedTokenizer
from tests.models import tiny

MAKERS: dict[str, Callable[[Path], Path]] = {"phi": tiny.phi, "gpt2": tiny.gpt2, "llama": tiny.llama}
PATIENCE = 30.0


class WithoutLetters:
    """A tokenizer with nothing in its vocabulary that a text could consist of."""

    def get_vocab(self) -> dict[str, int]:
        return {"": 0}

    def __call__(self, _: str, **__: object) -> dict[str, list[int]]:
        return {"input_ids": []}

    def convert_tokens_to_string(self, _: list[str]) -> str:
        return "abcdef"


def loaded(folder: Path, dtype: torch.dtype = torch.float32) -> CausalModel:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    # Random models end at random.
    model.generation_config.eos_token_id = None
    return model


@pytest.fixture(scope="module", params=MAKERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return loaded(MAKERS[request.param](tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def phi_model(phi: Path) -> CausalModel:
    return loaded(phi)


def verified(model: CausalModel, **options: Any) -> Engine:
    engine = Engine(model, **options)
    engine.verify([5, 6, 7, 8, 9])
    return engine


def reference(model: CausalModel, ids: list[int], count: int) -> list[int]:
    """What transformers writes greedily, without anything of ours."""
    inputs = torch.tensor([ids])
    output = model.generate(
        inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=count, do_sample=False, num_beams=1
    )
    return [int(number) for number in output[0, len(ids) :]]


def written(stream: Stream) -> list[int]:
    return [token.id for token in stream]


def settled(engine: Engine) -> None:
    """Wait until the engine has let go of everything."""
    until = time.monotonic() + PATIENCE
    while engine._thread is not None:
        assert time.monotonic() < until
        time.sleep(0.001)


@contextmanager
def held(engine: Engine) -> Iterator[threading.Semaphore]:
    """Let the engine make a turn only when the semaphore says so."""
    turns = threading.Semaphore(0)
    whole = engine._advance

    def turn() -> None:
        assert turns.acquire(timeout=PATIENCE)
        whole()

    engine._advance = turn  # type: ignore[method-assign]
    try:
        yield turns
    finally:
        turns.release(10_000)


PROMPTS = [[10 + number, 20 + number, 30, *[7] * (number % 5)] for number in range(10)]
COUNTS = [8 + number * 7 % 20 for number in range(10)]


@pytest.mark.parametrize("doubtful", [len(PROMPTS[0]), len(PROMPTS[0]) + 3])
def test_a_doubtful_token_is_computed_solo_once(
    phi_model: CausalModel, monkeypatch: pytest.MonkeyPatch, doubtful: int
) -> None:
    engine = verified(phi_model)
    monkeypatch.setattr(
        engine,
        "_score_errors",
        lambda sequences, _: [
            float("inf") if not one.exact and len(one.ids) == doubtful else 0.0 for one in sequences
        ],
    )
    asked = [GenerationRequest(ids, 12) for ids in PROMPTS[:2]]
    with held(engine) as turns:
        streams = [engine.submit(one) for one in asked]
        turns.release(10_000)
        assert [written(stream) for stream in streams] == [
            reference(phi_model, list(one.ids), 12) for one in asked
        ]
    lengths = [doubtful for ids in PROMPTS[:2] if len(ids) <= doubtful]
    assert engine.status.recomputed == sum(lengths)


def test_alone_it_writes_what_transformers_writes_to_the_last_bit(model: CausalModel) -> None:
    engine = verified(model)
    engine._steps_without_guesses = 10**9  # tokens that are checked together are rounded in another order
    stream = engine.submit(GenerationRequest(PROMPTS[3], 12))
    tokens = list(stream)
    assert [token.id for token in tokens] == reference(model, PROMPTS[3], 12)
    ids = torch.tensor([PROMPTS[3]])
    made = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=12,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    for token, logits in zip(tokens, made.logits, strict=True):
        assert token.probabilities[token.id] == float(logits[0].softmax(-1)[token.id])
    assert engine.status.recomputed == 0


def test_in_company_everybody_gets_what_they_get_alone(model: CausalModel) -> None:
    engine = verified(model)
    expected = [reference(model, ids, count) for ids, count in zip(PROMPTS, COUNTS, strict=True)]
    with held(engine) as turns:
        streams = []
        for ids, count in zip(PROMPTS, COUNTS, strict=True):
            streams.append(engine.submit(GenerationRequest(ids, count)))
            turns.release(2)  # so each joins while the others write
    assert [written(stream) for stream in streams] == expected


def test_a_seed_gives_the_same_text_whoever_else_writes(model: CausalModel) -> None:
    engine = verified(model)
    options: list[dict[str, Any]] = [
        {
            "temperature": 0.3 + number / 5,
            "top_k": (0, 20)[number % 2],
            "top_p": (1.0, 0.9, 0.5)[number % 3],
            "min_p": (0.0, 0.0, 0.0, 0.05)[number % 4],
            "repetition_penalty": (1.0, 1.3)[number % 2],
            "seed": number,
        }
        for number in range(10)
    ]

    def request(number: int) -> GenerationRequest:
        return GenerationRequest(PROMPTS[number], COUNTS[number], Sampling(**options[number]))

    alone = [written(engine.submit(request(number))) for number in range(10)]
    with held(engine) as turns:
        streams = []
        for number in range(10):
            streams.append(engine.submit(request(number)))
            turns.release(1)
    assert [written(stream) for stream in streams] == alone
    assert len({tuple(text) for text in alone}) > 1


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(1, 20)), max_size=7
    )
)
def test_any_company_changes_nothing(phi_model: CausalModel, wanted: list[tuple[list[int], int]]) -> None:
    engine = verified(phi_model)
    streams = [engine.submit(GenerationRequest(ids, count)) for ids, count in wanted]
    made = [written(stream) for stream in streams]
    assert made == [reference(phi_model, ids, count) for ids, count in wanted]


def test_where_rounding_could_decide_the_text_is_computed_anew(
    phi_model: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = verified(phi_model)
    expected = [reference(phi_model, ids, count) for ids, count in zip(PROMPTS, COUNTS, strict=True)]
    monkeypatch.setattr(engines, "ERROR_MARGIN", 1e5)  # nearly every token is in doubt
    streams = [
        engine.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    assert [written(stream) for stream in streams] == expected
    assert engine.status.recomputed > 20
    rough = verified(phi_model)
    rough._is_guarded = False
    streams = [
        rough.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    assert all(map(written, streams))
    assert rough.status.recomputed == 0


def test_larger_errors_than_expected_are_learnt_from(phi_model: CausalModel) -> None:
    engine = verified(phi_model)
    before = engine._largest_error
    engine._record_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    assert engine._largest_error == 0.5 > before


def test_low_precision_stays_the_same_where_each_is_computed_alone(phi: Path) -> None:
    model = loaded(phi, torch.bfloat16)
    engine = verified(model, together=False)
    streams = [
        engine.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    expected = [reference(model, ids, count) for ids, count in zip(PROMPTS, COUNTS, strict=True)]
    assert [written(stream) for stream in streams] == expected
    together = verified(model)
    streams = [
        together.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    assert [len(written(stream)) for stream in streams] == COUNTS


@pytest.mark.parametrize(
    "own",
    [
        {"repetition_penalty": 1.7, "no_repeat_ngram_size": 2},
        {"suppress_tokens": [5, 6, 7], "min_new_tokens": 3},
        {"use_cache": False},
    ],
)
def test_the_model_s_own_settings_hold_for_each_row(phi: Path, own: dict[str, object]) -> None:
    model = loaded(phi)
    model.generation_config.update(**own)
    engine = verified(model)
    expected = [reference(model, ids, count) for ids, count in zip(PROMPTS, COUNTS, strict=True)]
    streams = [
        engine.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    assert [written(stream) for stream in streams] == expected


def test_the_model_s_own_last_words_end_a_text(phi: Path) -> None:
    model = loaded(phi)
    tokenizer = AutoTokenizer.from_pretrained(phi)
    free = reference(model, PROMPTS[0], 20)
    model.generation_config.stop_strings = [tokenizer.decode(free[4:6])]
    engine = Engine(model, cast("PretrainedTokenizer", tokenizer))
    streams = [engine.submit(GenerationRequest(ids, 20)) for ids in PROMPTS[:3]]
    made = [written(stream) for stream in streams]
    for ids, text in zip(PROMPTS, made, strict=False):
        inputs = torch.tensor([ids])
        whole = model.generate(
            inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=20, tokenizer=tokenizer
        )
        assert text == whole[0, len(ids) :].tolist()
    assert len(made[0]) < 20


def test_a_text_ends_at_its_own_stop_whoever_else_writes(phi: Path) -> None:
    model = loaded(phi)
    tokenizer = AutoTokenizer.from_pretrained(phi)
    engine = verified(model, tokenizer=tokenizer)
    free = reference(model, PROMPTS[0], 20)
    stop = (str(tokenizer.decode(free[4:6])),)
    with held(engine) as turns:
        streams = [engine.submit(GenerationRequest(ids, 20)) for ids in PROMPTS[1:4]]
        stopped = engine.submit(GenerationRequest(PROMPTS[0], 20, Sampling(stop=stop)))
        turns.release(1)
    inputs = torch.tensor([PROMPTS[0]])
    whole = model.generate(
        inputs,
        attention_mask=torch.ones_like(inputs),
        max_new_tokens=20,
        tokenizer=tokenizer,
        stop_strings=list(stop),
    )
    assert written(stopped) == whole[0, len(PROMPTS[0]) :].tolist()
    assert stopped.finish is Finish.STOP
    for stream, ids in zip(streams, PROMPTS[1:4], strict=True):
        assert written(stream) == reference(model, ids, 20)
        assert stream.finish is None


def test_a_stop_that_no_token_spells_is_refused(phi: Path) -> None:
    engine = verified(loaded(phi), tokenizer=WithoutLetters())
    with pytest.raises(BadInput, match="cannot stop at one or two"):
        engine.submit(GenerationRequest(PROMPTS[0], 5, Sampling(stop=("one", "two"))))
    assert len(written(engine.submit(GenerationRequest(PROMPTS[0], 5)))) == 5


SIZES: dict[str, Any] = {"vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 2}
HEADS: dict[str, Any] = {"num_attention_heads": 4, "intermediate_size": 64}
WINDOW = 20
UNLIKE: dict[str, PreTrainedConfig] = {
    "positions with an offset": OPTConfig(
        **SIZES, num_attention_heads=4, ffn_dim=64, word_embed_proj_dim=32, max_position_embeddings=64
    ),
    "positions in the mask": BloomConfig(**SIZES, n_head=4),
    "a window": MistralConfig(**SIZES, **HEADS, num_key_value_heads=2, sliding_window=WINDOW),
    "a window in some layers": Gemma2Config(
        **SIZES, **HEADS, num_key_value_heads=2, head_dim=8, sliding_window=WINDOW
    ),
    "a state in the place of a cache": MambaConfig(**SIZES),
}


def made(config: PreTrainedConfig) -> CausalModel:
    """A model with random weights, large enough for the texts to differ."""
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.data.mul_(3)
    model.generation_config.eos_token_id = None
    return model


@pytest.mark.parametrize("kind", UNLIKE)
def test_other_kinds_of_models_write_the_same_too(kind: str) -> None:
    model = made(UNLIKE[kind])
    engine = verified(model)
    for counts in ([9] * len(PROMPTS), [WINDOW + 5] * len(PROMPTS)):  # within a window, and past it
        streams = [
            engine.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, counts, strict=True)
        ]
        expected = [reference(model, ids, count) for ids, count in zip(PROMPTS, counts, strict=True)]
        assert [written(stream) for stream in streams] == expected
        assert len(set(map(tuple, expected))) > 1


def test_texts_within_a_window_are_written_together_and_longer_ones_alone() -> None:
    model = made(UNLIKE["a window"])
    engine = verified(model)
    with held(engine) as turns:
        fit = [engine.submit(GenerationRequest(ids, 9)) for ids in PROMPTS[:3]]
        long = engine.submit(GenerationRequest(PROMPTS[4], WINDOW))
        turns.release(2)
        for stream in (*fit, long):
            iterator = iter(stream)
            assert next(iterator)
            assert next(iterator)
        assert {sequence.stream for sequence in engine._batch.sequences} == set(fit)
        assert [sequence.stream for sequence in engine._solo] == [long]


def test_a_model_that_cannot_be_padded_writes_one_after_another(
    phi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Decoder, "of", lambda _: None)
    model = loaded(phi)
    own = model.forward

    def forward(*arguments: object, attention_mask: object = None, **options: object) -> object:
        del attention_mask  # as if padding were text
        return own(*arguments, **options)

    model.forward = forward
    engine = Engine(model)
    engine.verify([5, 6, 7, 8, 9])
    assert not engine._batching
    streams = [
        engine.submit(GenerationRequest(ids, count)) for ids, count in zip(PROMPTS, COUNTS, strict=True)
    ]
    expected = [reference(model, ids, count) for ids, count in zip(PROMPTS, COUNTS, strict=True)]
    assert [written(stream) for stream in streams] == expected


def test_texts_grow_together_at_the_pace_that_is_asked_for(phi_model: CausalModel) -> None:
    engine = Engine(phi_model, tokens_per_second=50)
    began = time.monotonic()
    streams = [engine.submit(GenerationRequest([1, 2, number], 6)) for number in (3, 4)]
    assert [len(list(stream)) for stream in streams] == [6, 6]
    # The step in which a text begins writes two.
    assert time.monotonic() - began >= 4 / 50


def test_a_cancelled_text_frees_its_place_at_the_next_token(phi_model: CausalModel) -> None:
    engine = verified(phi_model)
    with held(engine) as turns:
        first, second = (engine.submit(GenerationRequest(ids, 100)) for ids in PROMPTS[:2])
        turns.release(4)
        before = next(iter(first))
        assert before.id == reference(phi_model, PROMPTS[0], 1)[0]
        while not any(
            sequence.stream is first and sequence.seen == len(PROMPTS[0]) + 4
            for sequence in engine._batch.sequences
        ):
            time.sleep(0.001)
        assert engine.status.running == 2
        first.cancel()
        turns.release(1)
        assert len(written(first)) == 4
        assert first.finish == "stopped"
        until = time.monotonic() + PATIENCE
        while engine.status.running != 1:
            assert time.monotonic() < until
        second.cancel()
    assert written(second)


def test_stop_and_deadline_end_a_text_with_what_there_is(phi_model: CausalModel) -> None:
    engine = verified(phi_model)
    stop = threading.Event()
    with held(engine) as turns:
        stopped = engine.submit(GenerationRequest(PROMPTS[0], 100, stop=stop))
        late = engine.submit(GenerationRequest(PROMPTS[1], 100, deadline=time.monotonic() + 0.2))
        other = engine.submit(GenerationRequest(PROMPTS[2], 20))
        turns.release(3)
        time.sleep(0.3)
        stop.set()
    assert written(stopped) == reference(phi_model, PROMPTS[0], 4)[:4]
    assert stopped.finish == "stopped"
    assert 0 < len(written(late)) <= 4
    assert late.finish == "deadline"
    assert written(other) == reference(phi_model, PROMPTS[2], 20)
    assert other.finish is None


def test_what_is_over_before_its_turn_never_begins(phi_model: CausalModel) -> None:
    engine = verified(phi_model, batch=1)
    stop = threading.Event()
    with held(engine) as turns:
        first = engine.submit(GenerationRequest(PROMPTS[0], 30))
        waiting = engine.submit(GenerationRequest(PROMPTS[1], 30, stop=stop))
        late = engine.submit(GenerationRequest(PROMPTS[2], 30, deadline=time.monotonic()))
        turns.release(1)
        stop.set()
        turns.release(1)
        with pytest.raises(Stopped, match="stopped before it started"):
            written(waiting)
        with pytest.raises(Stopped, match="no time left"):
            written(late)
    assert len(written(first)) == 30


def test_turns_are_taken_between_users_and_everybody_learns_their_place(phi_model: CausalModel) -> None:
    engine = verified(phi_model, batch=1)
    begun: list[str] = []
    places: dict[str, list[int]] = {}

    def request(user: str, number: int) -> GenerationRequest:
        name = f"{user}{number}"
        places[name] = []

        def moved(place: int) -> None:
            places[name].append(place)
            if place == 0:
                begun.append(name)

        return GenerationRequest(PROMPTS[0], 3, user=user, on_position=moved)

    with held(engine):
        streams = [engine.submit(request("anna", number)) for number in range(4)]
        streams.append(engine.submit(request("ben", 0)))
        streams.append(engine.submit(request("carl", 0)))
        assert streams[-1].position == 3
    for stream in streams:
        assert len(written(stream)) == 3
    assert begun == ["anna0", "ben0", "carl0", "anna1", "anna2", "anna3"]
    assert places["carl0"] == [3, 2, 1, 0]
    # Others overtake a person's second request.
    assert places["anna1"][0] < max(places["anna1"])
    assert places["anna1"][-1] == 0


def test_nobody_starves_while_others_keep_asking(phi_model: CausalModel) -> None:
    engine = verified(phi_model, batch=2)
    begun: list[str] = []

    def request(user: str) -> GenerationRequest:
        def moved(place: int) -> None:
            if place == 0:
                begun.append(user)

        return GenerationRequest(PROMPTS[0], 10, user=user, on_position=moved)

    with held(engine) as turns:
        streams = [engine.submit(request("greedy")) for _ in range(4)]
        turns.release(3)
        streams += [engine.submit(request("greedy")) for _ in range(12)]
        streams.append(engine.submit(request("modest")))
    assert all(len(written(stream)) == 10 for stream in streams)
    assert begun.index("modest") <= 3  # two were being written, and one more of the other user's is first


def test_a_newcomer_costs_the_others_no_more_than_its_own_prompt(phi_model: CausalModel) -> None:
    """Between two tokens of the others there is one computation for the newcomer: that of its prompt."""
    engine = verified(phi_model)
    shapes: list[tuple[int, ...]] = []
    hook = phi_model.model.embed_tokens.register_forward_pre_hook(
        lambda _, inputs: shapes.append(tuple(inputs[0].shape))
    )
    try:
        with held(engine) as turns:
            streams = [engine.submit(GenerationRequest(ids, 20)) for ids in PROMPTS[:3]]
            turns.release(4)
            while len(shapes) < 1 + 4:
                time.sleep(0.001)
            streams.append(engine.submit(GenerationRequest(PROMPTS[4], 20)))
        for stream in streams:
            written(stream)
    finally:
        hook.remove()
    joined = shapes.index((1, len(PROMPTS[4])))
    assert shapes[joined - 1] == (3, 1)
    assert shapes[joined + 1] == (4, 1)


def test_the_cache_is_bounded_and_reported(phi_model: CausalModel) -> None:
    engine = verified(phi_model, kv_tokens=90)
    with pytest.raises(BadInput, match="at most 90 tokens"):
        engine.submit(GenerationRequest([5] * 60, 31))
    seen: list[tuple[int, int, int]] = []
    streams = [engine.submit(GenerationRequest(ids[:3], 27)) for ids in PROMPTS]
    for stream in streams:
        for _ in stream:
            status = engine.status
            seen.append((status.running, status.kv_tokens, status.kv_bytes))
    assert max(running for running, _, _ in seen) == 3
    # While prompts join the others, their old and their new cache exist.
    assert max(tokens for _, tokens, _ in seen) <= 2 * (90 + 3 * CACHE_GROWTH)
    assert max(size for _, _, size in seen) > 0
    settled(engine)
    assert engine.status.kv_bytes == engine.status.running == 0


def test_where_memory_is_short_texts_wait(phi_model: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = verified(phi_model)
    monkeypatch.setattr("models.memory.free", lambda _: 0)
    engine._bytes_per_token = 1e6
    most = 0
    streams = [engine.submit(GenerationRequest(ids, 5)) for ids in PROMPTS[:4]]
    for stream in streams:
        for _ in stream:
            most = max(most, engine.status.running)
    assert most == 1


def test_numbers_that_are_not_finite_end_only_the_text_that_has_them(phi: Path) -> None:
    model = loaded(phi)
    with torch.no_grad():
        model.model.embed_tokens.weight[399] = float("nan")
    engine = verified(model)
    streams = [engine.submit(GenerationRequest(ids, 15)) for ids in (PROMPTS[0], [399, 3], PROMPTS[1])]
    with pytest.raises(BadInput, match="not finite"):
        written(streams[1])
    assert written(streams[0]) == reference(model, PROMPTS[0], 15)
    assert written(streams[2]) == reference(model, PROMPTS[1], 15)


def test_a_batch_that_fails_goes_on_one_by_one(phi: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = loaded(phi)
    engine = verified(model)
    own = model.model.layers[1].input_layernorm.forward

    def forward(hidden: torch.Tensor) -> object:
        if hidden.shape[0] > 1:
            raise RuntimeError("no batches here")
        return own(hidden)

    model.model.layers[1].input_layernorm.forward = forward
    streams = [engine.submit(GenerationRequest(ids, 15)) for ids in PROMPTS[:4]]
    made = [written(stream) for stream in streams]
    assert made == [reference(model, ids, 15) for ids in PROMPTS[:4]]
    assert "one by one" in caplog.text


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: not enough memory")],
)
def test_out_of_memory_is_one_sentence_and_the_others_go_on(phi: Path, error: Exception) -> None:
    model = loaded(phi)
    engine = verified(model)
    own = model.model.layers[1].input_layernorm.forward
    failures = iter([error])

    def forward(hidden: torch.Tensor) -> object:
        if hidden.shape[0] == 3:
            for failure in failures:
                raise failure
        return own(hidden)

    model.model.layers[1].input_layernorm.forward = forward
    wanted = [PROMPTS[0], PROMPTS[4], PROMPTS[1]]  # the second is the longest
    streams = [engine.submit(GenerationRequest(ids, 15)) for ids in wanted]
    with pytest.raises(ModelError, match=r"^There is not enough memory for this text\."):
        written(streams[1])
    assert written(streams[0]) == reference(model, wanted[0], 15)
    assert written(streams[2]) == reference(model, wanted[2], 15)


def test_a_prompt_that_cannot_be_read_fails_alone(phi_model: CausalModel) -> None:
    engine = verified(phi_model)
    good, bad = (
        engine.submit(GenerationRequest(PROMPTS[0], 10)),
        engine.submit(GenerationRequest([10**6], 10)),
    )
    with pytest.raises(IndexError):
        written(bad)
    assert written(good) == reference(phi_model, PROMPTS[0], 10)


def test_a_listener_that_fails_stops_nobody(phi_model: CausalModel) -> None:
    engine = verified(phi_model)

    def broken(_: int) -> None:
        raise ValueError

    stream = engine.submit(GenerationRequest(PROMPTS[0], 5, on_position=broken))
    assert len(written(stream)) == 5


def test_nothing_holds_a_model_that_is_not_used(phi: Path) -> None:
    model = loaded(phi)
    engine = verified(model)
    assert len(written(engine.submit(GenerationRequest(PROMPTS[0], 5)))) == 5
    settled(engine)
    gone = weakref.ref(model)
    del model, engine
    gc.collect()
    assert gone() is None
    assert not [thread for thread in threading.enumerate() if thread.name == "engine"]


def test_threads_share_a_language_model(phi: Path) -> None:
    """Each gets its own text whole and in order, while all use the tokenizer."""
    model = LanguageModel.load(LanguageSpec(str(phi), device="cpu"))
    model.probe()
    prompts = [f"The engineer number {number}" for number in range(8)]
    expected = [model.generate(prompt, max_new_tokens=20) for prompt in prompts]
    told: list[list[str]] = [[] for _ in prompts]
    made: dict[int, Generation] = {}

    def ask(number: int) -> None:
        made[number] = model.generate(
            prompts[number],
            max_new_tokens=20,
            on_text=lambda text, _: told[number].append(text),
            user=number,
        )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for number, answer in enumerate(expected):
        assert made[number].text == answer.text
        assert made[number].output_ids == answer.output_ids
        assert made[number].finish == answer.finish
        assert len(told[number]) == len(answer.output_ids)
        assert answer.text.startswith("".join(told[number]))
