"""Shared by the programs: requests and responses as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence

OnToken = Callable[[int, int], None]
Generate = Callable[[Sequence[Sequence[int]], int, OnToken], None]
"""Continues prompts by so many tokens each, and calls with the number of the prompt for each new token."""


def serve(load: Callable[[str, str, str], tuple[str, Generate]]) -> None:
    """Answer until the input ends. Output printed by libraries goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, generate = load(*sys.argv[1:4])
    print(json.dumps({"ready": name}), file=answers)
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(_answer(generate, question["prompts"], question["count"])), file=answers)


def _answer(generate: Generate, prompts: Sequence[Sequence[int]], count: int) -> dict[str, object]:
    times: list[list[float]] = [[] for _ in prompts]
    ids: list[list[int]] = [[] for _ in prompts]
    start = time.perf_counter()

    def on_token(number: int, token: int) -> None:
        times[number].append(time.perf_counter() - start)
        ids[number].append(token)

    generate(prompts, count, on_token)
    return {"times": times, "ids": ids}
