"""Tokenizers written in Rust may panic, which raises a BaseException that `except Exception` does not catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Panic(RuntimeError):
    """A Rust library panicked."""


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raise a Rust panic as Panic, so that it fails one request and not the worker thread."""
    try:
        yield
    except BaseException as error:
        # Every library has its own exception class for this, and none can be imported.
        if type(error).__name__ == "PanicException":
            raise Panic(str(error)) from error
        raise
