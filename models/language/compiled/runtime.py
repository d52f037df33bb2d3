"""Feeds texts to the compiled step, a limited number of tokens at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor, nn

from models.language.cache import CACHE_GROWTH, GrowingLayer
from models.language.compiled import plan as plans
from models.language.compiled.attention import BLOCK
from models.language.compiled.instructions import HAS_PAIRS, LANES, Arithmetic
from models.language.compiled.packed import PackedPanels
from models.language.compiled.plan import MOST_TOKENS
from models.language.compiled.step import step
from models.language.decoder import Decoder
from models.language.layers import CausalModel, Module, Network, network_of
from models.language.padded import TorchRuntime
from models.packed import Packed, PackedLinear, packed_in, rows_of

VERSION: str = numba.__version__
REVISION = 2
"""Counted up whenever the step becomes faster, so that it is measured again."""
_FEW = 16
"""Maximum number of tokens of a step if torch reads prompts."""
_START = 60.0
"""Seconds in which the threads must have started."""
_NOBODY = 1 << 62
"""A counter of threads with which none waits for another."""
_ACTIVATIONS = {
    "silu": plans.SILU,
    "swish": plans.SILU,
    "gelu_new": plans.TANH_GELU,
    "gelu_pytorch_tanh": plans.TANH_GELU,
    "relu": plans.RELU,
}
_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class CompiledRuntime(TorchRuntime):
    """Computes with a compiled step, and keeps keys and values as torch does."""

    writes_single_texts = True

    def __init__(self, model: CausalModel, decoder: CompiledDecoder) -> None:
        super().__init__(model)
        self.decoder: CompiledDecoder = decoder
        self.weight_bytes = decoder.weight_bytes

    @classmethod
    def of(cls, model: CausalModel) -> CompiledRuntime | None:
        """None for models, or weight formats, that are not covered."""
        network, decoder, arithmetic = network_of(model), Decoder.of(model), _arithmetic(model)
        if network is None or decoder is None or arithmetic is None or model.dtype not in _NAMES:
            return None
        if not _fits(network, model, arithmetic):
            return None
        return cls(model, CompiledDecoder(model, network, decoder, arithmetic))

    @property
    def is_steady(self) -> bool:
        return self.decoder.most_tokens == inf

    def leave_prompts_to_torch(self) -> None:
        """Compute with torch what has many tokens, where its products are faster: on processors with AMX, for one."""
        self.decoder.most_tokens = _FEW


def covers(model: CausalModel, kind: type[Packed] | None) -> bool:
    """Whether there is a runtime for a model, once its weights are packed as `kind` unless that is None."""
    network = network_of(model)
    if kind is None:
        arithmetic, dtype = _arithmetic(model), model.dtype
    else:
        arithmetic, dtype = getattr(kind, "arithmetic", None), kind.states
    if dtype not in _NAMES:
        return False
    return network is not None and arithmetic is not None and _fits(network, model, arithmetic)


def _fits(network: Network, model: CausalModel, arithmetic: Arithmetic) -> bool:
    widths = {model.config.hidden_size, network.heads * network.size}
    widths |= {_inputs(layer.down) for layer in network.layers}
    return (
        network.act in _ACTIVATIONS
        and model.device.type == "cpu"
        and len({layer.scale for layer in network.layers}) == 1
        and network.size % LANES == 0
        and not any(width % arithmetic.numbers for width in widths)
    )


def _arithmetic(model: CausalModel) -> Arithmetic | None:
    """The best that the processor has for the weights of a model's layers; None if they are packed for others."""
    packed = packed_in(model)
    if not packed:
        return _plain(model)
    kinds = {type(one) for one in packed}
    (kind, *others) = kinds
    return kind.arithmetic if issubclass(kind, PackedPanels) and not others else None


def _plain(model: CausalModel) -> Arithmetic:
    """For weights that are not packed."""
    name = _NAMES.get(model.dtype, "float32")
    return Arithmetic(name, "bfloat16" if name == "bfloat16" and HAS_PAIRS else "float32")


def _inputs(layer: nn.Module) -> int:
    return layer.packed.inputs if isinstance(layer, PackedLinear) else rows_of(layer)[0].shape[1]


def _outputs(layer: nn.Module) -> int:
    return layer.packed.outputs if isinstance(layer, PackedLinear) else rows_of(layer)[0].shape[0]


def _started(count: int) -> ThreadPoolExecutor:
    """So many threads, all of them running already: a step could not go on without one that fails to start.

    Raises RuntimeError or BrokenBarrierError.
    """
    made = ThreadPoolExecutor(max(1, count), thread_name_prefix="step")
    if count > 1:
        barrier = threading.Barrier(count)
        for ready in [made.submit(barrier.wait, _START) for _ in range(count)]:
            ready.result()
    elif count == 1:
        made.submit(int).result()
    return made


