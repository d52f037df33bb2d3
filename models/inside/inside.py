"""Runs a model layer by layer, taking turns with generation, and gives access to the states between layers."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from transformers import DynamicCache

from models.failures import NoLayers
from models.inside.twins import TransformersModel, attentions_in, attentive_twin, layers_of, twin
from models.language.turns import Turns
from models.pretrained import index_failure

if TYPE_CHECKING:
    from torch import nn
    from transformers.cache_utils import Cache

Check: TypeAlias = Callable[[], object]
"""Called between steps of work; raises if the work was cancelled."""
Visit: TypeAlias = Callable[[int, torch.Tensor], object]
"""Called with the number of a layer and a tensor that belongs to it."""

_WEIGHT_AXES = 4
"""Of attention weights: texts, heads, tokens, tokens seen."""
_ROUNDING = 0.05
"""Tolerance for the sum of a token's weights in 16-bit formats."""
SCORES_AT_ONCE = 2**24
"""Maximum number of vocabulary scores at a time: 64 MiB in float32."""


class Inside:
    """Access to a model's internals while it runs. One view at a time; others wait.

    The model itself is not touched: views run twins of it.
    """

    def __init__(self, model: TransformersModel, name: str, turns: Turns | None = None) -> None:
        """`turns` are shared with everything else that computes with the model."""
        self._model = model
        self._name = name
        self._turns = turns or Turns()
        self._one_view = threading.Lock()
        self._check: Check = _nothing
        self._replacement: Any = None
        """The output of the tail's layers."""
        self.remembered: dict[str, Any] = {}
        """Measurements of the model that do not depend on a text."""

    @property
    def device(self) -> torch.device:
        device: torch.device = self._model.device
        return device

    @contextmanager
    def looking(self, check: Check) -> Iterator[None]:
        """Context of a view: excludes other views, and takes turns with generation."""
        with self._one_view, self._turns, torch.inference_mode():
            self._check = check
            try:
                check()
                yield
            finally:
                self._check = _nothing

    def step(self) -> None:
        """Between two steps of a view: end it if it was cancelled, or let others go first."""
        self._check()
        self._turns.pass_on()

    def hidden(
        self,
        ids: torch.Tensor,
        *,
        visit: Visit | None = None,
        cache: Cache | None = None,
        embedded: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """The last layer's output for ids of shape (texts, tokens): (texts, tokens, size), before the final norm.

        `visit` gets the input of each layer, in the same shape. `cache` contains the tokens read before, and these are
        added. `embedded` may replace the embeddings. Padding is not masked, so texts may be padded only on the right.
        """
        model = self._twin
        last: list[torch.Tensor] = []

        def enter(number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            self.step()
            hidden = arguments[0] if arguments else keywords["hidden_states"]
            if hidden.requires_grad:
                hidden.register_hook(lambda _: self.step())  # the backward pass takes as long
            if visit:
                visit(number, hidden)

        def leave(_module: object, _arguments: object, output: Any) -> None:
            last.append(output[0] if isinstance(output, tuple) else output)

        with ExitStack() as hooks:
            layers = self._layers(model)
            for number, layer in enumerate(layers):
                hooks.enter_context(
                    _hook(
                        layer.register_forward_pre_hook(
                            lambda _module, arguments, keywords, number=number: enter(
                                number, arguments, keywords
                            ),
                            with_kwargs=True,
                        )
                    )
                )
            hooks.enter_context(_hook(layers[-1].register_forward_hook(leave)))
            if embedded:
                embedding = model.get_input_embeddings()
                hooks.enter_context(
                    _hook(
                        embedding.register_forward_hook(lambda _module, _arguments, output: embedded(output))
                    )
                )
            self._run(model, ids, cache)
        return last[0]

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """The model's scores over its vocabulary, float32, for hidden states of shape (states, size): (states,
        vocabulary).

        Includes everything that the model does after its layers: final norm, projection, head, scaling, capping.
        """
        self.step()
        self._replacement = hidden[:, None]
        try:
            ids = torch.zeros(len(hidden), 1, dtype=torch.long, device=self.device)
            output: torch.Tensor = self._tail(input_ids=ids, use_cache=False).logits
        finally:
            self._replacement = None
        return output[:, 0].float()

    def score_chunks(self, hidden: torch.Tensor) -> Iterator[torch.Tensor]:
        """Like `scores`, in parts, so that long texts need little memory."""
        yield from map(self.scores, hidden.split(self.states_at_once))

    @property
    def states_at_once(self) -> int:
        """Number of hidden states whose scores are computed together."""
        return max(1, SCORES_AT_ONCE // int(self._model.get_input_embeddings().weight.shape[0]))

    def attention(self, ids: torch.Tensor, visit: Visit, cache: Cache | None = None) -> None:
        """`visit` gets the attention weights of each layer that has them, shape (texts, heads, tokens, tokens seen)."""
        model = self._attentive
        seen: list[torch.Tensor] = []

        def look(_module: object, _arguments: object, output: object) -> None:
            if isinstance(output, tuple):
                seen.extend(part for part in output[1:] if _are_weights(part, ids.shape[-1]))

        def leave(number: int) -> None:
            if seen:
                visit(number, seen[0].float())
            seen.clear()
            self.step()

        with ExitStack() as hooks:
            for number, layer in enumerate(self._layers(model)):
                for module in attentions_in(layer):
                    hooks.enter_context(_hook(module.register_forward_hook(look)))
                hooks.enter_context(
                    _hook(layer.register_forward_hook(lambda *_, number=number: leave(number)))
                )
            self._run(model, ids, cache)

    def cache(self) -> DynamicCache | None:
        """An empty cache, or None for a model that keeps a state instead of keys and values."""
        return DynamicCache() if self._keeps_tokens else None

    @property
    def layer_count(self) -> int:
        return len(self._layers(self._twin))

    def batch(self, ids: Sequence[int]) -> torch.Tensor:
        """Ids as a batch of one text."""
        return torch.tensor([list(ids)], device=self.device)

    def _run(self, model: TransformersModel, ids: torch.Tensor, cache: Cache | None) -> None:
        options: dict[str, object] = {"use_cache": cache is not None, "past_key_values": cache}
        known = {name: value for name, value in options.items() if name in self._options}
        try:
            model.base_model(input_ids=ids.to(self.device), **known)
        except IndexError as error:
            raise index_failure(self._name, error) from error

    @cached_property
    def _options(self) -> Collection[str]:
        """The model's keyword arguments besides ids."""
        return inspect.signature(self._model.base_model.forward).parameters.keys()

    @property
    def _keeps_tokens(self) -> bool:
        """Whether the model has a key-value cache."""
        return "past_key_values" in self._options and not getattr(self._model, "_is_stateful", False)

    def _layers(self, model: TransformersModel) -> list[nn.Module]:
        if not (layers := layers_of(model)):
            raise NoLayers(self._name)
        return layers

    @cached_property
    def _twin(self) -> TransformersModel:
        return twin(self._model)

    @cached_property
    def _attentive(self) -> TransformersModel:
        return attentive_twin(self._model)

    @cached_property
    def _tail(self) -> TransformersModel:
        """A twin whose layers output `_replacement`, regardless of the input."""
        made = twin(self._model)
        layers = self._layers(made)
        outputs: list[object] = []
        with _hook(layers[-1].register_forward_hook(lambda *arguments: outputs.append(arguments[2]))):
            self._run(made, self.batch([0]), None)
        beside = outputs[0][1:] if isinstance(outputs[0], tuple) else None

        def replaced(*_: object, **__: object) -> object:
            return self._replacement if beside is None else (self._replacement, *beside)

        for layer in layers:
            layer.forward = replaced
        return made


def _nothing() -> None:
    """A check that never cancels."""


def _are_weights(part: object, tokens: int) -> bool:
    """Whether an extra output of an attention module is its weights, and not a bias or keys and values."""
    if not isinstance(part, torch.Tensor) or part.ndim != _WEIGHT_AXES or part.shape[-2] != tokens:
        return False
    return bool((part >= 0).all()) and bool((part.sum(-1) <= 1 + _ROUNDING).all())


@contextmanager
def _hook(handle: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()
