"""The views against transformers itself, by reference code written out by hand."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModel,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from models.encoder import Encoder
from models.failures import (
    BadInput,
    Cancelled,
    NoAttentionWeights,
    NoSuchHead,
    NoSuchLayer,
    PromptOverWindow,
    TextOverLimit,
    TooManyWeights,
)
from models.inside import attention as attention_module
from models.inside import attribution as attribution_module
from models.inside import inside as inside_module
from models.inside.attention import attention, encoder_attention
from models.inside.attribution import why
from models.inside.lens import lens
from models.inside.next_token import next_token
from models.inside.paths import paths
from models.inside.surprise import surprise, windows
from models.language.model import LanguageModel
from models.results import Branch
from models.sampling import Sampling
from models.specs import EncoderSpec
from tests.models import tiny
from tests.models.inside import architectures

TEXT = "The engineer is a person who designs engines."
NAMES = [*architectures.CONFIGURATIONS]


def near(expected: Any) -> Any:
    return pytest.approx(expected, abs=1e-5, rel=0)


def raw(model: LanguageModel) -> Any:
    """The model of transformers that is served."""
    return model._model


@torch.inference_mode()
def reference(model: LanguageModel, ids: list[int], **options: object) -> Any:
    return raw(model)(torch.tensor([ids]), use_cache=False, **options)


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return architectures.language_model(request.param)


def test_the_next_token_is_that_of_the_model(model: LanguageModel) -> None:
    view = next_token(model, TEXT, top=20)
    expected = reference(model, view.reading.ids).logits[0, -1].softmax(-1)
    values, ids = expected.topk(20)
    assert [option.piece.id for option in view.options] == ids.tolist()
    assert [option.probability for option in view.options] == near(values.tolist())
    assert [option.kept for option in view.options] == near(values.tolist())
    assert view.entropy_bits == pytest.approx(-sum(p * math.log2(p) for p in expected.tolist()), abs=1e-4)


def test_the_lens_is_norm_and_head_of_each_layer(model: LanguageModel) -> None:
    view = lens(model, TEXT)
    output = reference(model, view.reading.ids, output_hidden_states=True)
    assert len(view.layers) == len(output.hidden_states)
    rows = [by_hand(model, hidden) for hidden in output.hidden_states[:-1]] + [output.logits[0]]
    for row, scores in zip(view.layers, rows, strict=True):
        shares, ids = scores.softmax(-1).max(-1)
        assert [guess.probability for guess in row] == near(shares.tolist())
        assert [guess.piece.id for guess in row] == ids.tolist()


@torch.inference_mode()
def by_hand(model: LanguageModel, hidden: torch.Tensor) -> torch.Tensor:
    """Final norm and head of each architecture, by module name."""
    network = raw(model)
    match type(network).__name__:
        case "GPT2LMHeadModel" | "BloomForCausalLM" | "FalconForCausalLM":
            final = network.transformer.ln_f(hidden)
        case "PhiForCausalLM":
            final = network.model.final_layernorm(hidden)
        case "GPTNeoXForCausalLM":
            final = network.gpt_neox.final_layer_norm(hidden)
        case "OPTForCausalLM":
            final = network.model.decoder.project_out(network.model.decoder.final_layer_norm(hidden))
        case _:
            final = network.model.norm(hidden)
    scores: torch.Tensor = network.lm_head(final)[0]
    match type(network).__name__:
        case "Gemma2ForCausalLM":
            return (scores / 3.0).tanh() * 3.0
        case "GraniteForCausalLM":
            return scores / 3.0
    return scores


def test_surprise_is_minus_the_logarithm_of_each_probability(model: LanguageModel) -> None:
    view = surprise(model, TEXT)
    ids = view.reading.ids
    logs = reference(model, ids).logits[0].log_softmax(-1)
    expected = [-float(logs[place - 1, ids[place]]) / math.log(2) for place in range(1, len(ids))]
    assert view.bits[0] is None
    assert list(view.bits[1:]) == pytest.approx(expected, abs=2e-5)
    assert view.perplexity == pytest.approx(2 ** (sum(expected) / len(expected)), rel=1e-5)
    worst = sorted(range(len(expected)), key=lambda place: -expected[place])[:3]
    assert [peak.place for peak in view.peaks] == [place + 1 for place in worst]
    for peak in view.peaks:
        assert [guess.piece.id for guess in peak.expected] == logs[peak.place - 1].topk(5).indices.tolist()


def eager(model: LanguageModel) -> Any:
    """A second model with the same weights, whose attention transformers computes step by step."""
    config = type(raw(model).config).from_dict(raw(model).config.to_dict())
    other = type(raw(model))._from_config(config, attn_implementation="eager").eval()
    other.load_state_dict(raw(model).state_dict())
    return other


def test_attention_is_that_of_eager_transformers(model: LanguageModel) -> None:
    ids = model.read(TEXT).ids
    with torch.inference_mode():
        expected = eager(model)(torch.tensor([ids]), output_attentions=True).attentions
    for layer in range(3):
        view = attention(model, TEXT, layer=layer)
        weights = torch.tensor(view.weights.array())
        assert torch.allclose(weights, expected[layer][0], atol=1e-5, rtol=0)
        assert not weights.triu(1).any(), "a token looks ahead"
    assert torch.allclose(torch.tensor(view.mean.array()), torch.stack(expected).mean((0, 1, 2)), atol=1e-5)
    for score in view.scores:
        one = expected[score.layer][0, score.head]
        rows = range(1, len(ids))
        assert score.previous == pytest.approx(sum(float(one[r, r - 1]) for r in rows) / len(rows), abs=1e-5)
        assert score.first == pytest.approx(sum(float(one[r, 0]) for r in rows) / len(rows), abs=1e-5)
    assert [(score.layer, score.head) for score in view.scores] == [
        (la, h) for la in range(3) for h in range(4)
    ]
    single = attention(model, TEXT, layer=2, head=1)
    assert torch.equal(torch.tensor(single.weights.array()), weights[1:2])


def test_occlusion_takes_words_out_and_gradients_follow_the_chain_rule(model: LanguageModel) -> None:
    view = why(model, TEXT)
    ids = view.reading.ids
    logs = reference(model, ids).logits[0, -1].log_softmax(-1)
    assert view.target.piece.id == int(logs.argmax())
    assert view.target.probability == near(float(logs.max().exp()))
    assert "".join(part.text for part in view.parts) == TEXT.replace(" ", "")
    for part in view.parts:
        rest = [number for place, number in enumerate(ids) if place not in part.places]
        without = reference(model, rest).logits[0, -1].log_softmax(-1)
        expected = float(logs[view.target.piece.id] - without[view.target.piece.id])
        assert part.occlusion == pytest.approx(expected, abs=2e-5)
    embedded = raw(model).get_input_embeddings()(torch.tensor([ids])).detach().requires_grad_()
    target = raw(model)(inputs_embeds=embedded).logits[0, -1].log_softmax(-1)[view.target.piece.id]
    target.backward()
    products = (embedded.grad * embedded).sum(-1)[0].tolist()
    assert view.gradients is not None
    assert list(view.gradients) == pytest.approx(products, abs=1e-4, rel=1e-4)


def test_paths_hold_the_probabilities_of_the_model(model: LanguageModel) -> None:
    view = paths(model, TEXT, width=3, depth=3)
    ids = view.reading.ids
    assert view.root.piece.id == ids[-1]
    found: dict[tuple[int, ...], float] = {}

    def walk(branch: Branch, path: tuple[int, ...]) -> None:
        if branch.next:
            logs = reference(model, [*ids, *path]).logits[0, -1].log_softmax(-1)
        for child in branch.next:
            assert child.probability == near(float(logs[child.piece.id].exp()))
            found[(*path, child.piece.id)] = child.probability
            walk(child, (*path, child.piece.id))

    walk(view.root, ())
    for path in beam_by_hand(model, ids, 3, 3):
        assert path in found
    greedy = view.root
    for _ in range(3):
        following = [branch for branch in greedy.next if branch.greedy]
        assert following == [greedy.next[0]], "the greedy path takes the likeliest token each time"
        greedy = following[0]


def beam_by_hand(model: LanguageModel, ids: list[int], width: int, depth: int) -> list[tuple[int, ...]]:
    beam: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    kept: list[tuple[int, ...]] = []
    for _ in range(depth):
        longer = []
        for score, path in beam:
            if path and path[-1] == 0:
                longer.append((score, path))
                continue
            logs = reference(model, [*ids, *path]).logits[0, -1].log_softmax(-1)
            longer += [(score + float(log), (*path, number)) for number, log in enumerate(logs)]
        beam = sorted(longer, reverse=True)[:width]
        kept += [path for _, path in beam]
    return kept


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(0.7, top_k=5),
        Sampling(1.5, top_p=0.6),
        Sampling(1.0, min_p=0.3),
        Sampling(2.0, top_k=40, top_p=0.8, min_p=0.05),
    ],
)
def test_settings_leave_what_the_warpers_of_transformers_leave(sampling: Sampling) -> None:
    model = architectures.language_model("llama")
    view = next_token(model, TEXT, sampling=sampling, top=400)
    scores = reference(model, view.reading.ids).logits[:, -1]
    warpers: list[Any] = [TemperatureLogitsWarper(sampling.temperature)]
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    for warper in warpers:
        scores = warper(torch.tensor([view.reading.ids]), scores)
    kept = scores[0].softmax(-1)
    assert [option.kept for option in view.options] == near([float(kept[o.piece.id]) for o in view.options])
    assert view.left == int((kept > 0).sum()) < 400
    positive = [share for share in kept.tolist() if share]
    assert view.kept_entropy_bits == pytest.approx(-sum(p * math.log2(p) for p in positive), abs=1e-4)
    assert view.kept_choices == pytest.approx(2**view.kept_entropy_bits)


def test_at_temperature_zero_the_likeliest_alone_is_kept() -> None:
    view = next_token(architectures.language_model("phi"), TEXT, sampling=Sampling(0))
    assert [option.kept for option in view.options] == [1.0] + [0.0] * 14
    assert (view.left, view.kept_entropy_bits) == (1, 0.0)


def test_a_text_goes_on_token_by_token() -> None:
    model = architectures.language_model("gpt2")
    chosen = next_token(model, TEXT).options[3].piece.id
    longer = next_token(model, TEXT, taken=(chosen,))
    ids = [*model.read(TEXT).ids, chosen]
    assert longer.reading.ids == ids
    best = int(reference(model, ids).logits[0, -1].argmax())
    assert longer.options[0].piece.id == best


def test_a_part_of_the_lens_is_the_part_of_the_whole() -> None:
    model = architectures.language_model("qwen2")
    whole, part = lens(model, TEXT), lens(model, TEXT, start=-4, count=3)
    assert part.start == len(whole.reading.pieces) - 4
    for row, own in zip(whole.layers, part.layers, strict=True):
        for one, other in zip(row[part.start :], own, strict=False):
            assert (one.piece, one.probability) == (other.piece, near(other.probability))
    for column in range(3):
        first = part.takes_over(column)
        ids = [layer[column].piece.id for layer in part.layers]
        assert set(ids[first:]) == {ids[-1]}
        assert first == 0 or ids[first - 1] != ids[-1]


@pytest.mark.parametrize(("length", "window"), [(1, 8), (2, 8), (8, 8), (9, 8), (30, 8), (31, 7)])
def test_windows_score_every_token_once_after_half_a_window(length: int, window: int) -> None:
    scored: list[int] = []
    for start, first, end in windows(length, window):
        assert end - start <= window
        assert first - start >= min(first, window // 2)
        scored += range(first, end)
    assert scored == list(range(1, length))


def test_a_long_text_is_read_in_windows() -> None:
    model = architectures.language_model("gpt2")
    text = " ".join([TEXT] * 16)
    view = surprise(model, text)
    ids = view.reading.ids
    assert len(ids) > 2 * architectures.CONTEXT == 2 * view.window
    assert len(view.bits) == len(ids)
    for start, first, end in windows(len(ids), view.window):
        logs = reference(model, ids[start : end - 1]).logits[0].log_softmax(-1)
        expected = -float(logs[first - 1 - start, ids[first]]) / math.log(2)
        assert view.bits[first] == pytest.approx(expected, abs=2e-5)


def test_scores_in_parts_are_the_same_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = architectures.language_model("llama")
    whole = surprise(model, TEXT)
    monkeypatch.setattr(inside_module, "SCORES_AT_ONCE", 2000)
    assert surprise(model, TEXT).bits == pytest.approx(whole.bits, abs=1e-5)


@pytest.mark.parametrize("name", ["phi", "mistral", "gemma2", "gpt2"])
def test_attention_in_parts_is_the_same_as_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = architectures.language_model(name)
    whole = attention(model, TEXT, layer=1)
    monkeypatch.setattr(attention_module, "ROWS", 5)
    parts = attention(model, TEXT, layer=1)
    for one, other in ((whole.weights, parts.weights), (whole.mean, parts.mean)):
        assert other.array() == pytest.approx(one.array(), abs=1e-5)
    for before, after in zip(whole.scores, parts.scores, strict=True):
        assert (after.previous, after.first) == pytest.approx((before.previous, before.first), abs=1e-5)


def test_induction_is_measured_on_random_tokens_that_come_twice() -> None:
    model = architectures.language_model("llama")
    scores = attention(model, TEXT).scores
    random = torch.Generator().manual_seed(0)
    some = torch.randint(model.vocabulary_size, (24,), generator=random).tolist()
    ids = [0, *some, *some]
    with torch.inference_mode():
        weights = eager(model)(torch.tensor([ids]), output_attentions=True).attentions
    for score in scores:
        one = weights[score.layer][0, score.head]
        shares = [float(one[row, row - 23]) for row in range(25, 49)]
        assert score.induction == near(sum(shares) / 24)


def test_the_encoder_looks_both_ways(bert: Path) -> None:
    encoder = Encoder.load(EncoderSpec(str(bert), device="cpu"))
    view = encoder_attention(encoder, "A word is known.")
    other = AutoModel.from_pretrained(bert, attn_implementation="eager").eval()
    expected = other(torch.tensor([view.reading.ids]), output_attentions=True).attentions
    assert view.weights.array() == near(expected[0][0].detach().numpy())
    assert view.mean.array() == near(torch.stack(expected).mean((0, 1, 2)).detach().numpy())
    assert view.weights.array()[0, 0, -1] > 0
    assert view.scores == ()
    with pytest.raises(NoSuchLayer):
        encoder_attention(encoder, "A word", layer=9)


def test_weights_are_told_from_a_bias_beside_them(tmp_path: Path) -> None:
    encoder = Encoder.load(EncoderSpec(str(tiny.t5(tmp_path / "t5")), device="cpu"))
    view = encoder_attention(encoder, "A word is known.", layer=0)
    weights = view.weights.array()
    assert weights.sum(-1) == pytest.approx(1.0, abs=1e-5)
    assert weights.shape[1:] == (len(view.reading.pieces),) * 2


def test_a_single_token_surprises_nobody() -> None:
    view = surprise(architectures.language_model("phi"), "a")
    assert (view.bits, view.perplexity, view.mean_bits, view.peaks) == ((None,), None, None, ())


def test_a_view_can_end_on_the_way_back() -> None:
    model = architectures.language_model("llama")
    why(model, TEXT)
    count = 0

    def check() -> None:
        nonlocal count
        count += 1
        # One look before, four layers and scores for the target, as many for the gradient, then back.
        if count == 1 + 2 * (3 + 1) + 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        why(model, TEXT, check=check)
    assert why(model, TEXT).parts


def test_what_is_asked_about_a_token_counts_from_the_prompt_on() -> None:
    model = architectures.language_model("phi")
    written = list(model.generate(TEXT, max_new_tokens=4).output_ids)
    later = why(model, TEXT, place=2)
    assert later.target.piece.id == written[2]
    assert later.reading.ids == [*model.read(TEXT).ids, *written[:2]]
    assert max(place for part in later.parts for place in part.places) < len(later.reading.ids) - 2
    assert later.occlusion[-2:] == [None, None]
    chosen = why(model, TEXT, place=1, written=(5, 7))
    assert chosen.target.piece.id == 7
    assert chosen.reading.ids[-1] == 5


def test_words_of_a_long_prompt_go_several_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model = architectures.language_model("llama")
    monkeypatch.setattr(attribution_module, "TOKENS", 40)
    view = why(model, TEXT)
    ids = view.reading.ids
    groups = {part.group for part in view.parts}
    assert 1 < len(groups) < len(view.parts)
    target = view.target.piece.id
    full = reference(model, ids).logits[0, -1].log_softmax(-1)[target]
    for group in groups:
        gone = {place for part in view.parts if part.group == group for place in part.places}
        rest = [number for place, number in enumerate(ids) if place not in gone]
        without = reference(model, rest).logits[0, -1].log_softmax(-1)[target]
        drops = {part.occlusion for part in view.parts if part.group == group}
        assert list(drops) == [pytest.approx(float(full - without), abs=2e-5)]


def test_a_prompt_of_one_word_has_nothing_left_without_it() -> None:
    view = why(architectures.language_model("phi"), "word")
    assert [part.occlusion for part in view.parts] == [None]


def test_a_state_space_model_has_every_view_but_attention() -> None:
    model = architectures.mamba()
    ids = model.read(TEXT).ids
    logs = reference(model, ids).logits[0].log_softmax(-1)
    assert next_token(model, TEXT).options[0].probability == near(float(logs[-1].exp().max()))
    assert lens(model, TEXT).layers[-1][-1].piece.id == int(logs[-1].argmax())
    assert surprise(model, TEXT).bits[1] == near(-float(logs[0, ids[1]]) / math.log(2))
    assert len(why(model, TEXT).parts) == 9
    assert paths(model, TEXT).root.next[0].probability == near(float(logs[-1].exp().max()))
    with pytest.raises(NoAttentionWeights):
        attention(model, TEXT)


def test_a_model_with_weights_as_bytes_has_every_view() -> None:
    model = architectures.built(architectures.CONFIGURATIONS["llama"], as_bytes=True)
    ids = model.read(TEXT).ids
    shares = reference(model, ids).logits[0].float().softmax(-1)
    assert next_token(model, TEXT).options[0].probability == pytest.approx(float(shares[-1].max()), abs=1e-2)
    assert lens(model, TEXT).layers[-1][-1].probability == pytest.approx(float(shares[-1].max()), abs=1e-2)
    assert attention(model, TEXT).weights.array().sum(-1) == pytest.approx(1.0, abs=2e-2)
    view = why(model, TEXT)
    assert view.gradients is not None
    assert any(view.gradients)
    assert all(part.gradient is not None and part.occlusion is not None for part in view.parts)


VIEWS: list[Callable[..., object]] = [next_token, lens, surprise, attention, why, paths]


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_text_is_refused(view: Callable[..., object]) -> None:
    with pytest.raises(BadInput):
        view(architectures.language_model("phi"), "")


@pytest.mark.parametrize("view", [view for view in VIEWS if view is not surprise])
def test_a_text_over_the_context_is_refused(view: Callable[..., object]) -> None:
    with pytest.raises((TextOverLimit, PromptOverWindow)):
        view(architectures.language_model("phi"), " ".join([TEXT] * 12))


def test_layers_and_heads_that_are_not_there_are_refused() -> None:
    model = architectures.language_model("phi")
    with pytest.raises(NoSuchLayer, match="0 to 2"):
        attention(model, TEXT, layer=3)
    with pytest.raises(NoSuchHead, match="0 to 3"):
        attention(model, TEXT, head=4)


def test_more_weights_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_module, "MOST_WEIGHTS", 100)
    model = architectures.language_model("phi")
    with pytest.raises(TooManyWeights):
        attention(model, TEXT)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_ends_between_layers_when_it_is_not_wanted(view: Callable[..., object]) -> None:
    model = architectures.language_model("llama")
    view(model, TEXT)
    left = 3

    def check() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        view(model, TEXT, check=check)
    view(model, TEXT)


def test_the_served_model_is_undisturbed() -> None:
    model = architectures.built(architectures.CONFIGURATIONS["llama"])
    network = raw(model)
    before = model.generate(TEXT, max_new_tokens=6)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for view in VIEWS:
        view(model, TEXT)
    assert network.config._attn_implementation == "sdpa"
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())
    assert model.generate(TEXT, max_new_tokens=6).output_ids == before.output_ids
    shared = {tensor.data_ptr() for tensor in network.parameters()}
    for twin in (model.inside._twin, model.inside._attentive, model.inside._tail):
        assert {tensor.data_ptr() for tensor in twin.parameters()} == shared, "the weights are there twice"


def test_texts_are_written_while_somebody_looks() -> None:
    model = architectures.language_model("phi")
    expected = model.generate(TEXT, max_new_tokens=12).output_ids
    written: list[tuple[int, ...]] = []
    writer = threading.Thread(
        target=lambda: written.append(model.generate(TEXT, max_new_tokens=12).output_ids)
    )

    def check() -> None:
        # Between two layers of the view, another person's whole text is generated.
        if writer.ident is None:
            writer.start()
        if writer.is_alive():
            model.inside._turns._since = 0.0

    for _ in range(50):
        next_token(model, TEXT, check=check)
    writer.join(10)
    assert written == [expected]