class CompiledDecoder:
    """Reads tokens like `Decoder`, in as many steps as it takes."""

    def __init__(
        self,
        model: CausalModel,
        network: Network,
        torch_decoder: Decoder,
        arithmetic: Arithmetic,
    ) -> None:
        self._model = model
        self._network = network
        self._torch = torch_decoder
        self.most_tokens: float = inf
        """Maximum number of tokens that are read at once; torch reads more."""
        self._kept: list[Tensor] = []
        """What the plan has the addresses of."""
        self.weight_bytes = 0
        self._arithmetic = arithmetic
        # The embeddings may have the head's weights, as they are.
        self._head = arithmetic if isinstance(network.head, PackedLinear) else _plain(model)
        if self._head.state_format != arithmetic.state_format:
            raise TypeError("the output head needs states in another format")
        self._function = step(arithmetic, self._head, _NAMES[model.dtype])
        self._threads = torch.get_num_threads()
        self._helpers = _started(self._threads - 1)
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
        plan["inner"] = _outputs(first.up)
        plan["vocabulary"] = _outputs(network.head)
        plan["rotated"] = 0 if network.rotary is None else 2 * len(network.rotary.inv_freq)
        plan["activation"] = _ACTIVATIONS[network.act]
        plan["is_gated"], plan["is_parallel"] = first.gate is not None, first.second_norm is None
        plan["is_fused"] = len(first.projections) == 1
        plan["has_mean"] = isinstance(first.norm, nn.LayerNorm)
        plan["smallest"] = first.norm.eps if plan["has_mean"] else first.norm.variance_epsilon
        plan["scale"] = first.scale
        linears: list[int] = []
        norms: list[int] = []
        for layer in network.layers:
            linears += self._projections(layer.projections)
            linears += self._linear(layer.output)
            linears += [0, 0, 0, 0] if layer.gate is None else self._linear(layer.gate)
            linears += self._linear(layer.up) + self._linear(layer.down)
            norms += self._norm(layer.norm)
            norms += [0, 0] if layer.second_norm is None else self._norm(layer.second_norm)
        linears += self._linear(network.head, self._head)
        norms += self._norm(network.norm)
        plan["linears"] = self._keep(torch.tensor(linears))
        plan["norms"] = self._keep(torch.tensor(norms))

    def _projections(self, layers: Sequence[nn.Module]) -> list[int]:
        """The entries of queries, keys and values; if one layer makes all, the other entries are empty."""
        made = [number for layer in layers for number in self._linear(layer)]
        return made + [0] * (3 * plans.LINEAR // 8 - len(made))

    def _linear(self, layer: nn.Module, arithmetic: Arithmetic | None = None) -> list[int]:
        """The entry of a linear layer: the addresses of weight, scales, bias and offsets."""
        arithmetic = arithmetic or self._arithmetic
        if isinstance(layer, PackedLinear):
            rows = layer.packed
            if not isinstance(rows, PackedPanels):
                raise TypeError(f"{rows.library} has packed the weights")
            self._kept += rows.tensors
            return rows.entry
        weight, bias = rows_of(layer)
        if arithmetic.in_panels or _NAMES.get(weight.dtype) != arithmetic.weight_format:
            raise TypeError("only some of the weights are packed")
        made = weight.contiguous()
        if made.data_ptr() != weight.data_ptr():
            self.weight_bytes += made.nbytes
        return [self._keep(made), 0, 0 if bias is None else self._keep(bias.float()), 0]

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
        plan["inputs_size"] = 4 * MOST_TOKENS * (widest + 1)
        plan["inputs"] = self._keep(torch.zeros(self._threads, int(plan["inputs_size"]) // 4))
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
        like = torch.empty(texts, network.kept_heads, 0, network.size, dtype=self._model.dtype)
        kept = [layer.extend(width, like) for layer in cache]
        keys = np.array([one.data_ptr() for one, _ in kept])
        values = np.array([one.data_ptr() for _, one in kept])
        (any_keys, _), *_ = kept
        if any(one.stride() != any_keys.stride() for one, _ in kept):
            raise RuntimeError("the layers of the cache differ")  # after a step that failed halfway
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
        others: list[Future[Any]] = []
        try:
            for thread in range(1, self._threads):
                others.append(self._helpers.submit(self._function, self._plans, thread))  # noqa: PERF401 - see below
            self._function(self._plans, 0)
        except BaseException:
            # When the interpreter ends, nothing more can be submitted. What was must not wait for the rest.
            self._counters[0, 0] = _NOBODY
            raise
        finally:
            for other in others:
                other.result()
