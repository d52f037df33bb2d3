"""Continuous batching: texts join and leave a running batch of a causal language model between two tokens.

A sequence is computed solo until its prompt is read, exactly as `generate` of transformers would, then in a batch with the
others: they share one cache, padded on the left. A sequence without company stays solo, and so equals `generate` bit by
bit. In a batch, sums are rounded in another order. In float32 the engine knows how far that can lead (it measures the error
when it is made and whenever it can), and wherever that could decide a token, it computes the sequence again, solo, up to
this token. In lower precision texts may differ; `together=False` computes all of them solo.

Why not the engine of transformers 5 (`init_continuous_batching`): it drops the penalties that models ask for in their
`generation_config`, draws everybody's tokens with the process's random numbers, reports the probability of the chosen token
only, fails all requests of a batch with one, and serves first come, first served.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import torch
from transformers import LogitsProcessorList, MaxTimeCriteria, StoppingCriteriaList, StopStringCriteria
from transformers.cache_utils import Cache, DynamicLayer, DynamicSlidingWindowLayer

from models import memory
from models.failures import (
    LateBeforeStart,
    NoMemoryForText,
    Stopped,
    StoppedBeforeStart,
    TooManyTokens,
    UnusableStop,
)
from models.fair_queue import FairQueue
from models.language.sampler import ChosenToken, Sampler
from models.language.turns import Turns
from models.packed import packed_in
from models.results import Finish
from models.sampling import GREEDY, Sampling
from models.tokenizers.tokenizer import PretrainedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

T = TypeVar("T")

CausalModel: TypeAlias = Any
"""A causal language model of transformers, which are typed too loosely for what is used of them here."""
ModelInputs: TypeAlias = dict[str, Any]
"""What `generate` gives a model at each step: the cache, the mask, and whatever else that model takes."""

BATCH_SIZE = 16
"""Texts that are written at once, unless said otherwise."""
KV_TOKENS = 16_384
"""Tokens for which the cache has room, unless said otherwise."""
CACHE_GROWTH = 64
"""Tokens by which a cache grows at a time."""
MEMORY_HEADROOM = 1.25
"""How much more memory than a cache takes must be free before it is made."""
ERROR_MARGIN = 16.0
"""Factor by which errors are expected to exceed the largest that was seen in float32."""
_LEAST_ERROR = 2.0**-20
"""The error, as a share of the largest score, that is expected at least."""
_BATCHING_TOLERANCE = 0.05
"""Difference between solo and batched scores, as a share of the largest score, past which a model cannot be batched."""
_VERIFIED_TOKENS = 3
"""Tokens for which solo and batched scores are compared when a model is verified."""
_MOST_RECOMPUTATIONS = 3
"""A sequence that must be computed again this often stays solo from then on."""
_BATCHABLE_INPUTS = {"past_key_values", "attention_mask", "position_ids", "use_cache", "logits_to_keep"}
"""The model inputs that can be put together for several sequences."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What is to be written: at most `max_new_tokens` tokens after `ids`.

    A `repetition_penalty` other than 1 replaces that of the model's own settings. `stop` and `deadline` (of
    `time.monotonic()`) are checked after each token. Waiting requests take turns by `user`. `on_position` is called, on
    some thread, with the place in the queue whenever that changes: 1 for the next, 0 for started.
    """

    ids: Sequence[int]
    max_new_tokens: int
    sampling: Sampling = GREEDY
    user: Hashable = None
    stop: threading.Event | None = None
    deadline: float | None = None
    on_position: Callable[[int], object] | None = None

    @property
    def length(self) -> int:
        """Tokens that it takes in the cache at most."""
        return len(self.ids) + self.max_new_tokens

    @property
    def interruption(self) -> Finish | None:
        """STOPPED or DEADLINE if the text should end now."""
        if self.stop is not None and self.stop.is_set():
            return Finish.STOPPED
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return Finish.DEADLINE if late else None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """An engine at one moment: texts being written and waiting, tokens that the cache has room for, in use and at most, and
    the bytes of the room in use. `recomputed` counts the tokens that were computed again, solo.
    """

    running: int
    waiting: int
    kv_tokens: int
    kv_limit: int
    kv_bytes: int
    recomputed: int


@dataclass(frozen=True, slots=True)
class _End:
    """The last item of a stream."""

    finish: Finish | None


class Stream:
    """The tokens of one request, to be iterated once, from any one thread; raises what ended it if it failed."""

    def __init__(self, request: GenerationRequest, stop_strings: StopStringCriteria | None = None) -> None:
        """`stop_strings` says whether the text has come to one of `request.sampling.stop`."""
        self.request = request
        self.stop_strings = stop_strings
        self.finish: Finish | None = None
        """After the last token: STOPPED, DEADLINE, STOP, or None where the model or the limit ended the text."""
        self.position = 0
        self.cancelled = threading.Event()
        self._items: queue.SimpleQueue[ChosenToken | BaseException | _End] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[ChosenToken]:
        while True:
            match self._items.get():
                case ChosenToken() as token:
                    yield token
                case _End(finish):
                    self.finish = finish
                    return
                case error:
                    raise error

    def cancel(self) -> None:
        """End it before its next token."""
        self.cancelled.set()

    @property
    def interruption(self) -> Finish | None:
        return Finish.STOPPED if self.cancelled.is_set() else self.request.interruption

    def put(self, token: ChosenToken) -> None:
        """For the engine: the next token."""
        self._items.put(token)

    def end(self, finish: Finish | None) -> None:
        """For the engine: there are no more tokens."""
        self._items.put(_End(finish))

    def fail(self, error: BaseException) -> None:
        """For the engine: what the reader is to raise."""
        self._items.put(error)

    def set_position(self, position: int) -> None:
        """For the engine: the place in the queue."""
        if position != self.position:
            self.position = position
            if self.request.on_position:
                try:
                    self.request.on_position(position)
                except Exception:
                    log.exception("a listener for places in the queue failed")


class _GrowingLayer(DynamicLayer):
    """The keys and values of one layer, shape (sequences, heads, tokens, size), in memory that grows now and then.

    The layer of transformers copies all of them for each token.
    """

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            self._buffers = (
                self._enlarged(self.keys, key_states, end),
                self._enlarged(self.values, value_states, end),
            )
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self.truncate(end)
        return self.keys, self.values

    def truncate(self, length: int) -> None:
        """Discard the tokens after the first `length`."""
        if self._buffers is not None:
            self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)

    @property
    def nbytes(self) -> int:
        return sum(buffer.nbytes for buffer in self._buffers or ())

    @property
    def capacity(self) -> int:
        """Tokens for which there is memory, over all sequences."""
        return self._buffers[0].shape[0] * self._buffers[0].shape[-2] if self._buffers else 0

    @staticmethod
    def _enlarged(old: torch.Tensor, states: torch.Tensor, length: int) -> torch.Tensor:
        sequences, heads, _, size = states.shape
        # Zeros, because what is masked is still multiplied.
        new = states.new_zeros(sequences, heads, _rounded_up(length), size)
        if old.numel():
            new[:, :, : old.shape[-2]] = old
        return new

    @classmethod
    def packed(cls, parts: Sequence[tuple[_GrowingLayer, int, int]]) -> _GrowingLayer:
        """A layer of sequences from other layers, padded on the left: for each (layer, row, length) the last `length` tokens
        of that row.
        """
        longest = max(length for _, _, length in parts)
        layer = cls()
        first = parts[0][0]
        layer.lazy_initialization(first.keys, first.values)
        buffers = []
        for name in ("keys", "values"):
            _, heads, _, size = getattr(first, name).shape
            buffer = getattr(first, name).new_zeros(len(parts), heads, _rounded_up(longest + 1), size)
            for place, (source, row, length) in enumerate(parts):
                buffer[place, :, longest - length : longest] = getattr(source, name)[row, :, -length:]
            buffers.append(buffer)
        layer._buffers = (buffers[0], buffers[1])
        layer.truncate(longest)
        return layer


@dataclass(eq=False)
class _Sequence:
    """A text that is being written."""

    stream: Stream
    ids: list[int]
    sampler: Sampler
    inputs: ModelInputs
    """What the model gets at each step; with the sequence's own cache while it is computed solo."""
    processors: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """The penalties and the like of the model's own settings and of the request."""
    criteria: StoppingCriteriaList
    error_factor: float
    """How much the processors may magnify an error of a score."""
    seen: int = 0
    """How many of `ids` the model has seen."""
    exact: bool = True
    """Whether all that it saw was computed solo."""
    stays_solo: bool = False
    recomputations: int = 0
    batched_scores: torch.Tensor | None = None
    """Scores from a batch that left the next token open, to be compared with those computed solo."""

    @property
    def lacks_one_token(self) -> bool:
        """Whether the model has seen all but the last token."""
        return self.seen == len(self.ids) - 1


