"""Turns token ids into text as they come, in time that grows with their number alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
"""What decoding shows for bytes that are no whole character, and so for one of which some are still to come."""
_MOST_MISSING = 3
"""Characters at the end of a text that bytes still to come may change: UTF-8 has up to four bytes for one character."""
_LONGEST_PENDING = 16
"""Tokens without the end of a whole character, after which what can be given out of them is parted from the rest."""


class Detokenizer:
    """Decodes a growing sequence of token ids, a few of its last tokens at a time.

    A token may decode to something else after another than alone: to a space and a word instead of the word, or to a
    part of a character. So each is decoded together with the tokens of the last piece of text. What was given out is
    never taken back, and the pieces together are what the whole sequence decodes to, up to a character at its end that is
    not complete.

    There is one exception. A decoder with byte fallback shows every byte of a run of byte tokens as U+FFFD if any of the
    run is malformed, so a malformed byte changes what it shows for the bytes before it. Their characters are given out
    without waiting for the end of the run, and stay.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], context: Sequence[int] = ()) -> None:
        """`decode` gives the text of some ids; `context` are ids that stand before the sequence, whose text is known."""
        self._decode = decode
        self._context = list(context)
        """Tokens whose text was given out."""
        self._context_text = decode(self._context)
        self._pending: list[int] = []
        """Tokens after them of which not all text was given out."""
        self._given = 0
        """Characters of the pending tokens' text that were."""
        self._visible: dict[int, bool] = {}

    def add(self, token: int) -> str:
        """The text that one more token completes; "" if there is none."""
        if not self._is_visible(token):
            return ""
        self._pending.append(token)
        text = self._pending_text()
        missing = min(len(text) - len(text.rstrip(INCOMPLETE)), _MOST_MISSING)
        complete = text[self._given : len(text) - missing]
        self._given += len(complete)
        if text and not missing:
            self._settle(len(self._pending), 0)
        elif len(self._pending) % _LONGEST_PENDING == 0:
            self._settle_some(text)
        return complete

    def _is_visible(self, token: int) -> bool:
        """Whether a token has a text; special ones and ids outside the vocabulary have none."""
        if token not in self._visible:
            # A single word-start mark decodes to nothing, two of them to a space.
            self._visible[token] = bool(self._decode([token]) or self._decode([token, token]))
        return self._visible[token]

    def _pending_text(self) -> str:
        text = self._decode(self._context + self._pending)
        if text.startswith(self._context_text):
            return text[len(self._context_text) :]
        # The context ends in bytes of a character that these tokens complete, or in a run of bytes that is malformed now.
        return self._decode(self._pending)

    def _settle(self, count: int, given: int) -> None:
        """Make the first pending tokens the context of the others, of whose text so many characters were given out."""
        self._context = self._pending[:count]
        self._context_text = self._decode(self._context)
        del self._pending[:count]
        self._given = given

    def _settle_some(self, text: str) -> None:
        """Settle as many tokens as have been given out in full, so that a text without whole characters stays fast."""
        alone = self._decode(self._pending)
        for count in range(len(self._pending) - 1, 0, -1):
            head = self._decode(self._pending[:count])
            tail = alone[len(head) :]
            given = self._given - (len(text) - len(tail))
            if given >= 0 and alone.startswith(head) and text.endswith(tail):
                self._settle(count, given)
                return
