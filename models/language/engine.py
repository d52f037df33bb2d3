"""Continuous batching: texts join and leave a running batch of a causal language model between two tokens.

A request is computed alone until its prompt is read, exactly as `generate` of transformers would, then together
with the others: their rows stand in one cache, padded on the left. Whoever is alone stays computed alone, and so equals
`generate` bit by bit. In company, sums are rounded in another order. In float32 the engine knows how far that
can lead (it measures it when it is made and whenever it can) and wherever it could decide a token, it computes that
text anew, alone, up to this token. In lower precision texts may part; `together=False` computes each alone at all times.

Why not the engine of transformers 5 (`init_continuous_batching`): it drops the penalties that models ask for in their
`generation_config`, draws everybody's tokens with the process's random numbers, tells the probability of the
chosen token only, fails all requests of a batch with one, and serves first come, first served.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import StoppingCriteriaList, StopStringCriteria
from transformers.cache_utils import Cache, DynamicLayer, DynamicSlidingWindowLayer

from models import memory
from models.failures import BadInput, ModelError, Stopped
from models.language.sampler import Sampler, Token

log = logging.getLogger(__name__)

BATCH = 16
"""Texts that are written at once, unless said otherwise."""
KV_TOKENS = 16_384
"""Tokens for which the cache has room, unless said otherwise."""
GROWTH = 64
"""Tokens by which a cache grows at a time."""
SPARE = 1.25
"""How much more memory than a cache takes must be free before it is made."""
MARGIN = 16.0
"""How much larger an error than the largest seen is reckoned with in float32."""
_FLOOR = 2.0**-20
"""The error, as a share of the largest score, that is reckoned with at least."""
_TOLERANCE = 0.05
"""Difference between alone and in company, as a share of the largest score, past which a model cannot be batched."""
_STEPS = 3
"""Tokens for which alone and in company are compared when a model is tried."""
_OFTEN = 3
"""A text that must be computed anew so often stays alone from then on."""
_NO_MEMORY = "There is not enough memory for this text. Ask for a shorter one."
_KNOWN = {"past_key_values", "attention_mask", "position_ids", "use_cache", "logits_to_keep"}
"""What a model may be given at each step for its rows to be put together."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be written: at most `max_new_tokens` tokens after `ids`.

    `temperature`, `top_p` and `seed` are those of `models.sampling.Sampler`. `stop` and `deadline` (of
    `time.monotonic()`) are looked at after each token. Between those of different `user`, turns are taken.
    `on_position` is called, on some thread, with the place in the queue whenever that changes: 1 for the next, 0 for
    begun.
    """

    ids: Sequence[int]
    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    user: Hashable = None
    stop: threading.Event | None = None
    deadline: float | None = None
    on_position: Callable[[int], None] | None = None

    @property
    def length(self) -> int:
        """Tokens that it takes in the cache at most."""
        return len(self.ids) + self.max_new_tokens

    @property
    def over(self) -> str:
        """Why it should end: "stopped", "deadline", or nothing."""
        if self.stop is not None and self.stop.is_set():
            return "stopped"
        return "deadline" if self.deadline is not None and time.monotonic() >= self.deadline else ""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """An engine at one moment: texts being written and waiting, tokens that the cache has room for, used and at most, and
    the bytes that the used ones take. `recomputed` counts the tokens that were computed anew, alone.
    """

    running: int
    waiting: int
    kv_tokens: int
    kv_limit: int
    kv_bytes: int
    recomputed: int


class Stream:
    """The tokens of one request, to be iterated once, from any one thread; raises what ended it if it failed."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.finish = ""
        """After the last token: "stopped", "deadline", or nothing where the text came to its own end."""
        self.position = 0
        self.cancelled = threading.Event()
        self._tokens: queue.SimpleQueue[Token | BaseException | str] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[Token]:
        while True:
            match self._tokens.get():
                case Token() as token:
                    yield token
                case str(reason):
                    self.finish = reason
                    return
                case error:
                    raise error

    def cancel(self) -> None:
        """End it before its next token."""
        self.cancelled.set()

    @property
    def over(self) -> str:
        return "stopped" if self.cancelled.is_set() else self.request.over

    def put(self, item: Token | BaseException | str) -> None:
        """For the engine: a token, the failure or the reason that ends the stream."""
        self._tokens.put(item)

    def move(self, position: int) -> None:
        """For the engine: the new place in the queue."""
        if position != self.position:
            self.position = position
            if self.request.on_position:
                try:
                    self.request.on_position(position)
                except Exception:
                    log.exception("somebody who was told a place in the queue failed")


