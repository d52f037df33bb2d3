"""The language model against transformers' own generate, and at its limits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.failures import BadInput, ModelError, Stopped
from models.language.layers import CausalModel
from models.language.model import LanguageModel
from models.results import ChosenToken, Finish, Generation
from models.sampling import Sampling
from models.specs import LanguageSpec
from tests.models import tiny

PROMPT = "Write an email apologizing to Sarah"


def load(folder: Path) -> LanguageModel:
    return LanguageModel.load(LanguageSpec(str(folder), device="cpu"))


@pytest.fixture(scope="module")
def model(phi: Path) -> LanguageModel:
    return load(phi)


def reference(folder: Path, prompt: str, tokens: int, **options: object) -> list[int]:
    """What transformers writes greedily, without anything of ours."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    own: CausalModel = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    inputs = tokenizer(prompt, return_tensors="pt")
    output = own.generate(
        inputs.input_ids,
        attention_mask=inputs.attention_mask,
        max_new_tokens=tokens,
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        return_dict_in_generate=False,
        **options,
    )
    return [int(number) for number in output[0, inputs.input_ids.shape[1] :]]


SETTINGS: list[dict[str, object]] = [
    {},
    {"repetition_penalty": 1.7, "no_repeat_ngram_size": 2},
    {"do_sample": True, "temperature": 0.3, "top_k": 5, "num_beams": 3, "num_return_sequences": 2},
    {"suppress_tokens": [5, 6, 7], "min_new_tokens": 3, "max_length": 9},
    {"return_dict_in_generate": True, "output_scores": True},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_greedy_equals_transformers_whatever_the_model_sets(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    folder = tiny.phi(tmp_path / "phi")
    own = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(own | settings))
    made = load(folder).generate(PROMPT, max_new_tokens=24)
    assert list(made.output_ids) == reference(folder, PROMPT, 24)


PENALTIES: list[dict[str, object]] = [{}, {"no_repeat_ngram_size": 2}, {"repetition_penalty": 1.02}]


@pytest.mark.parametrize("own", PENALTIES)
def test_a_repetition_penalty_is_that_of_transformers(tmp_path: Path, own: dict[str, object]) -> None:
    """It replaces the model's own; the model's other settings hold beside it."""
    folder = tiny.phi(tmp_path / "phi")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(settings | own))
    made = load(folder).generate(PROMPT, max_new_tokens=24, sampling=Sampling(repetition_penalty=1.4))
    expected = reference(folder, PROMPT, 24, repetition_penalty=1.4)
    assert list(made.output_ids) == expected != reference(folder, PROMPT, 24)