@dataclass(eq=False)
class _Batch:
    """Sequences that share a cache."""

    sequences: list[_Sequence] = field(default_factory=list)
    cache: Cache = field(default_factory=lambda: Cache(layers=[]))


class Engine:
    """Writes many texts at once with one model. Every method may be called from any thread.

    Its own thread lives while there is something to write, so nothing holds a model that is not used.
    """

    def __init__(
        self,
        model: CausalModel,
        tokenizer: PretrainedTokenizer | None = None,
        *,
        tokenizer_lock: AbstractContextManager[object] | None = None,
        batch: int = BATCH_SIZE,
        kv_tokens: int = KV_TOKENS,
        together: bool = True,
        tokens_per_second: int = 0,
    ) -> None:
        """`model` is in evaluation mode, and whoever else computes with it takes `turns`. Its `tokenizer` is needed for stop strings, and
        used only while `tokenizer_lock` is held.

        At most `batch` texts are written at once, with room for `kv_tokens` tokens in the cache, padding included. Each grows by
        at most `tokens_per_second`, unless that is 0.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._tokenizer_lock = tokenizer_lock or nullcontext()
        self._own_stop_strings = self._stop_strings(model.generation_config.stop_strings or ())
        self._batch_size = batch
        self._kv_limit = kv_tokens
        self._batching = together
        self._step_seconds = 1 / tokens_per_second if tokens_per_second else 0.0
        self._is_guarded = model.dtype == torch.float32 and not any(
            packed.rounds_inputs for packed in packed_in(model)
        )
        """Whether what rounding could decide is computed again."""
        self._largest_error = 0.0
        """The largest difference between a solo and a batched score that was seen."""
        self.turns = Turns()
        """Taken for each step. Whoever else computes with the model takes turns with the texts."""
        self._lock = threading.Lock()
        """Held for `_waiting` and `_thread`."""
        self._waiting: FairQueue[Stream] = FairQueue()
        self._thread: threading.Thread | None = None
        self._solo: list[_Sequence] = []
        self._batch = _Batch()
        self._bytes_per_token = 0.0
        self._recomputed = 0

    def submit(self, request: GenerationRequest) -> Stream:
        """Start to write as soon as it is the request's turn.

        Raises TooManyTokens if the cache will never have room for it, UnusableStop for texts that cannot be looked out for.
        """
        if request.length > self._kv_limit:
            raise TooManyTokens(self._kv_limit)
        # On the thread of whoever asks, because it takes a while.
        stream = Stream(request, self._stop_strings(request.sampling.stop))
        with self._lock:
            self._waiting.push(request.user, stream)
            waiting = list(self._waiting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine")
                self._thread.start()
        _announce_positions(waiting)
        return stream

    @property
    def status(self) -> EngineStatus:
        with self._lock:
            waiting = len(self._waiting)
        caches = self._growing_caches()
        return EngineStatus(
            running=len(self._solo) + len(self._batch.sequences),
            waiting=waiting,
            kv_tokens=sum(layers[0].capacity for layers in caches),
            kv_limit=self._kv_limit,
            kv_bytes=sum(layer.nbytes for layers in caches for layer in layers),
            recomputed=self._recomputed,
        )

    def verify(self, ids: Sequence[int]) -> float:
        """Continue two texts, `ids` and its last token, solo and in a batch: the largest difference of a score.

        A model that cannot be batched is found out here, and from then on computes each text solo. To be called before
        anything is submitted.
        """
        error = largest = 0.0
        with torch.inference_mode():
            prompts = (ids, ids[-1:])
            sequences = [
                self._start(Stream(GenerationRequest(part, _VERIFIED_TOKENS + 1))) for part in prompts
            ]
            for sequence in sequences:
                sequence.ids.append(int(self._forward(sequence).argmax()))
            if not self._batching or not all(map(self._can_be_batched, sequences)):
                self._batching = False
                return 0.0
            batch = _packed([(sequence.inputs["past_key_values"], 0, sequence) for sequence in sequences])
            for _ in range(_VERIFIED_TOKENS):
                batched = self._forward_batch(batch)
                for sequence, scores in zip(sequences, batched, strict=True):
                    exact = self._forward(sequence)
                    sequence.ids.append(int(exact.argmax()))
                    error = max(error, float((exact - scores).abs().max()))
                    largest = max(largest, float(exact.abs().max()))
        if not error <= _BATCHING_TOLERANCE * largest:
            log.warning("The model cannot be batched, so it writes one text after another.")
            self._batching = False
        self._largest_error = max(self._largest_error, error)
        return error

    def _stop_strings(self, texts: Sequence[str]) -> StopStringCriteria | None:
        """What ends a text at one of `texts`. The first time for some `texts`, it goes through the whole vocabulary."""
        if not texts:
            return None
        if self._tokenizer is None:
            raise ValueError("stop strings need the tokenizer")
        try:
            with self._tokenizer_lock:
                return StopStringCriteria(cast("PreTrainedTokenizerBase", self._tokenizer), list(texts))
        except (
            ValueError
        ) as error:  # no token has anything of them, or the vocabulary lacks the letters it is tried with
            raise UnusableStop(tuple(texts)) from error

    # Below is for the engine's own thread.

    def _run(self) -> None:
        with torch.inference_mode():
            while True:
                with self._lock:
                    if not (self._waiting or self._solo or self._batch.sequences):
                        self._batch = _Batch()
                        self._thread = None
                        return
                begun = time.monotonic()
                try:
                    with self.turns:
                        self._advance()
                except Exception as error:  # nobody else could tell the readers
                    log.exception("the engine failed")
                    for sequence in [*self._solo, *self._batch.sequences]:
                        sequence.stream.fail(error)
                    self._solo, self._batch = [], _Batch()
                if self._solo or self._batch.sequences:
                    time.sleep(max(0.0, begun + self._step_seconds - time.monotonic()))

    def _advance(self) -> None:
        """One token for every sequence, and the first one for those that start."""
        self._solo = [sequence for sequence in self._solo if not _was_interrupted(sequence)]
        self._keep_in_batch(
            [sequence for sequence in self._batch.sequences if not _was_interrupted(sequence)]
        )
        self._admit()
        self._join_batch()
        for sequence in list(self._solo):
            self._advance_solo(sequence)
        if self._batch.sequences:
            self._advance_batch()

    def _admit(self) -> None:
        """Read the prompts of those whose turn it is, as long as there is room."""
        while (stream := self._next_waiting()) is not None:
            if reason := stream.interruption:
                stream.fail(interrupted_before_start(reason))
                continue
            sequence = _or_fail(stream, partial(self._start, stream))
            if sequence is not None:
                self._solo.append(sequence)
                self._advance_solo(sequence)

    def _next_waiting(self) -> Stream | None:
        """The request whose turn it is, if there is room for it; before that any that is not to start any more."""
        with self._lock:
            interrupted = next((stream for stream in self._waiting if stream.interruption), None)
            stream = interrupted or next(iter(self._waiting), None)
            if stream is None or not (interrupted or self._has_room_for(stream.request)):
                return None
            if interrupted:
                self._waiting.remove(stream.request.user, stream)
            else:
                self._waiting.pop()
            waiting = list(self._waiting)
        stream.set_position(0)
        _announce_positions(waiting)
        return stream

    def _has_room_for(self, request: GenerationRequest) -> bool:
        sequences = [*self._solo, *self._batch.sequences]
        if not sequences:
            return True
        longest = max(request.length, *(sequence.stream.request.length for sequence in sequences))
        tokens = longest * (len(sequences) + 1)
        if len(sequences) >= self._batch_size or tokens > self._kv_limit:
            return False
        used = sum(layer.nbytes for layers in self._growing_caches() for layer in layers)
        more = tokens * self._bytes_per_token - used
        return more * MEMORY_HEADROOM <= memory.free(str(self._model.device))

    def _start(self, stream: Stream) -> _Sequence:
        """A sequence as `generate` would start it: with the model's own penalties, criteria and cache."""
        request, config = stream.request, self._model.generation_config
        inputs = torch.tensor([list(request.ids)], device=self._model.device)
        penalty = request.sampling.repetition_penalty
        if penalty == 1:
            penalty = config.repetition_penalty or 1.0
        stop_strings = list(filter(None, (self._own_stop_strings, stream.stop_strings)))
        _, processors, criteria, model_inputs = self._model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            # A model's own settings may say otherwise; penalties and the like they keep.
            do_sample=False,
            num_beams=1,
            num_return_sequences=1,
            return_dict_in_generate=False,
            max_new_tokens=request.max_new_tokens,
            repetition_penalty=penalty,
            stop_strings=None,  # a loop other than its own is not given the tokenizer for them
            stopping_criteria=StoppingCriteriaList(stop_strings),
            custom_generate=_loop_arguments,
        )
        cache = model_inputs.get("past_key_values")
        if (
            isinstance(cache, Cache)
            and cache.layers
            and all(_keeps_all_tokens(layer, request.length) for layer in cache.layers)
        ):
            cache.layers = [_GrowingLayer() for _ in cache.layers]
        sampler = Sampler(request.sampling)
        # The penalty multiplies or divides a score, and its error with it.
        error_factor = max(1.0, penalty, 1 / penalty)
        return _Sequence(stream, list(request.ids), sampler, model_inputs, processors, criteria, error_factor)

    def _advance_solo(self, sequence: _Sequence) -> None:
        """Feed a sequence that is computed solo what the model has not seen: the prompt, or one token."""
        scores = _or_fail(sequence.stream, partial(self._forward, sequence))
        if scores is None:
            self._solo.remove(sequence)
            return
        if sequence.seen < len(sequence.ids):
            return  # it is computed again
        if sequence.batched_scores is not None:
            self._record_error(scores, sequence.batched_scores)
            sequence.batched_scores = None
        if not _or_fail(sequence.stream, partial(self._write_token, sequence, scores)):
            self._solo.remove(sequence)

    def _forward(self, sequence: _Sequence) -> torch.Tensor:
        """The scores, shape (vocabulary,), after feeding it one token more, or the prompt if the model has seen none."""
        prompt = len(sequence.stream.request.ids)
        end = sequence.seen + 1 if sequence.seen else prompt
        first = not sequence.seen
        ids = torch.tensor([sequence.ids[:end]], device=self._model.device)
        newest = 1 if not first and sequence.inputs.get("use_cache") else None
        inputs = self._model.prepare_inputs_for_generation(
            ids, next_sequence_length=newest, is_first_iteration=first, **sequence.inputs
        )
        outputs = self._model(**inputs, return_dict=True)
        # As in its own loop.
        sequence.inputs = self._model._update_model_kwargs_for_generation(outputs, sequence.inputs)  # noqa: SLF001
        sequence.seen = end
        scores: torch.Tensor = outputs.logits[0, -1].float().cpu()
        return scores

    def _advance_batch(self) -> None:
        batch = self._batch
        length = batch.cache.get_seq_length()
        try:
            scores = self._forward_batch(batch)
        except Exception as error:
            for layer in _growing_layers(batch.cache):
                layer.truncate(length)
            if _is_out_of_memory(error):
                largest = max(batch.sequences, key=lambda sequence: sequence.seen)
                largest.stream.fail(_for_reader(error))
                self._keep_in_batch([sequence for sequence in batch.sequences if sequence is not largest])
            else:
                log.warning("A batch failed, so its texts go on one by one.", exc_info=True)
                self._dissolve_batch()
            return
        for sequence in batch.sequences:
            sequence.seen += 1
            sequence.exact = False
        pairs = zip(batch.sequences, scores, strict=True)
        self._keep_in_batch(
            [
                sequence
                for sequence, its_scores in pairs
                if _or_fail(sequence.stream, partial(self._write_token, sequence, its_scores))
            ]
        )

    def _forward_batch(self, batch: _Batch) -> torch.Tensor:
        """The scores, shape (sequences, vocabulary), after feeding each sequence its last token."""
        device = self._model.device
        lengths = torch.tensor([sequence.seen for sequence in batch.sequences], device=device)[:, None]
        newest = torch.tensor([[sequence.ids[sequence.seen]] for sequence in batch.sequences], device=device)
        end = batch.cache.get_seq_length() + 1
        columns = torch.arange(end, device=device)
        mask = (columns >= end - 1 - lengths).long()
        inputs = batch.sequences[0].inputs | {"past_key_values": batch.cache, "attention_mask": mask}
        if "position_ids" in inputs:
            inputs["position_ids"] = lengths
        prepared = self._model.prepare_inputs_for_generation(newest, next_sequence_length=1, **inputs)
        outputs = self._model(**prepared, return_dict=True)
        scores: torch.Tensor = outputs.logits[:, -1].float().cpu()
        return scores

    def _write_token(self, sequence: _Sequence, scores: torch.Tensor) -> bool:
        """Choose the next token and hand it on; whether the sequence stays where it is."""
        on_device = scores[None].to(self._model.device)
        processed = sequence.processors(self._id_tensor(sequence), on_device)[0].float().cpu()
        token = sequence.sampler.choose(processed, self._score_error(sequence, scores))
        if token is None:
            self._recompute(sequence, scores)
            return False
        stream = sequence.stream
        sequence.ids.append(token.id)
        stream.put(token)
        ids = self._id_tensor(sequence)
        if not bool(sequence.criteria(ids, None).all()):
            return True
        asked_for = stream.stop_strings is not None and bool(stream.stop_strings(ids, None).all())
        stream.end(Finish.STOP if asked_for else _own_reason(sequence, ids))
        return False

    def _score_error(self, sequence: _Sequence, scores: torch.Tensor) -> float:
        """By how much a processed score may be off."""
        if sequence.exact or sequence.stays_solo or not self._is_guarded:
            return 0.0
        expected = max(self._largest_error, _LEAST_ERROR * float(scores.abs().max()))
        return ERROR_MARGIN * expected * sequence.error_factor

    def _recompute(self, sequence: _Sequence, scores: torch.Tensor) -> None:
        """Have a sequence of the batch computed solo, from its prompt on."""
        sequence.inputs = self._start(sequence.stream).inputs
        sequence.seen, sequence.exact, sequence.batched_scores = 0, True, scores
        sequence.recomputations += 1
        sequence.stays_solo = sequence.recomputations >= _MOST_RECOMPUTATIONS
        self._recomputed += len(sequence.ids)
        self._solo.append(sequence)

    def _id_tensor(self, sequence: _Sequence) -> torch.Tensor:
        return torch.tensor([sequence.ids], device=self._model.device)

    def _record_error(self, exact: torch.Tensor, batched: torch.Tensor) -> None:
        error = float((exact - batched).abs().max())
        if error > self._largest_error:
            log.debug("batched scores were off by %.2g, more than before", error)
            self._largest_error = error

    def _can_be_batched(self, sequence: _Sequence) -> bool:
        positions = sequence.inputs.get("position_ids")
        return (
            self._batching
            and not sequence.stays_solo
            and sequence.lacks_one_token
            and sequence.inputs.keys() <= _BATCHABLE_INPUTS
            and bool(_growing_layers(sequence.inputs.get("past_key_values")))
            and (positions is None or positions.shape[:-1] == (1,))
        )

    def _join_batch(self) -> None:
        """Put all sequences that can be batched into one batch, if there is more than one."""
        ready = [sequence for sequence in self._solo if self._can_be_batched(sequence)]
        if not ready or len(ready) + len(self._batch.sequences) == 1:
            return
        parts = [(self._batch.cache, place, sequence) for place, sequence in enumerate(self._batch.sequences)]
        parts += [(sequence.inputs["past_key_values"], 0, sequence) for sequence in ready]
        self._batch = _packed(parts)
        for sequence in ready:
            sequence.inputs["past_key_values"] = None
        self._solo = [sequence for sequence in self._solo if sequence not in ready]
        layers = _growing_layers(self._batch.cache)
        self._bytes_per_token = sum(layer.nbytes for layer in layers) / layers[0].capacity

    def _keep_in_batch(self, sequences: list[_Sequence]) -> None:
        """Leave only these in the batch."""
        if len(sequences) == len(self._batch.sequences):
            return
        places = {sequence: place for place, sequence in enumerate(self._batch.sequences)}
        cache = self._batch.cache
        parts = [(cache, places[sequence], sequence) for sequence in sequences]
        self._batch = _packed(parts) if parts else _Batch()

    def _dissolve_batch(self) -> None:
        """Have each sequence of the batch go on solo, for good."""
        batch = self._batch
        for place, sequence in enumerate(batch.sequences):
            sequence.inputs["past_key_values"] = _packed([(batch.cache, place, sequence)]).cache
            if "position_ids" in sequence.inputs:
                positions = torch.arange(sequence.seen + 1, device=self._model.device)
                sequence.inputs["position_ids"] = positions[None]
            sequence.stays_solo = True
        self._solo += batch.sequences
        self._batch = _Batch()

    def _growing_caches(self) -> list[list[_GrowingLayer]]:
        """The layers of each cache in use whose size is known."""
        caches = [self._batch.cache, *(sequence.inputs.get("past_key_values") for sequence in self._solo)]
        return [layers for cache in caches if (layers := _growing_layers(cache))]


