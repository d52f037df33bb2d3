"""Guesses what comes next from what came before: where a text repeats itself, the model can check several tokens at once.

(Saxena 2023, "Prompt Lookup Decoding".) A guess never changes a text: what the model does not choose itself is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST = 7
"""Tokens that are guessed at once, at most."""
_MATCH = 3
"""Tokens that must have come before for what followed them to be guessed."""
_WORTH_TRYING = 0.7
"""Share of the last tokens that would have been guessed right, from which on guesses are checked."""
_WEIGHT = 0.1
"""Of the newest token in that share."""


class LookUp:
    """The guesses for one text."""

    def __init__(self) -> None:
        self._after: dict[tuple[int, ...], int] = {}
        """Where the last token after these came."""
        self._known = 0
        """Tokens that were looked at."""
        self.hits = 0.0
        """The share of the last tokens that would have been guessed right."""

    def guess(self, ids: Sequence[int], prompt: int, most: int = MOST) -> list[int]:
        """The tokens that may come after `ids`, the first `prompt` of which were given; none where that is unlikely to pay."""
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
        # What is guessed may be part of what it is guessed from, as in a text that repeats one word.
        period = len(ids) - start
        return [ids[start + place % period] for place in range(most)]
