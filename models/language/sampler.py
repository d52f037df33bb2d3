"""Chooses the next token, greedily or at random, and detects when rounding could have decided the choice.

A token is sampled as the maximum of (score / temperature + Gumbel noise), which has the same distribution as sampling
from the softmax (Gumbel 1954; Maddison et al. 2014, "A* Sampling"). Greedy and sampled tokens are therefore both the
maximum of some numbers, and the gap to the second largest tells how large an error the choice tolerates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.failures import ScoresNotFinite
from models.results import ChosenToken
from models.sampling import Sampling

ALTERNATIVES = 5
"""Number of likeliest alternatives to keep for each chosen token."""
_FIRST_LOOK = 256
"""Number of likeliest tokens to sort first, before all are; usually they contain the probability `top_p`."""
_AMPLE = 1.01
"""Factor by which their probability must exceed `top_p`, to allow for rounding."""
_BLOCK = 128
"""Number of neighbouring scores of which only the largest is compared at first."""

_LARGEST_EXPONENT = 700.0
"""Largest exponent of e whose power fits a float. Near temperature 0, errors are magnified without bound."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The tokens that may be sampled, by their scores: those from `kept_from` on.

    If no score is off by more than half of the slack used for the cut, those above `surely_above` are certainly kept,
    and none below `possibly_from` is.
    """

    kept_from: float = -math.inf
    surely_above: float = -math.inf
    possibly_from: float = -math.inf

    def __and__(self, other: Cut) -> Cut:
        """The tokens that both cuts keep."""
        return Cut(
            max(self.kept_from, other.kept_from),
            max(self.surely_above, other.surely_above),
            max(self.possibly_from, other.possibly_from),
        )


class Sampler:
    """Chooses the tokens of one text, with its own random number generator.

    Other threads use the process's generator too; with a separate one, a seed always gives the same text.
    """

    def __init__(self, sampling: Sampling, drawn: int = 0) -> None:
        """`repetition_penalty` and `stop` in `sampling` are ignored here: they depend on the whole text."""
        self._sampling = sampling
        self._drawn_before = drawn
        self._random = torch.Generator().manual_seed((sampling.seed or 0) % 2**63)
        self._noise: torch.Tensor | None = None
        """The noise for the next token, kept until that is chosen."""

    def choose(self, scores: torch.Tensor, error: float = 0.0) -> ChosenToken | None:
        """The next token for `scores`, shape (vocabulary,), float32 on the CPU.

        None if another token could be right with scores off by up to `error`; the next call then repeats the same draw.
        Raises ScoresNotFinite if there is nothing to choose from.
        """
        (chosen,) = choose_all([self], scores[None], [error])
        if isinstance(chosen, ScoresNotFinite):
            raise chosen
        return chosen

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always chosen."""
        return self._sampling.greedy

    def draw(self, scores: torch.Tensor, error: float) -> int | None:
        """One row of `choose_all`, for a text that is not greedy."""
        if self._noise is None:
            while self._drawn_before:
                self._next_draw(len(scores))
                self._drawn_before -= 1
            # The negative logarithm of an exponentially distributed number is Gumbel noise.
            self._noise = -self._next_draw(len(scores)).log()
        scaled = scores / self._sampling.temperature
        noisy = scaled + self._noise
        slack = 2 * error / self._sampling.temperature
        cut = cut_scores(scaled, self._sampling, slack)
        chosen = int(noisy.masked_fill(scaled < cut.kept_from, -torch.inf).argmax())
        if not error:
            return chosen
        rivals = noisy.masked_fill(scaled < cut.possibly_from, -torch.inf)
        close = int((rivals >= noisy[chosen] - slack).sum())
        return chosen if close == 1 and float(scaled[chosen]) > cut.surely_above else None

    def _next_draw(self, size: int) -> torch.Tensor:
        """Random numbers that depend only on the seed and the number of earlier draws."""
        return torch.empty(size).exponential_(generator=self._random)

    def drawn(self) -> None:
        """The token was chosen: use new noise for the next one."""
        self._noise = None


def choose_all(
    samplers: Sequence[Sampler], scores: torch.Tensor, errors: Sequence[float]
) -> list[ChosenToken | ScoresNotFinite | None]:
    """The next token of each text for its row of `scores`, shape (texts, vocabulary), float32, on any device.

    Like `Sampler.choose`, for all rows at once.
    """
    best, ids = _largest(scores, min(ALTERNATIVES + 1, scores.shape[-1]))
    probabilities = scores.softmax(-1)
    shares = probabilities.gather(-1, ids)
    chosen: list[ChosenToken | ScoresNotFinite | None] = []
    rows = zip(samplers, errors, best.tolist(), ids.tolist(), shares.tolist(), strict=True)
    for place, (sampler, error, row_best, row_ids, row_shares) in enumerate(rows):
        if not math.isfinite(row_best[0]):
            chosen.append(ScoresNotFinite())
            continue
        token: int | None = row_ids[0]
        if row_best[1:] and row_best[0] == row_best[1]:
            token = int(scores[place].argmax())  # in ties, the same one as transformers
        if not sampler.greedy:
            token = sampler.draw(scores[place].cpu(), error)
        elif error and row_best[1:] and row_best[1] >= row_best[0] - 2 * error:
            token = None
        if token is None:
            chosen.append(None)
            continue
        sampler.drawn()
        known = dict(zip(row_ids, row_shares, strict=True))
        own = known[token] if token in known else float(probabilities[place, token])
        chosen.append(ChosenToken(token, known | {token: own}))
    return chosen