def interrupted_before_start(reason: Finish) -> Stopped:
    return StoppedBeforeStart() if reason is Finish.STOPPED else LateBeforeStart()


def _own_reason(sequence: _Sequence, ids: torch.Tensor) -> Finish | None:
    """Why the model's own criteria end a text, other than by its end token or one of its stop strings."""
    timed = (criterion for criterion in sequence.criteria if isinstance(criterion, MaxTimeCriteria))
    return Finish.MAX_TIME if any(bool(criterion(ids, None).all()) for criterion in timed) else None


def _loop_arguments(
    model: CausalModel,
    input_ids: torch.Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: object,
    **kwargs: object,
) -> tuple[torch.Tensor, LogitsProcessorList, StoppingCriteriaList, Mapping[str, object]]:
    """In place of the loop of `generate`, which calls it so: what the loop would have started with."""
    del model, generation_config
    return input_ids, logits_processor, stopping_criteria, kwargs


def _packed(parts: Sequence[tuple[Cache, int, _Sequence]]) -> _Batch:
    """A batch of sequences from other caches: each part is a cache, the sequence's row in it, and the sequence."""
    by_layer = zip(*(_growing_layers(cache) for cache, _, _ in parts), strict=True)
    layers = [
        _GrowingLayer.packed(
            [(layer, row, sequence.seen) for layer, (_, row, sequence) in zip(same, parts, strict=True)]
        )
        for same in by_layer
    ]
    return _Batch([sequence for _, _, sequence in parts], Cache(layers=[*layers]))