class _Layer(DynamicLayer):
    """The keys and values of one layer, shape (rows, heads, tokens, size), in memory that grows now and then.

    That of transformers is copied for each token.
    """

    keys: Any
    values: Any

    def __init__(self) -> None:
        super().__init__()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            self._buffers = (
                self._grown(self.keys, key_states, end),
                self._grown(self.values, value_states, end),
            )
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self.truncate(end)
        return self.keys, self.values

    def truncate(self, length: int) -> None:
        """Forget the tokens after the first `length`."""
        if self._buffers is not None:
            self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)

    @property
    def nbytes(self) -> int:
        return sum(buffer.nbytes for buffer in self._buffers or ())

    @property
    def room(self) -> int:
        """Tokens for which there is memory, over all rows."""
        return self._buffers[0].shape[0] * self._buffers[0].shape[-2] if self._buffers else 0

    @staticmethod
    def _grown(old: torch.Tensor, states: torch.Tensor, length: int) -> torch.Tensor:
        rows, heads, _, size = states.shape
        # Zeros, since what is masked is still multiplied.
        new = states.new_zeros(rows, heads, -(-length // GROWTH) * GROWTH, size)
        if old.numel():
            new[:, :, : old.shape[-2]] = old
        return new

    @classmethod
    def packed(cls, parts: Sequence[tuple[_Layer, int, int]]) -> _Layer:
        """A layer of the last `length` tokens of a row of another one for each (layer, row, length), padded on the left."""
        longest = max(length for _, _, length in parts)
        layer = cls()
        first = parts[0][0]
        layer.lazy_initialization(first.keys, first.values)
        made = []
        for name in ("keys", "values"):
            _, heads, _, size = getattr(first, name).shape
            capacity = -(-(longest + 1) // GROWTH) * GROWTH
            buffer = getattr(first, name).new_zeros(len(parts), heads, capacity, size)
            for place, (source, row, length) in enumerate(parts):
                buffer[place, :, longest - length : longest] = getattr(source, name)[row, :, -length:]
            made.append(buffer)
        layer._buffers = (made[0], made[1])
        layer.truncate(longest)
        return layer


@dataclass(eq=False)
class _Row:
    """A text that is being written."""

    stream: Stream
    ids: list[int]
    sampler: Sampler
    kwargs: dict[str, Any]
    """What `generate` gives the model at each step; its cache while the row is computed alone."""
    processors: Any
    criteria: Any
    fed: int = 0
    """How many of `ids` the model has seen."""
    exact: bool = True
    """Whether all that it saw was computed alone."""
    apart: bool = False
    """Whether it stays alone."""
    again: int = 0
    """How often it was computed anew."""
    recent: torch.Tensor | None = None
    """Scores in company that were not good enough, to be compared with those that are."""

    @property
    def current(self) -> bool:
        """Whether only its last token has not been seen."""
        return self.fed == len(self.ids) - 1


@dataclass(eq=False)
class _Batch:
    """Rows with one cache."""

    rows: list[_Row] = field(default_factory=list)
    cache: Any = None


class Engine:
    """Writes many texts at once with one model. Every method may be called from any thread.

    Its own thread lives while there is something to write, so nothing holds a model that is not used.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        batch: int = BATCH,
        kv_tokens: int = KV_TOKENS,
        together: bool = True,
    ) -> None:
        """`model` is a causal one of transformers, in evaluation mode, that nobody else uses meanwhile; its `tokenizer`
        is needed if its settings have `stop_strings`.

        At most `batch` texts are written at once, with room for `kv_tokens` tokens in the cache, padding included.
        """
        self._model = model
        words = model.generation_config.stop_strings
        self._stops = StoppingCriteriaList([StopStringCriteria(tokenizer, words)] if words else [])
        self._size = batch
        self._limit = kv_tokens
        self._together = together
        self._guards = model.dtype == torch.float32
        self._error = 0.0
        """The largest difference of a score between alone and in company that was seen."""
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, deque[Stream]] = {}
        """What each user has waiting; the order of the keys is the order of the turns."""
        self._thread: threading.Thread | None = None
        self._alone: list[_Row] = []
        self._batch = _Batch()
        self._token_bytes = 0.0
        self._recomputed = 0

    def submit(self, request: Request) -> Stream:
        """Begin to write as soon as it is its turn. BadInput if the cache will never have room for it."""
        if request.length > self._limit:
            raise BadInput(
                f"Prompt and continuation may have {self._limit:,} tokens together. Ask for fewer or shorten it."
            )
        stream = Stream(request)
        with self._lock:
            self._waiting.setdefault(request.user, deque()).append(stream)
            moved = self._queue()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine")
                self._thread.start()
        _tell(moved)
        return stream

    @property
    def status(self) -> EngineStatus:
        with self._lock:
            waiting = len(self._queue())
        with_memory = self._layers()
        return EngineStatus(
            running=len(self._alone) + len(self._batch.rows),
            waiting=waiting,
            kv_tokens=sum(layers[0].room for layers in with_memory),
            kv_limit=self._limit,
            kv_bytes=sum(layer.nbytes for layers in with_memory for layer in layers),
            recomputed=self._recomputed,
        )

    def verify(self, ids: Sequence[int]) -> float:
        """Continue two texts, `ids` and its last token, alone and together: the largest difference of a score.

        A model that cannot be batched is found out here, and from then on computes each text alone. To be called
        before anything is submitted.
        """
        error = largest = 0.0
        with torch.inference_mode():
            rows = [self._begun(Stream(Request(part, _STEPS + 1))) for part in (ids, ids[-1:])]
            for row in rows:
                row.ids.append(int(self._fed(row).argmax()))
            if not self._together or not all(map(self._joinable, rows)):
                self._together = False
                return 0.0
            batch = self._packed([(row.kwargs["past_key_values"], 0, row) for row in rows])
            for _ in range(_STEPS):
                together = self._fed_together(batch)
                for row, scores in zip(rows, together, strict=True):
                    exact = self._fed(row)
                    row.ids.append(int(exact.argmax()))
                    error = max(error, float((exact - scores).abs().max()))
                    largest = max(largest, float(exact.abs().max()))
        if not error <= _TOLERANCE * largest:
            log.warning("The model cannot be batched, so it writes one text after another.")
            self._together = False
        self._error = max(self._error, error)
        return error

    # Below is for the engine's own thread.

    def _run(self) -> None:
        with torch.inference_mode():
            while True:
                with self._lock:
                    if not (self._waiting or self._alone or self._batch.rows):
                        self._batch = _Batch()
                        self._thread = None
                        return
                try:
                    self._turn()
                except Exception as error:  # nobody else could tell those who wait
                    log.exception("the engine failed")
                    for row in [*self._alone, *self._batch.rows]:
                        row.stream.put(error)
                    self._alone, self._batch = [], _Batch()

    def _turn(self) -> None:
        """One token for everybody, and the first one for those who join."""
        self._alone = [row for row in self._alone if not _over(row)]
        self._keep([row for row in self._batch.rows if not _over(row)])
        self._admit()
        self._join()
        for row in list(self._alone):
            self._step(row)
        if self._batch.rows:
            self._step_together()

    def _admit(self) -> None:
        """Read the prompts of those whose turn it is, as long as there is room."""
        while (stream := self._next()) is not None:
            if reason := stream.over:
                stream.put(too_late(reason))
                continue
            try:
                row = self._begun(stream)
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker must learn of it
                stream.put(_said(error))
                continue
            self._alone.append(row)
            self._step(row)

    def _next(self) -> Stream | None:
        """The request whose turn it is, if there is room for it; also one that is not to begin any more."""
        with self._lock:
            gone = [stream for row in self._waiting.values() for stream in row if stream.over]
            order = gone or self._queue()
            if not order or not (gone or self._fits(order[0].request)):
                return None
            stream = order[0]
            line = self._waiting.pop(stream.request.user)
            line.remove(stream)
            if line:
                self._waiting[stream.request.user] = line  # to the end of the row
            moved = self._queue()
        stream.move(0)
        _tell(moved)
        return stream

    def _queue(self) -> list[Stream]:
        """Those that wait, in the order in which they begin."""
        rounds = itertools.zip_longest(*self._waiting.values())
        return [stream for turn in rounds for stream in turn if stream is not None]

    def _fits(self, request: Request) -> bool:
        rows = [*self._alone, *self._batch.rows]
        if not rows:
            return True
        longest = max(request.length, *(row.stream.request.length for row in rows))
        tokens = longest * (len(rows) + 1)
        if len(rows) >= self._size or tokens > self._limit:
            return False
        used = sum(layer.nbytes for layers in self._layers() for layer in layers)
        more = tokens * self._token_bytes - used
        return more * SPARE <= memory.free(str(self._model.device))

    def _begun(self, stream: Stream) -> _Row:
        """A row as `generate` would begin it: with the model's own penalties, criteria and cache."""
        request = stream.request
        inputs = torch.tensor([list(request.ids)], device=self._model.device)
        _, processors, criteria, kwargs = self._model.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            # A model's own settings may say otherwise; penalties and the like they keep.
            do_sample=False,
            num_beams=1,
            num_return_sequences=1,
            return_dict_in_generate=False,
            max_new_tokens=request.max_new_tokens,
            stop_strings=None,  # a loop other than its own is not given the tokenizer for them
            stopping_criteria=self._stops,
            custom_generate=_prepared,
        )
        cache = kwargs.get("past_key_values")
        if (
            isinstance(cache, Cache)
            and cache.layers
            and all(_keeps_all(layer, request.length) for layer in cache.layers)
        ):
            cache.layers = [_Layer() for _ in cache.layers]
        sampler = Sampler(request.temperature, request.top_p, request.seed)
        return _Row(stream, list(request.ids), sampler, kwargs, processors, criteria)

    def _step(self, row: _Row) -> None:
        """Feed a row that is computed alone what it has not seen: the prompt, or one token."""
        try:
            scores = self._fed(row)
        except Exception as error:  # noqa: BLE001 - it is this text's alone, whatever it is
            row.stream.put(_said(error))
            self._alone.remove(row)
            return
        if row.fed < len(row.ids):
            return  # it catches up after having been in company
        if row.recent is not None:
            self._learn(scores, row.recent)
            row.recent = None
        if not self._chosen(row, scores):
            self._alone.remove(row)

    def _fed(self, row: _Row) -> torch.Tensor:
        """The scores, shape (vocabulary,), after feeding it one token more, or the prompt if it saw none."""
        prompt = len(row.stream.request.ids)
        end = row.fed + 1 if row.fed else prompt
        first = not row.fed
        ids = torch.tensor([row.ids[:end]], device=self._model.device)
        newest = 1 if not first and row.kwargs.get("use_cache") else None
        inputs = self._model.prepare_inputs_for_generation(
            ids, next_sequence_length=newest, is_first_iteration=first, **row.kwargs
        )
        outputs = self._model(**inputs, return_dict=True)
        row.kwargs = self._model._update_model_kwargs_for_generation(outputs, row.kwargs)  # noqa: SLF001 - as in its own loop
        row.fed = end
        scores: torch.Tensor = outputs.logits[0, -1].float().cpu()
        return scores

    def _step_together(self) -> None:
        batch = self._batch
        length = batch.cache.get_seq_length()
        try:
            scores = self._fed_together(batch)
        except Exception as error:
            for layer in batch.cache.layers:
                layer.truncate(length)
            if _is_memory(error):
                largest = max(batch.rows, key=lambda row: row.fed)
                largest.stream.put(_said(error))
                self._keep([row for row in batch.rows if row is not largest])
            else:
                log.warning("A batch failed, so its texts go on one by one.", exc_info=True)
                self._part(batch)
            return
        for row in batch.rows:
            row.fed += 1
            row.exact = False
        pairs = zip(batch.rows, scores, strict=True)
        self._keep([row for row, its_scores in pairs if self._chosen(row, its_scores)])

    def _fed_together(self, batch: _Batch) -> torch.Tensor:
        """The scores, shape (rows, vocabulary), after feeding each row its last token."""
        device = self._model.device
        lengths = torch.tensor([row.fed for row in batch.rows], device=device)[:, None]
        newest = torch.tensor([[row.ids[row.fed]] for row in batch.rows], device=device)
        end = batch.cache.get_seq_length() + 1
        columns = torch.arange(end, device=device)
        mask = (columns >= end - 1 - lengths).long()
        kwargs = batch.rows[0].kwargs | {"past_key_values": batch.cache, "attention_mask": mask}
        if "position_ids" in kwargs:
            kwargs["position_ids"] = lengths
        inputs = self._model.prepare_inputs_for_generation(newest, next_sequence_length=1, **kwargs)
        outputs = self._model(**inputs, return_dict=True)
        scores: torch.Tensor = outputs.logits[:, -1].float().cpu()
        return scores

    def _chosen(self, row: _Row, scores: torch.Tensor) -> bool:
        """Hand on the next token; whether the row stays where it is."""
        try:
            processed = row.processors(self._ids(row), scores[None].to(self._model.device))[0].float().cpu()
            token = row.sampler.choose(processed, self._doubt(row, scores))
            if token is None:
                self._recompute(row, scores)
                return False
            row.ids.append(token.id)
            row.stream.put(token)
            if not bool(row.criteria(self._ids(row), None).all()):
                return True
            row.stream.put("")
        except Exception as error:  # noqa: BLE001 - it is this text's alone, whatever it is
            row.stream.put(_said(error))
        return False

    def _doubt(self, row: _Row, scores: torch.Tensor) -> float:
        """By how much a score may be off."""
        if row.exact or row.apart or not self._guards:
            return 0.0
        return MARGIN * max(self._error, _FLOOR * float(scores.abs().max()))

    def _recompute(self, row: _Row, scores: torch.Tensor) -> None:
        """Have a row of the batch computed alone from its prompt on."""
        row.kwargs = self._begun(row.stream).kwargs
        row.fed, row.exact, row.recent = 0, True, scores
        row.again += 1
        row.apart = row.again >= _OFTEN
        self._recomputed += len(row.ids)
        self._alone.append(row)

    def _ids(self, row: _Row) -> torch.Tensor:
        return torch.tensor([row.ids], device=self._model.device)

    def _learn(self, exact: torch.Tensor, rough: torch.Tensor) -> None:
        """Look how far the scores in company were off."""
        error = float((exact - rough).abs().max())
        if error > self._error:
            log.debug("scores in company were off by %.2g, more than before", error)
            self._error = error

    def _joinable(self, row: _Row) -> bool:
        cache = row.kwargs.get("past_key_values")
        positions = row.kwargs.get("position_ids")
        return (
            self._together
            and not row.apart
            and row.current
            and row.kwargs.keys() <= _KNOWN
            and _is_ours(cache)
            and (positions is None or positions.shape[:-1] == (1,))
        )

    def _join(self) -> None:
        """Put together whoever can be, if that is more than one."""
        ready = [row for row in self._alone if self._joinable(row)]
        if not ready or len(ready) + len(self._batch.rows) == 1:
            return
        parts = [(self._batch.cache, place, row) for place, row in enumerate(self._batch.rows)]
        self._batch = self._packed([*parts, *((row.kwargs["past_key_values"], 0, row) for row in ready)])
        for row in ready:
            row.kwargs["past_key_values"] = None
        self._alone = [row for row in self._alone if row not in ready]
        layers = self._batch.cache.layers
        self._token_bytes = sum(layer.nbytes for layer in layers) / layers[0].room

    def _keep(self, rows: list[_Row]) -> None:
        """Leave only these in the batch."""
        if len(rows) == len(self._batch.rows):
            return
        places = {row: place for place, row in enumerate(self._batch.rows)}
        cache = self._batch.cache
        self._batch = self._packed([(cache, places[row], row) for row in rows]) if rows else _Batch()

    def _part(self, batch: _Batch) -> None:
        """Have each row of a batch go on alone, for good."""
        for place, row in enumerate(batch.rows):
            row.kwargs["past_key_values"] = self._packed([(batch.cache, place, row)]).cache
            if "position_ids" in row.kwargs:
                row.kwargs["position_ids"] = torch.arange(row.fed + 1, device=self._model.device)[None]
            row.apart = True
        self._alone += batch.rows
        self._batch = _Batch()

    @staticmethod
    def _packed(parts: Sequence[tuple[Any, int, _Row]]) -> _Batch:
        """A batch of the rows, each of which stands at some place of some cache."""
        layers = [
            _Layer.packed([(cache.layers[number], place, row.fed) for cache, place, row in parts])
            for number in range(len(parts[0][0].layers))
        ]
        return _Batch([row for _, _, row in parts], Cache(layers=[*layers]))

    def _layers(self) -> list[list[_Layer]]:
        """Those of each cache in use whose size is known."""
        caches = [self._batch.cache, *(row.kwargs.get("past_key_values") for row in self._alone)]
        return [cache.layers for cache in caches if _is_ours(cache)]


def _prepared(
    model: Any,  # noqa: ARG001 - so `generate` of transformers calls its loop
    input_ids: torch.Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,  # noqa: ARG001
    **kwargs: Any,
) -> tuple[torch.Tensor, Any, Any, dict[str, Any]]:
    """In the place of the loop of `generate`: what it would have begun with."""
    return input_ids, logits_processor, stopping_criteria, kwargs


def _over(row: _Row) -> bool:
    """Whether it is to end; then its reader is told why."""
    if reason := row.stream.over:
        row.stream.put(reason)
    return bool(reason)


def too_late(reason: str) -> Stopped:
    """What is said of a request that ended before it began."""
    return Stopped(
        "This was stopped before it began."
        if reason == "stopped"
        else "There was no time left to begin with this."
    )


def _keeps_all(layer: Any, length: int) -> bool:
    """Whether a layer of transformers' cache would forget nothing of so many tokens."""
    if type(layer) is DynamicSlidingWindowLayer:
        return length <= layer.sliding_window
    return type(layer) is DynamicLayer


def _is_ours(cache: Any) -> bool:
    return isinstance(cache, Cache) and all(isinstance(layer, _Layer) for layer in cache.layers)


def _said(error: Exception) -> Exception:
    return ModelError(_NO_MEMORY) if _is_memory(error) else error


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out; torch says so of the CPU's in words only."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


def _tell(waiting: Sequence[Stream]) -> None:
    for position, stream in enumerate(waiting, 1):
        stream.move(position)
