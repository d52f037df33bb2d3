"""Feeds texts to the compiled step: few tokens at a time. torch reads the rest, prompts above all."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import numba
import numpy as np
import torch
from torch import Tensor, nn

from models.language.cache import GrowingLayer
from models.language.compiled import step
from models.language.compiled.instructions import HAS_PAIRS
from models.language.decoder import Decoder
from models.language.layers import CausalModel, Network, network_of
from models.language.padded import TorchRuntime
from models.packed import Float16, Int8, Packed, rows_of, to_bytes

VERSION: str = numba.__version__
MOST_TOKENS = 2 * step.MOST_ROWS
"""Number of tokens from which torch is faster."""
_ACTIVATIONS = {
    "silu": step.SILU,
    "swish": step.SILU,
    "gelu_new": step.TANH_GELU,
    "gelu_pytorch_tanh": step.TANH_GELU,
    "relu": step.RELU,
}
_CACHED = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class CompiledRuntime(TorchRuntime):
    """Like torch's, but a few tokens at a time are computed by a compiled function."""

    writes_single_texts = True

    def __init__(self, model: CausalModel, decoder: CompiledDecoder) -> None:
        super().__init__(model)
        self.decoder = decoder
        self.weight_bytes = decoder.weight_bytes

    @classmethod
    def of(cls, model: CausalModel, kind: type[Packed] | None) -> CompiledRuntime | None:
        """Weights are in the format `kind`, None for that of the model; None for models that are not covered.

        The model's own weights must not be packed yet.
        """
        network = network_of(model)
        if network is None or not _covers(network, model, kind):
            return None
        return cls(model, CompiledDecoder(model, network, kind))


def _covers(network: Network, model: CausalModel, kind: type[Packed] | None) -> bool:
    sizes = {network.size, model.config.hidden_size, *(layer.down_inputs for layer in network.layers)}
    return (
        network.act in _ACTIVATIONS
        and model.dtype in _CACHED
        and model.device.type == "cpu"
        and kind in {None, Float16, Int8}
        and not any(size % step.MULTIPLE for size in sizes)
    )


