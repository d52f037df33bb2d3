"""vLLM on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import vllm
from serving import Generate, OnToken, serve
from vllm import EngineArgs, LLMEngine, SamplingParams, TokensPrompt


def load(folder: str, precision: str, scratch: str) -> tuple[str, Generate]:
    del scratch
    engine = LLMEngine.from_engine_args(
        EngineArgs(
            model=folder, dtype=precision, enforce_eager=True, max_num_seqs=8, enable_prefix_caching=False
        )
    )
    numbers = iter(range(10**9))

    def generate(prompts: Sequence[Sequence[int]], count: int, on_token: OnToken) -> None:
        settings = SamplingParams(temperature=0, max_tokens=count, ignore_eos=True)
        known: dict[str, int] = {}
        told = [0] * len(prompts)
        for number, ids in enumerate(prompts):
            name = str(next(numbers))
            known[name] = number
            engine.add_request(name, TokensPrompt(prompt_token_ids=list(ids)), settings)
        while engine.has_unfinished_requests():
            for output in engine.step():
                number = known[output.request_id]
                new = output.outputs[0].token_ids
                for token in new[told[number] :]:
                    on_token(number, token)
                told[number] = len(new)

    return f"vLLM {vllm.__version__}, {precision}", generate


if __name__ == "__main__":
    serve(load)
