"""Decodes token ids to text as they arrive, in time linear in their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
"""What decoding shows for bytes that do not form a character, including one whose remaining bytes are still to come."""
_MOST_MISSING = 3
"""Characters at the end of a text that later bytes may change: UTF-8 uses up to four bytes per character."""
_LONGEST_PENDING = 16
"""Number of pending tokens without a complete character after which as many as possible are settled."""


class Detokenizer:
    """Decodes a growing sequence of token ids, using only its last few tokens at a time.

    A token may decode differently after another token than alone: to a space and a word instead of the word, or to part
    of a character. Each token is therefore decoded together with those of the last piece of text. Text that was
    returned is never revised, and the pieces join to the decoded sequence, except for an incomplete character at its
    end.

    There is one exception. A decoder with byte fallback shows every byte in a run of byte tokens as U+FFFD if any of
    the run is malformed, so a malformed byte changes how the bytes before it are shown. Their characters are returned
    without waiting for the end of the run, and are not revised.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], context: Sequence[int] = ()) -> None:
        """`decode` returns the text of some ids; `context` are ids before the sequence, whose text is already known."""
        self._decode = decode
        self._context = list(context)
        """Tokens whose text has been returned."""
        self._context_text = decode(self._context)
        self._pending: list[int] = []
        """Tokens after the context whose text has not been returned in full."""
        self._given = 0
        """How many characters of the pending tokens' text have been returned."""
        self._visible: dict[int, bool] = {}

    def add(self, token: int) -> str:
        """Add a token and return the text that it completes, which may be empty."""
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
        """Whether a token has text; special tokens and ids outside the vocabulary have none."""
        if token not in self._visible:
            # A single word-start mark decodes to nothing, but two decode to a space.
            self._visible[token] = bool(self._decode([token]) or self._decode([token, token]))
        return self._visible[token]

    def _pending_text(self) -> str:
        text = self._decode(self._context + self._pending)
        if text.startswith(self._context_text):
            return text[len(self._context_text) :]
        # The context ends in bytes of a character that these tokens complete, or in a run of bytes now malformed.
        return self._decode(self._pending)

    def _settle(self, count: int, given: int) -> None:
        """Move the first `count` pending tokens to the context; `given` characters of the others have been returned."""
        self._context = self._pending[:count]
        self._context_text = self._decode(self._context)
        del self._pending[:count]
        self._given = given

    def _settle_some(self, text: str) -> None:
        """Settle all tokens that have been returned in full, so that text without complete characters stays fast."""
        alone = self._decode(self._pending)
        for count in range(len(self._pending) - 1, 0, -1):
            head = self._decode(self._pending[:count])
            tail = alone[len(head) :]
            given = self._given - (len(text) - len(tail))
            if given >= 0 and alone.startswith(head) and text.endswith(tail):
                self._settle(count, given)
                return
