"""The layers of common causal language models as a graph for OpenVINO, with paged attention.

Embeddings and rotary angles are inputs: torch computes them in a few microseconds, and in full precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import openvino
import torch
from openvino import Type, opset13
from openvino.op import _PagedAttentionExtension as PagedAttention
from torch import nn

from models.language.decoder import CausalModel, Decoder
from models.packed import BFloat16, Float16, Int8, Int8OfTorch, Packed, rows_of, to_bytes

Node: TypeAlias = Any
"""A node of the graph, or one of its outputs; OpenVINO's own types are too loose for this module."""
Layer: TypeAlias = Any
"""A module of transformers."""

STATES, COSINES, SINES, CHOSEN = "states", "cosines", "sines", "chosen"
"""Inputs: embeddings, shape (tokens, width); the rotary embedding of each token, shape (tokens, rotated size); and
the tokens whose scores are asked for.
"""
PAST, BEGINS, PAGES, PAGE_BEGINS, LONGEST = (
    "past_lens",
    "subsequence_begins",
    "block_indices",
    "block_indices_begins",
    "max_context_len",
)
"""Inputs: for each text, its number of cached tokens, and where its new tokens and its pages begin; the pages; and the
number of tokens of the longest text.
"""
KEYS, VALUES = "key_cache.{}", "value_cache.{}"
"""Inputs: the pages of a layer."""

_OFF: tuple[tuple[Sequence[int], type], ...] = (
    ([0], np.int32), ([0], np.int32), ([0, 0], np.int32), ([0, 0], np.float32), ([0], np.float32), ([], np.int32),
    ([], np.int32), ([0], np.float32), ([], np.int32), ([0], np.int32), ([0], np.int32), ([0], np.int32),
    ([0], np.int32), ([0], np.uint8), ([0], np.int32),
)  # fmt: skip
"""Shapes and types of the inputs of paged attention that switch off what is not used here: scores of the cache,
rotation and removal of pages, sparse attention, sinks, token types and masks of trees.
"""

