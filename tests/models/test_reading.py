"""Prompts that are read together, in pieces, and beginnings that are not read again: no text changes through that."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.failures import Stopped
from models.language import engine as engines
from models.language.engine import Engine, GenerationRequest
from models.language.layers import CausalModel
from models.language.lookup import LookUp
from models.language.pace import Pace
from models.sampling import Sampling
from tests.models import tiny
from tests.models.test_engine import MAKERS, held, loaded, reference, settled, verified, written


@pytest.fixture(scope="module", params=MAKERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return loaded(MAKERS[request.param](tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return loaded(tiny.llama(tmp_path_factory.mktemp("llama")))


def prompt_of(length: int, seed: int = 0) -> list[int]:
    return [int(number) for number in torch.randint(1, 300, (length,), generator=torch.manual_seed(seed))]


@contextmanager
def shapes_fed(model: CausalModel) -> Iterator[list[tuple[int, int]]]:
    """The shape of the ids of each computation."""
    shapes: list[tuple[int, int]] = []
    hook = model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: shapes.append(tuple(inputs[0].shape))
    )
    try:
        yield shapes
    finally:
        hook.remove()


def in_pieces(engine: Engine, tokens: int) -> Engine:
    """An engine that reads so many tokens of prompts at a time, however long that takes."""
    engine._pace.tokens = tokens
    engine._pace.read = lambda *_: None  # type: ignore[method-assign]
    return engine


def test_prompts_that_wait_are_read_at_once(llama: CausalModel) -> None:
    engine = verified(llama)
    prompts = [prompt_of(length, length) for length in (30, 3, 17, 30, 8, 24, 1, 12)]
    expected = [reference(llama, ids, 8) for ids in prompts]
    with held(engine) as turns, shapes_fed(llama) as shapes:
        streams = [engine.submit(GenerationRequest(ids, 8)) for ids in prompts]
        turns.release(1)
        firsts = [next(iter(stream)).id for stream in streams]
        assert shapes[0] == (8, 30)
    assert [[first, *written(stream)] for first, stream in zip(firsts, streams, strict=True)] == expected


def test_a_long_prompt_is_read_between_the_tokens_of_the_others(llama: CausalModel) -> None:
    engine = in_pieces(verified(llama), 16)
    long = prompt_of(100)
    expected = reference(llama, long, 5)
    with held(engine) as turns:
        others = [engine.submit(GenerationRequest(prompt_of(4, number), 30)) for number in range(3)]
        turns.release(1)
        for stream in others:
            next(iter(stream))
        with shapes_fed(llama) as shapes:
            newcomer = engine.submit(GenerationRequest(long, 5))
            turns.release(7)
            first = next(iter(newcomer)).id
        pieces = [shape for shape in shapes if shape[0] == 1]
        assert pieces == [(1, 16)] * 6 + [(1, 4)]
        # Between two pieces everybody else has a token.
        between = shapes[shapes.index(pieces[0]) :][:13]
        assert between == [(1, 16), (3, 1)] * 6 + [(1, 4)]
    assert [first, *written(newcomer)] == expected
    for number, stream in enumerate(others):
        assert len(written(stream)) == 29, number


def test_whoever_gives_up_while_their_prompt_is_read_leaves_the_others_alone(llama: CausalModel) -> None:
    engine = in_pieces(verified(llama), 8)
    with held(engine) as turns:
        writer = engine.submit(GenerationRequest([5, 6, 7], 30))
        turns.release(1)
        next(iter(writer))
        gone, stays = (engine.submit(GenerationRequest(prompt_of(40, seed), 6)) for seed in (1, 2))
        turns.release(3)
        time.sleep(0.01)
        gone.cancel()
    with pytest.raises(Stopped):
        written(gone)
    assert written(stays) == reference(llama, prompt_of(40, 2), 6)
    assert len(written(writer)) == 29


TEXTS = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 3), st.integers(1, 12), st.integers(0, 3)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12, deadline=None)
@given(TEXTS, st.integers(1, 40), st.booleans())
def test_pieces_and_company_change_nothing(
    llama: CausalModel, wanted: Sequence[tuple[int, int, int, int]], piece: int, reuse: bool
) -> None:
    """Whatever the lengths, the pieces, who comes when, and what was read before."""
    engine = in_pieces(verified(llama), piece)
    requests = [
        GenerationRequest(prompt_of(length, seed), count, user=user if reuse else None, shared=length // 2)
        for length, seed, count, user in wanted
    ]
    with held(engine) as turns:
        streams = []
        for request, (*_, user) in zip(requests, wanted, strict=True):
            streams.append(engine.submit(request))
            if user:
                turns.release(user)
    assert [written(stream) for stream in streams] == [
        reference(llama, list(request.ids), request.max_new_tokens) for request in requests
    ]


def test_what_rounding_could_decide_is_computed_again_after_pieces_too(
    model: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = in_pieces(verified(model), 7)
    prompts = [prompt_of(20 + number, number) for number in range(4)]
    expected = [reference(model, ids, 9) for ids in prompts]
    monkeypatch.setattr(engines, "ERROR_MARGIN", 1e5)  # nearly every token is in doubt
    streams = [engine.submit(GenerationRequest(ids, 9)) for ids in prompts]
    assert [written(stream) for stream in streams] == expected
    assert engine.status.recomputed


def test_the_error_of_pieces_is_measured(model: CausalModel) -> None:
    engine = Engine(model)
    assert engine.verify(prompt_of(12)) < 1e-3
    assert engine._reads_together


def test_a_model_that_cannot_read_together_reads_one_by_one(phi: Path) -> None:
    model = loaded(phi)
    own = model.model.layers[1].input_layernorm.forward

    def forward(hidden: torch.Tensor) -> object:
        if hidden.shape[0] > 1 and hidden.shape[1] > 1:
            raise RuntimeError("no prompts together")
        return own(hidden)

    model.model.layers[1].input_layernorm.forward = forward
    prompts = [prompt_of(9, seed) for seed in range(4)]
    expected = [reference(model, ids, 12) for ids in prompts]
    for engine in (verified(model), Engine(model)):  # known before, and found out
        streams = [engine.submit(GenerationRequest(ids, 12)) for ids in prompts]
        assert [written(stream) for stream in streams] == expected
        assert engine._batching


def test_a_conversation_is_not_read_again(llama: CausalModel) -> None:
    engine = verified(llama)
    ids = prompt_of(40)
    first = written(engine.submit(GenerationRequest(ids, 10, user="anna")))
    longer = [*ids, *first]
    with shapes_fed(llama) as shapes:
        more = written(engine.submit(GenerationRequest(longer, 10, user="anna")))
        assert shapes[0] == (1, 1)
        again = written(engine.submit(GenerationRequest(ids, 10, user="anna")))
    assert more == reference(llama, longer, 10)
    assert again == first
    assert engine.status.reused == 49 + 39


def test_nobody_s_wait_tells_what_another_asked(llama: CausalModel) -> None:
    engine = verified(llama)
    ids = prompt_of(40)
    for user in ("anna", "ben", None, None):
        with shapes_fed(llama) as shapes:
            written(engine.submit(GenerationRequest(ids, 4, user=user)))
        assert shapes[0] == (1, 40)
    assert engine.status.reused == 0


def test_the_head_of_a_template_is_read_once_for_everybody(llama: CausalModel) -> None:
    engine = verified(llama)
    head = prompt_of(20)
    with shapes_fed(llama) as shapes:
        for seed, user in enumerate(("anna", "ben", None)):
            ids = head + prompt_of(10, seed)
            text = written(engine.submit(GenerationRequest(ids, 3, user=user, shared=20)))
            assert text == reference(llama, ids, 3)
    assert (1, 30) in shapes
    assert engine.status.reused == 40


def test_beginnings_make_room_for_texts(llama: CausalModel) -> None:
    engine = verified(llama, kv_tokens=100)
    for seed in range(5):
        written(engine.submit(GenerationRequest(prompt_of(30, seed), 5, user=seed)))
        settled(engine)
        assert engine.status.kept_tokens <= 100
    assert engine.status.kept_tokens == 34 * 2
    assert written(engine.submit(GenerationRequest(prompt_of(80), 10))) == reference(llama, prompt_of(80), 10)
    assert engine.status.kept_tokens == 0
    assert engine.status.kept_bytes == 0


def test_beginnings_are_forgotten_after_a_while(llama: CausalModel) -> None:
    engine = verified(llama)
    engine._prefixes._lifetime = 0.01
    written(engine.submit(GenerationRequest(prompt_of(30), 5, user="anna")))
    settled(engine)
    until = time.monotonic() + 30
    while engine.status.kept_tokens:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_texts_computed_apart_keep_nothing(llama: CausalModel) -> None:
    engine = verified(llama, together=False)
    written(engine.submit(GenerationRequest(prompt_of(30), 5, user="anna", shared=20)))
    settled(engine)
    assert engine.status.kept_tokens == 0


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(temperature=0.05, seed=4), Sampling(repetition_penalty=1.01)]
)
def test_guesses_change_nothing(
    llama: CausalModel, sampling: Sampling, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = verified(llama)
    plain._is_guarded = False  # so nothing is guessed
    ids = [*prompt_of(6), *[7, 8, 9] * 6]
    request = GenerationRequest(ids, 120, sampling)
    expected = written(plain.submit(request))
    assert plain.status.guessed == 0
    # However long a step takes on a busy machine.
    monkeypatch.setattr(Engine, "_judge_guesses", lambda *_: None)
    engine = verified(llama)
    with shapes_fed(llama) as shapes:
        assert written(engine.submit(request)) == expected
    assert engine.status.guessed == 0 or len(shapes) < 120 + engine.status.recomputed


def test_a_text_that_repeats_itself_takes_fewer_steps(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "_judge_guesses", lambda *_: None)
    monkeypatch.setattr(engines, "ERROR_MARGIN", 0.0)  # ties of a loop are not the subject here
    engine = verified(llama)
    text = reference(llama, prompt_of(6), 150)
    ids = [*prompt_of(6), *text, *text[-60:]]
    own = engine._guess
    monkeypatch.setattr(engine, "_guess", lambda sequence: own(sequence)[:5])
    with shapes_fed(llama) as shapes:
        new = written(engine.submit(GenerationRequest(ids, 60)))
    assert len(new) == 60
    if engine.status.guessed:
        assert len(shapes) == 60 - engine.status.guessed


def test_guesses_that_do_not_pay_stop(llama: CausalModel) -> None:
    engine = verified(llama)
    engine._pace.step = 1.0
    for _ in range(20):
        engine._judge_guesses(1, 2.0)
    assert engine._steps_without_guesses
    engine._steps_without_guesses = 0
    for _ in range(20):
        engine._judge_guesses(6, 2.0)
    assert not engine._steps_without_guesses


def test_what_came_before_is_guessed_once_guesses_come_true() -> None:
    lookup = LookUp()
    told = [1, 2, 3, 4, 5]
    assert lookup.guess(told * 2, 10) == []
    assert lookup.guess(told * 8, 10) == [1, 2, 3, 4, 5, 1, 2]
    lookup = LookUp()
    assert lookup.guess([7] * 30, 2, most=4) == [7, 7, 7, 7]
    assert lookup.guess(prompt_of(300), 2) == []
    # What was given is not counted: a prompt may repeat itself and its answer not.
    assert LookUp().guess(told * 8, 40) == []


def test_pieces_take_about_as_long_as_a_step() -> None:
    pace = Pace()
    pace.read(1000, 10.0)
    first = pace.tokens
    pace.stepped(0.1)
    for _ in range(30):
        pace.read(pace.tokens, pace.tokens * 0.001)
    assert 80 <= pace.tokens <= 200
    for _ in range(30):
        pace.read(pace.tokens, pace.tokens * 0.004)
    assert first <= pace.tokens + 1 <= 50
