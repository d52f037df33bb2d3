"""Guesses the next tokens from earlier text: where a text repeats itself, the model can check several tokens at once.

(Saxena 2023, "Prompt Lookup Decoding".) Guesses never change a text: those that the model would not choose are
discarded.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 7
"""Maximum number of tokens guessed at once."""
_MATCH = 3
"""Number of tokens that must match an earlier occurrence."""
_WORTH_TRYING = 0.7
"""Minimum share of recent tokens that would have been guessed correctly, for guesses to be checked."""
_WEIGHT = 0.1
"""Weight of the newest token in that share."""


class LookUp:
    """Guesses for one text."""

    def __init__(self) -> None:
        self._after: dict[tuple[int, ...], int] = {}
        """The position that followed the latest occurrence of each token sequence."""
        self._known = 0
        """Number of tokens indexed so far."""
        self.hits = 0.0
        """The share of recent tokens that would have been guessed correctly."""

    def guess(self, ids: Sequence[int], prompt: int, most: int = MOST) -> list[int]:
        """Likely next tokens after `ids`, which start with `prompt` prompt tokens; empty if guessing would not pay."""
        for place in range(max(self._known, _MATCH), len(ids)):
            key = tuple(ids[place - _MATCH : place])
            if place >= prompt:
                before = self._after.get(key)
                right = before is not None and ids[before] == ids[place]
                self.hits += _WEIGHT * (right - self.hits)
            self._after[key] = place
        self._known = len(ids)
        start = self._after.get(tuple(ids[-_MATCH:]))
        if start is None or self.hits < _WORTH_TRYING:
            return []
        # The guess may overlap its source, as in a text that repeats one word.
        period = len(ids) - start
        return [ids[start + place % period] for place in range(most)]