_ACTIVATIONS: dict[str, Callable[[Node], Node]] = {
    "silu": opset13.swish,
    "swish": opset13.swish,
    "gelu": lambda states: opset13.gelu(states, "erf"),
    "gelu_new": lambda states: opset13.gelu(states, "tanh"),
    "gelu_pytorch_tanh": lambda states: opset13.gelu(states, "tanh"),
    "relu": opset13.relu,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Heads of a model's attention."""

    layers: int
    heads: int
    kept_heads: int
    """Heads of keys and values."""
    size: int
    """Of a head."""
    rotated: int
    """Rotated numbers of each head; 0 if the model has no rotary embedding."""


def build(model: CausalModel, kind: type[Packed] | None) -> tuple[openvino.Model, Shape] | None:
    """A graph with weights in this format (None: as they are); None for models that this module does not cover.

    The model's own weights must not be packed.
    """
    config = model.config
    act = getattr(config, "hidden_act", None) or getattr(config, "activation_function", None)
    if Decoder.of(model) is None or act not in _ACTIVATIONS:
        return None
    rotary = getattr(model.base_model, "rotary_emb", None)
    shape = Shape(
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kept_heads=getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
        size=getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        rotated=0 if rotary is None else 2 * len(rotary.inv_freq),
    )
    make = _KINDS[type(model).__name__]
    return make(model, _Graph(shape, _ACTIVATIONS[act], kind)), shape


class _Graph:
    def __init__(self, shape: Shape, act: Callable[[Node], Node], kind: type[Packed] | None) -> None:
        self._shape = shape
        self._act = act
        self._kind = kind
        self._inputs: list[Node] = []
        self.states = self._input(STATES, [-1, -1], Type.f32)
        self._chosen = self._input(CHOSEN, [-1], Type.i64)
        self._texts = [self._input(name, [-1], Type.i32) for name in (PAST, BEGINS, PAGES, PAGE_BEGINS)]
        self._longest = self._input(LONGEST, [], Type.i32)
        self._rotary: list[Node] = []
        if shape.rotated:
            angles = [self._input(name, [-1, shape.rotated], Type.f32) for name in (COSINES, SINES)]
            self._rotary = [opset13.unsqueeze(angle, _constant(np.int64(1))) for angle in angles]

    def _input(self, name: str, shape: Sequence[int], kind: Type) -> Node:
        node = opset13.parameter(shape, kind, name=name)
        node.output(0).set_names({name})
        self._inputs.append(node)
        return node

    def finished(self, norm: Layer, head: nn.Module) -> openvino.Model:
        """The graph, with the scores of the chosen tokens as its result."""
        chosen = opset13.gather(self.states, self._chosen, _constant(np.int64(0)))
        scores = self.product(self.norm(chosen, norm), head)
        return openvino.Model([opset13.result(scores)], self._inputs, "decoder")

    def product(self, states: Node, *layers: nn.Module) -> Node:
        """The outputs of linear layers, one after the other, as one product."""
        parts = [rows_of(layer) for layer in layers]
        weight = torch.cat([weight for weight, _ in parts])
        made = opset13.matmul(states, self._weight(weight), transpose_a=False, transpose_b=True)
        biases = [bias for _, bias in parts if bias is not None]
        if len(biases) not in {0, len(parts)}:
            raise ValueError("only some of the layers have a bias")
        return opset13.add(made, _constant(torch.cat(biases).float().numpy())) if biases else made

    def _weight(self, weight: torch.Tensor) -> Node:
        if self._kind in {Int8, Int8OfTorch}:
            whole, scale = to_bytes(weight)
            return opset13.multiply(
                opset13.convert(_constant(whole.numpy()), "f32"), _constant(scale[:, None].numpy())
            )
        if self._kind is BFloat16 or (self._kind is None and weight.dtype == torch.bfloat16):
            bits = weight.bfloat16().contiguous().view(torch.uint16).numpy()
            tensor = openvino.Tensor(bits, openvino.Shape(weight.shape), Type.bf16)
            return _widened(openvino.op.Constant(tensor, shared_memory=False))
        if self._kind is Float16:
            return _widened(_constant(weight.half().contiguous().numpy()))
        return _constant(weight.float().contiguous().numpy())

    def norm(self, states: Node, layer: Layer) -> Node:
        last = _constant(np.array([-1], dtype=np.int64))
        weight = _constant(layer.weight.detach().float().numpy())
        if isinstance(layer, nn.LayerNorm):
            made = opset13.mvn(states, last, True, layer.eps, "inside_sqrt")
            return opset13.add(opset13.multiply(made, weight), _constant(layer.bias.detach().float().numpy()))
        squares = opset13.reduce_mean(opset13.power(states, _constant(np.float32(2))), last, keep_dims=True)
        root = opset13.sqrt(opset13.add(squares, _constant(np.float32(layer.variance_epsilon))))
        return opset13.multiply(
            opset13.multiply(states, opset13.divide(_constant(np.float32(1)), root)), weight
        )

    def attention(self, place: int, scale: float, queries: Node, keys: Node, values: Node) -> Node:
        """Attention of all new tokens, each to those of its text before it and to itself, after adding their keys and
        values to the pages.
        """
        shape = self._shape
        if self._rotary:
            queries, keys = self._rotated(queries, shape.heads), self._rotated(keys, shape.kept_heads)
        pages = [
            self._input(name.format(place), [-1, shape.kept_heads, -1, shape.size], Type.dynamic)
            for name in (KEYS, VALUES)
        ]
        window, slopes = _constant(np.int32(0)), _constant(np.zeros(0, dtype=np.float32))
        off = [_constant(np.zeros(size, dtype=kind)) for size, kind in _OFF]
        inputs = [
            *(queries, keys, values),
            *pages,
            *self._texts,
            *(_constant(np.float32(scale)), window, slopes, self._longest),
            *off,
        ]
        node = PagedAttention([one if isinstance(one, openvino.Output) else one.output(0) for one in inputs])
        facts = node.get_rt_info()
        for name in ("k", "v"):
            facts[f"{name}_head_size"] = shape.size
            facts[f"num_{name}_heads"] = shape.kept_heads
        return node.output(0)

    def _rotated(self, states: Node, heads: int) -> Node:
        """Rotary position embedding (Su et al. 2021, "RoFormer") of the first numbers of each head."""
        size, rotated = self._shape.size, self._shape.rotated
        cosines, sines = self._rotary
        states = opset13.reshape(states, _whole([-1, heads, size]), special_zero=False)
        rest = None
        if rotated < size:
            states, rest = self.split(states, [rotated, size - rotated], 2)
        first, second = self.split(states, [rotated // 2, rotated // 2], 2)
        turned = opset13.concat([opset13.multiply(second, _constant(np.float32(-1))), first], 2)
        made = opset13.add(opset13.multiply(states, cosines), opset13.multiply(turned, sines))
        if rest is not None:
            made = opset13.concat([made, rest], 2)
        return opset13.reshape(made, _whole([-1, heads * size]), special_zero=False)

    @staticmethod
    def split(states: Node, sizes: Sequence[int], axis: int = 1) -> list[Node]:
        return list(opset13.variadic_split(states, _constant(np.int64(axis)), _whole(sizes)).outputs())

    def separate(self, together: Node) -> list[Node]:
        """Queries, keys and values, computed as one."""
        shape = self._shape
        kept = shape.kept_heads * shape.size
        return self.split(together, [shape.heads * shape.size, kept, kept])

    def gated(self, states: Node, gate: nn.Module, up: nn.Module, down: nn.Module) -> Node:
        """A gated feed-forward network (Shazeer 2020, "GLU Variants Improve Transformer")."""
        width = rows_of(gate)[0].shape[0]
        gates, ups = self.split(self.product(states, gate, up), [width, width])
        return self.product(opset13.multiply(self._act(gates), ups), down)

    def plain(self, states: Node, widen: nn.Module, narrow: nn.Module) -> Node:
        return self.product(self._act(self.product(states, widen)), narrow)


def _constant(value: Any) -> Node:
    return opset13.constant(value)


def _whole(numbers: Sequence[int]) -> Node:
    return _constant(np.array(numbers, dtype=np.int64))


def _widened(weight: Node) -> Node:
    """A weight as float32. The mark keeps OpenVINO from widening it before it is multiplied; bytes need none."""
    made = opset13.convert(weight, "f32")
    made.get_rt_info()["decompression_0"] = ""
    return made


def _llama(model: CausalModel, graph: _Graph) -> openvino.Model:
    for place, layer in enumerate(model.model.layers):
        own, network = layer.self_attn, layer.mlp
        normed = graph.norm(graph.states, layer.input_layernorm)
        parts = graph.separate(graph.product(normed, own.q_proj, own.k_proj, own.v_proj))
        attended = graph.product(graph.attention(place, own.scaling, *parts), own.o_proj)
        graph.states = opset13.add(graph.states, attended)
        normed = graph.norm(graph.states, layer.post_attention_layernorm)
        fed = graph.gated(normed, network.gate_proj, network.up_proj, network.down_proj)
        graph.states = opset13.add(graph.states, fed)
    return graph.finished(model.model.norm, model.lm_head)


def _phi(model: CausalModel, graph: _Graph) -> openvino.Model:
    for place, layer in enumerate(model.model.layers):
        own = layer.self_attn
        normed = graph.norm(graph.states, layer.input_layernorm)
        parts = graph.separate(graph.product(normed, own.q_proj, own.k_proj, own.v_proj))
        attended = graph.product(graph.attention(place, own.scaling, *parts), own.dense)
        fed = graph.plain(normed, layer.mlp.fc1, layer.mlp.fc2)
        graph.states = opset13.add(opset13.add(attended, fed), graph.states)
    return graph.finished(model.model.final_layernorm, model.lm_head)


def _gpt2(model: CausalModel, graph: _Graph) -> openvino.Model:
    for place, block in enumerate(model.transformer.h):
        own = block.attn
        normed = graph.norm(graph.states, block.ln_1)
        parts = graph.separate(graph.product(normed, own.c_attn))
        attended = graph.product(graph.attention(place, own.scaling, *parts), own.c_proj)
        graph.states = opset13.add(graph.states, attended)
        normed = graph.norm(graph.states, block.ln_2)
        graph.states = opset13.add(graph.states, graph.plain(normed, block.mlp.c_fc, block.mlp.c_proj))
    return graph.finished(model.transformer.ln_f, model.lm_head)


_KINDS: dict[str, Callable[[CausalModel, _Graph], openvino.Model]] = {
    "GPT2LMHeadModel": _gpt2,
    "LlamaForCausalLM": _llama,
    "MistralForCausalLM": _llama,
    "PhiForCausalLM": _phi,
    "Qwen2ForCausalLM": _llama,
}
