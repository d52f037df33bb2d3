"""Which token comes next: the likeliest or one drawn by lot, and whether rounding could have decided it.

A token is drawn as the largest of (score / temperature + Gumbel noise), which follows the same distribution as a draw
from the softmax (Gumbel 1954; Maddison et al. 2014, "A* Sampling"). So greedy and drawn tokens are both the largest
of some numbers, and how far the second stays behind says how large an error the choice bears.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from models.failures import BadInput

OTHERS = 5
"""Likeliest tokens that were not chosen, kept for each one that was."""
_FIRST = 256
"""How many of the likeliest tokens are sorted before all are; most often they hold the probability top_p."""

_AMPLE = 1.01
"""How much more than `top_p` those must hold, so that rounding cannot lead past them."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was chosen, and the probabilities before temperature and top_p of the likeliest and of itself."""

    id: int
    likely: dict[int, float]


class Sampler:
    """Chooses the tokens of one text, with random numbers of its own.

    The random numbers of the process are used by other threads too; this way a seed gives the same text whatever
    they do.
    """

    def __init__(self, temperature: float = 0.0, top_p: float = 1.0, seed: int | None = None) -> None:
        """Temperature 0 takes the likeliest token each time."""
        self._temperature = temperature
        self._top_p = top_p
        self._random = torch.Generator().manual_seed((seed or 0) % 2**63)
        self._noise: torch.Tensor | None = None
        """What the next token is drawn with: kept until there is one."""

    def choose(self, scores: torch.Tensor, doubt: float = 0.0) -> Token | None:
        """The next token by `scores`, shape (vocabulary,), float32 on the CPU.

        None if another one could have been chosen had no score been off by more than `doubt`; the next call then
        decides the same draw anew. BadInput if there is nothing to choose from.
        """
        if not bool(torch.isfinite(scores.max())):
            raise BadInput(
                "The model lost its way in this text (its numbers are not finite). Try another prompt."
            )
        chosen = self._largest(scores, doubt) if self._temperature == 0 else self._drawn(scores, doubt)
        if chosen is None:
            return None
        self._noise = None
        probabilities = scores.softmax(-1)
        values, places = probabilities.topk(min(OTHERS + 1, len(probabilities)))
        likely = dict(zip(places.tolist(), values.tolist(), strict=True))
        return Token(chosen, likely | {chosen: float(probabilities[chosen])})

    @staticmethod
    def _largest(scores: torch.Tensor, doubt: float) -> int | None:
        chosen = int(scores.argmax())  # of equal ones the same that transformers takes
        if not doubt:
            return chosen
        close = int((scores >= scores[chosen] - 2 * doubt).sum())
        return chosen if close == 1 else None

    def _drawn(self, scores: torch.Tensor, doubt: float) -> int | None:
        if self._noise is None:
            # Minus the logarithm of an exponentially distributed number is Gumbel noise.
            self._noise = -torch.empty(len(scores)).exponential_(generator=self._random).log()
        scaled = scores / self._temperature
        keyed = scaled + self._noise
        slack = 2 * doubt / self._temperature
        kept, unsure = _nucleus(scaled, self._top_p, slack)
        keyed_kept = keyed.masked_fill(~kept, -torch.inf)
        chosen = int(keyed_kept.argmax())
        if not doubt:
            return chosen
        rivals = keyed.masked_fill(~(kept | unsure), -torch.inf)
        close = int((rivals >= keyed[chosen] - slack).sum())
        return chosen if close == 1 and not bool(unsure[chosen]) else None


def _nucleus(scaled: torch.Tensor, top_p: float, slack: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Which tokens are the likeliest that share `top_p`, and which could be or not be: two masks, shape (vocabulary,).

    (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration".)
    """
    if top_p >= 1:
        everything = scaled > -torch.inf
        return everything, torch.zeros_like(everything)
    logs = scaled.log_softmax(-1)
    first, shared = _enough(logs, top_p)
    before = shared.cumsum(-1) - shared
    count = max(1, int((before < top_p).sum()))
    kept = logs >= first[count - 1]
    if not slack:
        return kept, torch.zeros_like(kept)
    # Each probability may be off by the factor exp(slack), and so may their sums; and near ones may change places.
    fewest = max(1, int((before * math.exp(slack) < top_p).sum()))
    most = max(1, int((before * math.exp(-slack) < top_p).sum()))
    surely = logs > first[fewest] + slack if fewest < len(first) else torch.ones_like(kept)
    return kept, (logs >= first[most - 1] - slack) & ~surely


def _enough(logs: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest logarithms, falling, and their probabilities: more than share `top_p` wherever there are more."""
    for count in (min(_FIRST, len(logs)), len(logs)):
        first = logs.topk(count).values
        shared = first.double().exp()
        if float(shared[:-1].sum()) > top_p * _AMPLE:
            break
    return first, shared
