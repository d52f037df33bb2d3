"""What is drawn from is what transformers would draw from, and a choice that stands whatever rounding did."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from models.failures import ScoresNotFinite
from models.language.sampler import ALTERNATIVES, Sampler, choose_all, cut_scores
from models.results import ChosenToken
from models.sampling import Sampling

SAMPLING = st.builds(
    Sampling,
    temperature=st.floats(0.05, 4),
    top_k=st.sampled_from([0, 1, 2, 5, 40, 255, 256, 257, 10_000]),
    top_p=st.sampled_from([1.0, 0.999, 0.9, 0.5, 0.1, 0.001]),
    min_p=st.sampled_from([0.0, 1e-6, 0.01, 0.1, 0.5, 0.99]),
    seed=st.integers(0, 2**32 - 1),
)


def scores_of(seed: int, size: int, spread: float) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * spread


def kept_by_transformers(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """A mask, shape (vocabulary,), of what its warpers leave, in their order."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    # In float64, since what it adds up in float32 is off by more than what some tokens are worth.
    return warpers(torch.LongTensor([[0]]), scores[None].double())[0] > -torch.inf


@settings(max_examples=400, deadline=None)
@given(SAMPLING, st.integers(0, 2**32), st.sampled_from([1, 2, 5, 300, 2000]), st.sampled_from([0.1, 1, 8]))
@example(Sampling(temperature=2.4296875, top_p=0.9, seed=0), 619214, 2000, 1)  # two with the same score
def test_the_same_tokens_are_kept_as_in_transformers(
    sampling: Sampling, seed: int, size: int, spread: float
) -> None:
    scores = scores_of(seed, size, spread)
    scaled = scores / sampling.temperature
    kept = scaled >= cut_scores(scaled, sampling).kept_from
    expected = kept_by_transformers(scores, sampling)
    # Of tokens with the same score, transformers keeps those that its sorting happens to put first.
    assert torch.equal(kept, scores >= scores[expected].min())


@settings(max_examples=150, deadline=None)
@given(SAMPLING, st.integers(0, 2**32), st.integers(2, 300), st.floats(1e-6, 0.3))
def test_the_bounds_of_a_cut_hold_for_every_error(
    sampling: Sampling, seed: int, size: int, error: float
) -> None:
    """Scores that are off by up to `error` in any way keep at least the sure tokens, and none beyond the possible ones."""
    scores = scores_of(seed, size, 2)
    scaled = scores / sampling.temperature
    cut = cut_scores(scaled, sampling, 2.001 * error / sampling.temperature)
    random = torch.Generator().manual_seed(seed)
    for number in range(12):
        noise = torch.rand(size, generator=random) * 2 - 1
        if number % 2:
            noise = noise.sign()
        if number == 0:
            noise = (scores.median() - scores).sign()  # towards each other
        kept = kept_by_transformers(scores + error * noise, sampling)
        assert bool((kept >= (scaled > cut.surely_above)).all())
        assert bool((kept <= (scaled >= cut.possibly_from)).all())


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(SAMPLING, st.just(Sampling())), st.integers(0, 2**32), st.integers(2, 60), st.floats(1e-5, 0.05)
)
def test_a_choice_that_is_made_is_made_with_any_error(
    sampling: Sampling, seed: int, size: int, error: float
) -> None:
    scores = scores_of(seed, size, 2)
    choice = Sampler(sampling).choose(scores, 1.001 * error)
    if choice is None:
        return
    random = torch.Generator().manual_seed(seed)
    for _ in range(12):
        noise = torch.rand(size, generator=random).round() * 2 - 1
        other = Sampler(sampling).choose(scores + error * noise)
        assert other is not None
        assert other.id == choice.id


@settings(max_examples=60, deadline=None)
@given(SAMPLING, st.integers(0, 2**32), st.integers(2, 300))
def test_what_is_drawn_is_among_what_is_kept(sampling: Sampling, seed: int, size: int) -> None:
    scores = scores_of(seed, size, 2)
    kept = kept_by_transformers(scores, sampling)
    sampler = Sampler(sampling)
    for _ in range(20):
        chosen = sampler.choose(scores)
        assert chosen is not None
        assert kept[chosen.id]


def test_most_choices_can_be_made_although_scores_may_be_off() -> None:
    undecided = 0
    for seed, (top_k, top_p, min_p) in enumerate(itertools.product((0, 1, 50), (1.0, 0.9), (0.0, 0.1, 1.0))):
        sampling = Sampling(temperature=0.8, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed)
        undecided += Sampler(sampling).choose(scores_of(seed, 5000, 3), 1e-5) is None
    assert undecided <= 1


def test_a_draw_that_was_left_open_is_the_same_draw_the_next_time() -> None:
    scores = scores_of(1, 400, 0.1)
    expected = Sampler(Sampling(temperature=1.0, seed=5)).choose(scores)
    sampler = Sampler(Sampling(temperature=1.0, seed=5))
    assert sampler.choose(scores, 10.0) is None
    assert sampler.choose(scores) == expected


def test_near_temperature_zero_errors_are_large_and_the_likeliest_is_taken() -> None:
    scores = torch.tensor([1.0, 3.0, 2.0])
    sampling = Sampling(temperature=1e-6, top_k=2, top_p=0.9, min_p=0.1, seed=1)
    chosen = Sampler(sampling).choose(scores, 0.01)
    assert chosen is not None
    assert chosen.id == 1
    assert Sampler(sampling).choose(scores, 0.6) is None


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, top_k=3, top_p=0.5, min_p=0.2)])
def test_suppressed_tokens_are_never_drawn(sampling: Sampling) -> None:
    scores = torch.full((300,), -torch.inf)
    scores[[5, 9]] = 1.0
    sampler = Sampler(sampling)
    for _ in range(20):
        chosen = sampler.choose(scores)
        assert chosen is not None
        assert chosen.id in {5, 9}
    with pytest.raises(ScoresNotFinite):
        sampler.choose(torch.full((300,), -torch.inf))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 3, 7, 767, 768, 1000, 1024, 5000]),
    st.integers(1, 4),
    st.booleans(),
)
def test_the_likeliest_tokens_are_found_in_any_vocabulary(
    seed: int, size: int, texts: int, tied: bool
) -> None:
    scores = torch.randn(texts, size, generator=torch.Generator().manual_seed(seed)) * 3
    if tied:
        scores = scores.round()
    chosen = choose_all([Sampler(Sampling()) for _ in range(texts)], scores, [0.0] * texts)
    for own, token in zip(scores, chosen, strict=True):
        assert isinstance(token, ChosenToken)
        assert token.id == int(own.argmax())
        shares = own.softmax(-1)
        expected = shares.topk(min(ALTERNATIVES + 1, size)).values.tolist()
        assert sorted(token.probabilities.values(), reverse=True)[: len(expected)] == pytest.approx(expected)
        assert all(
            share == pytest.approx(float(shares[number])) for number, share in token.probabilities.items()
        )
