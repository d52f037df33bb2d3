"""The views against transformers itself, by reference code written out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from models.inside.attention import attention
from models.inside.attribution import why
from models.inside.lens import lens
from models.inside.next_token import next_token
from models.inside.paths import paths
from models.inside.surprise import surprise
from models.language.model import LanguageModel
from models.results import Branch
from tests.models.inside import architectures

TEXT = "The engineer is a person who designs engines."
NAMES = [*architectures.CONFIGURATIONS]
NEAR = {"abs": 1e-5, "rel": 0}


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
    assert [option.probability for option in view.options] == pytest.approx(values.tolist(), **NEAR)
    assert [option.kept for option in view.options] == pytest.approx(values.tolist(), **NEAR)
    assert view.entropy_bits == pytest.approx(-sum(p * math.log2(p) for p in expected.tolist()), abs=1e-4)


def test_the_lens_is_norm_and_head_of_each_layer(model: LanguageModel) -> None:
    view = lens(model, TEXT)
    output = reference(model, view.reading.ids, output_hidden_states=True)
    assert len(view.layers) == len(output.hidden_states)
    rows = [by_hand(model, hidden) for hidden in output.hidden_states[:-1]] + [output.logits[0]]
    for row, scores in zip(view.layers, rows, strict=True):
        shares, ids = scores.softmax(-1).max(-1)
        assert [guess.probability for guess in row] == pytest.approx(shares.tolist(), **NEAR)
        assert [guess.piece.id for guess in row] == ids.tolist()


@torch.inference_mode()
def by_hand(model: LanguageModel, hidden: torch.Tensor) -> torch.Tensor:
    """Final norm and head of each architecture, by the names of its own modules."""
    network = raw(model)
    match type(network).__name__:
        case "GPT2LMHeadModel" | "BloomForCausalLM" | "FalconForCausalLM":
            return network.lm_head(network.transformer.ln_f(hidden))[0]
        case "PhiForCausalLM":
            return network.lm_head(network.model.final_layernorm(hidden))[0]
        case "GPTNeoXForCausalLM":
            return network.lm_head(network.gpt_neox.final_layer_norm(hidden))[0]
        case "OPTForCausalLM":
            decoder = network.model.decoder
            return network.lm_head(decoder.project_out(decoder.final_layer_norm(hidden)))[0]
        case "Gemma2ForCausalLM":
            scores = network.lm_head(network.model.norm(hidden))[0]
            return (scores / 3.0).tanh() * 3.0
        case "GraniteForCausalLM":
            return network.lm_head(network.model.norm(hidden))[0] / 3.0
        case _:
            return network.lm_head(network.model.norm(hidden))[0]


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
    assert view.target.probability == pytest.approx(float(logs.max().exp()), **NEAR)
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
            assert child.probability == pytest.approx(float(logs[child.piece.id].exp()), **NEAR)
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