@pytest.mark.parametrize("make", [tiny.phi, tiny.llama])
def test_a_text_ends_at_the_first_stop_as_in_transformers(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    folder = make(tmp_path / "model")
    model = load(folder)
    free = model.generate(PROMPT, max_new_tokens=40)
    letters = [letter for letter in free.text if letter.isascii() and letter.isalpha()]
    stop = ("qqqq", letters[len(letters) // 2])
    made = model.generate(PROMPT, max_new_tokens=40, sampling=Sampling(stop=stop))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert list(made.output_ids) == reference(
        folder, PROMPT, 40, stop_strings=list(stop), tokenizer=tokenizer
    )
    assert made.finish is Finish.STOP
    assert free.text.startswith(made.text)
    assert any(text in made.text for text in stop)
    assert len(made.output_ids) < len(free.output_ids)
    never = model.generate(PROMPT, max_new_tokens=5, sampling=Sampling(stop=("qqqqqqqq",)))
    assert never.finish is not Finish.STOP
    assert never.output_ids == free.output_ids[:5]


def test_a_stop_at_the_last_token_is_a_stop(model: LanguageModel) -> None:
    free = model.generate(PROMPT, max_new_tokens=6)
    last = model._tokenizer.decode([free.output_ids[-1]])
    made = model.generate(PROMPT, max_new_tokens=6, sampling=Sampling(stop=(last,)))
    assert made.finish is Finish.STOP


def test_draws_are_among_those_that_are_kept(model: LanguageModel) -> None:
    for sampling in (
        Sampling(temperature=2.0, top_k=3, seed=1),
        Sampling(temperature=2.0, min_p=0.6, seed=1),
    ):
        made = model.generate(PROMPT, max_new_tokens=30, sampling=sampling)
        for step in made.steps:
            likelier = [it for it in step.others if it.probability > step.chosen.probability]
            assert not sampling.top_k or len(likelier) < sampling.top_k
            least = sampling.min_p**sampling.temperature
            assert not likelier or step.chosen.probability >= 0.99 * least * likelier[0].probability
    one = model.generate(PROMPT, max_new_tokens=9, sampling=Sampling(temperature=2.0, top_k=1, seed=1))
    assert one.output_ids == model.generate(PROMPT, max_new_tokens=9).output_ids


@pytest.mark.parametrize("make", [tiny.gpt2, tiny.llama])
def test_greedy_equals_transformers_for_other_architectures(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    folder = make(tmp_path / "model")
    made = load(folder).generate(PROMPT, max_new_tokens=12)
    assert list(made.output_ids) == reference(folder, PROMPT, 12)
    assert made.finish == "length"


def test_a_model_without_generation_settings_or_end_token(tmp_path: Path) -> None:
    folder = tiny.gpt2(tmp_path / "gpt2")
    (folder / "generation_config.json").unlink()
    made = load(folder).generate(PROMPT, max_new_tokens=7)
    assert len(made.output_ids) == 7
    assert made.finish == "length"


def test_the_answer_says_what_was_asked_and_what_is_new(model: LanguageModel, phi: Path) -> None:
    made = model.generate(PROMPT, max_new_tokens=10)
    tokenizer = AutoTokenizer.from_pretrained(phi)
    assert made.model == "phi"
    assert made.prompt == PROMPT
    assert list(made.input_ids) == tokenizer(PROMPT).input_ids
    assert made.text == tokenizer.decode(list(made.output_ids), skip_special_tokens=True)
    assert not made.text.startswith(PROMPT)
    assert made.tokens_per_second > 0


def test_it_ends_at_the_end_token(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "phi")
    free = load(folder).generate(PROMPT, max_new_tokens=12).output_ids
    settings = json.loads((folder / "generation_config.json").read_text())
    settings["eos_token_id"] = [0, free[5]]
    (folder / "generation_config.json").write_text(json.dumps(settings))
    made = load(folder).generate(PROMPT, max_new_tokens=12)
    assert made.output_ids == free[: free.index(free[5]) + 1]
    assert made.finish == "eos"


def test_a_seed_decides_what_is_drawn_whatever_else_draws(model: LanguageModel) -> None:
    def draw(seed: int) -> Generation:
        return model.generate(
            PROMPT, max_new_tokens=16, sampling=Sampling(temperature=1.0, top_p=0.95, seed=seed)
        )

    torch.manual_seed(1)
    first = draw(7)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = draw(7)
    assert first.output_ids == second.output_ids
    assert first.seed == 7
    assert torch.equal(before, torch.get_rng_state()), "the process's random numbers were used"
    assert draw(8).output_ids != first.output_ids


def test_without_a_seed_one_is_chosen_that_gives_the_text_again(model: LanguageModel) -> None:
    first = model.generate(PROMPT, max_new_tokens=8, sampling=Sampling(temperature=1.2))
    assert first.seed is not None
    again = model.generate(PROMPT, max_new_tokens=8, sampling=Sampling(temperature=1.2, seed=first.seed))
    assert again.output_ids == first.output_ids


def test_hardly_any_temperature_or_probability_is_greedy(model: LanguageModel) -> None:
    greedy = model.generate(PROMPT, max_new_tokens=12).output_ids
    assert (
        model.generate(PROMPT, max_new_tokens=12, sampling=Sampling(temperature=1e-4, seed=3)).output_ids
        == greedy
    )
    assert (
        model.generate(
            PROMPT, max_new_tokens=12, sampling=Sampling(temperature=1.0, top_p=1e-6, seed=3)
        ).output_ids
        == greedy
    )


def test_draws_follow_the_probabilities(model: LanguageModel, phi: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(phi)
    own = AutoModelForCausalLM.from_pretrained(phi)
    ids = tokenizer(PROMPT, return_tensors="pt").input_ids
    with torch.no_grad():
        expected = (own(ids).logits[0, -1] / 1.5).softmax(-1)
    draws = [
        model.generate(PROMPT, max_new_tokens=1, sampling=Sampling(temperature=1.5, seed=seed)).output_ids[0]
        for seed in range(400)
    ]
    seen = torch.bincount(torch.tensor(draws), minlength=len(expected)) / len(draws)
    assert float((seen - expected).abs().max()) < 0.08


def test_the_window_bounds_what_is_written(model: LanguageModel) -> None:
    assert model.context == 128
    made = model.generate("word " * 20, max_new_tokens=1000)
    if made.finish != "eos":
        assert made.finish == "context"
        assert len(made.input_ids) + len(made.output_ids) == 128


def test_a_prompt_as_long_as_the_window_is_refused(model: LanguageModel) -> None:
    with pytest.raises(BadInput, match="fewer than 128"):
        model.generate("x y z " * 200, max_new_tokens=5)


@pytest.mark.parametrize(
    ("make", "window"),
    [
        (tiny.gpt2, 48),
        (lambda path: tiny.phi(path, max_position_embeddings=17), 17),
    ],
)
def test_windows_have_many_names(tmp_path: Path, make: Callable[[Path], Path], window: int) -> None:
    model = load(make(tmp_path / "model"))
    assert model.context == window
    made = model.generate("word", max_new_tokens=500)
    assert len(made.input_ids) + len(made.output_ids) <= window


def test_a_model_without_a_window_writes_what_is_asked(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "phi")
    model = load(folder)
    model.context = None
    assert len(model.generate(PROMPT, max_new_tokens=30).output_ids) <= 30


@pytest.mark.parametrize("prompt", ["", "half a pair \ud83d"])
def test_what_cannot_be_continued_gets_a_sentence(model: LanguageModel, prompt: str) -> None:
    with pytest.raises(BadInput) as caught:
        model.generate(prompt)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "options",
    [
        {"max_new_tokens": 0},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_k": -1},
        {"min_p": 1.5},
        {"repetition_penalty": 0.0},
        {"stop": ("",)},
    ],
)
def test_senseless_options_are_refused(model: LanguageModel, options: dict[str, Any]) -> None:
    tokens = options.pop("max_new_tokens", 5)
    with pytest.raises(BadInput):
        model.generate(PROMPT, max_new_tokens=tokens, sampling=Sampling(**options))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_numbers_that_are_not_finite_are_found_out(tmp_path: Path, temperature: float) -> None:
    model = load(tiny.phi(tmp_path / "phi"))
    with torch.no_grad():
        model._model.lm_head.bias[:] = float("nan")
    with pytest.raises(BadInput, match="not finite"):
        model.generate(PROMPT, sampling=Sampling(temperature=temperature))
    with pytest.raises(BadInput):
        model.probe()


def test_stop_ends_it_at_the_next_token(model: LanguageModel) -> None:
    stop = threading.Event()
    seen: list[str] = []

    def on_text(text: str, _: tuple[ChosenToken, ...]) -> None:
        seen.append(text)
        if len(seen) == 5:
            stop.set()

    made = model.generate(PROMPT, max_new_tokens=60, stop=stop, on_text=on_text)
    assert made.finish == "stopped"
    assert len(made.output_ids) == 5
    assert made.output_ids == model.generate(PROMPT, max_new_tokens=60).output_ids[:5]


RESUMED = [
    Sampling(),
    Sampling(repetition_penalty=1.4),
    Sampling(temperature=1.2, seed=3),
    Sampling(temperature=0.8, top_k=20, top_p=0.9, min_p=0.01, seed=4),
]


def written_by(model: LanguageModel, **options: Any) -> tuple[Generation, list[ChosenToken], str]:
    """A text, its tokens as another copy of the model needs them, and what was told meanwhile."""
    tokens: list[ChosenToken] = []
    told: list[str] = []

    def on_text(text: str, added: tuple[ChosenToken, ...]) -> None:
        told.append(text)
        tokens.extend(added)

    return model.generate(PROMPT, on_text=on_text, **options), tokens, "".join(told)


@pytest.mark.parametrize("sampling", RESUMED)
@pytest.mark.parametrize("count", [1, 7, -1, None])
def test_a_text_that_another_copy_began_goes_on_as_if_nothing_had_happened(
    model: LanguageModel, sampling: Sampling, count: int | None
) -> None:
    whole, tokens, told = written_by(model, max_new_tokens=24, sampling=sampling)
    begun = tokens[:count]
    resumed, added, rest = written_by(model, max_new_tokens=24, sampling=sampling, begun=begun)
    assert replace(resumed, seconds=whole.seconds, steps=()) == replace(whole, steps=())
    assert [step.chosen.id for step in resumed.steps] == [step.chosen.id for step in whole.steps]
    assert [token.id for token in added] == [token.id for token in tokens[len(begun) :]]
    assert told.endswith(rest)


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_goes_on_so_whatever_the_model_sets(tmp_path: Path, settings: dict[str, object]) -> None:
    folder = tiny.phi(tmp_path / "phi")
    own = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps(own | settings))
    whole, tokens, _ = written_by(load(folder), max_new_tokens=24)
    for count in (1, len(tokens) // 2, len(tokens)):
        resumed, _, _ = written_by(load(folder), max_new_tokens=24, begun=tokens[:count])
        assert (resumed.output_ids, resumed.text, resumed.finish) == (
            whole.output_ids,
            whole.text,
            whole.finish,
        )


def test_of_what_was_begun_and_is_stopped_nothing_is_lost(model: LanguageModel) -> None:
    whole, tokens, _ = written_by(model, max_new_tokens=9)
    stop = threading.Event()
    stop.set()
    resumed = model.generate(PROMPT, max_new_tokens=20, begun=tokens, stop=stop)
    assert (resumed.output_ids, resumed.text, resumed.finish) == (whole.output_ids, whole.text, "stopped")


def test_the_deadline_ends_it_with_what_there_is(model: LanguageModel) -> None:
    def on_text(_: str, __: tuple[ChosenToken, ...]) -> None:
        time.sleep(0.02)

    made = model.generate(PROMPT, max_new_tokens=90, deadline=time.monotonic() + 0.2, on_text=on_text)
    assert made.finish == "deadline"
    assert 0 < len(made.output_ids) < 90


def test_nothing_begins_that_is_over_already(model: LanguageModel) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped, match="stopped"):
        model.generate(PROMPT, stop=stop)
    with pytest.raises(Stopped, match="no time"):
        model.generate(PROMPT, deadline=time.monotonic() - 1)


def test_what_is_told_meanwhile_is_added_by_whole_characters(model: LanguageModel) -> None:
    """Random models write broken UTF-8, which is the worst case."""
    told: list[str] = []
    new: list[int] = []

    def on_text(text: str, tokens: tuple[ChosenToken, ...]) -> None:
        told.append(text)
        new.extend(token.id for token in tokens)

    made = model.generate(
        "Zoë: 🙂", max_new_tokens=60, sampling=Sampling(temperature=1.5, seed=5), on_text=on_text
    )
    assert len(told) == len(made.output_ids)
    assert new == list(made.output_ids)
    whole = "".join(told)
    assert made.text.startswith(whole)
    assert set(made.text[len(whole) :]) <= {"\N{REPLACEMENT CHARACTER}"}
    assert len(made.text) - len(whole) <= 3


@pytest.mark.parametrize("make", [tiny.phi, tiny.llama])
def test_text_in_many_pieces_is_told_like_text_in_one(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """Bytes of a character arrive one token at a time, and none is told before its last."""
    model = load(make(tmp_path / "model"))
    text = "a é🙂🙂 naïve 你好"
    whole = model._encode(text)
    ids = whole[:1]
    rest = text.removeprefix(model._tokenizer.decode(ids))
    detokenizer = model._detokenizer(ids)
    told = [detokenizer.add(token) for token in whole[1:]]
    assert "".join(told) == rest
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in told)
    assert len(list(filter(None, told))) >= 7


def test_a_word_start_after_the_prompt_keeps_its_space(tmp_path: Path) -> None:
    """SentencePiece drops the first space when decoding, but a continuation is not a beginning."""
    model = load(tiny.llama(tmp_path / "llama"))
    words = [
        number for token, number in model._tokenizer.get_vocab().items() if len(token) > 2 and token[0] == "▁"
    ]
    assert words
    for number in words:
        alone = model._tokenizer.decode([number])
        assert model.continuation(model._encode("The"), [number]) == f" {alone}"


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "phi", vocab_size=100)
    with pytest.raises(ModelError, match="more entries"):
        load(folder)


def test_an_added_token_that_the_model_never_saw_is_refused_when_used(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "phi", vocab_size=400)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    missing = 400 - len(tokenizer)
    tokenizer.add_tokens([f"<new{number}>" for number in range(missing + 1)])
    tokenizer.save_pretrained(folder)
    model = load(folder)
    assert model.generate(PROMPT, max_new_tokens=2).output_ids
    with pytest.raises(BadInput, match="never seen"):
        model.generate(f"Look: <new{missing}>", max_new_tokens=2)


def test_weights_that_lack_a_part_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny.phi(tmp_path / "phi")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="incomplete"):
        load(folder)


def test_it_says_what_it_is(model: LanguageModel) -> None:
    assert model.device == "cpu"
    assert model.dtype == "float32"
    assert model.memory >= 4 * model.parameters > 100_000
    assert not model.chats
    assert "base model" in model.detail
    assert "PhiForCausalLM" in model.detail
    model.probe()


def test_each_token_says_how_likely_it_was_and_what_it_beat(model: LanguageModel, phi: Path) -> None:
    made = model.generate(PROMPT, max_new_tokens=6)
    own: CausalModel = AutoModelForCausalLM.from_pretrained(phi)
    assert len(made.steps) == len(made.output_ids) == 6
    for number, step in enumerate(made.steps):
        ids = [*made.input_ids, *made.output_ids[:number]]
        with torch.no_grad():
            expected = own(torch.tensor([ids])).logits[0, -1].softmax(-1)
        likeliest = expected.topk(6).indices.tolist()
        assert step.chosen.id == made.output_ids[number] == likeliest[0]
        assert [other.id for other in step.others] == likeliest[1:]
        for candidate in (step.chosen, *step.others):
            assert candidate.probability == pytest.approx(float(expected[candidate.id]), rel=1e-3)
            assert candidate.text == model._tokenizer.decode([candidate.id])


def test_a_token_that_was_drawn_may_have_been_unlikely(model: LanguageModel) -> None:
    made = model.generate(PROMPT, max_new_tokens=20, sampling=Sampling(temperature=2.0, seed=1))
    assert [step.chosen.id for step in made.steps] == list(made.output_ids)
    for step in made.steps:
        assert len(step.others) == 5
        assert step.chosen.id not in {other.id for other in step.others}
        assert [other.probability for other in step.others] == sorted(
            (other.probability for other in step.others), reverse=True
        )
    assert any(step.others[0].probability > step.chosen.probability for step in made.steps)


def test_the_pieces_are_those_of_prompt_andcontinuation(model: LanguageModel) -> None:
    made = model.generate(PROMPT, max_new_tokens=5)
    assert [piece.id for piece in made.pieces] == [*made.input_ids, *made.output_ids]


def test_going_on_is_the_same_as_not_having_stopped(model: LanguageModel) -> None:
    whole = model.generate(PROMPT, max_new_tokens=14)
    first = model.generate(PROMPT, max_new_tokens=6)
    second = model.generate(PROMPT, written=first.output_ids, max_new_tokens=8)
    assert first.output_ids + second.output_ids == whole.output_ids
    assert first.text + second.text == whole.text
    assert second.prompt == PROMPT
    assert second.input_ids == first.input_ids + first.output_ids


def test_what_is_written_counts_towards_the_window(model: LanguageModel) -> None:
    assert model.context is not None
    with pytest.raises(BadInput, match="Shorten it"):
        model.generate(PROMPT, written=[5] * model.context)


TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|> {{ message.content }}{% endfor %}<|assistant|>"
)


