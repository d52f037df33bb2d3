"""OpenVINO GenAI with continuous batching, on a model converted by optimum-intel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
sys.path.remove(HERE)  # this file has the same name as the library

import numpy as np  # noqa: E402
import openvino  # noqa: E402
import openvino_genai  # noqa: E402

sys.path.append(HERE)
from serving import Generate, OnToken, serve  # noqa: E402

WEIGHTS = {"float32": "fp32", "float16": "fp16", "bfloat16": "fp16", "int8": "int8", "int4": "int4"}
CACHE_GB = 2


def convert(folder: str, weights: str, target: Path) -> None:
    tool = Path(sys.executable).parent / "optimum-cli"
    task = ["--task", "text-generation-with-past", "--weight-format", weights]
    subprocess.run([tool, "export", "openvino", "--model", folder, *task, target], check=True)  # noqa: S603


def load(folder: str, precision: str, scratch: str) -> tuple[str, Generate]:
    weights = WEIGHTS[precision]
    target = Path(scratch) / f"openvino-{weights}"
    if not (target / "openvino_model.xml").exists():
        convert(folder, weights, target)
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.cache_size = CACHE_GB
    scheduler.enable_prefix_caching = False
    options = {"INFERENCE_PRECISION_HINT": "f32"} if precision == "float32" else {}
    pipeline = openvino_genai.ContinuousBatchingPipeline(str(target), scheduler, "CPU", options)
    numbers = iter(range(10**9))

    def generate(prompts: Sequence[Sequence[int]], count: int, on_token: OnToken) -> None:
        settings = openvino_genai.GenerationConfig()
        settings.max_new_tokens = count
        settings.ignore_eos = True
        settings.do_sample = False
        handles = [
            pipeline.add_request(next(numbers), openvino.Tensor(np.array([ids], dtype=np.int64)), settings)
            for ids in prompts
        ]
        while pipeline.has_non_finished_requests():
            pipeline.step()
            for number, handle in enumerate(handles):
                while handle.can_read():
                    for output in handle.read().values():
                        for token in output.generated_ids:
                            on_token(number, int(token))

    return f"OpenVINO GenAI {openvino_genai.__version__}, {weights} weights", generate


if __name__ == "__main__":
    serve(load)
