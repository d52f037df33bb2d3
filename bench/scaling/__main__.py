"""Measures the bot as several processes; docs/scaling.md has the results.

    python -m bench.scaling MEASUREMENT [OPTIONS]

Each measurement is a module of this package.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import Protocol

from bench.scaling import inference, likes, store


class Measurement(Protocol):
    """The interface of a measurement's module. Its docstring describes what is measured, and the baseline."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    async def run(self, arguments: argparse.Namespace, /) -> None:
        """Measure, and print a table."""


MEASUREMENTS: Mapping[str, Measurement] = {"likes": likes, "store": store, "inference": inference}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling")
    parsers = parser.add_subparsers(dest="measurement", required=True, metavar="MEASUREMENT")
    for name, measurement in MEASUREMENTS.items():
        text = measurement.__doc__ or ""
        child = parsers.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        measurement.add_arguments(child)
    arguments = parser.parse_args()
    asyncio.run(MEASUREMENTS[arguments.measurement].run(arguments))


if __name__ == "__main__":
    main()
