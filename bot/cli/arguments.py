"""Shared arguments of the commands, and numbers within bounds."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from bot.visible import harmless

MOST_RESULTS = 1000
"""Most results that can be requested: more than on Discord, because nobody else waits, but a bound on typing errors."""

Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """Reports errors without echoing control characters from the input to the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def number(kind: type[Number], low: float, high: float = math.inf) -> Callable[[str], Number]:
    """Parses a number between two bounds, or says what is allowed."""
    what = "a whole number" if kind is int else "a number"
    bounds = f"of at least {low:,}" if math.isinf(high) else f"from {low:,} to {high:,}"

    def read(text: str) -> Number:
        with suppress(ValueError):
            if low <= (value := kind(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} {bounds}")

    return read


positive, not_negative = number(int, 1), number(int, 0)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Also accept --config after the command; otherwise the one before the command applies."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="the text; - reads standard input")


def add_count(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", type=number(int, 1, MOST_RESULTS), default=10, help="how many (default: 10)")