def test_a_chat_model_gets_its_template(tmp_path: Path) -> None:
    folder = tiny.phi(tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    model = load(folder)
    made = model.generate("Hello", max_new_tokens=4)
    assert model.chats
    assert "chat model" in model.detail
    assert made.chat
    assert model._tokenizer.decode(list(made.input_ids)) == "<|user|> Hello<|assistant|>"
    assert made.prompt == "Hello"
    with pytest.raises(BadInput, match="empty"):
        model.generate("")


@pytest.mark.parametrize("prompt", ["Hello", "1", "x"])
def test_the_span_of_a_prompt_leaves_out_the_template(tmp_path: Path, prompt: str) -> None:
    folder = tiny.phi(tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    model = load(folder)
    ids = list(model.generate(prompt, max_new_tokens=1).input_ids)
    first, end = model.prompt_span(prompt, len(ids))
    assert model._tokenizer.decode(ids[first:end]).strip() == prompt


@pytest.mark.parametrize("template", ["{{ raise_exception('no') }}", "{{ messages[5].content }}", "{% for"])
def test_a_template_that_cannot_be_used_makes_a_base_model(tmp_path: Path, template: str) -> None:
    folder = tiny.phi(tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    made = load(folder).generate(PROMPT, max_new_tokens=4)
    assert not made.chat
    assert list(made.output_ids) == reference(folder, PROMPT, 4)
