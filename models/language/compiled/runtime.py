"""Feeds texts to the compiled step: few tokens at a time. torch reads the rest, prompts above all."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf

import numba
import numpy as np
import torch
from torch import Tensor, nn

from models.language.cache import CACHE_GROWTH, GrowingLayer
from models.language.compiled import plan as plans
from models.language.compiled.attention import BLOCK
from models.language.compiled.instructions import HAS_FOURS, HAS_PAIRS, LANES, Arithmetic
from models.language.compiled.panels import MIDDLE, OUTPUTS, panels_of
from models.language.compiled.step import step
from models.language.decoder import Decoder
from models.language.layers import CausalModel, Module, Network, network_of
from models.language.padded import TorchRuntime
from models.packed import Float16, Int8, Int8OfTorch, Packed, rows_of, to_bytes

VERSION: str = numba.__version__
MOST_TOKENS = 128
"""Maximum number of tokens of a step."""
_MULTIPLE = 4 * LANES
"""What the sizes of a model must be multiples of."""
_FEW = 16
"""Maximum number of tokens of a step if torch reads prompts."""
_ACTIVATIONS = {
    "silu": plans.SILU,
    "swish": plans.SILU,
    "gelu_new": plans.TANH_GELU,
    "gelu_pytorch_tanh": plans.TANH_GELU,
    "relu": plans.RELU,
}
_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class CompiledRuntime(TorchRuntime):
    """Like torch's, but a few tokens at a time are computed by a compiled function."""

    writes_single_texts = True

    def __init__(self, model: CausalModel, decoder: CompiledDecoder) -> None:
        super().__init__(model)
        self.decoder: CompiledDecoder = decoder
        self.weight_bytes = decoder.weight_bytes

    @classmethod
    def of(cls, model: CausalModel, kind: type[Packed] | None) -> CompiledRuntime | None:
        """None for models that are not covered. Weights are in the format `kind`, or that of the model if it is None.

        The model's own weights must not be packed yet.
        """
        network, decoder = network_of(model), Decoder.of(model)
        arithmetic = _arithmetic(model, kind)
        if network is None or decoder is None or not _covers(network, model, arithmetic):
            return None
        cached = model.dtype if kind is None else kind.states
        return cls(model, CompiledDecoder(model, network, decoder, arithmetic, cached))

    def leave_prompts_to_torch(self) -> None:
        """Compute with torch what has many tokens, where its products are faster: on processors with AMX, for one."""
        self.decoder.most_tokens = _FEW


def _covers(network: Network, model: CausalModel, arithmetic: Arithmetic) -> bool:
    widths = {model.config.hidden_size, network.heads * network.size}
    widths |= {rows_of(layer.down)[0].shape[1] for layer in network.layers}
    return (
        network.act in _ACTIVATIONS
        and model.dtype in _NAMES
        and model.device.type == "cpu"
        and len({layer.scale for layer in network.layers}) == 1
        and network.size % LANES == 0
        and not any(width % arithmetic.numbers for width in widths)
    )


def _arithmetic(model: CausalModel, kind: type[Packed] | None) -> Arithmetic:
    """The best that the processor has for these weights."""
    if kind is Float16:
        return Arithmetic("float16", "float32")
    if kind in {Int8, Int8OfTorch}:
        return Arithmetic("int8", "uint8" if HAS_FOURS else "float32")
    name = _NAMES.get(model.dtype, "float32")
    return Arithmetic(name, "bfloat16" if name == "bfloat16" and HAS_PAIRS else "float32")


