"""When a generated text began, and how fast it grew."""

from __future__ import annotations

import time

from models.service import TextDone


class TextClock:
    """Records when the first and the last token of a generated text arrived."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first = self._last = 0.0
        self.tokens = 0

    def add(self, tokens: int) -> None:
        if tokens:
            self._last = time.monotonic()
            self._first = self._first or self._last
            self.tokens += tokens

    @property
    def event(self) -> TextDone:
        return TextDone(self.tokens, self._first - self._began, self._last - self._first)
