"""How much of the prompts is read between two tokens of the texts that are being written."""

from __future__ import annotations

_FIRST = 32
_LEAST = 16
_MOST = 2048
_GROWTH = 1.5
_LONGEST = 1.5
"""Steps that a piece may take."""
_WEIGHT = 0.2
"""Of the newest step in the usual time."""


class Pace:
    """Prompts are read in pieces that take about as long as a token of everybody's text.

    So whoever is writing waits for about two steps instead of one, however long the prompts of others are.
    """

    def __init__(self) -> None:
        self.tokens = _FIRST
        """Of prompts, all together, that are read at a time."""
        self.step = 0.0
        """Seconds that a token of each text takes; 0 while that is not known."""

    def stepped(self, seconds: float) -> None:
        """A token of each text took so long."""
        self.step += (_WEIGHT if self.step else 1.0) * (seconds - self.step)

    def read(self, tokens: int, seconds: float) -> None:
        """So many tokens of prompts took so long."""
        if not self.step:
            return
        longest = _LONGEST * self.step
        if seconds > longest:
            self.tokens = max(_LEAST, min(self.tokens, int(tokens * longest / seconds)))
        elif seconds * _GROWTH < longest and tokens * 2 > self.tokens:
            self.tokens = min(_MOST, int(self.tokens * _GROWTH))
