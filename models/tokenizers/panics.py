"""Tokenizers written in Rust may panic, which Python sees as a BaseException that no `except Exception` stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Panic(RuntimeError):
    """A library in Rust met something that its authors thought impossible."""


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raise a panic as a Panic, so that it fails one question and not the thread that answers them."""
    try:
        yield
    except BaseException as error:
        # Every library has a class of its own for this, and none can be imported.
        if type(error).__name__ == "PanicException":
            raise Panic(str(error)) from error
        raise