def _was_interrupted(sequence: _Sequence) -> bool:
    """Whether a sequence is to end; if so, its reader is told why."""
    if reason := sequence.stream.interruption:
        sequence.stream.end(reason)
    return reason is not None


def _keeps_all_tokens(layer: object, length: int) -> bool:
    """Whether a layer of transformers' cache would discard none of so many tokens."""
    if type(layer) is DynamicSlidingWindowLayer:
        return length <= layer.sliding_window
    return type(layer) is DynamicLayer


def _growing_layers(cache: object) -> list[_GrowingLayer]:
    """The layers of a cache that the engine can put together with others; none of any other cache."""
    layers = cache.layers if isinstance(cache, Cache) else []
    growing = [layer for layer in layers if isinstance(layer, _GrowingLayer)]
    return growing if len(growing) == len(layers) else []


def _rounded_up(length: int) -> int:
    return -(-length // CACHE_GROWTH) * CACHE_GROWTH


def _or_fail(stream: Stream, work: Callable[[], T]) -> T | None:
    """The result of `work` for one text; None if that failed, of which only the reader of this text is told."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the reader raises it
        stream.fail(_for_reader(error))
        return None


def _for_reader(error: Exception) -> Exception:
    return NoMemoryForText() if _is_out_of_memory(error) else error


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; for the CPU's, torch says so only in words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


def _announce_positions(waiting: Sequence[Stream]) -> None:
    for position, stream in enumerate(waiting, 1):
        stream.set_position(position)
