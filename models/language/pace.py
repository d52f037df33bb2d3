"""How many prompt tokens to read between two steps of the texts in progress."""

from __future__ import annotations

_FIRST = 32
_LEAST = 16
_MOST = 2048
_GROWTH = 1.5
_LONGEST = 1.5
"""Maximum duration of a chunk, in steps."""
_WEIGHT = 0.2
"""Weight of the newest step in the average."""


class Pace:
    """Chooses the chunk size so that reading a chunk of prompts takes about as long as generating a token per text.

    Running texts then wait for about two steps instead of one, however long other prompts are.
    """

    def __init__(self) -> None:
        self.tokens = _FIRST
        """Prompt tokens per chunk, over all prompts."""
        self.step = 0.0
        """Seconds that a step takes; 0 while unknown."""

    def stepped(self, seconds: float) -> None:
        """Record the duration of a step."""
        self.step += (_WEIGHT if self.step else 1.0) * (seconds - self.step)

    def read(self, tokens: int, seconds: float) -> None:
        """Record the time taken to read a chunk of prompt tokens."""
        if not self.step:
            return
        longest = _LONGEST * self.step
        if seconds > longest:
            self.tokens = max(_LEAST, min(self.tokens, int(tokens * longest / seconds)))
        elif seconds * _GROWTH < longest and tokens * 2 > self.tokens:
            self.tokens = min(_MOST, int(self.tokens * _GROWTH))