class CompiledDecoder:
    """Reads tokens like `Decoder`, which it leaves all to that are more than a few."""

    def __init__(self, model: CausalModel, network: Network, kind: type[Packed] | None) -> None:
        self._model = model
        self._network = network
        self._torch: Decoder | None = None
        self._kept: list[Tensor] = []
        """What the plan has the addresses of."""
        self.weight_bytes = 0
        weights = "float16" if kind is Float16 else "int8" if kind is Int8 else _CACHED[model.dtype]
        cached = "float32" if kind is not None else _CACHED[model.dtype]
        self._format = weights
        pairs = weights == "bfloat16" and HAS_PAIRS
        self._function = step.compiled(weights, cached, pairs=pairs)
        self._threads = torch.get_num_threads()
        self._helpers = ThreadPoolExecutor(max(1, self._threads - 1), thread_name_prefix="step")
        self._plans = np.zeros(1, step.PLAN)
        self._plan = self._plans[0]
        with torch.inference_mode(mode=False), torch.no_grad():
            self._describe()
        self._allocate()
        self._function.compile((numba.typeof(self._plans), numba.int64))

    def _describe(self) -> None:
        network, plan = self._network, self._plan
        first = network.layers[0]
        plan["layers"], plan["hidden"] = len(network.layers), self._model.config.hidden_size
        plan["heads"], plan["kept_heads"], plan["size"] = network.heads, network.kept_heads, network.size
        plan["inner"] = rows_of(first.up)[0].shape[0]
        plan["vocabulary"] = rows_of(network.head)[0].shape[0]
        plan["rotated"] = 0 if network.rotary is None else 2 * len(network.rotary.inv_freq)
        plan["activation"] = _ACTIVATIONS[network.act]
        plan["is_gated"], plan["is_parallel"] = first.gate is not None, first.second_norm is None
        plan["has_mean"] = isinstance(first.norm, nn.LayerNorm)
        plan["smallest"] = first.norm.eps if plan["has_mean"] else first.norm.variance_epsilon
        plan["scale"] = first.scale
        linears: list[int] = []
        norms: list[int] = []
        sizes = [count * network.size for count in (network.heads, network.kept_heads, network.kept_heads)]
        for layer in network.layers:
            if len(layer.projections) == 1:
                weight, bias = rows_of(layer.projections[0])
                biases = [None] * 3 if bias is None else bias.split(sizes)
                for part, more in zip(weight.split(sizes), biases, strict=True):
                    linears += self._linear(part, more)
            else:
                for projection in layer.projections:
                    linears += self._linear(*rows_of(projection))
            linears += self._linear(*rows_of(layer.output))
            linears += [0, 0, 0] if layer.gate is None else self._linear(*rows_of(layer.gate))
            linears += self._linear(*rows_of(layer.up))
            linears += self._linear(*rows_of(layer.down))
            norms += self._norm(layer.norm)
            norms += [0, 0] if layer.second_norm is None else self._norm(layer.second_norm)
        linears += self._linear(*rows_of(network.head))
        norms += self._norm(network.norm)
        plan["linears"] = self._keep(torch.tensor(linears))
        plan["norms"] = self._keep(torch.tensor(norms))

    def _linear(self, weight: Tensor, bias: Tensor | None) -> list[int]:
        """The addresses of weight, scales and bias of a layer."""
        scales = None
        made = weight
        if self._format == "int8":
            made, scales = to_bytes(weight)
        elif self._format == "float16":
            made = weight.half()
        made = made.contiguous()
        if made.data_ptr() != weight.data_ptr():
            self.weight_bytes += made.nbytes
        return [
            self._keep(made),
            0 if scales is None else self._keep(scales),
            0 if bias is None else self._keep(bias.float()),
        ]

    def _norm(self, layer: nn.Module) -> list[int]:
        bias = getattr(layer, "bias", None)
        return [
            self._keep(layer.weight.detach().float()),
            0 if bias is None else self._keep(bias.detach().float()),
        ]

    def _keep(self, tensor: Tensor) -> int:
        """The address of a tensor that is kept."""
        tensor = tensor.contiguous()
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _allocate(self) -> None:
        plan, network = self._plan, self._network
        hidden, inner, queries = int(plan["hidden"]), int(plan["inner"]), network.heads * network.size
        widest = max(hidden, inner, queries)
        self._states = torch.zeros(MOST_TOKENS, hidden)
        self._scores = torch.zeros(MOST_TOKENS, int(plan["vocabulary"]))
        plan["states"], plan["scores"] = self._keep(self._states), self._keep(self._scores)
        widths = {
            "projected": queries + 2 * network.kept_heads * network.size,
            "attended": queries,
            "added": hidden,
            "wide": inner,
            "second": inner,
        }
        for name, width in widths.items():
            plan[name] = self._keep(torch.zeros(MOST_TOKENS, width))
        plan["normed"] = self._keep(torch.zeros(self._threads, MOST_TOKENS, hidden))
        plan["normed_size"] = 4 * MOST_TOKENS * hidden
        plan["pairs"] = self._keep(torch.zeros(self._threads, MOST_TOKENS, widest, dtype=torch.bfloat16))
        plan["pairs_size"] = 2 * MOST_TOKENS * widest
        self._shares = torch.zeros(0)
        self._counter = torch.zeros(1, dtype=torch.long)
        plan["threads"], plan["counter"] = self._threads, self._counter.data_ptr()

    def scores(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        cache: Sequence[GrowingLayer],
        keep: int = 1,
    ) -> Tensor:
        """As `Decoder.scores`; the result is valid until the next call."""
        texts, width = ids.shape
        if texts * width > MOST_TOKENS or not cache[0].is_initialized:
            if self._torch is None:
                self._torch = Decoder.of(self._model)
                assert self._torch is not None
            return self._torch.scores(ids, positions, mask, cache, keep)
        past = cache[0].get_seq_length()
        columns = past + width
        if mask is None:
            mask = torch.ones(texts, columns, dtype=torch.long)
        network, plan = self._network, self._plan
        states = network.embed(ids).float()
        if network.embed_positions is not None:
            states += network.embed_positions(positions)
        self._states[: texts * width] = states.flatten(0, 1)
        if network.rotary is not None:
            cos, sin = (part.contiguous() for part in network.rotary(states, positions))
            plan["cos"], plan["sin"] = cos.data_ptr(), sin.data_ptr()
        first = mask.argmax(1)
        starts = torch.stack([first, (mask.sum(1) == columns - first).long()], 1)
        mask = mask.contiguous()
        kept = [layer.extend(width) for layer in cache]
        keys = np.array([one.data_ptr() for one, _ in kept])
        values = np.array([one.data_ptr() for _, one in kept])
        like = kept[0][0]
        plan["text_stride"], plan["head_stride"] = (like.stride(place) * like.element_size() for place in (0, 1))
        if self._shares.numel() < self._threads * columns:
            self._shares = torch.zeros(self._threads * (columns + 512))
        plan["shares"] = self._shares.data_ptr()
        plan["shares_size"] = self._shares.numel() // self._threads * 4
        chosen = (np.arange(texts)[:, None] * width + np.arange(width - keep, width)).ravel()
        plan["texts"], plan["width"], plan["past"] = texts, width, past
        plan["mask"], plan["starts"] = mask.data_ptr(), starts.data_ptr()
        plan["keys"], plan["values"] = keys.ctypes.data, values.ctypes.data
        plan["chosen"], plan["chosen_rows"] = len(chosen), chosen.ctypes.data
        self._counter.zero_()
        others = [
            self._helpers.submit(self._function, self._plans, thread) for thread in range(1, self._threads)
        ]
        self._function(self._plans, 0)
        wait(others)
        for other in others:
            other.result()
        return self._scores[: len(chosen)].view(texts, keep, -1)