def _largest(scores: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As `scores.topk(count)`, but in less time for a large vocabulary: only blocks that can hold the largest are
    searched.
    """
    rows, size = scores.shape
    whole = size - size % _BLOCK
    if whole < count * _BLOCK or scores.device.type != "cpu":
        return scores.topk(count)
    blocks = scores[:, :whole].view(rows, -1, _BLOCK)
    chosen = blocks.amax(-1).topk(count).indices
    found = blocks.gather(1, chosen[:, :, None].expand(-1, -1, _BLOCK)).flatten(1)
    rest = scores[:, whole:]
    best, places = torch.cat([found, rest], 1).topk(count)
    inside = places < found.shape[1]
    of_block = chosen.gather(1, places.clamp(max=found.shape[1] - 1) // _BLOCK) * _BLOCK + places % _BLOCK
    return best, torch.where(inside, of_block, places - found.shape[1] + whole)


def cut_scores(scaled: torch.Tensor, sampling: Sampling, slack: float = 0.0) -> Cut:
    """The tokens that remain after `top_k`, `top_p` and `min_p`, applied in that order to temperature-scaled scores.

    `scaled` has shape (vocabulary,). `slack` is twice the largest possible error of its numbers.
    """
    cut = Cut()
    if 0 < sampling.top_k < len(scaled):
        cut &= _top_k(scaled, sampling.top_k, slack)
    if sampling.top_p < 1:
        cut &= _top_p(scaled, sampling, cut, slack)
    if sampling.min_p > 0:
        cut &= _min_p(scaled, sampling.min_p, slack)
    return cut


def _top_k(scaled: torch.Tensor, k: int, slack: float) -> Cut:
    """The k likeliest tokens (Fan et al. 2018, "Hierarchical Neural Story Generation").

    The k-th largest number moves by at most the error, and so does each score; together that is the slack.
    """
    *_, last_kept, first_dropped = scaled.topk(k + 1).values.tolist()
    return Cut(last_kept, first_dropped + slack, last_kept - slack)


def _top_p(scaled: torch.Tensor, sampling: Sampling, before: Cut, slack: float) -> Cut:
    """The likeliest tokens that share `top_p` (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").

    `before` is the cut by `top_k`: its tokens share the total probability.
    """
    top_p = sampling.top_p
    kept = scaled.masked_fill(scaled < before.kept_from, -torch.inf)
    total = float(kept.logsumexp(-1))
    likeliest, shares = _nucleus(kept, total, top_p, slack)
    above = shares.cumsum(-1) - shares
    count = max(1, int((above < top_p).sum()))
    kept_from = float(likeliest[count - 1])
    if not slack:
        return Cut(kept_from, kept_from, kept_from)
    # Errors may change the sum over the k likeliest tokens, and which tokens these are if several score about the same.
    smallest = largest = total
    if before.kept_from > -math.inf:
        smallest = float(scaled.topk(sampling.top_k).values.logsumexp(-1))
        largest = float(scaled[scaled >= before.possibly_from].logsumexp(-1))
    # A sum of probabilities may be off by a factor of exp(slack), and tokens with similar scores may swap places.
    fewest = max(1, int((above * math.exp(min(slack + total - smallest, _LARGEST_EXPONENT)) < top_p).sum()))
    most = max(1, int((above * math.exp(-slack + total - largest) < top_p).sum()))
    surely_above = float(likeliest[fewest]) + slack if fewest < len(likeliest) else -math.inf
    return Cut(kept_from, surely_above, float(likeliest[most - 1]) - slack)


def _nucleus(
    scaled: torch.Tensor, total: float, top_p: float, slack: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest scores in descending order and their probabilities, with a total above `top_p` if possible."""
    for count in (min(_FIRST_LOOK, len(scaled)), len(scaled)):
        likeliest = scaled.topk(count).values
        shares = (likeliest - total).double().exp()
        if float(shares[:-1].sum()) * math.exp(-slack) > top_p * _AMPLE:
            break
    return likeliest, shares


def _min_p(scaled: torch.Tensor, min_p: float, slack: float) -> Cut:
    """Tokens with at least `min_p` times the top token's probability (Nguyen et al. 2024, "Turning Up the Heat")."""
    likeliest = scaled.topk(min(2, len(scaled))).values.tolist()
    kept_from = likeliest[0] + math.log(min_p)
    # The likeliest token is always kept, and is certain if the second is further away than the slack.
    surely_above = min(kept_from, likeliest[-1]) + slack
    return Cut(kept_from, surely_above, kept_from - slack)