class CompiledDecoder:
    """Reads tokens like `Decoder`, which it leaves all to that are more than a few."""

    def __init__(
        self,
        model: CausalModel,
        network: Network,
        torch_decoder: Decoder,
        arithmetic: Arithmetic,
        cached: torch.dtype,
    ) -> None:
        """`cached` is the data type of keys and values."""
        self._model = model
        self._network = network
        self._torch = torch_decoder
        self.most_tokens: float = inf
        """Maximum number of tokens that are read at once; torch reads more."""
        self._kept: list[Tensor] = []
        """What the plan has the addresses of."""
        self.weight_bytes = 0
        self._format = arithmetic.weight_format
        self._is_in_panels = arithmetic.state_format == "uint8"
        self._cached = cached
        self._function = step(arithmetic, _NAMES[cached])
        self._threads = torch.get_num_threads()
        self._helpers = ThreadPoolExecutor(max(1, self._threads - 1), thread_name_prefix="step")
        self._plans = np.zeros(1, plans.PLAN)
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
            linears += [0, 0, 0, 0] if layer.gate is None else self._linear(*rows_of(layer.gate))
            linears += self._linear(*rows_of(layer.up))
            linears += self._linear(*rows_of(layer.down))
            norms += self._norm(layer.norm)
            norms += [0, 0] if layer.second_norm is None else self._norm(layer.second_norm)
        linears += self._linear(*rows_of(network.head))
        norms += self._norm(network.norm)
        plan["linears"] = self._keep(torch.tensor(linears))
        plan["norms"] = self._keep(torch.tensor(norms))

    def _linear(self, weight: Tensor, bias: Tensor | None) -> list[int]:
        """The addresses of weight, scales, bias and offsets of a layer."""
        scales = offsets = None
        made = weight
        if self._format == "int8":
            made, scales = to_bytes(weight)
            if self._is_in_panels:
                offsets = made.sum(1, dtype=torch.int32) * MIDDLE
                made = panels_of(made)
        elif self._format == "float16":
            made = weight.half()
        made = made.contiguous()
        if made.data_ptr() != weight.data_ptr():
            self.weight_bytes += made.nbytes
        return [
            self._keep(made),
            0 if scales is None else self._keep(scales),
            0 if bias is None else self._keep(bias.float()),
            0 if offsets is None else self._keep(offsets),
        ]

    def _norm(self, layer: Module) -> list[int]:
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
        plan["steps"] = 4 * MOST_TOKENS * widest
        plan["inputs_size"] = int(plan["steps"]) + 4 * MOST_TOKENS
        plan["inputs"] = self._keep(torch.zeros(self._threads, int(plan["inputs_size"]) // 4))
        plan["sums_size"] = 4 * 2 * MOST_TOKENS * OUTPUTS
        plan["sums"] = self._keep(torch.zeros(self._threads, 2 * MOST_TOKENS, OUTPUTS))
        plan["queries_size"] = 4 * (2 * BLOCK * network.size + BLOCK)
        plan["queries"] = self._keep(torch.zeros(self._threads, int(plan["queries_size"]) // 4))
        self._shares = torch.zeros(self._threads, 0)
        self._counters = torch.zeros(self._threads + 1, 8, dtype=torch.long)
        plan["threads"], plan["counters"] = self._threads, self._counters.data_ptr()

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
        if texts > MOST_TOKENS or texts * width > self.most_tokens:
            return self._torch.scores(ids, positions, mask, cache, keep)
        if mask is None:
            mask = torch.ones(texts, cache[0].get_seq_length() + width, dtype=torch.long)
        past = mask.shape[1] - width
        most = MOST_TOKENS // texts
        made = []
        for begin in range(0, width, most):
            end = min(begin + most, width)
            seen = mask[:, : past + end].contiguous()
            kept = min(end - begin, max(0, keep - (width - end)))
            scores = self._step(ids[:, begin:end], positions[:, begin:end], seen, cache, kept)
            made.append(scores if end == width else scores.clone())
        return made[-1] if len(made) == 1 or made[-1].shape[1] == keep else torch.cat(made, 1)

    def _step(
        self, ids: Tensor, positions: Tensor, mask: Tensor, cache: Sequence[GrowingLayer], keep: int
    ) -> Tensor:
        """As `scores`, for at most MOST_TOKENS tokens; `keep` may be 0."""
        network, plan = self._network, self._plan
        texts, width = ids.shape
        columns = mask.shape[1]
        states = network.embed(ids).float()
        if network.embed_positions is not None:
            states += network.embed_positions(positions)
        self._states[: texts * width] = states.flatten(0, 1)
        used = [mask]
        if network.rotary is not None:
            cos, sin = (part.contiguous() for part in network.rotary(states, positions))
            plan["cos"], plan["sin"] = cos.data_ptr(), sin.data_ptr()
            used += [cos, sin]
        first = mask.argmax(1)
        starts = torch.stack([first, (mask.sum(1) == columns - first).long()], 1)
        like = torch.empty(texts, network.kept_heads, 0, network.size, dtype=self._cached)
        kept = [layer.extend(width, like) for layer in cache]
        keys = np.array([one.data_ptr() for one, _ in kept])
        values = np.array([one.data_ptr() for _, one in kept])
        (any_keys, _), *_ = kept
        plan["text_stride"], plan["head_stride"] = (
            any_keys.stride(place) * any_keys.element_size() for place in (0, 1)
        )
        if self._shares.shape[1] < BLOCK * columns:
            self._shares = torch.zeros(self._threads, BLOCK * (columns + CACHE_GROWTH))
            plan["shares"], plan["shares_size"] = self._shares.data_ptr(), 4 * self._shares.shape[1]
        chosen = (np.arange(texts)[:, None] * width + np.arange(width - keep, width)).ravel()
        plan["texts"], plan["width"], plan["past"] = texts, width, columns - width
        plan["mask"], plan["starts"] = mask.data_ptr(), starts.data_ptr()
        plan["keys"], plan["values"] = keys.ctypes.data, values.ctypes.data
        plan["chosen"], plan["chosen_rows"] = len(chosen), chosen.ctypes.data
        self._compute()
        del used
        return self._scores[: len(chosen)].view(texts, keep, self._scores.shape[1])

    def _compute(self) -> None:
        self._counters.zero_()
        others = [
            self._helpers.submit(self._function, self._plans, thread) for thread in range(1, self._threads)
        ]
        self._function(self._plans, 0)
        for other in others:
            other.result()
